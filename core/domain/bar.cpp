#include "core/domain/bar.hpp"

#include <array>
#include <utility>

namespace qtrader::domain {
namespace {

constexpr std::array<std::pair<Timeframe, std::string_view>, 9> kNames = {{{Timeframe::M1, "1m"},
                                                                           {Timeframe::M3, "3m"},
                                                                           {Timeframe::M5, "5m"},
                                                                           {Timeframe::M15, "15m"},
                                                                           {Timeframe::M30, "30m"},
                                                                           {Timeframe::H1, "1h"},
                                                                           {Timeframe::H2, "2h"},
                                                                           {Timeframe::H4, "4h"},
                                                                           {Timeframe::D1, "1d"}}};

}  // namespace

base::Result<Timeframe> parse_timeframe(std::string_view text) {
  for (const auto& [tf, name] : kNames)
    if (name == text) return tf;
  return base::Error{"domain", base::Errc::InvalidArgument,
                     "timeframe '" + std::string(text) + "': expected one of 1m 3m 5m 15m 30m 1h 2h 4h 1d"};
}

std::string_view to_string(Timeframe tf) {
  for (const auto& [t, name] : kNames)
    if (t == tf) return name;
  return "?";
}

}  // namespace qtrader::domain
