// FundingMeter: Binance's funding formula (binance-usdm.md 16) over the premium of a played market; and its calendar.
//
//   P_t = (max(0, bid − index) − max(0, index − ask)) / index     best bid and ask stand for the impact prices
//   P   = Σ i·P_i / Σ i                                           samples since the last settlement, i = 1, 2, …
//   F   = P + clamp(0.01 % − P, ±0.05 %), within ±0.75 × maintenance ratio of the top-leverage bracket
// Used where nothing recorded says the rate. It never settles anything itself.
#pragma once

#include "core/base/time.hpp"
#include "core/domain/instrument.hpp"

namespace qtrader::playback {

inline constexpr base::Duration kFundingInterval = base::hours(8);

/// The first settlement after t: intervals count from midnight UTC.
constexpr base::Timestamp next_settlement(base::Timestamp t, base::Duration interval) {
  return {(t.ns / interval.ns + 1) * interval.ns};
}

class FundingMeter {
 public:
  explicit FundingMeter(const domain::Instrument& instrument);
  void sample(domain::Price bid, domain::Price ask, domain::Price index);
  bool empty() const { return samples_ == 0; }
  /// Of the samples so far; the interest rate alone if there are none.
  domain::Ratio estimate() const;
  void settled();

 private:
  double cap_ = 0;
  double weighted_ = 0, weights_ = 0;
  std::int64_t samples_ = 0;
};

}  // namespace qtrader::playback
