#include "core/fund/strategy/rules.hpp"

#include <algorithm>

namespace qtrader::fund {

void EmaCrossState::push(const domain::Bar& bar) {
  const double close = bar.close.to_double();
  fast_.push(close);
  slow_.push(close);
  wish_ = domain::Action::Hold;
  if (!slow_.ready()) return;
  const std::int8_t side = fast_.value() > slow_.value() ? 1 : -1;
  if (above_ != 0 && side != above_) wish_ = side > 0 ? domain::Action::Buy : domain::Action::Sell;
  above_ = side;
}

void DonchianState::push(const domain::Bar& bar) {
  wish_ = domain::Action::Hold;
  if (highs_.full()) {
    domain::Price high = highs_[0], low = lows_[0];
    for (std::size_t i = 1; i < kPeriod; ++i) {
      high = std::max(high, highs_[i]);
      low = std::min(low, lows_[i]);
    }
    if (bar.close > high) wish_ = domain::Action::Buy;
    if (bar.close < low) wish_ = domain::Action::Sell;
  }
  highs_.push(bar.high);
  lows_.push(bar.low);
}

double RsiState::rsi() const {
  const double total = gain_ + loss_;
  return total > 0 ? 100 * gain_ / total : 50;
}

void RsiState::push(const domain::Bar& bar) {
  const double close = bar.close.to_double();
  wish_ = domain::Action::Hold;
  if (bars_ > 0) {
    const double change = close - previous_close_;
    const double up = std::max(change, 0.0), down = std::max(-change, 0.0);
    if (bars_ <= kPeriod) {
      gain_ += up / kPeriod;
      loss_ += down / kPeriod;
    } else {
      gain_ += (up - gain_) / kPeriod;
      loss_ += (down - loss_) / kPeriod;
    }
  }
  previous_close_ = close;
  if (bars_ < kPeriod) {
    ++bars_;
    return;
  }
  const double now = rsi();
  if (bars_ > kPeriod) {
    if (previous_rsi_ < 30 && now >= 30) wish_ = domain::Action::Buy;
    if (previous_rsi_ > 70 && now <= 70) wish_ = domain::Action::Sell;
  } else {
    ++bars_;
  }
  previous_rsi_ = now;
}

base::Result<std::unique_ptr<Strategy>> make_rule_strategy(std::string_view name, std::size_t symbols) {
  std::unique_ptr<Strategy> made;
  if (name == EmaCrossState::kName) made = std::make_unique<RuleStrategy<EmaCrossState>>(symbols);
  if (name == DonchianState::kName) made = std::make_unique<RuleStrategy<DonchianState>>(symbols);
  if (name == RsiState::kName) made = std::make_unique<RuleStrategy<RsiState>>(symbols);
  if (made == nullptr)
    return base::Error{
        "fund", base::Errc::NotFound,
        "strategy '" + std::string(name) + "': expected one of ai, ema_cross, donchian_breakout, rsi_reversion"};
  return made;
}

}  // namespace qtrader::fund
