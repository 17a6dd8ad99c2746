#include "core/risk/gate.hpp"

#include <algorithm>
#include <cmath>

#include "core/ledger/margin.hpp"
#include "core/risk/sizing.hpp"

namespace qtrader::risk {
namespace {

using domain::Money;
using domain::Price;
using domain::Quantity;

double yes(bool value) { return value ? 1.0 : 0.0; }

/// part / whole; whole > 0.
double frac(Money part, Money whole) { return part.to_double() / whole.to_double(); }

/// How far `now` is below `start`, as a share of it: ≥ 0. An empty start has lost nothing yet.
double loss_frac(Money start, Money now) { return start.is_positive() ? std::max(0.0, frac(start - now, start)) : 0.0; }

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/// Weeks begin on Monday; 1970-01-01 was a Thursday.
std::int64_t week_of(std::int64_t day) { return floor_div(day + 3, 7); }

}  // namespace

/// Collects results; a failed one ends the && chain it stands in.
class Gate::Checklist {
 public:
  Checklist() { checks_.reserve(32); }
  bool check(const char* rule, double value, double limit, bool passed) {
    checks_.push_back({rule, value, limit, passed});
    return passed;
  }
  bool at_most(const char* rule, double value, double limit) { return check(rule, value, limit, value <= limit); }
  bool at_least(const char* rule, double value, double limit) { return check(rule, value, limit, value >= limit); }
  bool below(const char* rule, double value, double limit) { return check(rule, value, limit, value < limit); }
  bool must(const char* rule, bool holds) { return check(rule, yes(holds), 1, holds); }

  Approval approve(Approved<domain::Order> order) { return {std::move(order), std::move(checks_)}; }
  Refusal refuse() { return {checks_.back().rule, std::move(checks_)}; }

 private:
  std::vector<domain::CheckResult> checks_;
};

/// The order under review with what follows from it and the account; filled in as the checks prove it usable.
struct Gate::Entry {
  const domain::Order& order;
  const EntryContext& context;
  base::Timestamp now;
  domain::PositionSide side = domain::PositionSide::Long;
  Price mark;
  Money notional;  // at the reference price
  ledger::AccountView account;
  Pending pending;

