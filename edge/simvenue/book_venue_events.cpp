// The exchange's events as domain events: our orders and account, and the public market.
#include <algorithm>
#include <type_traits>

#include "edge/simvenue/book_venue.hpp"
#include "edge/simvenue/refusal_reason.hpp"

namespace qtrader::simvenue {

using base::Timestamp;
using domain::ClientOrderId;
using domain::Money;
using domain::OrderStatus;
using domain::Price;
using domain::Quantity;
using domain::SymbolId;
using domain::VenueReason;
using matching::ExecutionType;

namespace {

constexpr base::Duration kTopEvery = base::milliseconds(100), kDepthEvery = base::milliseconds(250);
constexpr std::size_t kDepthLevels = 20, kTouchLevels = 500;  // the latter for the depth within 5 bps
constexpr double kTouchBps = 5;

/// Binance's names of orders the exchange makes itself: liquidation, deleveraging, delisting.
bool made_by_exchange(std::string_view client_id) {
  return client_id.starts_with("autoclose-") || client_id.starts_with("adl_autoclose") ||
         client_id.starts_with("settlement_autoclose");
}

bool is_execution(ExecutionType t) { return t == ExecutionType::Trade || t == ExecutionType::Calculated; }

double depth_near_touch(const std::vector<matching::BookLevel>& side) {
  double sum = 0;
  for (const matching::BookLevel& l : side) {
    const double away = (l.price - side.front().price).abs().to_double() / side.front().price.to_double();
    if (away > kTouchBps / 1e4) break;
    sum += l.price.to_double() * l.quantity.to_double();
  }
  return sum;
}

std::vector<domain::DepthLevel> first_levels(const std::vector<matching::BookLevel>& side) {
  std::vector<domain::DepthLevel> out;
  out.reserve(std::min(side.size(), kDepthLevels));
  for (std::size_t i = 0; i < std::min(side.size(), kDepthLevels); ++i)
    out.push_back({side[i].price, side[i].quantity});
  return out;
}

}  // namespace

void BookVenue::drain() {
  const Batch batch = exchange_.take_events();
  for (std::size_t i = 0; i < batch.size(); ++i) on_event(batch, i);
  if (config_.publish_market) publish_books();
  for (TimedEvent& e : said_) answers_.push(std::move(e));
  said_.clear();
}

void BookVenue::on_event(const Batch& batch, std::size_t at) {
  const bool market = config_.publish_market;
  std::visit(
      [&](const auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, matching::OrderEvent>) {
          on_order(e);
        } else if constexpr (std::is_same_v<E, matching::AlgoEvent>) {
          on_algo(e);
        } else if constexpr (std::is_same_v<E, matching::AccountEvent>) {
          on_account(batch, at);
        } else if constexpr (std::is_same_v<E, matching::BookEvent>) {
          published_[e.symbol.value].depth_changed = true;
          if (e.top_changed) published_[e.symbol.value].top_changed = true;
        } else if constexpr (std::is_same_v<E, matching::MarkEvent>) {
          if (market) answer(domain::MarkPrice{e.symbol, e.mark.mark, e.mark.time}, e.mark.time);
        } else if constexpr (std::is_same_v<E, matching::FundingEvent>) {
          const std::int32_t hours = exchange_.rules(e.symbol).funding_interval_hours;
          if (market) answer(domain::FundingRate{e.symbol, e.rate, e.time, hours}, e.time);
        } else if constexpr (std::is_same_v<E, matching::BarEvent>) {
          if (market) answer(domain::BarClosed{e.bar.symbol, e.bar.bar}, e.bar.time);
        }
        // Trades, forced orders, symbol status, leverage and margin calls have no counterpart in the core; leverage
        // that we set is answered when it is read back.
      },
      batch[at]);
}

void BookVenue::on_order(const matching::OrderEvent& e) {
  if (e.order.account != account_) return;
  const auto order = order_of(e.order.request.client_id);
  const bool forced =
      !order && (e.execution == ExecutionType::Calculated || made_by_exchange(e.order.request.client_id));
  // Orders of another trader on the account are found by reconciliation.
  if (!order && !forced) return;
  if (is_execution(e.execution)) on_fill(e, order, forced);
  // New is said when the order is placed; nothing here amends.
  if (!order || e.execution == ExecutionType::New || e.execution == ExecutionType::Amendment) return;
  domain::OrderReport r;
  r.order = *order;
  r.symbol = e.order.request.symbol;
  r.filled = e.order.executed;
  r.average_price = e.order.average_price;
  r.ts_event = e.time;
  if (is_execution(e.execution)) {
    if (!e.last_quantity.is_positive()) return;
    r.status = e.order.status == matching::OrderStatus::Filled ? OrderStatus::Filled : OrderStatus::PartiallyFilled;
  } else {
    r.reason = reason_of_end(e.order.status, e.reason);
    // As in SimVenue: what a liquidation takes away is cancelled, whatever the exchange calls it.
    const bool canceled = e.execution == ExecutionType::Canceled || r.reason == VenueReason::Liquidated;
    r.status = canceled ? OrderStatus::Canceled : OrderStatus::Expired;
  }
  answer(r, e.time);
}

