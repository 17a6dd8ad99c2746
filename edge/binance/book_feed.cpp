#include "edge/binance/book_feed.hpp"

#include <algorithm>

#include "edge/binance/requests.hpp"

namespace qtrader::binance {
namespace {

constexpr domain::Bps kTouch{5};

std::vector<domain::DepthLevel> levels(const std::vector<Level>& from) {
  std::vector<domain::DepthLevel> out;
  out.reserve(from.size());
  for (const Level& l : from) out.push_back({l.price, l.quantity});
  return out;
}

}  // namespace

void BookFeed::on(domain::SymbolId symbol, const BookTicker& ticker) {
  State& state = states_[symbol.value];
  if (ticker.update_id <= state.ticker.update_id) return;
  state.ticker = ticker;
  if (ticker.event_time - state.top_sent >= kTopPace) return send_top(symbol);
  state.top_due = true;
  flush_later();
}

void BookFeed::on(domain::SymbolId symbol, const DepthUpdate& update) {
  if (update.partial) return;
  State& state = states_[symbol.value];
  if (update.last_update_id <= state.last_diff) return;
  state.last_diff = update.last_update_id;
  const LocalBook::Applied applied = state.book.apply(update);
  if (state.book.needs_snapshot()) return fetch(symbol);
  if (applied != LocalBook::Applied::Applied) return;
  if (update.event_time - state.depth_sent >= kDepthPace) return send_depth(symbol);
  state.depth_due = true;
  flush_later();
}

void BookFeed::reset(domain::SymbolId symbol) {
  State& state = states_[symbol.value];
  state.book.reset();
  state.last_diff = 0;
  state.ticker = {};
  state.top_due = state.depth_due = false;
}

std::size_t BookFeed::outstanding() const {
  const auto waits = std::count_if(states_.begin(), states_.end(), [](const State& s) { return s.retry != nullptr; });
  return static_cast<std::size_t>(waits) + (flush_ ? 1 : 0);
}

void BookFeed::stop() {
  flush_ = nullptr;
  for (State& state : states_) state.retry = nullptr;
}

void BookFeed::fetch(domain::SymbolId symbol) {
  State& state = states_[symbol.value];
  if (state.fetching || state.retry) return;
  state.fetching = true;
  ask<DepthSnapshot>(around_, life_, requests::depth(around_.instruments.name(symbol)), &parse_depth,
                     [this, symbol](Answer<DepthSnapshot> answer) { on_snapshot(symbol, std::move(answer)); });
}

void BookFeed::on_snapshot(domain::SymbolId symbol, Answer<DepthSnapshot> answer) {
  State& state = states_[symbol.value];
  state.fetching = false;
  const auto* snapshot = std::get_if<DepthSnapshot>(&answer);
  if (snapshot != nullptr && state.book.apply_snapshot(*snapshot)) {
    state.backoff.reset();
    return send_depth(symbol);
  }
  state.retry = around_.host.after(state.backoff.next(), [this, symbol] {
    State& now = states_[symbol.value];
    now.retry = nullptr;
    if (now.book.needs_snapshot() && now.last_diff != 0) fetch(symbol);
  });
}

void BookFeed::send_top(domain::SymbolId symbol) {
  State& state = states_[symbol.value];
  state.top_due = false;
  const BookTicker& t = state.ticker;
  if (!t.bid.price.is_positive() || !t.ask.price.is_positive()) return;
  state.top_sent = t.event_time;
  domain::BookTop top;
  top.symbol = symbol;
  top.bid = t.bid.price;
  top.ask = t.ask.price;
  top.bid_quantity = t.bid.quantity;
  top.ask_quantity = t.ask.quantity;
  if (state.book.usable()) {
    const LocalBook::Depth depth = state.book.depth_within(kTouch);
    top.bid_depth_usdt = depth.bid.to_double();
    top.ask_depth_usdt = depth.ask.to_double();
  }
  top.ts_event = t.event_time;
  around_.sink(top);
}

void BookFeed::send_depth(domain::SymbolId symbol) {
  State& state = states_[symbol.value];
  state.depth_due = false;
  if (!state.book.usable()) return;
  domain::BookDepth depth;
  depth.symbol = symbol;
  depth.bids = levels(state.book.bids(kLevels));
  depth.asks = levels(state.book.asks(kLevels));
  depth.ts_event = state.depth_sent = state.book.transaction_time();
  if (!depth.bids.empty() && !depth.asks.empty()) around_.sink(std::move(depth));
}

void BookFeed::flush_later() {
  if (!flush_) flush_ = around_.host.after(kDepthPace, [this] { flush(); });
}

void BookFeed::flush() {
  flush_ = nullptr;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const domain::SymbolId symbol{static_cast<std::uint16_t>(i)};
    if (states_[i].top_due) send_top(symbol);
    if (states_[i].depth_due) send_depth(symbol);
  }
}

}  // namespace qtrader::binance
