#include "edge/history/catalog.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>

#include "core/base/hash.hpp"
#include "edge/history/bar_file.hpp"
#include "edge/history/bar_store.hpp"
#include "edge/history/file_name.hpp"
#include "edge/history/instruments.hpp"
#include "edge/history/rate_file.hpp"
#include "edge/history/series_probe.hpp"

namespace qtrader::history {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using domain::Timeframe;
namespace fs = std::filesystem;

constexpr base::Duration kTolerated = base::days(1);  // file names have the resolution of a day

std::string describe(const Window& window) {
  const auto text = [](base::Timestamp ts) {
    const bool open = ts == kAllTime.from || ts == kAllTime.to;
    return open ? std::string("…") : base::format_timestamp(ts).substr(0, 16);
  };
  return text(window.from) + " to " + text(window.to);
}

bool overlaps(const SeriesInfo& s, Window window) {
  return s.from == s.to || (s.from < window.to && window.from < s.to);
}

bool sorts_before(const SeriesInfo& a, const SeriesInfo& b) {
  const auto key = [](const SeriesInfo& s) {
    return std::tuple(std::string_view(s.symbol), s.kind, s.timeframe, format_rank(s.format), s.from, s.to);
  };
  return key(a) != key(b) ? key(a) < key(b) : a.path < b.path;
}

/// Whether the bars of one file are dense: at most 1 % missing and no hole longer than tolerated, within the window.
/// Only where that is known without reading every row: a recording of many symbols was counted by the scan, a store has
/// its times in one column.
Result<bool> dense(const SeriesInfo& s, Window window) {
  const auto sufficient = [&](std::uint64_t rows, base::Duration span) {
    const auto expected = static_cast<std::uint64_t>(span.ns / domain::duration(s.timeframe).ns);
    return rows * 100 >= expected * 99;
  };
  if (s.format == "csv-long") return sufficient(s.rows, s.to - s.from);
  if (s.format != "qtb") return true;
  const Window inner{std::max(s.from, window.from), std::min(s.to, window.to)};
  QT_TRY(const StoreDensity d, read_density(s.path, inner));
  return d.longest_hole <= kTolerated && sufficient(d.rows, inner.to - inner.from);
}

Result<bool> covers(const std::vector<SeriesInfo>& files, Window window) {
  base::Timestamp covered = window.from;
  for (const SeriesInfo& named : files) {
    SeriesInfo s = named;
    if (s.from == s.to) {
      QT_TRY(s, probe_series(named));
    }
    if (s.from >= window.to || s.to <= window.from) continue;
    if (s.from > covered + kTolerated) return false;  // sums: an open-ended window's differences overflow
    QT_TRY(const bool solid, dense(s, window));
    if (!solid) return false;
    covered = std::max(covered, s.to);
  }
  return covered + kTolerated >= window.to;
}

/// Blocks of about 64 KiB go through XXH64 under two seeds, the digests through SHA-256: an identity at the speed of
/// reading, which SHA-256 alone is not. Guards against accidents, not against an adversary.
class ContentHash {
 public:
  void text(std::string_view t) {
    block_.append(t);
    block_.push_back('\n');
  }
  template <class... Values>
  void values(Values... v) {
    std::array<char, (sizeof(Values) + ...)> row;
    std::size_t at = 0;
    ((std::memcpy(row.data() + at, &v, sizeof v), at += sizeof v), ...);
    block_.append(row.data(), row.size());
    if (block_.size() >= kBlockBytes) flush();
  }
  std::string finish() {
    flush();
    return sha_.finish_hex();
  }

 private:
  static constexpr std::size_t kBlockBytes = 65'536;
  void flush() {
    const auto bytes = base::as_bytes(block_);
    const std::array<std::uint64_t, 3> digest = {base::xxh64(bytes, 0), base::xxh64(bytes, 1), bytes.size()};
    sha_.update(std::as_bytes(std::span(digest)));
    block_.clear();
  }
  std::string block_;
  base::Sha256 sha_;
};

}  // namespace