  const domain::Instrument& instrument(const Gate& gate) const { return (*gate.instruments_)[order.symbol]; }
  EntryAtRisk at_risk() const {
    return {side, order.quantity, context.reference_price, context.stop_price, context.round_trip_cost};
  }
  double stop_frac() const {
    return (context.reference_price - context.stop_price).abs().to_double() / context.reference_price.to_double();
  }
};

Gate::Gate(Limits limits, const domain::InstrumentTable& instruments, const ledger::Ledger& ledger,
           const market::MarketState& market)
    : limits_(limits), instruments_(&instruments), ledger_(&ledger), market_(&market) {
  const auto valid = validate(limits_);
  QT_CHECK(valid.ok(), valid.error().message());
}

Review Gate::review_entry(const domain::Order& order, const EntryContext& context, base::Timestamp now) {
  forget_before(now);
  Checklist list;
  Entry entry{.order = order, .context = context, .now = now};
  bool passed = check_permission(list, entry) && check_identity(list, entry) && check_price(list, entry);
  if (passed) {
    entry.account = ledger_->account();
    passed = list.check("equity", entry.account.equity.to_double(), 0, entry.account.equity.is_positive());
  }
  if (passed) {
    on_equity(entry.account.equity, now);
    entry.notional = context.reference_price * order.quantity;
    entry.pending = pending();
    passed = check_stop(list, entry) && check_leverage(list, entry) && check_size(list, entry) &&
             check_position(list, entry) && check_exposure(list, entry) && check_margin(list, entry) &&
             check_losses(list, entry) && check_order(list, entry);
  }
  if (!passed) return list.refuse();
  in_flight_[order.id] = {order.symbol, order.quantity, context.reference_price, context.leverage};
  entry_times_.push_back(now);
  return list.approve(Approved<domain::Order>(order));
}

bool Gate::check_permission(Checklist& list, const Entry& entry) const {
  const EntryPermission& p = permission_;
  if (!p.required) return true;
  const bool held = std::find(p.held.begin(), p.held.end(), entry.order.symbol) != p.held.end();
  return list.must("venue_link", p.link_ready) && list.must("reconciled", p.reconciled) &&
         list.check("hedge_mode", yes(p.hedge_mode), 0, !p.hedge_mode) &&
         list.check("symbol_hold", yes(held), 0, !held);
}

bool Gate::check_identity(Checklist& list, Entry& entry) const {
  const domain::Order& o = entry.order;
  const bool locked = locked_until_ && entry.now < *locked_until_;
  if (!list.check("kill_switch", yes(killed_), 0, !killed_) || !list.check("drawdown_lock", yes(locked), 0, !locked) ||
      !list.must("symbol_known", o.symbol.value < instruments_->size() && o.symbol.value < market_->size()))
    return false;
  const bool typed =
      o.type == domain::OrderType::Market || (o.type == domain::OrderType::Limit && o.limit_price.is_positive());
  entry.side = o.side == domain::Side::Buy ? domain::PositionSide::Long : domain::PositionSide::Short;
  return list.must("order_shape", typed && o.purpose == domain::OrderPurpose::Entry && !o.reduce_only &&
                                      o.quantity.is_positive() && entry.context.reference_price.is_positive() &&
                                      !entry.context.round_trip_cost.is_negative());
}

bool Gate::check_price(Checklist& list, Entry& entry) const {
  const auto& market = (*market_)[entry.order.symbol];
  const auto mark = market.mark();
  const auto time = market.mark_time();
  if (!list.must("mark_known", mark && time && mark->is_positive())) return false;
  entry.mark = *mark;
  // A mark from the future is a broken clock, as bad as an old one.
  const double age_ms = std::abs(static_cast<double>((entry.now - *time).ns)) / 1e6;
  const double deviation = std::abs(entry.context.reference_price.to_double() / mark->to_double() - 1);
  return list.at_most("mark_age", age_ms, static_cast<double>(limits_.mark_max_age_ms)) &&
         list.at_most("price_deviation", deviation, limits_.max_price_deviation_frac);
}

bool Gate::check_stop(Checklist& list, const Entry& entry) const {
  const Price stop = entry.context.stop_price;
  // The mark must not have passed the stop either, or the venue would trigger it at once.
  const Price near = entry.side == domain::PositionSide::Long ? std::min(entry.context.reference_price, entry.mark)
                                                              : std::max(entry.context.reference_price, entry.mark);
  const bool right_side = stop.is_positive() && (entry.side == domain::PositionSide::Long ? stop < near : stop > near);
  return list.check("stop_side", stop.to_double(), near.to_double(), right_side) &&
         list.at_least("stop_distance_min", entry.stop_frac(), limits_.stop_distance_min_frac) &&
         list.at_most("stop_distance_max", entry.stop_frac(), limits_.stop_distance_max_frac);
}

bool Gate::check_leverage(Checklist& list, const Entry& entry) const {
  const domain::Leverage leverage = entry.context.leverage;
  const domain::Instrument& instrument = entry.instrument(*this);
  const auto& envelope = volatility_envelope((*market_)[entry.order.symbol].atr_frac());
  const std::int32_t most =
      std::min({limits_.max_leverage, envelope.max_leverage, instrument.bracket_for(entry.notional).max_leverage});
  // The buffer needs a leverage that is one; a leverage below 1 fails here as the rule it breaks.
  if (leverage.value < 1) return list.at_least("leverage", leverage.value, 1);
  const double room = liquidation_distance(entry.at_risk(), leverage, instrument) - entry.stop_frac();
  return list.at_least("liquidation_buffer", room, limits_.liquidation_buffer_frac) &&
         list.at_most("leverage", leverage.value, most);
}

bool Gate::check_size(Checklist& list, const Entry& entry) const {
  const double risk = frac(loss_at_stop(entry.at_risk()), entry.account.equity);
  return list.at_most("risk_per_trade", risk, limits_.risk_per_trade_max_frac) &&
         list.at_most("trade_notional", entry.notional.to_double(), limits_.max_trade_notional_usd);
}

bool Gate::check_position(Checklist& list, const Entry& entry) const {
  const Quantity held = ledger_->position(entry.order.symbol).quantity;
  const bool busy = std::any_of(in_flight_.begin(), in_flight_.end(), [&](const auto& e) {
    return e.first == entry.order.id || e.second.symbol == entry.order.symbol;
  });
  return list.check("position_invariant", held.to_double(), 0, held.is_zero()) &&
         list.check("entry_in_flight", yes(busy), 0, !busy);
}

bool Gate::check_exposure(Checklist& list, const Entry& entry) const {
  const Money equity = entry.account.equity;
  const std::size_t open = ledger_->open_positions() + entry.pending.positions + 1;
  const Money symbol =
      ledger_->position(entry.order.symbol).notional() + pending_notional(entry.order.symbol) + entry.notional;
  const Money gross = entry.account.exposure + entry.pending.notional + entry.notional;
  return list.at_most("open_count", static_cast<double>(open), limits_.max_open_positions) &&
         list.at_most("symbol_exposure", frac(symbol, equity), limits_.max_symbol_exposure_frac) &&
         list.at_most("gross_exposure", frac(gross, equity), limits_.max_gross_exposure_frac);
}

bool Gate::check_margin(Checklist& list, const Entry& entry) const {
  const Money margin = entry.context.leverage.margin_for(entry.notional);
  const Money fee = domain::multiply(entry.notional, entry.instrument(*this).taker_fee, domain::Rounding::Up);
  const Money free = entry.account.available - entry.pending.margin;
  const Money used = entry.account.initial_margin + entry.pending.margin + margin;
  return list.check("margin", (margin + fee).to_double(), free.to_double(), margin + fee <= free) &&
         list.at_most("margin_usage", frac(used, entry.account.equity), limits_.max_margin_usage_frac);
}

bool Gate::check_losses(Checklist& list, const Entry& entry) const {
  Money gross;
  for (const auto& [time, loss] : losses_) gross += loss;
  const Money equity = entry.account.equity;
  const double rolling = day_start_.is_positive() ? frac(gross, day_start_) : 0;
  const bool broken = breaker_until_ && entry.now < *breaker_until_;
  return list.below("daily_loss", loss_frac(day_start_, equity), limits_.daily_loss_frac) &&
         list.below("rolling_loss", rolling, limits_.daily_loss_frac) &&
         list.check("circuit_breaker", yes(broken), 0, !broken) &&
         list.below("weekly_loss", loss_frac(week_start_, equity), limits_.weekly_loss_frac) &&
         list.below("drawdown", drawdown_frac(), limits_.drawdown_pause_frac);
}

bool Gate::check_order(Checklist& list, const Entry& entry) const {
  const domain::Order& o = entry.order;
  const domain::Instrument& i = entry.instrument(*this);
  const bool market = o.type == domain::OrderType::Market;
  const Quantity most = market ? i.max_market_quantity : i.max_quantity;
  const bool legal = o.quantity == i.round_quantity_down(o.quantity) && o.quantity >= i.min_quantity &&
                     (most.is_zero() || o.quantity <= most) &&
                     (market || o.limit_price == i.round_price(o.limit_price, domain::Rounding::Down));
  // The venue values a market order at mark.
  const Money value = (market ? entry.mark : o.limit_price) * o.quantity;
  return list.at_most("order_rate", static_cast<double>(entry_times_.size() + 1), limits_.max_orders_per_minute) &&
         list.must("filters", legal) && list.at_least("min_notional", value.to_double(), i.min_notional.to_double());
}

Review Gate::review_slice(const domain::Order& order, domain::ClientOrderId previous, base::Timestamp now) {
  forget_before(now);
  Checklist list;
  const auto parent = in_flight_.find(previous);
  const bool known = parent != in_flight_.end() && parent->second.symbol == order.symbol;
  EntryContext context;
  if (known) context = {parent->second.price, {}, parent->second.leverage, {}};
  Entry entry{.order = order, .context = context, .now = now};
  if (!list.must("slice", known) || !check_permission(list, entry) || !check_identity(list, entry) ||
      !check_price(list, entry))
    return list.refuse();
  const Quantity held = ledger_->position(order.symbol).quantity;
  const bool other_side = !held.is_zero() && held.is_negative() != (order.side == domain::Side::Sell);
  const Quantity whole = held.abs() + order.quantity;
  if (!list.check("slice", whole.to_double(), parent->second.quantity.to_double(),
                  !other_side && whole <= parent->second.quantity) ||
      !list.below("drawdown", drawdown_frac(), limits_.drawdown_pause_frac) || !check_order(list, entry))
    return list.refuse();
  auto node = in_flight_.extract(parent);
  node.key() = order.id;
  in_flight_.insert(std::move(node));
  entry_times_.push_back(now);
  return list.approve(Approved<domain::Order>(order));
}

Review Gate::review_reducing(const domain::Order& order) {
  Checklist list;
  if (!list.must("symbol_known", order.symbol.value < instruments_->size())) return list.refuse();
  const Quantity held = ledger_->position(order.symbol).quantity;
  const bool opposite = held.is_negative() ? order.side == domain::Side::Buy : order.side == domain::Side::Sell;
  const bool reduces =
      held.is_zero() ? order.reduce_only : opposite && (order.reduce_only || order.quantity <= held.abs());
  const bool exit = order.purpose != domain::OrderPurpose::Entry && order.quantity.is_positive();
  if (!list.check("not_reducing", order.quantity.to_double(), held.to_double(), exit && reduces)) return list.refuse();
  return list.approve(Approved<domain::Order>(order));
}

Quantity Gate::unfilled(const InFlight& order) const {
  // The symbol was flat when the order was approved, so what is held now is what has been filled of it.
  return std::max(Quantity(), order.quantity - ledger_->position(order.symbol).quantity.abs());
}

Gate::Pending Gate::pending() const {
  Pending sum;
  for (const auto& [id, order] : in_flight_) {
    const Money notional = order.price * unfilled(order);
    sum.notional += notional;
    sum.margin += order.leverage.margin_for(notional);
    sum.positions += ledger_->position(order.symbol).flat() ? 1 : 0;
  }
  return sum;
}

Money Gate::pending_notional(domain::SymbolId symbol) const {
  Money sum;
  for (const auto& [id, order] : in_flight_)
    if (order.symbol == symbol) sum += order.price * unfilled(order);
  return sum;
}

void Gate::on_order_done(domain::ClientOrderId order) { in_flight_.erase(order); }

void Gate::on_trade_closed(Money net_pnl, base::Timestamp now) {
  forget_before(now);
  if (net_pnl.is_negative()) {
    losses_.emplace_back(now, -net_pnl);
    ++losing_streak_;
    last_loss_ = now;
  } else if (net_pnl.is_positive()) {
    losing_streak_ = 0;
  }
}

void Gate::forget_before(base::Timestamp now) {
  while (!entry_times_.empty() && now - entry_times_.front() >= base::minutes(1)) entry_times_.pop_front();
  while (!losses_.empty() && now - losses_.front().first >= base::hours(24)) losses_.pop_front();
}

void Gate::on_equity(Money equity, base::Timestamp now) {
  const std::int64_t day = floor_div(now.ns, base::days(1).ns);
  if (!equity_) {
    if (!equity.is_positive()) return;  // nothing deposited yet: still unknown
    peak_ = day_start_ = week_start_ = equity;
    day_ = day;
    week_ = week_of(day);
  }
  // A day starts with what the last one ended with.
  if (day != day_) {
    day_ = day;
    day_start_ = *equity_;
    breaker_fired_ = false;
    if (week_of(day) != week_) {
      week_ = week_of(day);
      week_start_ = *equity_;
    }
  }
  // A size halved below the least worth trading would otherwise never come back.
  if (losing_streak_ > 0 && now - last_loss_ >= base::hours(limits_.losing_streak_hours)) losing_streak_ = 0;
  equity_ = equity;
  peak_ = std::max(peak_, equity);
  stage(now);
}

void Gate::on_opening(Money equity, base::Timestamp now) {
  equity_.reset();
  on_equity(equity, now);
}

void Gate::stage(base::Timestamp now) {
  if (!breaker_fired_ && loss_frac(day_start_, *equity_) >= limits_.daily_loss_frac) {
    breaker_fired_ = true;
    breaker_until_ = now + base::minutes(limits_.circuit_breaker_minutes);
  }
  const double drawdown = drawdown_frac();
  if (drawdown < limits_.drawdown_pause_frac) {
    paused_since_.reset();
    return;
  }
  if (!paused_since_) paused_since_ = now;
  if (!stop_fired_ && drawdown >= limits_.drawdown_stop_frac) {
    stop_fired_ = true;
    kill("drawdown from the equity peak reached the stop stage");
  }
  if (!lock_fired_ && drawdown >= limits_.drawdown_lock_frac) {
    lock_fired_ = true;
    locked_until_ = now + base::days(limits_.drawdown_lock_days);
  }
  const bool waited = limits_.drawdown_rearm_days > 0 &&
                      now - *paused_since_ >= base::days(limits_.drawdown_rearm_days) &&
                      ledger_->open_positions() == 0 && in_flight_.empty();
  if (waited && !killed_) measure_anew();
}

void Gate::measure_anew() {
  peak_ = *equity_;
  paused_since_.reset();
  stop_fired_ = lock_fired_ = false;
}

void Gate::kill(std::string reason) {
  if (!killed_) kill_reason_ = std::move(reason);
  killed_ = true;
}

void Gate::resume() {
  killed_ = false;
  kill_reason_.clear();
  if (equity_ && drawdown_frac() >= limits_.drawdown_pause_frac) measure_anew();
}

double Gate::drawdown_frac() const { return equity_ ? loss_frac(peak_, *equity_) : 0.0; }

double Gate::size_factor() const {
  const double drawdown = drawdown_frac();
  const double stage = drawdown < limits_.drawdown_warn_frac      ? 1.0
                       : drawdown < limits_.drawdown_pause_frac   ? 0.75
                       : drawdown < limits_.drawdown_quarter_frac ? 0.5
                       : drawdown < limits_.drawdown_stop_frac    ? 0.25
                                                                  : 0.0;
  const double recovery = drawdown >= limits_.recovery_drawdown_frac ? 0.5 : 1.0;
  const double streak = losing_streak_ >= limits_.losing_streak_halve ? 0.5 : 1.0;
  return stage * recovery * streak;
}

}  // namespace qtrader::risk