void BookVenue::on_fill(const matching::OrderEvent& e, std::optional<ClientOrderId> order, bool forced) {
  if (!e.last_quantity.is_positive() || !e.last_price.is_positive()) return;  // an empty CALCULATED has been seen
  domain::Fill f;
  f.order = order.value_or(ClientOrderId{});
  f.symbol = e.order.request.symbol;
  f.side = e.order.request.side;
  f.price = e.last_price;
  f.quantity = e.last_quantity;
  f.fee = e.commission;
  f.maker = e.maker;
  f.kind = forced ? domain::FillKind::Liquidation : domain::FillKind::Normal;
  if (forced) f.fee += std::exchange(liquidation_fee_, Money{});
  if (e.maker)
    f.reference_price = e.last_price;
  else if (order && arrival_ && arrival_->order == *order)
    f.reference_price = arrival_->touch;
  f.venue_trade_id = static_cast<std::uint64_t>(e.trade_id);
  f.ts_event = e.time;
  answer(f, e.time);
}

/// An algo order that triggers goes on as an order with the same id: its events say the rest.
void BookVenue::on_algo(const matching::AlgoEvent& e) {
  if (e.algo.account != account_) return;
  const auto order = order_of(e.algo.request.client_id);
  if (!order) return;
  domain::OrderReport r;
  r.order = *order;
  r.symbol = e.algo.request.symbol;
  r.ts_event = e.time;
  switch (e.algo.status) {
    case matching::AlgoStatus::New:
    case matching::AlgoStatus::Triggering:
    case matching::AlgoStatus::Triggered:
    case matching::AlgoStatus::Finished:
      return;
    case matching::AlgoStatus::Canceled:
      r.status = OrderStatus::Canceled;
      r.reason = VenueReason::UserRequest;
      break;
    case matching::AlgoStatus::Expired:
      r.status = OrderStatus::Expired;
      r.reason = VenueReason::PositionClosed;
      break;
    case matching::AlgoStatus::Rejected:
      r.status = OrderStatus::Rejected;
      r.reason = reason_of_message(e.algo.reject_message);
      break;
  }
  answer(r, e.time);
}

void BookVenue::on_account(const Batch& batch, std::size_t at) {
  const auto& e = std::get<matching::AccountEvent>(batch[at]);
  if (e.account != account_) return;
  if (e.reason == matching::AccountUpdateReason::FundingFee) return on_funding(batch, at);
  // The clearance fee is part of what the liquidation cost. What the fund gives to a negative wallet is no fee: the
  // core's ledger books that by itself.
  if (e.reason != matching::AccountUpdateReason::InsuranceClear || !e.balance_change.is_negative()) return;
  for (auto said = said_.rbegin(); said != said_.rend(); ++said) {
    auto* fill = std::get_if<domain::Fill>(&said->event);
    if (fill == nullptr || fill->kind != domain::FillKind::Liquidation) continue;
    fill->fee += -e.balance_change;
    return;
  }
  liquidation_fee_ += -e.balance_change;
}

void BookVenue::on_funding(const Batch& batch, std::size_t at) {
  const auto& e = std::get<matching::AccountEvent>(batch[at]);
  if (!e.symbol) return;
  domain::FundingPayment p;
  p.symbol = *e.symbol;
  p.amount = e.balance_change;
  p.ts_event = e.time;
  for (std::size_t i = at; i-- > 0;) {
    const auto* funding = std::get_if<matching::FundingEvent>(&batch[i]);
    if (funding == nullptr || funding->symbol != p.symbol) continue;
    p.rate = funding->rate;
    p.mark = funding->mark;
    break;
  }
  // The position as it was at the settlement: as it is now, less what has been executed since.
  for (const matching::PositionView& row : exchange_.positions(account_, p.symbol)) p.position += row.amount;
  for (std::size_t i = at + 1; i < batch.size(); ++i) {
    const auto* order = std::get_if<matching::OrderEvent>(&batch[i]);
    if (order == nullptr || order->order.account != account_ || order->order.request.symbol != p.symbol) continue;
    if (!is_execution(order->execution)) continue;
    p.position -= order->order.request.side == domain::Side::Buy ? order->last_quantity : -order->last_quantity;
  }
  answer(p, e.time);
}

/// A change within the pause is published by the first event after it.
void BookVenue::publish_books() {
  for (std::size_t i = 0; i < published_.size(); ++i) {
    Publication& p = published_[i];
    const bool top = p.top_changed && (!p.top_at || now_ - *p.top_at >= kTopEvery);
    const bool depth = p.depth_changed && (!p.depth_at || now_ - *p.depth_at >= kDepthEvery);
    if (top || depth) publish({static_cast<std::uint16_t>(i)}, p, top, depth);
  }
}

void BookVenue::publish(SymbolId symbol, Publication& state, bool top, bool depth) {
  const matching::BookView book = exchange_.book(symbol, top ? kTouchLevels : kDepthLevels);
  if (book.bids.empty() || book.asks.empty()) return;  // half a book has no price; it stays to be published
  if (top) {
    const matching::BookLevel& bid = book.bids.front();
    const matching::BookLevel& ask = book.asks.front();
    answer(domain::BookTop{symbol, bid.price, ask.price, bid.quantity, ask.quantity, depth_near_touch(book.bids),
                           depth_near_touch(book.asks), now_},
           now_);
    state.top_changed = false;
    state.top_at = now_;
  }
  if (depth) {
    answer(domain::BookDepth{symbol, first_levels(book.bids), first_levels(book.asks), now_}, now_);
    state.depth_changed = false;
    state.depth_at = now_;
  }
}

}  // namespace qtrader::simvenue
