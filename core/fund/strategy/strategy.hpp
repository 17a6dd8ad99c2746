// Strategy: a source of signals. It watches closed primary bars and says what it would like; it never sizes or orders.
//
// One instance serves all symbols of a run. observe() and then, unless the bar only warms the state up, evaluate() are
// called once per symbol and primary bar, after the bars of every symbol for that moment are in, so that no symbol sees
// another's future.
#pragma once

#include <memory>
#include <string_view>

#include "core/base/archive.hpp"
#include "core/base/result.hpp"
#include "core/domain/signal.hpp"
#include "core/features/feature_book.hpp"
#include "core/market/market_state.hpp"
#include "core/models/calibrator.hpp"

namespace qtrader::fund {

struct StrategyInput {
  domain::SymbolId symbol;
  const market::SymbolMarket& market;
  const features::FeatureBook* features;  // null unless the strategy needs_features()
  double round_trip_cost_frac = 0;
  base::Timestamp now;
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual std::string_view name() const = 0;
  virtual bool needs_features() const { return false; }
  /// Whether confidence and p_dir of its signals are probabilities to be gated and sized by.
  virtual bool probabilistic() const { return false; }
  virtual void on_primary_bar(domain::SymbolId symbol, const domain::Bar& bar) = 0;
  /// The symbol's last primary bar, once the bars of every symbol for that moment are in; also while nothing is decided
  /// (warm-up) or the symbol is outside the universe, so that what evaluate() remembers of earlier bars has no hole.
  virtual void observe(const StrategyInput&) {}
  /// The wish for the symbol's last primary bar. trace, price, atr_frac, regime, bar_close are set by the engine.
  virtual domain::Signal evaluate(const StrategyInput& input) = 0;
  /// What its p_dir is calibrated by; null if its signals are not probabilities.
  virtual const models::Calibrator* calibrator() const { return nullptr; }
  /// Puts the calibration back that was in force before. False if there is none to go back to.
  virtual bool roll_back_calibration() { return false; }
  virtual void archive(base::Writer& a) = 0;
  virtual void archive(base::Reader& a) = 0;
};

/// "ema_cross", "donchian_breakout", "rsi_reversion". Errors: NotFound listing the names.
base::Result<std::unique_ptr<Strategy>> make_rule_strategy(std::string_view name, std::size_t symbols);

}  // namespace qtrader::fund
