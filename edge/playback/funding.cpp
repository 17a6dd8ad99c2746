#include "edge/playback/funding.hpp"

#include <algorithm>

namespace qtrader::playback {
namespace {

constexpr double kInterest = 0.0001, kDamping = 0.0005, kCapOfMaintenance = 0.75;

}  // namespace

FundingMeter::FundingMeter(const domain::Instrument& instrument)
    : cap_(kCapOfMaintenance *
           (instrument.brackets.empty() ? 0.004 : instrument.brackets.front().maintenance_ratio.to_double())) {}

void FundingMeter::sample(domain::Price bid, domain::Price ask, domain::Price index) {
  const double at = index.to_double();
  const double premium = (std::max(0.0, bid.to_double() - at) - std::max(0.0, at - ask.to_double())) / at;
  ++samples_;
  const auto weight = static_cast<double>(samples_);
  weighted_ += weight * premium;
  weights_ += weight;
}

domain::Ratio FundingMeter::estimate() const {
  const double premium = samples_ == 0 ? 0 : weighted_ / weights_;
  const double rate = premium + std::clamp(kInterest - premium, -kDamping, kDamping);
  return domain::Ratio::from_double(std::clamp(rate, -cap_, cap_));
}

void FundingMeter::settled() {
  weighted_ = weights_ = 0;
  samples_ = 0;
}

}  // namespace qtrader::playback
