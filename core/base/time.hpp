// Timestamp and Duration: int64 nanoseconds, UTC, since the Unix epoch.
//
// Values only. Nothing here reads a clock: the core's only "now" is the ts_recv of the envelope being handled.
// Calendar functions use the proleptic Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace qtrader::base {

struct Duration {
  std::int64_t ns = 0;
  auto operator<=>(const Duration&) const = default;
  template <class Archive>
  void archive(Archive& a) {
    a(ns);
  }
  constexpr Duration operator+(Duration o) const { return {ns + o.ns}; }
  constexpr Duration operator-(Duration o) const { return {ns - o.ns}; }
  constexpr Duration operator*(std::int64_t k) const { return {ns * k}; }
  constexpr double seconds() const { return static_cast<double>(ns) / 1e9; }
};

constexpr Duration milliseconds(std::int64_t n) { return {n * 1'000'000}; }
constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000'000}; }
constexpr Duration minutes(std::int64_t n) { return seconds(n * 60); }
constexpr Duration hours(std::int64_t n) { return seconds(n * 3600); }
constexpr Duration days(std::int64_t n) { return hours(n * 24); }

struct Timestamp {
  std::int64_t ns = 0;
  auto operator<=>(const Timestamp&) const = default;
  template <class Archive>
  void archive(Archive& a) {
    a(ns);
  }
  constexpr Timestamp operator+(Duration d) const { return {ns + d.ns}; }
  constexpr Timestamp operator-(Duration d) const { return {ns - d.ns}; }
  constexpr Duration operator-(Timestamp o) const { return {ns - o.ns}; }
  constexpr std::int64_t unix_ms() const { return ns / 1'000'000; }
  static constexpr Timestamp from_unix_ms(std::int64_t ms) { return {ms * 1'000'000}; }
};

struct CivilDate {
  int year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
};

CivilDate civil_date(Timestamp ts);
Timestamp from_civil(CivilDate date);
/// Midnight UTC at or before ts.
Timestamp day_start(Timestamp ts);
/// Monday = 0 … Sunday = 6.
int weekday(Timestamp ts);
/// 0..1439.
int minute_of_day(Timestamp ts);

/// `YYYY-MM-DD` or ISO-8601 `YYYY-MM-DDTHH:MM[:SS[.fff]][Z]`, UTC. Error: InvalidArgument naming the text.
Result<Timestamp> parse_timestamp(std::string_view text);
/// ISO-8601 with milliseconds and a trailing Z.
std::string format_timestamp(Timestamp ts);
/// `YYYY-MM-DD`.
std::string format_date(Timestamp ts);

}  // namespace qtrader::base
