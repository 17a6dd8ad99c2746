#include "core/execution/reconciler.hpp"

#include <algorithm>
#include <utility>

namespace qtrader::execution {
namespace {

using domain::Quantity;

/// So many snapshots an unanswered question is waited for before the venue's quantity is adopted all the same.
constexpr std::int32_t kPatience = 4;

const domain::VenuePosition* position_of(const domain::AccountSnapshot& snapshot, domain::SymbolId symbol) {
  for (const domain::VenuePosition& p : snapshot.positions)
    if (p.symbol == symbol && !p.quantity.is_zero()) return &p;
  return nullptr;
}

Quantity quantity_of(const domain::AccountSnapshot& snapshot, domain::SymbolId symbol) {
  const domain::VenuePosition* p = position_of(snapshot, symbol);
  return p == nullptr ? Quantity{} : p->quantity;
}

const domain::VenueOpenOrder* listed(const domain::AccountSnapshot& snapshot, domain::ClientOrderId order) {
  for (const domain::VenueOpenOrder& o : snapshot.orders)
    if (o.order == order) return &o;
  return nullptr;
}

bool enlarges(const domain::VenueOpenOrder& order) { return !order.reduce_only && order.quantity.is_positive(); }

/// Whether stops of this trade at the venue cover the position.
bool covered_at_venue(const domain::AccountSnapshot& snapshot, const Trade& trade, Quantity held) {
  Quantity covered;
  for (const domain::VenueOpenOrder& o : snapshot.orders) {
    const bool ours = o.symbol == trade.plan.symbol && o.order.trade() == trade.id && o.order.value != 0;
    if (!ours || o.type != domain::OrderType::StopMarket || o.side != domain::exit_side(trade.plan.side)) continue;
    if (o.quantity.is_zero()) return true;  // closes whatever there is
    covered += o.quantity - o.filled;
  }
  return covered >= held.abs();
}

/// A way out is at work, or its next attempt has a time.
bool way_out(const Trade& trade) {
  return trade.close_timer.value != 0 ||
         std::any_of(trade.orders.begin(), trade.orders.end(), [](const OrderRecord& r) {
           const bool close =
               r.order.purpose == domain::OrderPurpose::Exit || r.order.purpose == domain::OrderPurpose::Unwind;
           return close && r.working();
         });
}

bool unprotected(const domain::AccountSnapshot& snapshot, const Trade& trade, Quantity held) {
  if (trade.closing) return !way_out(trade);
  const OrderRecord* pending = trade.find(trade.pending_stop);
  const bool on_its_way = pending != nullptr && pending->working();
  return !on_its_way && !covered_at_venue(snapshot, trade, held);
}

}  // namespace

std::vector<Difference> compare(const domain::AccountSnapshot& snapshot, domain::SymbolId symbol, Quantity held,
                                const Trade* trade) {
  std::vector<Difference> out;
  const bool equal = quantity_of(snapshot, symbol) == held;
  if (!equal) out.push_back({DifferenceKind::Quantity, {}, nullptr});
  if (equal && !held.is_zero() && trade != nullptr && unprotected(snapshot, *trade, held))
    out.push_back({DifferenceKind::StopMissing, {}, nullptr});
  const bool stop_replaced = !out.empty() && out.back().kind == DifferenceKind::StopMissing;
  if (trade != nullptr) {
    for (const OrderRecord& record : trade->orders) {
      if (!record.working() || listed(snapshot, record.order.id) != nullptr) continue;
      if (stop_replaced && record.order.id == trade->stop) continue;  // its loss is what was found
      out.push_back({DifferenceKind::OrderUnlisted, record.order.id, nullptr});
    }
  }
  for (const domain::VenueOpenOrder& o : snapshot.orders) {
    if (o.symbol != symbol) continue;
    const OrderRecord* record = trade == nullptr ? nullptr : trade->find(o.order);
    if (o.order.value == 0) {
      out.push_back({enlarges(o) ? DifferenceKind::OrderEnlarging : DifferenceKind::OrderForeign, {}, &o});
    } else if (record == nullptr || !record->working()) {
      out.push_back({DifferenceKind::OrderUnwanted, {}, &o});
    } else if (!record->acknowledged || o.filled > record->filled) {
      out.push_back({DifferenceKind::OrderListed, {}, &o});
    }
  }
  return out;
}

void Reconciler::request(Context& context) {
  context.commands.push_back(RequestSnapshot{});
  plan_next(base::seconds(config_.interval_s), context);
}

void Reconciler::plan_next(base::Duration in, Context& context) {
  if (timer_.value != 0) context.timers.disarm(timer_);
  timer_ = {};
  if (ending_ && rooms_.manager.open_count() == 0) return;
  timer_ = context.timers.arm(context.now + in, domain::TimerTag::Reconcile, 0);
}

void Reconciler::on(const domain::VenueLink& link, Context& context) {
  const bool ready = link.state == domain::LinkState::Ready;
  const bool was_ready = permission_.link_ready;
  permission_.required = true;
  permission_.link_ready = ready;
  if (ready && !was_ready) {
    permission_.reconciled = false;
    request(context);
  } else if (!ready && was_ready) {
    context.audit.record(
        domain::RiskAlert{"venue_link", 0, 1, std::string(base::enum_name(link.state)) + ": " + link.reason});
  }
  rooms_.gate.set_permission(permission_);
}

void Reconciler::on(const domain::RunResumed&, Context& context) {
  permission_.required = true;
  permission_.link_ready = permission_.reconciled = false;
  rooms_.gate.set_permission(permission_);
  for (Watched& w : symbols_) w.active_at = context.now;
  rooms_.manager.ask_all(context);
  request(context);
}

void Reconciler::on(const domain::TimerFired& timer, Context& context) {
  if (timer.timer != timer_) return;
  timer_ = {};
  if (ending_ && rooms_.manager.open_count() == 0) return;
  request(context);
}

void Reconciler::touch(const std::vector<Command>& commands, base::Timestamp now) {
  if (!active()) return;
  for (const Command& command : commands) {
    if (const auto* submit = std::get_if<SubmitOrder>(&command)) touch(submit->order->symbol, now);
    if (const auto* cancel = std::get_if<CancelOrder>(&command)) touch(cancel->symbol, now);
    if (const auto* set = std::get_if<SetLeverage>(&command)) touch(set->symbol, now);
  }
}

void Reconciler::release(std::optional<domain::SymbolId> symbol) {
  if (symbol) {
    std::erase(permission_.held, *symbol);
  } else {
    permission_.held.clear();
  }
  if (active()) rooms_.gate.set_permission(permission_);
}

void Reconciler::hold(domain::SymbolId symbol) {
  if (std::find(permission_.held.begin(), permission_.held.end(), symbol) == permission_.held.end())
    permission_.held.push_back(symbol);
}

bool Reconciler::quiet(domain::SymbolId symbol, const domain::AccountSnapshot& snapshot) const {
  const base::Timestamp active = symbols_[symbol.value].active_at;
  return active.ns == 0 || active < snapshot.requested_at - base::milliseconds(config_.grace_ms);
}

domain::Price Reconciler::mark(domain::SymbolId symbol, const domain::VenuePosition* position) const {
  if (const auto mark = rooms_.market[symbol].mark()) return *mark;
  const domain::Price held = rooms_.ledger.position(symbol).mark;
  return held.is_zero() && position != nullptr ? position->entry_price : held;
}

void Reconciler::on(const domain::AccountSnapshot& snapshot, Context& context) {
  if (snapshot.requested_at < taken_at_) return;  // overtaken by a newer one
  taken_at_ = snapshot.requested_at;
  if (!std::exchange(opened_, true)) {
    rooms_.ledger.deposit(snapshot.wallet - rooms_.ledger.account().wallet);
    rooms_.gate.on_opening(rooms_.ledger.equity(), context.now);
  }
  if (snapshot.hedge_mode && !permission_.hedge_mode)
    context.audit.record(domain::RiskAlert{"hedge_mode", 1, 0, "the account holds both sides: no entries"});
  permission_.hedge_mode = snapshot.hedge_mode;
  outside(snapshot, context);
  Verdict verdict = snapshot.hedge_mode ? Verdict::Different : Verdict::Equal;
  bool all_quiet = true;
  for (std::size_t i = 0; i < symbols_.size() && !snapshot.hedge_mode; ++i) {
    const domain::SymbolId id{static_cast<std::uint16_t>(i)};
    all_quiet = all_quiet && quiet(id, snapshot);
    verdict = std::max(verdict, symbol(id, snapshot, context));
  }
  if (verdict == Verdict::Equal && all_quiet) wallet(snapshot, !snapshot.hedge_mode, context);
  if (verdict == Verdict::Different) permission_.reconciled = false;
  if (verdict == Verdict::Equal && permission_.link_ready) permission_.reconciled = true;
  if (active()) {
    rooms_.gate.set_permission(permission_);
    const bool again = verdict != Verdict::Equal && !snapshot.hedge_mode;
    plan_next(again ? base::milliseconds(config_.retry_ms) : base::seconds(config_.interval_s), context);
  }
}

Reconciler::Verdict Reconciler::symbol(domain::SymbolId id, const domain::AccountSnapshot& snapshot, Context& context) {
  const auto differences = [&] {
    return compare(snapshot, id, rooms_.ledger.position(id).quantity, rooms_.manager.trade(id));
  };
  auto found = differences();
  Watched& watched = symbols_[id.value];
  if (found.empty() || found.front().kind != DifferenceKind::Quantity) watched.unequal = 0;
  if (found.empty()) return Verdict::Equal;
  if (!quiet(id, snapshot)) return Verdict::Unsure;
  bool adopted = false;
  if (found.front().kind == DifferenceKind::Quantity) {
    if (!quantity(id, snapshot, context)) return Verdict::Different;
    watched.unequal = 0;
    adopted = true;
    found = differences();
    // What adopting has sent cannot be in this snapshot.
    std::erase_if(found, [](const Difference& d) {
      return d.kind == DifferenceKind::OrderUnlisted || d.kind == DifferenceKind::StopMissing;
    });
  }
  bool different = adopted;
  for (const Difference& d : found) different |= order(id, d, snapshot, context);
  return different ? Verdict::Different : Verdict::Equal;
}

/// False while it is being asked about; true once the venue's quantity is ours.
bool Reconciler::quantity(domain::SymbolId id, const domain::AccountSnapshot& snapshot, Context& context) {
  Watched& watched = symbols_[id.value];
  const bool first = watched.unequal == 0;
  if (first || (rooms_.manager.awaiting_answers(id) && watched.unequal < kPatience)) {
    if (rooms_.manager.ask(id, first, context) > 0) {
      ++watched.unequal;
      return false;
    }
  }
  adopt(id, snapshot, context);
  return true;
}

void Reconciler::book(domain::Fill fill, Context& context) {
  const auto booking = rooms_.ledger.apply(fill);
  rooms_.manager.on(fill, booking, context);
}

void Reconciler::adopt(domain::SymbolId id, const domain::AccountSnapshot& snapshot, Context& context) {
  const domain::VenuePosition* theirs = position_of(snapshot, id);
  const Quantity target = theirs == nullptr ? Quantity{} : theirs->quantity;
  const Quantity ours = rooms_.ledger.position(id).quantity;
  const bool turned = !ours.is_zero() && !target.is_zero() && ours.is_negative() != target.is_negative();
  const char* rule = target.is_zero() ? "reconcile_ghost"
                     : ours.is_zero() ? "reconcile_orphan"
                     : turned         ? "reconcile_side"
                                      : "reconcile_drift";
  context.audit.record(domain::RiskAlert{rule, ours.to_double(), target.to_double(),
                                         "symbol " + std::to_string(id.value) + ": the venue's quantity is adopted"});
  domain::Fill fill;
  fill.symbol = id;
  fill.kind = domain::FillKind::Reconciled;
  fill.ts_event = context.now;
  fill.price = mark(id, theirs);
  const Quantity change = target - ours;
  fill.side = change.is_positive() ? domain::Side::Buy : domain::Side::Sell;
  fill.quantity = change.abs();

  if (turned) hold(id);
  if (target.is_zero() || turned) {
    rooms_.manager.give_up_entry(id, context);
    fill.quantity = ours.abs();
    book(fill, context);
  }
  if (target.is_zero()) return;
  if (!ours.is_zero() && !turned) {
    if (target.abs() > ours.abs() && theirs->entry_price.is_positive()) fill.price = theirs->entry_price;
    book(fill, context);
    rooms_.manager.on_quantity_corrected(id, context);
    return;
  }
  // An entry of ours on that side is what filled; any other intent in the symbol is over.
  fill.quantity = target.abs();
  fill.price = theirs->entry_price.is_positive() ? theirs->entry_price : fill.price;
  const Trade* trade = rooms_.manager.trade(id);
  if (trade != nullptr && !trade->orders.empty() && !trade->entry_done &&
      domain::entry_side(trade->plan.side) == fill.side) {
    fill.order = trade->entry;
    book(fill, context);
    return;
  }
  if (trade != nullptr) hold(id);
  rooms_.manager.give_up_entry(id, context);
  rooms_.ledger.apply(domain::LeverageSet{id, {std::max(1, theirs->leverage.value)}, theirs->mode, true, context.now});
  rooms_.ledger.apply(fill);
  if (const auto known = rooms_.market[id].mark()) rooms_.ledger.mark(id, *known);
  rooms_.manager.adopt_position(fill, theirs->leverage, context);
  if (ending_) rooms_.manager.close(id, domain::ExitReason::EndOfRun, context);
}

/// True if it is a difference that entries have to wait for.
bool Reconciler::order(domain::SymbolId id, const Difference& difference, const domain::AccountSnapshot& snapshot,
                       Context& context) {
  const domain::VenueOpenOrder* o = difference.at_venue;
  switch (difference.kind) {
    case DifferenceKind::Quantity:
      return true;
    case DifferenceKind::StopMissing:
      rooms_.manager.on_stop_missing(id, "the venue lists none that covers the position", context);
      return true;
    case DifferenceKind::OrderUnlisted:
      rooms_.manager.ask_order(id, difference.order, context);
      return true;
    case DifferenceKind::OrderListed:
      rooms_.manager.on_listed(*o, snapshot.requested_at, context);
      return true;
    case DifferenceKind::OrderUnwanted: {
      // A leftover stop is all that protects until the new one is confirmed.
      const Trade* trade = rooms_.manager.trade(id);
      const bool guarding = trade != nullptr && !rooms_.ledger.position(id).flat() && !enlarges(*o) &&
                            o->side == domain::exit_side(trade->plan.side) && trade->stop.value == 0;
      if (!guarding) context.commands.push_back(CancelOrder{o->order, id});
      return true;
    }
    case DifferenceKind::OrderForeign:
    case DifferenceKind::OrderEnlarging: {
      const bool cancel = difference.kind == DifferenceKind::OrderEnlarging;
      if (cancel) context.commands.push_back(CancelForeign{id, o->venue_id, o->conditional});
      if (alerted_orders_.insert(o->venue_id).second)
        context.audit.record(domain::RiskAlert{"foreign_order", o->quantity.to_double(), 0,
                                               "symbol " + std::to_string(id.value) + ", venue id " +
                                                   std::to_string(o->venue_id) +
                                                   (cancel ? ": cancelled" : ": reduces only, left alone")});
      return cancel;
    }
  }
  return true;
}

void Reconciler::wallet(const domain::AccountSnapshot& snapshot, bool settled, Context& context) {
  if (!settled) return;
  const domain::Money ours = rooms_.ledger.account().wallet;
  if ((snapshot.wallet - ours).abs() <= domain::Money::from_raw(1)) return;
  rooms_.ledger.adjust_wallet(snapshot.wallet);
  context.audit.record(
      domain::RiskAlert{"wallet_adjusted", ours.to_double(), snapshot.wallet.to_double(),
                        "by " + (snapshot.wallet - ours).to_string() + ": funding or fees that were not reported"});
}

void Reconciler::outside(const domain::AccountSnapshot& snapshot, Context& context) {
  std::set<std::uint64_t> still;
  for (const domain::VenueOpenOrder& o : snapshot.orders)
    if (alerted_orders_.contains(o.venue_id)) still.insert(o.venue_id);
  alerted_orders_ = std::move(still);
  if (snapshot.foreign_positions == foreign_) return;
  foreign_ = snapshot.foreign_positions;
  if (foreign_.empty()) return;
  std::string names;
  for (const std::string& name : foreign_) names += (names.empty() ? "" : ", ") + name;
  context.audit.record(
      domain::RiskAlert{"foreign_position", static_cast<double>(foreign_.size()), 0, std::move(names)});
}

}  // namespace qtrader::execution