struct Catalog::Impl {
  fs::path root;
  std::vector<SeriesInfo> series;
  std::vector<domain::Instrument> instruments;

  std::vector<SeriesInfo> of(SeriesKind kind, const std::string& symbol) const {
    std::vector<SeriesInfo> out;
    std::copy_if(series.begin(), series.end(), std::back_inserter(out),
                 [&](const SeriesInfo& s) { return s.kind == kind && s.symbol == symbol; });
    return out;
  }
  Result<void> add(const fs::path& file);
  Result<std::vector<SeriesInfo>> choose(SeriesKind kind, const std::string& symbol, Timeframe tf, Window window,
                                         bool must_cover) const;
  Error not_found(SeriesKind kind, const std::string& symbol, const std::string& wanted) const;
  Result<std::vector<FundingRow>> funding_rows(const std::string& symbol) const;
};

Result<void> Catalog::Impl::add(const fs::path& file) {
  auto named = parse_file_name(file);
  if (!named) return {};
  if (named->info.format == "qtb") {
    QT_TRY(const StoreInfo store, read_store_info(file));
    SeriesInfo& s = named->info;
    s.symbol = store.tags.symbol;
    s.kind = store.tags.kind;
    s.timeframe = store.timeframe;
    s.from = store.from;
    s.to = store.to;
    s.rows = store.rows;
    s.synthetic = store.tags.synthetic;
    if (s.rows > 0) series.push_back(s);
    return {};
  }
  if (!named->many_symbols) {
    series.push_back(named->info);
    return {};
  }
  QT_TRY(auto listed, list_symbols(named->info));
  series.insert(series.end(), listed.begin(), listed.end());
  return {};
}

/// Files of the best format that covers the window, else (unless must_cover) of the best that overlaps it.
Result<std::vector<SeriesInfo>> Catalog::Impl::choose(SeriesKind kind, const std::string& symbol, Timeframe tf,
                                                      Window window, bool must_cover) const {
  std::map<int, std::vector<SeriesInfo>> by_rank;
  for (const SeriesInfo& s : of(kind, symbol))
    if (s.timeframe == tf && overlaps(s, window)) by_rank[format_rank(s.format)].push_back(s);
  if (by_rank.empty()) return std::vector<SeriesInfo>();
  if (by_rank.size() == 1 && !must_cover) return by_rank.begin()->second;
  for (const auto& [rank, files] : by_rank) {
    QT_TRY(const bool whole, covers(files, window));
    if (whole) return files;
  }
  return must_cover ? std::vector<SeriesInfo>() : by_rank.begin()->second;
}

Error Catalog::Impl::not_found(SeriesKind kind, const std::string& symbol, const std::string& wanted) const {
  std::set<std::string> there;
  std::string ranges;
  for (const SeriesInfo& s : series) {
    if (s.kind != kind) continue;
    there.insert(s.symbol);
    if (s.symbol == symbol && ranges.size() < 400)
      ranges +=
          (ranges.empty() ? "" : ", ") + std::string(to_string(s.timeframe)) + " " +
          (s.from == s.to ? std::string("(undated)") : base::format_date(s.from) + " to " + base::format_date(s.to));
  }
  std::string what = symbol + ": no " + wanted + " under " + root.string();
  if (there.empty())
    return {"history", Errc::NotFound, what + ", which holds no " + std::string(base::enum_name(kind))};
  if (!ranges.empty()) return {"history", Errc::NotFound, what + "; there is " + ranges};
  what += "; symbols there:";
  std::size_t listed = 0;
  for (const auto& s : there) {
    if (++listed > 40) break;
    what += " " + s;
  }
  if (there.size() > 40) what += " and " + std::to_string(there.size() - 40) + " more";
  return {"history", Errc::NotFound, what};
}

