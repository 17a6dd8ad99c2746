// The two phases in which a bar meets the working orders.
#include <algorithm>

#include "edge/simvenue/matching_engine.hpp"

namespace qtrader::simvenue {

using domain::Bar;
using domain::OrderStatus;
using domain::OrderType;
using domain::Price;
using domain::Quantity;
using domain::Side;
using domain::SymbolId;
using domain::TimeInForce;
using domain::VenueReason;

namespace {

/// A bar does not say when its extreme was. What would fill in our favour must have been there for practically the
/// whole bar: an order that arrived after the first tenth waits for the next one. Stops get no such mercy.
bool saw_whole_bar(const WorkingOrder& w, const Bar& bar) {
  return w.arrived.ns <= bar.open_time.ns + domain::duration(bar.timeframe).ns / 10;
}

bool is_stop(OrderType type) { return type == OrderType::StopMarket || type == OrderType::TrailingStopMarket; }

}  // namespace

void MatchingEngine::begin_bar(SymbolId symbol, const Bar& bar) {
  Book& book = books_[symbol.value];
  book.bar_open = bar.open_time;
  // Marks older than one bar are no longer evidence; the last price takes their place.
  book.marked = book.mark_at >= bar.open_time - domain::duration(bar.timeframe);
  const bool traded = bar.volume > 0;
  book.budget = traded ? instrument(symbol).round_quantity_down(
                             Quantity::from_double(bar.volume * config_.max_bar_volume_share, domain::Rounding::Down))
                       : Quantity{};
  // Sources without a quote column: base volume at the open price.
  const bool has_quote = (bar.columns & domain::kHasQuoteVolume) != 0;
  book.quote_volume = has_quote ? bar.quote_volume : bar.volume * bar.open.to_double();
}

void MatchingEngine::see_price(SymbolId symbol, Price price) {
  Book& book = books_[symbol.value];
  book.last = price;
  account_.set_mark(symbol, book.marked ? book.mark : price);
}

/// Orders that were accepted while the venue knew no price: the checks that need one. They have been reported New.
void MatchingEngine::judge_pending(SymbolId symbol, Price price) {
  Book& book = books_[symbol.value];
  for (WorkingOrder& w : book.orders) {
    if (w.judged || w.done) continue;
    refresh_open_notional(symbol, &w);
    const VenueReason reason = check_price(w.order, price);
    if (reason != VenueReason::None) {
      finish(w, OrderStatus::Expired, reason, now_);
      continue;
    }
    if (w.order.type == OrderType::TrailingStopMarket) follow(w, price);
    w.judged = true;
  }
  refresh_open_notional(symbol);
}

/// Open: liquidation if the open gapped past it (any nearer stop was gapped past too), then stops and targets the open
/// is beyond, then market orders and what earlier bars had no volume for, then limits. Everything at the open price.
void MatchingEngine::on_bar_open(SymbolId symbol, const Bar& bar) {
  if (idle(symbol)) return;
  drain(now_);
  begin_bar(symbol, bar);
  see_price(symbol, bar.open);
  if (bar.volume > 0) {
    if (!books_[symbol.value].marked && account_.liquidates_at(symbol, bar.open)) liquidate(symbol, bar.open);
    judge_pending(symbol, bar.open);
    fire_at_open(symbol, bar.open);
    execute_taking(symbol, bar.open, bar.open);
    limits_at_open(symbol, bar.open);
  } else {
    judge_pending(symbol, bar.open);
  }
  end_phase(symbol);
}

void MatchingEngine::fire_at_open(SymbolId symbol, Price open) {
  for (const bool stops : {true, false}) {
    auto& orders = books_[symbol.value].orders;
    for (WorkingOrder& w : orders) {
      if (w.done || w.taking || !is_conditional(w.order.type) || is_stop(w.order.type) != stops) continue;
      if (!touched(w, instrument(symbol), open)) continue;
      w.taking = true;
      execute(w, {.reference = open});
    }
  }
}

void MatchingEngine::execute_taking(SymbolId symbol, Price buy_reference, Price sell_reference) {
  for (WorkingOrder& w : books_[symbol.value].orders)
    if (!w.done && w.taking) execute(w, {.reference = w.order.side == Side::Buy ? buy_reference : sell_reference});
}

void MatchingEngine::limits_at_open(SymbolId symbol, Price open) {
  for (WorkingOrder& w : books_[symbol.value].orders) {
    if (w.done || w.order.type != OrderType::Limit) continue;
    if (!w.resting) {
      take_limit(w, open);
    } else if (traded_through(w.order, open)) {
      execute(w, {.reference = w.order.limit_price, .maker = true});
    }
  }
}

/// A limit order's one chance to take: whatever is left rests, or ends if its time in force says so.
void MatchingEngine::take_limit(WorkingOrder& w, Price reference) {
  const TimeInForce tif = w.order.time_in_force;
  if (tif == TimeInForce::Gtx) {
    if (would_take(w.order, reference)) return finish(w, OrderStatus::Expired, VenueReason::PostOnlyWouldTake, now_);
    w.resting = true;
    return;
  }
  const bool enough = tif != TimeInForce::Fok || w.remaining() <= books_[w.order.symbol.value].budget;
  if (traded_through(w.order, reference) && enough) execute(w, {.reference = reference});
  if (w.done) return;
  w.resting = true;
  if (tif != TimeInForce::Gtc) finish(w, OrderStatus::Expired, VenueReason::NoLiquidity, now_);
}

/// Path: the adverse extreme first (for a flat account the nearer one), then the other; then trailing stops; then what
/// arrived after the open trades at the worse of open and close.
void MatchingEngine::on_bar_path(SymbolId symbol, const Bar& bar) {
  if (idle(symbol)) return;
  drain(now_);
  Book& book = books_[symbol.value];
  if (book.bar_open != bar.open_time) {  // idle at the open
    begin_bar(symbol, bar);
    see_price(symbol, bar.open);
  }
  judge_pending(symbol, bar.open);
  if (bar.volume > 0) {
    rest_early_limits(symbol, bar);
    const Quantity position = account_[symbol].quantity;
    const bool down_first = position.is_zero() ? bar.open - bar.low <= bar.high - bar.open : position.is_positive();
    sweep(symbol, bar, down_first ? Direction::Down : Direction::Up);
    sweep(symbol, bar, down_first ? Direction::Up : Direction::Down);
    trail(symbol, bar);
    execute_taking(symbol, std::max(bar.open, bar.close), std::min(bar.open, bar.close));
    take_late_limits(symbol, bar);
  }
  see_price(symbol, bar.close);
  end_phase(symbol);
}

void MatchingEngine::rest_early_limits(SymbolId symbol, const Bar& bar) {
  for (WorkingOrder& w : books_[symbol.value].orders) {
    const bool rests = w.order.time_in_force == TimeInForce::Gtc || w.order.time_in_force == TimeInForce::Gtx;
    if (w.order.type == OrderType::Limit && !w.resting && rests && !traded_through(w.order, bar.open))
      w.resting = saw_whole_bar(w, bar);
  }
}

void MatchingEngine::take_late_limits(SymbolId symbol, const Bar& bar) {
  for (WorkingOrder& w : books_[symbol.value].orders) {
    if (w.done || w.order.type != OrderType::Limit || w.resting) continue;
    const bool marketable = traded_through(w.order, bar.open);
    const bool rests = w.order.time_in_force == TimeInForce::Gtc || w.order.time_in_force == TimeInForce::Gtx;
    if (!marketable && rests) {
      w.resting = true;  // from the next bar on
    } else {
      take_limit(w, worse(w.order.side, bar.open, bar.close));
    }
  }
}

void MatchingEngine::sweep(SymbolId symbol, const Bar& bar, Direction direction) {
  while (const std::optional<Touch> touch = next_touch(symbol, bar, direction)) {
    if (touch->order == nullptr) {
      liquidate(symbol, touch->level);
      continue;
    }
    WorkingOrder& w = *touch->order;
    if (w.order.type == OrderType::Limit) {
      execute(w, {.reference = w.order.limit_price, .maker = true});
    } else {
      w.taking = true;
      const bool stop = is_stop(w.order.type);
      execute(w, {.reference = stop ? worse(w.order.side, touch->level, bar.open) : touch->level});
    }
  }
}

std::optional<MatchingEngine::Touch> MatchingEngine::next_touch(SymbolId symbol, const Bar& bar, Direction direction) {
  Book& book = books_[symbol.value];
  const bool down = direction == Direction::Down;
  const Price extreme = down ? bar.low : bar.high;
  std::optional<Touch> next;
  const auto offer = [&](const Touch& t) {
    const bool nearer = !next || (down ? t.level > next->level : t.level < next->level);
    if (nearer || (t.level == next->level && t.rank < next->rank)) next = t;
  };
  for (WorkingOrder& w : book.orders) {
    if (w.done) continue;
    if (w.order.type == OrderType::Limit) {
      if (w.resting && (w.order.side == Side::Buy) == down && book.budget.is_positive() &&
          traded_through(w.order, extreme))
        offer({&w, w.order.limit_price, 2});
    } else if (is_conditional(w.order.type) && !w.taking && fires_downward(w.order) == down &&
               touched(w, instrument(symbol), extreme)) {
      if (is_stop(w.order.type)) {
        offer({&w, trigger_level(w, instrument(symbol)), 0});
      } else if (saw_whole_bar(w, bar)) {
        offer({&w, w.order.trigger_price, 2});
      }
    }
  }
  const Quantity position = account_[symbol].quantity;
  if (!book.marked && !position.is_zero() && position.is_positive() == down && account_.liquidates_at(symbol, extreme))
    offer({nullptr, account_.liquidation_price(symbol).value_or(extreme), 1});
  return next;
}

/// Trailing stops that the adverse extreme did not reach at their old level follow the favourable one and are then
/// tried against the adverse one again: if the new level lies in the bar, either the price fell back through it to the
/// close, or the order of the extremes is unknown and being stopped below the close is the worse story.
void MatchingEngine::trail(SymbolId symbol, const Bar& bar) {
  for (WorkingOrder& w : books_[symbol.value].orders) {
    if (w.done || w.taking || w.order.type != OrderType::TrailingStopMarket) continue;
    const bool sell = w.order.side == Side::Sell, whole = saw_whole_bar(w, bar);
    follow(w, !whole ? bar.close : sell ? bar.high : bar.low);
    const Price adverse = !whole ? bar.close : sell ? bar.low : bar.high;
    if (!touched(w, instrument(symbol), adverse)) continue;
    w.taking = true;
    execute(w, {.reference = trigger_level(w, instrument(symbol))});
  }
}

void MatchingEngine::end_phase(SymbolId symbol) {
  std::erase_if(books_[symbol.value].orders, [](const WorkingOrder& w) { return w.done; });
  refresh_open_notional(symbol);
}

/// Liquidation by mark price, while mark prices come at least once a bar.
void MatchingEngine::on_mark(const domain::MarkPrice& mark) {
  Book& book = books_[mark.symbol.value];
  book.mark = mark.price;
  book.mark_at = mark.ts_event;
  book.marked = true;
  if (idle(mark.symbol)) return;
  account_.set_mark(mark.symbol, mark.price);
  if (!account_.liquidates_at(mark.symbol, mark.price)) return;
  liquidate(mark.symbol, mark.price);
  end_phase(mark.symbol);
}

void MatchingEngine::on_funding(const domain::FundingRate& rate) {
  const Quantity position = account_[rate.symbol].quantity;
  if (position.is_zero()) return;
  domain::FundingPayment payment;
  payment.symbol = rate.symbol;
  payment.rate = rate.rate;
  payment.mark = account_[rate.symbol].mark;
  payment.position = position;
  payment.ts_event = rate.ts_event;
  payment.amount = account_.settle_funding(rate.symbol, payment.mark, rate.rate);
  ++books_[rate.symbol.value].interest;
  answers_.push({std::max(now_, rate.ts_event), payment});
}

}  // namespace qtrader::simvenue
