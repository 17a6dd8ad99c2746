#include "edge/history/bar_file.hpp"

#include <algorithm>

#include "edge/history/bar_store.hpp"
#include "edge/history/decimal.hpp"

namespace qtrader::history {
namespace {

using base::Result;
using domain::Bar;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == ' ') c = '_';
  }
  return out;
}

}  // namespace

bool parse_row_time(std::string_view text, base::Timestamp& out) {
  std::uint64_t value = 0;
  if (parse_unsigned(text, value)) {
    // Binance: futures ms, spot µs since 2025. The magnitudes cannot be confused between 1973 and 5138.
    std::uint64_t factor = 1;
    if (value < 100'000'000'000)
      factor = 1'000'000'000;
    else if (value < 100'000'000'000'000)
      factor = 1'000'000;
    else if (value < 100'000'000'000'000'000)
      factor = 1'000;
    if (value > static_cast<std::uint64_t>(INT64_MAX) / factor) return false;
    out.ns = static_cast<std::int64_t>(value * factor);
    return true;
  }
  if (text.ends_with("+00:00")) text.remove_suffix(6);
  const auto parsed = base::parse_timestamp(text);
  if (parsed) out = *parsed;
  return parsed.ok();
}

bool is_header(const Fields& fields) {
  double number = 0;
  base::Timestamp time;
  return !parse_double_fast(fields.at[0], number) && !parse_row_time(fields.at[0], time);
}

int find_column(const Fields& header, std::string_view names) {
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t end = std::min(names.find('|', at), names.size());
    for (std::size_t i = 0; i < std::min(header.count, kMaxFields); ++i)
      if (lower(header.at[i]) == names.substr(at, end - at)) return static_cast<int>(i);
    at = end + 1;
  }
  return -1;
}

BarFileReader::BarFileReader(SeriesInfo info, Window window, std::unique_ptr<RowSource> rows)
    : info_(std::move(info)), window_(window), rows_(std::move(rows)) {}

Result<BarFileReader> BarFileReader::open(const SeriesInfo& info, Window window) {
  QT_TRY(auto rows, open_rows(info.path));
  return BarFileReader(info, window, std::move(rows));
}

Result<bool> BarFileReader::set_layout(const Fields& first) {
  BarColumnLayout& l = layout_;
  const bool header = info_.format != "freqtrade-json" && is_header(first);
  if (header) {
    l.time = find_column(first, "open_time_ms|open_time|timestamp|date|time|datetime|opentime");
    l.symbol = find_column(first, "symbol");
    l.open = find_column(first, "open|mark_open");
    l.high = find_column(first, "high|mark_high");
    l.low = find_column(first, "low|mark_low");
    l.close = find_column(first, "close|mark_close");
    l.volume = find_column(first, "volume");
    l.quote_volume = find_column(first, "quote_volume|quote_asset_volume");
    l.trades = find_column(first, "trades|count|number_of_trades");
    l.taker_buy =
        find_column(first, "taker_buy_base|taker_buy_volume|taker_buy_base_volume|taker_buy_base_asset_volume");
  } else if (first.count == 6 || first.count == 11 || first.count == 12 ||
             (first.count == 5 && info_.kind == SeriesKind::MarkBars)) {
    l.time = 0, l.open = 1, l.high = 2, l.low = 3, l.close = 4, l.volume = first.count == 5 ? -1 : 5;
    if (first.count > 6) l.quote_volume = 7, l.trades = 8, l.taker_buy = 9;  // Binance kline arrays
  } else {
    return row_error(info_.path, rows_->line(),
                     std::to_string(first.count) + " columns without a header: expected 6 or Binance's 11 or 12");
  }
  if (info_.kind == SeriesKind::MarkBars) l.volume = l.quote_volume = l.trades = l.taker_buy = -1;
  const bool complete = l.time >= 0 && l.open >= 0 && l.high >= 0 && l.low >= 0 && l.close >= 0 &&
                        (l.volume >= 0 || info_.kind == SeriesKind::MarkBars);
  if (!complete)
    return row_error(
        info_.path, rows_->line(),
        "header lacks a column: expected open_time_ms (or timestamp, date), open, high, low, close, volume");
  if (info_.format == "csv-long" && l.symbol < 0)
    return row_error(info_.path, rows_->line(), "header lacks a symbol column");
  for (const int c :
       {l.time, l.symbol, l.open, l.high, l.low, l.close, l.volume, l.quote_volume, l.trades, l.taker_buy})
    l.width = std::max(l.width, static_cast<std::size_t>(c + 1));
  columns_ = static_cast<std::uint8_t>((l.quote_volume >= 0 ? domain::kHasQuoteVolume : 0) |
                                       (l.trades >= 0 ? domain::kHasTrades : 0) |
                                       (l.taker_buy >= 0 ? domain::kHasTakerBuy : 0));
  return header;
}

base::Error BarFileReader::field_error(int column, const char* name, const char* expected) const {
  return row_error(info_.path, rows_->line(),
                   "column " + std::to_string(column + 1) + " (" + name + ") is '" +
                       std::string(fields_.at[static_cast<std::size_t>(column)]) + "': expected " + expected);
}

Result<void> BarFileReader::parse_bar(Bar& bar) const {
  const auto at = [this](int column) { return fields_.at[static_cast<std::size_t>(column)]; };
  const auto price = [&](int column, domain::Price& out) {
    std::int64_t raw = 0;
    if (!parse_fixed_fast(at(column), raw)) return false;
    out = domain::Price::from_raw(raw);
    return true;
  };
  const BarColumnLayout& l = layout_;
  if (!price(l.open, bar.open)) return field_error(l.open, "open", "a price");
  if (!price(l.high, bar.high)) return field_error(l.high, "high", "a price");
  if (!price(l.low, bar.low)) return field_error(l.low, "low", "a price");
  if (!price(l.close, bar.close)) return field_error(l.close, "close", "a price");
  if (l.volume >= 0 && !parse_double_fast(at(l.volume), bar.volume)) return field_error(l.volume, "volume", "a number");
  if (l.quote_volume >= 0 && !parse_double_fast(at(l.quote_volume), bar.quote_volume))
    return field_error(l.quote_volume, "quote volume", "a number");
  if (l.taker_buy >= 0 && !parse_double_fast(at(l.taker_buy), bar.taker_buy_base))
    return field_error(l.taker_buy, "taker buy volume", "a number");
  std::uint64_t trades = 0;
  if (l.trades >= 0 && (!parse_unsigned(at(l.trades), trades) || trades > UINT32_MAX))
    return field_error(l.trades, "trades", "a count");
  bar.trades = static_cast<std::uint32_t>(trades);
  return {};
}

unsigned bar_value_faults(const Bar& bar) {
  unsigned faults = 0;
  if (!bar.open.is_positive() || !bar.high.is_positive() || !bar.low.is_positive() || !bar.close.is_positive() ||
      bar.volume < 0 || bar.quote_volume < 0 || bar.taker_buy_base < 0)
    faults |= kNonPositive;
  if (bar.low > bar.high)
    faults |= kLowAboveHigh;
  else if (bar.open < bar.low || bar.open > bar.high || bar.close < bar.low || bar.close > bar.high)
    faults |= kOutsideRange;
  return faults;
}

base::Timestamp& BarFileReader::previous() {
  if (info_.format != "csv-long" || !info_.symbol.empty()) return previous_;
  const auto found = previous_of_.find(symbol());
  if (found != previous_of_.end()) return found->second;
  return previous_of_.emplace(std::string(symbol()), kAllTime.from).first->second;
}

Result<bool> BarFileReader::read(Bar& bar, unsigned& faults) {
  const bool one_of_many = info_.format == "csv-long";
  for (;;) {
    // A recording of many symbols says how many rows ours has, so the rest need not be read.
    if (one_of_many && info_.rows > 0 && given_ == info_.rows) return false;
    std::string_view row;
    QT_TRY(const bool more, rows_->next(row));
    if (!more) return false;
    split_fields(row, fields_);
    if (!started_) {
      started_ = true;
      QT_TRY(const bool header, set_layout(fields_));
      if (header) continue;
    }
    if (fields_.count < layout_.width)
      return row_error(info_.path, rows_->line(),
                       std::to_string(fields_.count) + " columns: expected at least " + std::to_string(layout_.width));
    if (layout_.symbol >= 0 && !(one_of_many && info_.symbol.empty()) && symbol() != info_.symbol) {
      if (one_of_many) continue;
      return field_error(layout_.symbol, "symbol", info_.symbol.c_str());
    }
    ++given_;
    if (!parse_row_time(fields_.at[static_cast<std::size_t>(layout_.time)], bar.open_time))
      return field_error(layout_.time, "open time", "Unix s, ms, µs, ns or an ISO-8601 date");
    base::Timestamp& before = previous();
    faults = bar.open_time < before ? kOutOfOrder : bar.open_time == before ? kDuplicate : 0U;
    if (bar.open_time.ns % domain::duration(info_.timeframe).ns != 0) faults |= kMisaligned;
    if (info_.from != info_.to && (bar.open_time < info_.from || bar.open_time >= info_.to)) faults |= kOutsideName;
    before = std::max(before, bar.open_time);
    const bool readable = (faults & kReadErrors) == 0;
    if (readable && bar.open_time < window_.from) continue;
    if (readable && bar.open_time >= window_.to) return false;
    bar.timeframe = info_.timeframe;
    bar.columns = columns_;
    QT_TRY_VOID(parse_bar(bar));
    faults |= bar_value_faults(bar);
    return true;
  }
}

base::Error BarFileReader::fault_error(const Bar& bar, unsigned faults) const {
  const std::string time = base::format_timestamp(bar.open_time);
  std::string what;
  if ((faults & kOutOfOrder) != 0)
    what = "opens at " + time + ", before the row above: rows must be in rising time";
  else if ((faults & kDuplicate) != 0)
    what = "opens at " + time + " as the row above: a bar may appear once";
  else if ((faults & kOutsideName) != 0)
    what = "opens at " + time + ", outside the file's " + base::format_date(info_.from) + " to " +
           base::format_date(info_.to);
  else if ((faults & kLowAboveHigh) != 0)
    what = "low " + bar.low.to_string() + " is above high " + bar.high.to_string();
  else if ((faults & kOutsideRange) != 0)
    what = "open " + bar.open.to_string() + " or close " + bar.close.to_string() + " outside low " +
           bar.low.to_string() + " to high " + bar.high.to_string();
  else
    what = "open " + bar.open.to_string() + ", high " + bar.high.to_string() + ", low " + bar.low.to_string() +
           ", close " + bar.close.to_string() + ", volume " + std::to_string(bar.volume) +
           ": prices must be positive, volumes not negative";
  return row_error(info_.path, rows_->line(), what);
}

namespace {

class FileCursor final : public BarCursor {
 public:
  explicit FileCursor(BarFileReader reader) : reader_(std::move(reader)) {}

  Result<std::optional<Bar>> next() override {
    Bar bar;
    unsigned faults = 0;
    QT_TRY(const bool more, reader_.read(bar, faults));
    if (!more) return std::optional<Bar>();
    if ((faults & kReadErrors) != 0) return reader_.fault_error(bar, faults);
    return std::optional<Bar>(bar);
  }

 private:
  BarFileReader reader_;
};

/// k-way merge by open time. A file is opened when the merge reaches its `from`, so that a year of daily archives costs
/// one open file.
class JoinCursor final : public BarCursor {
 public:
  JoinCursor(std::vector<SeriesInfo> files, Window window) : files_(std::move(files)), window_(window) {}

  Result<std::optional<Bar>> next() override {
    while (unopened_ < files_.size() && (active_.empty() || files_[unopened_].from <= earliest()))
      QT_TRY_VOID(open_next());
    if (active_.empty()) return std::optional<Bar>();
    const auto first = std::min_element(active_.begin(), active_.end(), [](const Active& a, const Active& b) {
      return a.head.open_time < b.head.open_time;  // active_ keeps file order, and min_element the first of equals
    });
    const Bar out = first->head;
    for (std::size_t i = 0; i < active_.size();) {
      bool alive = true;
      if (active_[i].head.open_time == out.open_time) {
        QT_TRY(alive, advance(active_[i]));
      }
      if (alive)
        ++i;
      else
        active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return std::optional<Bar>(out);
  }

 private:
  struct Active {
    std::unique_ptr<BarCursor> cursor;
    Bar head;
  };

  base::Timestamp earliest() const {
    base::Timestamp t = active_.front().head.open_time;
    for (const Active& a : active_) t = std::min(t, a.head.open_time);
    return t;
  }
  static Result<bool> advance(Active& a) {
    QT_TRY(const auto bar, a.cursor->next());
    if (bar) a.head = *bar;
    return bar.has_value();
  }
  Result<void> open_next() {
    QT_TRY(auto cursor, open_bar_series(files_[unopened_++], window_));
    Active a{std::move(cursor), {}};
    QT_TRY(const bool alive, advance(a));
    if (alive) active_.push_back(std::move(a));
    return {};
  }

  std::vector<SeriesInfo> files_;
  Window window_;
  std::size_t unopened_ = 0;
  std::vector<Active> active_;
};

}  // namespace

Result<std::unique_ptr<BarCursor>> open_bar_file(const SeriesInfo& info, Window window) {
  QT_TRY(auto reader, BarFileReader::open(info, window));
  return std::unique_ptr<BarCursor>(std::make_unique<FileCursor>(std::move(reader)));
}

Result<std::unique_ptr<BarCursor>> open_bar_series(const SeriesInfo& info, Window window) {
  if (info.format == "qtb") return open_bar_store(info.path, window);
  return open_bar_file(info, window);
}

Result<std::unique_ptr<BarCursor>> join_bar_files(std::vector<SeriesInfo> files, Window window) {
  if (files.size() == 1) return open_bar_series(files.front(), window);
  std::stable_sort(files.begin(), files.end(),
                   [](const SeriesInfo& a, const SeriesInfo& b) { return a.from < b.from; });
  return std::unique_ptr<BarCursor>(std::make_unique<JoinCursor>(std::move(files), window));
}

}  // namespace qtrader::history