Catalog::Catalog(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Result<Catalog> Catalog::scan(const fs::path& root) {
  auto impl = std::make_shared<Impl>();
  impl->root = root;
  std::error_code ec;
  const fs::file_status status = fs::status(root, ec);
  if (!fs::exists(status)) return Error{"history", Errc::NotFound, root.string() + ": no such directory or file"};
  std::vector<fs::path> files;
  if (fs::is_directory(status)) {
    fs::recursive_directory_iterator it(root, fs::directory_options::follow_directory_symlink, ec), end;
    for (; !ec && it != end; it.increment(ec))
      if (it->is_regular_file(ec)) files.push_back(it->path());
    if (ec) return Error{"history", Errc::Io, root.string() + ": " + ec.message()};
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(root);
  }
  for (const auto& file : files) QT_TRY_VOID(impl->add(file));
  std::stable_sort(impl->series.begin(), impl->series.end(), sorts_before);
  const fs::path rules = (fs::is_directory(status) ? root : root.parent_path()) / "instruments.json";
  if (fs::exists(rules, ec)) {
    QT_TRY(impl->instruments, load_instruments(rules));
  }
  return Catalog(std::move(impl));
}

const std::vector<SeriesInfo>& Catalog::series() const { return impl_->series; }
const fs::path& Catalog::root() const { return impl_->root; }

bool Catalog::synthetic() const {
  return std::any_of(series().begin(), series().end(), [](const SeriesInfo& s) { return s.synthetic; });
}

std::vector<std::string> Catalog::symbols(SeriesKind kind) const {
  std::set<std::string> out;
  for (const SeriesInfo& s : series())
    if (s.kind == kind) out.insert(s.symbol);
  return {out.begin(), out.end()};
}

std::vector<SeriesInfo> Catalog::select(SeriesKind kind, const std::string& symbol, Timeframe timeframe,
                                        Window window) const {
  auto files = impl_->choose(kind, symbol, timeframe, window, false);
  return files ? std::move(files).value() : std::vector<SeriesInfo>();
}

Result<Timeframe> Catalog::base_timeframe(const std::vector<std::string>& symbols, Timeframe primary,
                                          Window window) const {
  std::vector<Timeframe> candidates;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<Timeframe>>([&](auto d) {
    if (minutes(d.value) <= minutes(primary) && minutes(primary) % minutes(d.value) == 0) candidates.push_back(d.value);
  });
  std::string missing;
  for (const Timeframe tf : candidates) {
    missing.clear();
    for (const auto& text : symbols) {
      QT_TRY(const std::string symbol, domain::canonical_symbol(text));
      QT_TRY(const auto files, impl_->choose(SeriesKind::UsdmBars, symbol, tf, window, true));
      if (files.empty()) {
        missing = symbol;
        break;
      }
    }
    if (missing.empty()) return tf;
  }
  return impl_->not_found(
      SeriesKind::UsdmBars, missing,
      "bars of " + std::string(to_string(primary)) + " or finer for the whole of " + describe(window));
}

Result<std::unique_ptr<BarCursor>> Catalog::bars(const std::string& symbol, Timeframe timeframe, Window window) const {
  return bars_of(SeriesKind::UsdmBars, symbol, timeframe, window);
}

Result<std::unique_ptr<BarCursor>> Catalog::bars_of(SeriesKind kind, const std::string& symbol, Timeframe timeframe,
                                                    Window window) const {
  if (kind == SeriesKind::Funding) return Error{"history", Errc::InvalidArgument, "funding rates are not bars"};
  QT_TRY(const std::string name, domain::canonical_symbol(symbol));
  QT_TRY(auto files, impl_->choose(kind, name, timeframe, window, false));
  if (files.empty())
    return impl_->not_found(
        kind, name,
        std::string(base::enum_name(kind)) + " of " + std::string(to_string(timeframe)) + " in " + describe(window));
  return join_bar_files(std::move(files), window);
}

Result<std::vector<FundingRow>> Catalog::Impl::funding_rows(const std::string& symbol) const {
  std::vector<FundingRow> all;
  // A settlement is one fact whoever recorded it, so all files are joined; the better format comes first and wins.
  for (const SeriesInfo& s : of(SeriesKind::Funding, symbol)) {
    QT_TRY(auto rows, read_funding_rows(s));
    QT_TRY_VOID(check_funding_order(s, rows));
    fill_intervals(rows);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  std::stable_sort(all.begin(), all.end(), [](const FundingRow& a, const FundingRow& b) {
    return settlement_minute(a.time) < settlement_minute(b.time);
  });
  const auto same = [](const FundingRow& a, const FundingRow& b) {
    return settlement_minute(a.time) == settlement_minute(b.time);
  };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  return all;
}

Result<std::vector<domain::FundingRate>> Catalog::funding(const std::string& symbol, Window window) const {
  QT_TRY(const std::string name, domain::canonical_symbol(symbol));
  QT_TRY(const auto rows, impl_->funding_rows(name));
  std::vector<domain::FundingRate> out;
  for (const FundingRow& r : rows)
    if (window.contains(r.time)) out.push_back({{}, r.rate, r.time, *r.interval_hours});
  return out;
}

Result<std::vector<domain::MarkPrice>> Catalog::marks(const std::string& symbol, Timeframe timeframe,
                                                      Window window) const {
  QT_TRY(const std::string name, domain::canonical_symbol(symbol));
  QT_TRY(auto files, impl_->choose(SeriesKind::MarkBars, name, timeframe, window, false));
  std::vector<domain::MarkPrice> out;
  if (files.empty()) return out;
  QT_TRY(const auto cursor, join_bar_files(std::move(files), window));
  for (;;) {
    QT_TRY(const auto bar, cursor->next());
    if (!bar) return out;
    out.push_back({{}, bar->close, bar->close_time()});
  }
}

Result<domain::Instrument> Catalog::instrument(const std::string& symbol) const {
  QT_TRY(const std::string name, domain::canonical_symbol(symbol));
  for (const auto& i : impl_->instruments)
    if (i.symbol == name) return i;
  const auto series = impl_->of(SeriesKind::UsdmBars, name);  // finest timeframe first
  if (series.empty()) return impl_->not_found(SeriesKind::UsdmBars, name, "bars to infer an instrument from");
  QT_TRY(const auto cursor, bars(name, series.front().timeframe, kAllTime));
  return infer_instrument(name, *cursor);
}

Result<std::string> Catalog::content_hash(const std::vector<std::string>& symbols, Timeframe timeframe,
                                          Window window) const {
  std::set<std::string> names;
  for (const auto& s : symbols) {
    QT_TRY(auto name, domain::canonical_symbol(s));
    names.insert(std::move(name));
  }
  ContentHash hash;
  hash.text("qtrader data 1");
  for (const auto& name : names) {
    hash.text(name + " " + std::string(to_string(timeframe)));
    QT_TRY(const auto cursor, bars(name, timeframe, window));
    for (;;) {
      QT_TRY(const auto bar, cursor->next());
      if (!bar) break;
      hash.values(bar->open_time.ns, bar->open.raw(), bar->high.raw(), bar->low.raw(), bar->close.raw(), bar->volume,
                  bar->quote_volume, bar->taker_buy_base, bar->trades, bar->columns);
    }
    hash.text("funding");
    QT_TRY(const auto rates, funding(name, window));
    for (const auto& r : rates) hash.values(r.ts_event.ns, r.rate.raw(), r.interval_hours);
    hash.text("marks");
    QT_TRY(const auto prices, marks(name, timeframe, window));
    for (const auto& m : prices) hash.values(m.ts_event.ns, m.price.raw());
  }
  return hash.finish();
}

}  // namespace qtrader::history
