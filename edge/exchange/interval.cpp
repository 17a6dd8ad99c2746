// Intervals: names and calendar of Binance's kline intervals.
#include <array>

#include "edge/exchange/public_market.hpp"

namespace qtrader::exchange {
namespace {

struct Row {
  std::string_view name;
  std::int64_t minutes;  // 0: a calendar month
};
constexpr std::array<Row, kIntervals> kRows = {{{"1m", 1},
                                                {"3m", 3},
                                                {"5m", 5},
                                                {"15m", 15},
                                                {"30m", 30},
                                                {"1h", 60},
                                                {"2h", 120},
                                                {"4h", 240},
                                                {"6h", 360},
                                                {"8h", 480},
                                                {"12h", 720},
                                                {"1d", 1'440},
                                                {"3d", 4'320},
                                                {"1w", 10'080},
                                                {"1M", 0}}};

const Row& row(Interval interval) { return kRows[static_cast<std::size_t>(interval)]; }

Timestamp month_start(base::CivilDate date) { return base::from_civil({date.year, date.month, 1}); }

}  // namespace

std::optional<Interval> parse_interval(std::string_view name) {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (kRows[i].name == name) return static_cast<Interval>(i);
  return std::nullopt;
}

std::string_view to_string(Interval interval) { return row(interval).name; }

Timestamp interval_open(Interval interval, Timestamp t) {
  if (interval == Interval::Mo1) return month_start(base::civil_date(t));
  if (interval == Interval::W1) return base::day_start(t) - base::days(base::weekday(t));
  const std::int64_t length = base::minutes(row(interval).minutes).ns;
  std::int64_t slot = t.ns / length;
  if (t.ns % length < 0) --slot;
  return {slot * length};
}

Timestamp interval_next(Interval interval, Timestamp open) {
  if (interval != Interval::Mo1) return open + base::minutes(row(interval).minutes);
  base::CivilDate date = base::civil_date(open);
  if (++date.month > 12) {
    date.month = 1;
    ++date.year;
  }
  return month_start(date);
}

}  // namespace qtrader::exchange
