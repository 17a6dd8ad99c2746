#include "edge/history/import.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "edge/history/bar_file.hpp"
#include "edge/history/bar_store.hpp"
#include "edge/history/byte_source.hpp"
#include "edge/history/file_name.hpp"
#include "edge/history/instruments.hpp"
#include "edge/history/rate_file.hpp"

namespace qtrader::history {
namespace {

using base::Errc;
using base::Error;
using base::Result;
namespace fs = std::filesystem;

constexpr std::size_t kLargestJson = 256 << 20;

struct SeriesKey {
  SeriesKind kind = SeriesKind::UsdmBars;
  std::string symbol;
  domain::Timeframe timeframe = domain::Timeframe::M1;
  auto operator<=>(const SeriesKey&) const = default;
};

class Importer {
 public:
  Importer(const ImportRequest& request, std::set<std::string> symbols)
      : request_(request), symbols_(std::move(symbols)) {}

  Result<ImportResult> run();

 private:
  bool wanted(const SeriesInfo& s) const {
    if (!symbols_.empty() && !symbols_.contains(s.symbol)) return false;
    return s.kind == SeriesKind::Funding || !request_.timeframe || s.timeframe == *request_.timeframe;
  }
  Result<void> run_catalog();
  Result<void> run_named_by_hand();
  Result<void> import_series(const Catalog& catalog, const SeriesKey& key);
  Result<void> import_bars(const SeriesKey& key, BarCursor& cursor, const SeriesInfo& first);
  Result<void> import_instruments(const Catalog* catalog);
  void wrote(const fs::path& file, std::uint64_t rows) {
    result_.files.push_back(file.string());
    if (request_.progress) request_.progress(file.string() + ": " + std::to_string(rows) + " rows");
  }

