#include "edge/history/file_name.hpp"

#include <algorithm>

namespace qtrader::history {
namespace {

using domain::Timeframe;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0;;) {
    const std::size_t end = text.find_first_of(separators, at);
    out.push_back(text.substr(at, end - at));
    if (end == std::string_view::npos) return out;
    at = end + 1;
  }
}

/// True if `text` has the shape of `form`, where 'd' stands for any digit.
bool shaped(std::string_view text, std::string_view form) {
  return text.size() == form.size() && std::equal(text.begin(), text.end(), form.begin(),
                                                  [](char c, char f) { return f == 'd' ? is_digit(c) : c == f; });
}

struct DateRange {
  std::string_view head;  // the name before the dates
  base::Timestamp from, to;
  bool vision = false;
};

std::optional<base::Timestamp> compact_day(std::string_view yyyymmdd) {
  const std::string iso = std::string(yyyymmdd.substr(0, 4)) + "-" + std::string(yyyymmdd.substr(4, 2)) + "-" +
                          std::string(yyyymmdd.substr(6, 2));
  const auto day = base::parse_timestamp(iso);
  return day ? std::optional(*day) : std::nullopt;
}

std::optional<DateRange> trailing_dates(std::string_view stem) {
  constexpr std::string_view kRange = "_dddddddd-dddddddd";
  for (std::size_t at = 0; at + kRange.size() <= stem.size(); ++at) {
    if (!shaped(stem.substr(at, kRange.size()), kRange)) continue;
    const auto from = compact_day(stem.substr(at + 1, 8)), last = compact_day(stem.substr(at + 10, 8));
    if (!from || !last || *last < *from) return std::nullopt;
    return DateRange{stem.substr(0, at), *from, *last + base::days(1), false};
  }
  for (const std::string_view form : {"-dddd-dd-dd", "-dddd-dd"}) {
    if (stem.size() <= form.size() || !shaped(stem.substr(stem.size() - form.size()), form)) continue;
    std::string iso(stem.substr(stem.size() - form.size() + 1));
    const bool month = iso.size() == 7;
    if (month) iso += "-01";
    const auto from = base::parse_timestamp(iso);
    if (!from) return std::nullopt;
    const base::CivilDate c = base::civil_date(*from);
    const base::Timestamp to =
        month ? base::from_civil({c.month == 12 ? c.year + 1 : c.year, c.month % 12 + 1, 1}) : *from + base::days(1);
    return DateRange{stem.substr(0, stem.size() - form.size()), *from, to, true};
  }
  return DateRange{stem, {}, {}, false};
}

enum class Market { Usdm, Spot, Mark, Foreign };

/// From the directories, the nearest one that says anything; USD-M if none does.
Market market_of(const std::filesystem::path& file) {
  std::error_code ec;
  const std::filesystem::path absolute = std::filesystem::absolute(file, ec);
  for (std::filesystem::path dir = (ec ? file : absolute).parent_path(); dir.has_filename(); dir = dir.parent_path()) {
    const std::string name = dir.filename().string();
    if (name == "markPriceKlines") return Market::Mark;
    if (name == "indexPriceKlines" || name == "premiumIndexKlines") return Market::Foreign;
    for (const std::string_view word : split(name, "-_. ")) {
      if (word == "spot") return Market::Spot;
      if (word == "usdm" || word == "um" || word == "futures") return Market::Usdm;
      if (word == "cm" || word == "coinm") return Market::Foreign;
    }
  }
  return Market::Usdm;
}

/// freqtrade's BTC_USDT_USDT is a linear future, BTC_USDT spot.
bool freqtrade_pair(std::string_view pair, SeriesInfo& info) {
  const auto parts = split(pair, "_");
  if (parts.size() != 2 && parts.size() != 3) return false;
  if (parts.size() == 3 && parts[2] != parts[1]) return false;  // inverse contract
  info.symbol = std::string(parts[0]) + std::string(parts[1]);
  info.kind = parts.size() == 3 ? SeriesKind::UsdmBars : SeriesKind::SpotBars;
  return domain::canonical_symbol(info.symbol).ok();
}

