// The built-in rule strategies: fixed, well-known rules that serve as baselines for the models and as honest examples.
//
// ema_cross: EMA(12) crossing EMA(26) (Appel 1979's periods). donchian_breakout: close beyond the extreme of the
// previous 20 bars (Donchian; Faith, "Way of the Turtle", 2007). rsi_reversion: Wilder RSI(14) returning through 30 or
// 70 (Wilder, "New Concepts in Technical Trading Systems", 1978). Parameters are those of the sources, not fitted.
#pragma once

#include <vector>

#include "core/base/ring.hpp"
#include "core/fund/strategy/strategy.hpp"
#include "core/market/indicators.hpp"

namespace qtrader::fund {

/// Shares what all rules have: a wish per symbol, set by on_primary_bar and read by evaluate.
template <class State>
class RuleStrategy : public Strategy {
 public:
  explicit RuleStrategy(std::size_t symbols) : states_(symbols) {}
  void on_primary_bar(domain::SymbolId symbol, const domain::Bar& bar) override { states_[symbol.value].push(bar); }
  std::string_view name() const override { return State::kName; }
  domain::Signal evaluate(const StrategyInput& input) override {
    domain::Signal signal;
    signal.symbol = input.symbol;
    signal.action = states_[input.symbol.value].wish();
    signal.source = State::kName;
    if (signal.action == domain::Action::Hold) signal.hold_reason = domain::HoldReason::NoSetup;
    return signal;
  }
  void archive(base::Writer& a) override { a(states_); }
  void archive(base::Reader& a) override { a(states_); }

 private:
  std::vector<State> states_;
};

class EmaCrossState {
 public:
  static constexpr const char* kName = "ema_cross";
  void push(const domain::Bar& bar);
  domain::Action wish() const { return wish_; }
  template <class Archive>
  void archive(Archive& a) {
    a(fast_, slow_, above_, wish_);
  }

 private:
  market::Ema fast_{12}, slow_{26};
  std::int8_t above_ = 0;  // −1 below, 0 unknown, +1 above
  domain::Action wish_ = domain::Action::Hold;
};

class DonchianState {
 public:
  static constexpr const char* kName = "donchian_breakout";
  static constexpr std::size_t kPeriod = 20;
  void push(const domain::Bar& bar);
  domain::Action wish() const { return wish_; }
  template <class Archive>
  void archive(Archive& a) {
    a(highs_, lows_, wish_);
  }

 private:
  base::Ring<domain::Price> highs_{kPeriod}, lows_{kPeriod};
  domain::Action wish_ = domain::Action::Hold;
};

class RsiState {
 public:
  static constexpr const char* kName = "rsi_reversion";
  static constexpr int kPeriod = 14;
  void push(const domain::Bar& bar);
  domain::Action wish() const { return wish_; }
  /// 0..100; meaningful after kPeriod + 1 bars.
  double rsi() const;
  template <class Archive>
  void archive(Archive& a) {
    a(previous_close_, gain_, loss_, previous_rsi_, bars_, wish_);
  }

 private:
  double previous_close_ = 0, gain_ = 0, loss_ = 0, previous_rsi_ = 0;
  std::int32_t bars_ = 0;
  domain::Action wish_ = domain::Action::Hold;
};

}  // namespace qtrader::fund
