#include "core/fund/strategy/ai.hpp"

namespace qtrader::fund {

domain::Signal AiStrategy::evaluate(const StrategyInput& input) {
  QT_CHECK(input.features != nullptr, "the ai strategy needs the feature book");
  const features::FeatureVector vector = input.features->compute(input.symbol, input.market, input.now);
  domain::Signal signal;
  if (vector.valid) {
    signal = ensemble_.decide({.now = vector,
                               .history = {},
                               .sigma100 = input.features->sigma100(input.symbol),
                               .round_trip_cost_frac = input.round_trip_cost_frac});
  } else {
    signal.hold_reason = domain::HoldReason::FeaturesInvalid;
  }
  signal.symbol = input.symbol;
  signal.source = "ai";
  return signal;
}

}  // namespace qtrader::fund