bool set_timeframe(std::string_view text, SeriesInfo& info) {
  const auto tf = domain::parse_timeframe(text);
  if (tf) info.timeframe = *tf;
  return tf.ok();
}

std::optional<NamedFile> parse_json_name(std::string_view head, SeriesInfo info) {
  const auto words = split(head, "-");
  if (words.size() < 2 || words.size() > 3 || !freqtrade_pair(words[0], info)) return std::nullopt;
  const std::string_view what = words.size() == 3 ? words[2] : std::string_view();
  if (what == "funding_rate") {
    info.kind = SeriesKind::Funding;
    return NamedFile{info, false};
  }
  if (!set_timeframe(words[1], info)) return std::nullopt;
  if (what == "mark")
    info.kind = SeriesKind::MarkBars;
  else if (what == "futures")
    info.kind = SeriesKind::UsdmBars;
  else if (!what.empty())
    return std::nullopt;
  return NamedFile{info, false};
}

std::optional<NamedFile> parse_csv_name(std::string_view head, SeriesInfo info) {
  auto words = split(head, "-");
  if (words.size() == 1) {  // SYMBOL_TF
    const std::size_t at = head.rfind('_');
    if (at == std::string_view::npos) return std::nullopt;
    words = {head.substr(0, at), head.substr(at + 1)};
  }
  if (words.size() < 2) return std::nullopt;
  NamedFile out{info, false};
  if (const auto symbol = domain::canonical_symbol(words[0]); symbol) {
    out.info.symbol = *symbol;
  } else {
    out.many_symbols = true;
    out.info.format = "csv-long";
  }
  const std::string_view last = words.back();
  if ((last == "funding" || last == "fundingRate") && words.size() == 2) {
    out.info.kind = SeriesKind::Funding;
    return out;
  }
  if (!set_timeframe(last, out.info)) return std::nullopt;
  if (words[words.size() - 2] == "mark" && words.size() == 3)
    out.info.kind = SeriesKind::MarkBars;
  else if (words.size() != 2 && !out.many_symbols)
    return std::nullopt;
  return out;
}

}  // namespace

int format_rank(const std::string& format) {
  if (format == "qtb") return 0;
  if (format.starts_with("vision")) return 1;
  if (format == "csv") return 2;
  if (format == "freqtrade-json") return 3;
  return 4;
}

std::optional<NamedFile> parse_file_name(const std::filesystem::path& file) {
  std::string stem = file.filename().string();
  if (stem.empty() || stem[0] == '.') return std::nullopt;
  const auto strip = [&stem](std::string_view suffix) {
    if (!stem.ends_with(suffix)) return false;
    stem.resize(stem.size() - suffix.size());
    return true;
  };
  SeriesInfo info;
  info.path = file;
  switch (market_of(file)) {
    case Market::Foreign:
      return std::nullopt;
    case Market::Spot:
      info.kind = SeriesKind::SpotBars;
      break;
    case Market::Mark:
      info.kind = SeriesKind::MarkBars;
      break;
    case Market::Usdm:
      break;
  }
  if (strip(".qtb")) {
    info.format = "qtb";
    return NamedFile{info, false};
  }
  const bool zip = strip(".zip");
  if (!zip && !strip(".zst")) strip(".gz");
  const bool json = !zip && strip(".json");
  if (!zip && !json && !strip(".csv")) return std::nullopt;
  const auto dates = trailing_dates(stem);
  if (!dates) return std::nullopt;
  info.from = dates->from;
  info.to = dates->to;
  if (json) {
    info.format = "freqtrade-json";
    return parse_json_name(dates->head, info);
  }
  info.format = zip ? "vision-zip" : dates->vision ? "vision-csv" : "csv";
  if (zip && !dates->vision) return std::nullopt;
  return parse_csv_name(dates->head, info);
}

}  // namespace qtrader::history
