#include "core/risk/sizing.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/ledger/margin.hpp"

namespace qtrader::risk {
namespace {

using domain::Money;
using domain::Price;
using domain::Quantity;
using domain::Rounding;

constexpr double kHighConfidence = 0.85, kHighConfidenceFactor = 1.5;
constexpr double kLowConfidence = 0.60, kLowConfidenceFactor = 0.5;
constexpr double kLearnedScaleMin = 0.5, kLearnedScaleMax = 1.25;
constexpr double kIntervalFactorMin = 0.25;

double confidence_factor(double confidence) {
  if (confidence < 0) return 1;
  if (confidence >= kHighConfidence) return kHighConfidenceFactor;
  return confidence < kLowConfidence ? kLowConfidenceFactor : 1;
}

/// The rule that the input itself breaks, if any.
std::optional<std::string> unusable(const SizingInput& in, const Limits& limits) {
  const double floats[] = {in.confidence,    in.atr_frac,      in.size_factor,
                           in.policy_factor, in.learned_scale, in.adverse_bound_frac};
  const bool finite = std::all_of(std::begin(floats), std::end(floats), [](double v) { return std::isfinite(v); });
  const auto share = [](double v) { return v >= 0 && v <= 1; };
  if (!finite || !share(in.size_factor) || !share(in.policy_factor) || in.round_trip_cost.is_negative() ||
      in.adverse_bound_frac < 0 || !in.price.is_positive() || !in.stop.is_positive())
    return "bad_input";
  if (!in.equity.is_positive()) return "no_equity";
  if (in.atr_frac <= 0) return "no_atr";
  const bool right_side = in.side == domain::PositionSide::Long ? in.stop < in.price : in.stop > in.price;
  if (!right_side) return "stop_side";
  const double distance = ((in.price - in.stop).abs() / in.price).to_double();
  if (distance < limits.stop_distance_min_frac || distance > limits.stop_distance_max_frac) return "stop_distance";
  return std::nullopt;
}

/// Builds the answer step by step; every number that decides is recorded on the way.
class Sizer {
 public:
  Sizer(const SizingInput& in, const domain::Instrument& instrument, const Limits& limits)
      : in_(in), instrument_(instrument), limits_(limits) {}

  std::variant<domain::PositionSized, SizingRefusal> run() {
    if (auto rule = unusable(in_, limits_)) return refuse(std::move(*rule));
    if (!budget_risk()) return refuse("risk_too_small");
    const double wanted = want_notional();
    const Money margin = Money::from_double(step("margin_budget_usd", margin_budget()), Rounding::Down);
    if (!margin.is_positive()) return refuse("no_margin");
    const std::int32_t leverage = leverage_cap(wanted);
    step("max_leverage", leverage);
    if (leverage < 1) return refuse("stop_beyond_liquidation");
    const Money most = Money::from_raw(domain::mul_div(margin.raw(), leverage, 1, Rounding::Down));
    const Money capped = std::min(Money::from_double(wanted, Rounding::Down), most);
    step("capped_notional_usd", capped.to_double());
    return place(capped, margin);
  }

 private:
  double step(const char* name, double value) {
    steps_.push_back({name, value});
    return value;
  }
  SizingRefusal refuse(std::string rule) { return {std::move(rule), std::move(steps_)}; }

  /// Steps 1–5 of ai.md 5.2.
  bool budget_risk() {
    const double equity = in_.equity.to_double();
    double risk = step("base_risk_frac", limits_.risk_per_trade_frac);
    risk *= step("policy_factor", in_.policy_factor);
    risk *= step("confidence_factor", confidence_factor(in_.confidence));
    risk *= step("protective_factor", in_.size_factor);
    risk = step("risk_frac", std::min(risk, limits_.risk_per_trade_max_frac));
    if (risk < limits_.risk_per_trade_min_frac) return false;
    risk_usd_ = step("risk_usd", equity * risk);
    return true;
  }

  /// Steps 6–7, and the caps on a single notional.
  double want_notional() {
    const double equity = in_.equity.to_double();
    const double stop = step("stop_frac", ((in_.price - in_.stop).abs() / in_.price).to_double());
    const double loss_frac = stop + step("cost_frac", in_.round_trip_cost.to_double());
    double notional = step("notional_usd", risk_usd_ / loss_frac);
    notional *= step("learned_scale", std::clamp(in_.learned_scale, kLearnedScaleMin, kLearnedScaleMax));
    risk_usd_ = std::min(risk_usd_ * steps_.back().result, equity * limits_.risk_per_trade_max_frac);
    const double interval = interval_factor(stop);
    notional *= interval;
    risk_usd_ *= interval;
    return std::min(
        {notional, risk_usd_ / loss_frac, equity * limits_.max_symbol_exposure_frac, limits_.max_trade_notional_usd});
  }

