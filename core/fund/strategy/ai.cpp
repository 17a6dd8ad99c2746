#include "core/fund/strategy/ai.hpp"

#include <algorithm>

namespace qtrader::fund {
namespace {

std::size_t longest_history(const models::Ensemble& ensemble) {
  std::size_t bars = 0;
  for (const auto& member : ensemble.members()) bars = std::max(bars, member->history_bars());
  return bars;
}

}  // namespace

AiStrategy::AiStrategy(models::Ensemble ensemble)
    : ensemble_(std::move(ensemble)), history_bars_(longest_history(ensemble_)) {}

const models::FeatureHistory* AiStrategy::remember(const features::FeatureVector& vector) {
  if (history_bars_ == 0) return nullptr;
  const std::size_t symbol = vector.symbol.value;
  if (symbol >= histories_.size()) histories_.resize(symbol + 1, models::FeatureHistory(history_bars_));
  histories_[symbol].push(vector);
  return &histories_[symbol];
}

void AiStrategy::observe(const StrategyInput& input) {
  QT_CHECK(input.features != nullptr, "the ai strategy needs the feature book");
  if (const auto& bar = input.market.last_primary)
    ensemble_.observe(input.symbol, bar->close_time(), bar->close.to_double());
  if (history_bars_ > 0) remember(input.features->compute(input.symbol, input.market, input.now));
}

domain::Signal AiStrategy::evaluate(const StrategyInput& input) {
  QT_CHECK(input.features != nullptr, "the ai strategy needs the feature book");
  const features::FeatureVector vector = input.features->compute(input.symbol, input.market, input.now);
  const models::FeatureHistory* const history = remember(vector);
  domain::Signal signal = ensemble_.decide({.now = vector,
                                            .history = history,
                                            .sigma100 = input.features->sigma100(input.symbol),
                                            .round_trip_cost_frac = input.round_trip_cost_frac});
  signal.source = "ai";
  return signal;
}

}  // namespace qtrader::fund
