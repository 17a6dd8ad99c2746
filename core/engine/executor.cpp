#include "core/engine/executor.hpp"

#include <algorithm>

namespace qtrader::engine {
namespace {

domain::PositionSide side_of(domain::Action action) {
  return action == domain::Action::Buy ? domain::PositionSide::Long : domain::PositionSide::Short;
}

/// A HOLD that never came near a trade is recorded without its evidence: the reason is what counts.
void shorten_hold(domain::Signal& signal) {
  signal.votes.clear();
  signal.features.clear();
}

/// The adverse end of the prediction interval as a distance; 0 if there is no interval, or none of it is adverse.
double adverse_bound_frac(const domain::Signal& signal) {
  return signal.interval_low_frac ? std::max(0.0, -*signal.interval_low_frac) : 0.0;
}

bool stronger(const domain::Signal& a, const domain::Signal& b) {
  if (a.expected_edge_frac != b.expected_edge_frac) return a.expected_edge_frac > b.expected_edge_frac;
  if (a.confidence != b.confidence) return a.confidence > b.confidence;
  return a.symbol < b.symbol;
}

}  // namespace

Executor::Executor(ExecutorRooms rooms) : rooms_(rooms), last_close_(rooms.instruments.size()) {}

double Executor::predicted_slippage_bps(domain::SymbolId symbol) const {
  return rooms_.config.slippage_bps + rooms_.config.slippage_bps_per_atr * rooms_.market[symbol].atr_frac();
}

double Executor::round_trip_cost_frac(domain::SymbolId symbol) const {
  return 2 * (rooms_.instruments[symbol].taker_fee.to_double() + predicted_slippage_bps(symbol) / 1e4);
}

void Executor::reject(const domain::Signal& signal, std::string stage, std::string reason,
                      execution::Context& context) {
  context.audit.record(domain::SignalRejected{signal.trace, signal.symbol, std::move(stage), std::move(reason)});
}

void Executor::observe(const features::FeatureBook* features, base::Timestamp now) {
  for (const domain::SymbolId symbol : dirty_)
    rooms_.strategy.observe({symbol, rooms_.market[symbol], features, round_trip_cost_frac(symbol), now});
}

void Executor::overtake(const features::FeatureBook* features, base::Timestamp bar_close) {
  if (!dirty_.empty() && bar_close > moment_) skip_scan(features, moment_);
}

void Executor::skip_scan(const features::FeatureBook* features, base::Timestamp now) {
  observe(features, now);
  dirty_.clear();
}

std::vector<domain::Signal> Executor::collect(const features::FeatureBook* features, kernel::Seq seq,
                                              execution::Context& context) {
  std::vector<domain::Signal> wishes;
  if (dirty_.empty()) return wishes;
  observe(features, context.now);
  auto universe = rooms_.hooks.run<UniverseHook>({std::move(dirty_), context.now}, {}, context.audit);
  dirty_.clear();
  for (const domain::SymbolId symbol : universe.symbols) {
    const market::SymbolMarket& market = rooms_.market[symbol];
    domain::Signal signal =
        rooms_.strategy.evaluate({symbol, market, features, round_trip_cost_frac(symbol), context.now});
    const bool silent = signal.hold_reason == domain::HoldReason::NoSetup;
    if (silent) continue;  // a rule without a setup has said nothing
    signal.trace = {seq << 16 | symbol.value};
    signal.price = market.last_primary->close;
    signal.atr_frac = market.atr_frac();
    signal.regime = market.regime;
    signal.bar_close = market.last_primary->close_time();
    if (signal.action == domain::Action::Hold) {
      shorten_hold(signal);
      context.audit.record(domain::SignalGenerated{std::move(signal)});
      continue;
    }
    context.audit.record(domain::SignalGenerated{signal});
    wishes.push_back(std::move(signal));
  }
  return wishes;
}

void Executor::wait(domain::Signal signal, execution::Context& context) {
  std::erase_if(queue_, [&](const Waiting& w) { return w.signal.symbol == signal.symbol; });
  queue_.push_back({std::move(signal), rooms_.config.executor.signal_ttl_scans});
  if (queue_.size() <= static_cast<std::size_t>(rooms_.config.executor.signal_queue_max)) return;
  const auto weakest = std::max_element(
      queue_.begin(), queue_.end(), [](const Waiting& a, const Waiting& b) { return stronger(a.signal, b.signal); });
  reject(weakest->signal, "queue", "queue_full", context);
  queue_.erase(weakest);
}

void Executor::handle_open_positions(std::vector<domain::Signal>& candidates, execution::Context& context) {
  std::erase_if(candidates, [&](domain::Signal& signal) {
    const auto open = rooms_.manager.side(signal.symbol);
    if (!open) return false;
    if (*open == side_of(signal.action)) {
      reject(signal, "position", "position_already_open", context);
      return true;
    }
    if (rooms_.strategy.probabilistic() && signal.confidence <= rooms_.config.executor.reversal_confidence) {
      reject(signal, "position", "reversal_confidence", context);
      return true;
    }
    rooms_.manager.close(signal.symbol, domain::ExitReason::SignalReversal, context);
    wait(std::move(signal), context);
    return true;
  });
}

void Executor::add_waiting(std::vector<domain::Signal>& candidates, execution::Context& context) {
  std::deque<Waiting> still;
  for (Waiting& w : queue_) {
    const bool superseded = std::any_of(candidates.begin(), candidates.end(),
                                        [&](const domain::Signal& s) { return s.symbol == w.signal.symbol; });
    if (superseded) continue;
    if (!rooms_.manager.busy(w.signal.symbol)) {
      candidates.push_back(std::move(w.signal));
    } else if (--w.scans_left > 0) {
      still.push_back(std::move(w));
    } else {
      reject(w.signal, "queue", "expired", context);
    }
  }
  queue_ = std::move(still);
}

std::optional<std::string> Executor::refuse_before_sizing(const domain::Signal& signal, std::string& stage,
                                                          execution::Context& context) {
  const ExecutorConfig& config = rooms_.config.executor;
  stage = "cooldown";
  if (last_entry_.ns != 0 && context.now - last_entry_ < base::seconds(config.cooldown_s)) return "cooldown";
  const base::Timestamp closed = last_close_[signal.symbol.value];
  if (closed.ns != 0 && context.now - closed < base::seconds(config.symbol_cooldown_s)) return "symbol_cooldown";
  if (rooms_.strategy.probabilistic()) {
    stage = "confidence";
    const auto confidence =
        rooms_.hooks.run<ConfidenceHook>({signal, rooms_.config.ensemble.min_confidence}, signal.trace, context.audit);
    if (confidence.verdict.kind == domain::VerdictKind::Veto || signal.confidence < confidence.threshold)
      return "confidence_threshold";
  }
  stage = "risk";
  const auto risk = rooms_.hooks.run<RiskCheckHook>(
      {signal, side_of(signal.action), rooms_.ledger.account().equity, rooms_.gate.size_factor(), rooms_.gate.killed()},
      signal.trace, context.audit);
  if (risk.verdict.kind == domain::VerdictKind::Veto) return risk.verdict.reasons.front();
  return std::nullopt;
}

void Executor::try_entry(const domain::Signal& signal, execution::Context& context) {
  std::string stage;
  if (auto rule = refuse_before_sizing(signal, stage, context)) return reject(signal, stage, *rule, context);
  if (signal.atr_frac <= 0) return reject(signal, "sizing", "no_atr", context);

  const domain::Instrument& instrument = rooms_.instruments[signal.symbol];
  const domain::PositionSide side = side_of(signal.action);
  const ledger::AccountView account = rooms_.ledger.account();
  const execution::ExitProfile exits = execution::exit_profile(rooms_.config.exit_mode, signal.atr_frac);
  const auto cost = domain::Ratio::from_double(round_trip_cost_frac(signal.symbol));
  const double stop_move = 1 - domain::sign(side) * exits.stop_frac;
  const domain::Price stop =
      instrument.round_price(signal.price * domain::Ratio::from_double(stop_move), domain::Rounding::HalfEven);
  auto sized = rooms_.hooks.run<SizingHook>({signal,
                                             {.equity = account.equity,
                                              .available = account.available,
                                              .price = signal.price,
                                              .stop = stop,
                                              .side = side,
                                              .confidence = rooms_.strategy.probabilistic() ? signal.confidence : -1,
                                              .atr_frac = signal.atr_frac,
                                              .size_factor = rooms_.gate.size_factor(),
                                              .round_trip_cost = cost,
                                              .adverse_bound_frac = adverse_bound_frac(signal)},
                                             instrument},
                                            signal.trace, context.audit);
  if (!sized.size)
    return reject(signal, "sizing", sized.verdict.reasons.empty() ? "veto" : sized.verdict.reasons.front(), context);
  sized.size->trace = signal.trace;
  sized.size->symbol = signal.symbol;
  context.audit.record(*sized.size);

  const auto type = rooms_.hooks.run<OrderTypeHook>(
      {domain::entry_side(side), sized.size->quantity, rooms_.market[signal.symbol].book}, signal.trace, context.audit);
  if (type.verdict.kind == domain::VerdictKind::Veto) return reject(signal, "execution", "order_type", context);
  const auto slippage = rooms_.hooks.run<SlippageHook>(
      {domain::entry_side(side), sized.size->notional, signal.price, predicted_slippage_bps(signal.symbol)},
      signal.trace, context.audit);
  if (slippage.verdict.kind == domain::VerdictKind::Veto)
    return reject(signal, "execution", "predicted_slippage", context);

  const auto refused = rooms_.manager.open({.trace = signal.trace,
                                            .symbol = signal.symbol,
                                            .side = side,
                                            .quantity = sized.size->quantity,
                                            .leverage = sized.size->leverage,
                                            .reference_price = signal.price,
                                            .exits = exits,
                                            .round_trip_cost = cost,
                                            .strategy = signal.source,
                                            .expected_edge_frac = signal.expected_edge_frac},
                                           context);
  if (refused) reject(signal, "gate", *refused, context);
}

void Executor::scan(const features::FeatureBook* features, kernel::Seq seq, execution::Context& context) {
  std::vector<domain::Signal> candidates = collect(features, seq, context);
  if (stopped_) return;
  handle_open_positions(candidates, context);
  add_waiting(candidates, context);
  if (candidates.empty()) return;
  std::sort(candidates.begin(), candidates.end(), stronger);

  const auto portfolio =
      rooms_.hooks.run<PortfolioHook>({candidates, rooms_.ledger.account().equity}, {}, context.audit);
  std::int32_t tried = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!portfolio.allowed[i]) {
      reject(candidates[i], "portfolio", "portfolio_check", context);
    } else if (tried == rooms_.config.executor.max_signals_per_cycle) {
      reject(candidates[i], "queue", "cycle_full", context);
    } else {
      ++tried;
      try_entry(candidates[i], context);
    }
  }
}

}  // namespace qtrader::engine