  /// As if the stop stood where the prediction interval ends, if that is farther (ADR 0017).
  double interval_factor(double stop) {
    if (in_.adverse_bound_frac == 0) return 1;
    const double ratio = stop / step("adverse_bound_frac", in_.adverse_bound_frac);
    return step("interval_factor", std::clamp(ratio, kIntervalFactorMin, 1.0));
  }

  double margin_budget() const {
    const double equity = in_.equity.to_double();
    const double available = in_.available.to_double();
    const double used = equity - available;
    return std::min({volatility_envelope(in_.atr_frac).max_margin_frac * equity, available,
                     limits_.max_margin_usage_frac * equity - used});
  }

  /// Step 8. 0 if the stop is too near liquidation even without leverage.
  std::int32_t leverage_cap(double notional) const {
    const Money money = Money::from_double(notional, Rounding::Up);
    const EntryAtRisk entry{in_.side, domain::divide(money, in_.price, Rounding::Up), in_.price, in_.stop,
                            in_.round_trip_cost};
    std::int32_t cap = std::min({limits_.max_leverage, volatility_envelope(in_.atr_frac).max_leverage,
                                 instrument_.bracket_for(money).max_leverage});
    const double stop = ((in_.price - in_.stop).abs() / in_.price).to_double();
    const double cost = in_.round_trip_cost.to_double();
    for (; cap >= 1; --cap) {
      const double distance = liquidation_distance(entry, {cap}, instrument_) - cost;
      if (stop <= limits_.stop_to_liquidation_max_frac * distance && distance - stop >= limits_.liquidation_buffer_frac)
        break;
    }
    return cap;
  }

  /// Step 9: a legal quantity, and margin, leverage and risk that follow from it.
  std::variant<domain::PositionSized, SizingRefusal> place(Money notional, Money margin_budget) {
    Quantity quantity = domain::divide(notional, in_.price, Rounding::Down);
    for (const Quantity most : {instrument_.max_quantity, instrument_.max_market_quantity})
      if (most.is_positive()) quantity = std::min(quantity, most);
    quantity = instrument_.round_quantity_down(quantity);
    const Money budget = Money::from_double(risk_usd_, Rounding::Down);
    EntryAtRisk entry{in_.side, quantity, in_.price, in_.stop, in_.round_trip_cost};
    // At most once or twice: the budget came through a float, the loss is exact.
    while (entry.quantity.is_positive() && loss_at_stop(entry) > budget) entry.quantity -= instrument_.step_size;
    step("quantity", entry.quantity.to_double());
    if (!entry.quantity.is_positive() || entry.quantity < instrument_.min_quantity) return refuse("below_min_quantity");

    domain::PositionSized out;
    out.quantity = entry.quantity;
    out.notional = in_.price * entry.quantity;
    if (out.notional < instrument_.min_notional) return refuse("below_min_notional");
    const std::int64_t leverage = domain::mul_div(out.notional.raw(), 1, margin_budget.raw(), Rounding::Up);
    out.leverage = {static_cast<std::int32_t>(leverage)};
    out.margin = out.leverage.margin_for(out.notional);
    out.risk = loss_at_stop(entry);
    step("leverage", out.leverage.value);
    step("loss_at_stop_usd", out.risk.to_double());
    QT_CHECK(out.margin <= margin_budget && out.risk <= budget, "sizing exceeds its own budget");
    out.steps = std::move(steps_);
    return out;
  }

  const SizingInput& in_;
  const domain::Instrument& instrument_;
  const Limits& limits_;
  double risk_usd_ = 0;
  std::vector<domain::SizingStep> steps_;
};

}  // namespace

Money loss_at_stop(const EntryAtRisk& entry) {
  return domain::multiply((entry.price - entry.stop).abs(), entry.quantity, Rounding::Up) +
         domain::multiply(domain::multiply(entry.price, entry.quantity, Rounding::Up), entry.round_trip_cost,
                          Rounding::Up);
}

double liquidation_distance(const EntryAtRisk& entry, domain::Leverage leverage, const domain::Instrument& instrument) {
  const bool is_long = entry.side == domain::PositionSide::Long;
  const Money notional = entry.price * entry.quantity;
  const ledger::PositionAtRisk position{is_long ? entry.quantity : -entry.quantity, is_long ? notional : -notional,
                                        leverage.margin_for(notional)};
  const Price price = ledger::liquidation_price(instrument, position);
  if (price.is_zero()) return 1;
  return (is_long ? entry.price - price : price - entry.price).to_double() / entry.price.to_double();
}

std::variant<domain::PositionSized, SizingRefusal> size_position(const SizingInput& input,
                                                                 const domain::Instrument& instrument,
                                                                 const Limits& limits) {
  return Sizer(input, instrument, limits).run();
}

}  // namespace qtrader::risk
