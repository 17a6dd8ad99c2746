#include "core/base/time.hpp"

#include <charconv>
#include <cstdio>

namespace qtrader::base {
namespace {

constexpr std::int64_t kNsPerDay = 86'400'000'000'000;

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
}

std::int64_t days_from_civil(int y, int m, int d) {
  y -= m <= 2;
  const int era = (y >= 0 ? y : y - 399) / 400;
  const int yoe = y - era * 400;
  const int doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  const int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return static_cast<std::int64_t>(era) * 146097 + doe - 719468;
}

bool digits(std::string_view text, std::size_t from, std::size_t count, int& out) {
  if (from + count > text.size()) return false;
  out = 0;
  for (std::size_t i = from; i < from + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  return true;
}

Error bad(std::string_view text) {
  return {"base", Errc::InvalidArgument,
          "date '" + std::string(text) + "': expected YYYY-MM-DD or YYYY-MM-DDTHH:MM[:SS[.fff]][Z]"};
}

}  // namespace

CivilDate civil_date(Timestamp ts) {
  std::int64_t z = floor_div(ts.ns, kNsPerDay) + 719468;
  const std::int64_t era = floor_div(z, 146097);
  const auto doe = static_cast<int>(z - era * 146097);
  const int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int mp = (5 * doy + 2) / 153;
  const int d = doy - (153 * mp + 2) / 5 + 1;
  const int m = mp + (mp < 10 ? 3 : -9);
  return {static_cast<int>(yoe + era * 400) + (m <= 2 ? 1 : 0), m, d};
}

Timestamp from_civil(CivilDate date) { return {days_from_civil(date.year, date.month, date.day) * kNsPerDay}; }

Timestamp day_start(Timestamp ts) { return {floor_div(ts.ns, kNsPerDay) * kNsPerDay}; }

int weekday(Timestamp ts) {
  const std::int64_t day = floor_div(ts.ns, kNsPerDay);  // 1970-01-01 was a Thursday (3)
  return static_cast<int>(((day + 3) % 7 + 7) % 7);
}

int minute_of_day(Timestamp ts) { return static_cast<int>((ts.ns - day_start(ts).ns) / 60'000'000'000); }

Result<Timestamp> parse_timestamp(std::string_view text) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  if (!digits(text, 0, 4, y) || text.size() < 10 || text[4] != '-' || !digits(text, 5, 2, mo) || text[7] != '-' ||
      !digits(text, 8, 2, d))
    return bad(text);
  static constexpr int kLast[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
  if (mo < 1 || mo > 12 || d < 1 || d > kLast[mo - 1] + (mo == 2 && leap ? 1 : 0)) return bad(text);
  Timestamp out = from_civil({y, mo, d});
  if (text.size() == 10) return out;
  if (text[10] != 'T' && text[10] != ' ') return bad(text);
  if (!digits(text, 11, 2, h) || text.size() < 16 || text[13] != ':' || !digits(text, 14, 2, mi)) return bad(text);
  std::size_t at = 16;
  std::int64_t fraction_ns = 0;
  if (at < text.size() && text[at] == ':') {
    if (!digits(text, at + 1, 2, s)) return bad(text);
    at += 3;
    if (at < text.size() && text[at] == '.') {
      std::int64_t unit = 100'000'000;
      for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
        fraction_ns += (text[at] - '0') * unit;
    }
  }
  if (at < text.size() && text[at] == 'Z') ++at;
  if (at != text.size() || h > 23 || mi > 59 || s > 59) return bad(text);
  return out + hours(h) + minutes(mi) + seconds(s) + Duration{fraction_ns};
}

std::string format_timestamp(Timestamp ts) {
  const CivilDate c = civil_date(ts);
  const std::int64_t in_day_ms = (ts.ns - day_start(ts).ns) / 1'000'000;
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year, c.month, c.day,
                static_cast<int>(in_day_ms / 3'600'000), static_cast<int>(in_day_ms / 60'000 % 60),
                static_cast<int>(in_day_ms / 1000 % 60), static_cast<int>(in_day_ms % 1000));
  return buffer;
}

std::string format_date(Timestamp ts) { return format_timestamp(ts).substr(0, 10); }

}  // namespace qtrader::base
