#include <cstdio>
#include <cstdlib>

#include "apps/qtrader/commands.hpp"

namespace qtrader::apps {

base::Result<base::Duration> parse_duration(const std::string& text) {
  char* end = nullptr;
  const double amount = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3'600 : unit == "d" ? 86'400 : 0;
  if (end == text.c_str() || seconds == 0 || !(amount > 0 && amount * seconds < 1e9))
    return base::Error{"duration", base::Errc::InvalidArgument,
                       "--duration " + text + ": expected a number and s, m, h or d"};
  return base::Duration{static_cast<std::int64_t>(amount * seconds * 1e9)};
}

execution::ExitMode default_exit_mode(const std::string& strategy) {
  const bool follows_trends = strategy == "ema_cross" || strategy == "donchian_breakout";
  return follows_trends ? execution::ExitMode::TrendFollow : execution::ExitMode::FastTp;
}

int report_error(const base::Error& error) {
  std::fprintf(stderr, "qtrader: %s\n", error.message().c_str());
  switch (error.code) {
    case base::Errc::InvalidArgument:
    case base::Errc::NotFound:
    case base::Errc::Unsupported:
    case base::Errc::Conflict:
      return 2;
    default:
      return 1;
  }
}

}  // namespace qtrader::apps