  const ImportRequest& request_;
  std::set<std::string> symbols_;  // canonical
  std::set<std::string> usdm_;     // symbols whose USD-M bars were imported
  ImportResult result_;
};

Result<void> Importer::import_bars(const SeriesKey& key, BarCursor& cursor, const SeriesInfo& first) {
  const fs::path directory = key.kind == SeriesKind::SpotBars ? request_.out / "spot" : request_.out;
  StoreTags tags{key.symbol, key.kind, first.synthetic, first.format + " " + request_.source.string()};
  tags.source.resize(std::min<std::size_t>(tags.source.size(), 1024));
  QT_TRY(auto writer, BarStoreWriter::create(directory, std::move(tags), key.timeframe));
  std::uint64_t rows = 0;
  for (;; ++rows) {
    QT_TRY(const auto bar, cursor.next());
    if (!bar) break;
    QT_TRY_VOID(writer.append(*bar));
  }
  if (rows == 0) return Error{"history", Errc::NotFound, first.path.string() + ": no rows"};
  QT_TRY(const fs::path file, writer.commit());
  result_.bars += rows;
  if (key.kind == SeriesKind::UsdmBars) usdm_.insert(key.symbol);
  wrote(file, rows);
  return {};
}

Result<void> Importer::import_series(const Catalog& catalog, const SeriesKey& key) {
  if (key.kind == SeriesKind::Funding) {
    QT_TRY(const auto rates, catalog.funding(key.symbol, kAllTime));
    if (rates.empty()) return Error{"history", Errc::NotFound, key.symbol + ": a funding file without rows"};
    QT_TRY(const fs::path file, write_funding_csv(request_.out / "funding", key.symbol, rates));
    result_.rates += rates.size();
    wrote(file, rates.size());
    return {};
  }
  const auto files = catalog.select(key.kind, key.symbol, key.timeframe, kAllTime);
  QT_TRY(const auto cursor, catalog.bars_of(key.kind, key.symbol, key.timeframe, kAllTime));
  if (key.kind != SeriesKind::MarkBars) return import_bars(key, *cursor, files.front());
  QT_TRY(const auto written, write_mark_csv(request_.out / "mark", key.symbol, key.timeframe, *cursor));
  result_.marks += written.rows;
  wrote(written.file, written.rows);
  return {};
}

Result<void> Importer::run_catalog() {
  QT_TRY(const Catalog catalog, Catalog::scan(request_.source));
  std::map<SeriesKey, int> keys;  // with the best rank there is
  for (const SeriesInfo& s : catalog.series()) {
    if (!wanted(s)) continue;
    SeriesKey key{s.kind, s.symbol, s.timeframe};
    if (s.kind == SeriesKind::Funding) key.timeframe = domain::Timeframe::M1;
    const auto [at, fresh] = keys.emplace(key, format_rank(s.format));
    at->second = std::min(at->second, format_rank(s.format));
  }
  for (const auto& symbol : symbols_)
    if (std::none_of(keys.begin(), keys.end(), [&](const auto& k) { return k.first.symbol == symbol; })) {
      std::string there;
      for (const auto& s : catalog.symbols(SeriesKind::UsdmBars))
        if (there.size() < 400) there += " " + s;
      return Error{"history", Errc::NotFound,
                   symbol + ": nothing to import under " + request_.source.string() +
                       "; USD-M bars there:" + (there.empty() ? " none" : there)};
    }
  if (keys.empty())
    return Error{"history", Errc::NotFound,
                 request_.source.string() +
                     ": no file with a known name, like BTCUSDT-1h_20240101-20241231.csv, BTCUSDT-1m-2024-01.zip or "
                     "BTC_USDT_USDT-5m-futures.json; one file of another name needs --symbols and --timeframe"};
  for (const auto& [key, rank] : keys) QT_TRY_VOID(import_series(catalog, key));
  for (const SeriesInfo& s : catalog.series())
    if (wanted(s) && s.kind != SeriesKind::Funding && format_rank(s.format) > keys[{s.kind, s.symbol, s.timeframe}])
      result_.skipped.push_back(s.symbol + " " + std::string(to_string(s.timeframe)) + " of " + s.path.string());
  return import_instruments(&catalog);
}

/// One file whose name says nothing: symbol and timeframe come from the request.
Result<void> Importer::run_named_by_hand() {
  SeriesInfo info;
  info.path = request_.source;
  info.symbol = *symbols_.begin();
  info.timeframe = *request_.timeframe;
  info.format = request_.source.filename().string().find(".json") != std::string::npos ? "freqtrade-json" : "csv";
  QT_TRY(const auto cursor, open_bar_file(info, kAllTime));
  QT_TRY_VOID(import_bars({info.kind, info.symbol, info.timeframe}, *cursor, info));
  return import_instruments(nullptr);
}

Result<void> Importer::import_instruments(const Catalog* catalog) {
  if (request_.exchange_info.empty() && request_.brackets.empty()) return {};
  std::map<std::string, domain::Instrument> known;
  if (!request_.exchange_info.empty()) {
    QT_TRY(const std::string text, read_all(request_.exchange_info, kLargestJson));
    QT_TRY(const auto listed, parse_exchange_info(text, request_.exchange_info.string()));
    for (const auto& i : listed) known[i.symbol] = i;
  }
  std::map<std::string, std::vector<domain::LeverageBracket>> brackets;
  if (!request_.brackets.empty()) {
    QT_TRY(const std::string text, read_all(request_.brackets, kLargestJson));
    QT_TRY(brackets, parse_brackets(text, request_.brackets.string()));
  }
  const fs::path target = request_.out / "instruments.json";
  std::map<std::string, domain::Instrument> merged;
  std::error_code ec;
  if (fs::exists(target, ec)) {
    QT_TRY(const auto there, load_instruments(target));
    for (const auto& i : there) merged[i.symbol] = i;
  }
  for (const auto& symbol : usdm_) {
    const auto listed = known.find(symbol);
    const auto tiers = brackets.find(symbol);
    if (listed == known.end() && (tiers == brackets.end() || catalog == nullptr)) continue;
    domain::Instrument i;
    if (listed != known.end()) {
      i = listed->second;
    } else {
      QT_TRY(i, catalog->instrument(symbol));
    }
    if (tiers != brackets.end()) i.brackets = tiers->second;
    i.assumed = listed == known.end() || tiers == brackets.end();
    merged[symbol] = i;
    ++result_.instruments;
  }
  std::vector<domain::Instrument> all;
  for (const auto& [symbol, i] : merged) all.push_back(i);
  QT_TRY_VOID(save_instruments(target, std::move(all)));
  wrote(target, merged.size());
  return {};
}

Result<ImportResult> Importer::run() {
  std::error_code ec;
  const bool by_hand = fs::is_regular_file(request_.source, ec) && !parse_file_name(request_.source) &&
                       symbols_.size() == 1 && request_.timeframe;
  if (by_hand) {
    QT_TRY_VOID(run_named_by_hand());
  } else {
    QT_TRY_VOID(run_catalog());
  }
  return std::move(result_);
}

}  // namespace

Result<ImportResult> import_data(const ImportRequest& request) {
  std::set<std::string> symbols;
  for (const auto& text : request.symbols) {
    QT_TRY(auto symbol, domain::canonical_symbol(text));
    symbols.insert(std::move(symbol));
  }
  return Importer(request, std::move(symbols)).run();
}

}  // namespace qtrader::history
