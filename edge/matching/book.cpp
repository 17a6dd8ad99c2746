#include "edge/matching/book.hpp"

#include <algorithm>
#include <set>

namespace qtrader::matching {

const Level* Book::best(Side side) const {
  const Ladder& levels = ladder(side);
  return levels.empty() ? nullptr : &levels.begin()->second;
}

const Level* Book::nth(Side side, std::size_t n) const {
  const Ladder& levels = ladder(side);
  if (n == 0 || levels.size() < n) return nullptr;
  return &std::next(levels.begin(), static_cast<std::ptrdiff_t>(n - 1))->second;
}

void Book::cap_queue(Level& level) {
  for (Order* o = level.head; o != nullptr; o = o->after) o->ahead = std::min(o->ahead, level.others);
}

void Book::set_others(Side side, Price price, Quantity quantity) {
  if (!price.is_positive()) return;
  if (quantity.is_negative()) quantity = Quantity{};
  Ladder& levels = ladder(side);
  const std::int64_t at = key(side, price);
  const auto it = levels.lower_bound(at);
  if (it == levels.end() || it->first != at) {
    if (quantity.is_zero()) return;
    levels.emplace_hint(it, at, Level{price, quantity, {}, nullptr, nullptr});
    mark(side, price);
    return;
  }
  Level& level = it->second;
  if (level.others == quantity) return;
  const bool shrinks = quantity < level.others;
  level.others = quantity;
  mark(side, price);
  if (shrinks && level.head != nullptr) cap_queue(level);
  if (level.empty()) levels.erase(it);
}

void Book::replace_others(Side side, const std::vector<BookLevel>& wanted) {
  std::set<std::int64_t> kept;
  for (const BookLevel& l : wanted)
    if (l.quantity.is_positive()) kept.insert(key(side, l.price));
  std::vector<Price> gone;
  for (const auto& [at, level] : ladder(side))
    if (level.others.is_positive() && !kept.contains(at)) gone.push_back(level.price);
  for (const Price price : gone) set_others(side, price, Quantity{});
  for (const BookLevel& l : wanted) set_others(side, l.price, l.quantity);
}

void Book::join(Order& order) {
  QT_CHECK(order.level == nullptr, "an order joins the book once");
  const Side side = order.side();
  Level& level =
      ladder(side).try_emplace(key(side, order.price()), Level{order.price(), {}, {}, nullptr, nullptr}).first->second;
  order.level = &level;
  order.ahead = level.others;
  order.before = level.tail;
  order.after = nullptr;
  (level.tail != nullptr ? level.tail->after : level.head) = &order;
  level.tail = &order;
  level.clients += order.remaining();
  mark(side, order.price());
}

void Book::leave(Order& order) {
  if (order.level == nullptr) return;
  Level& level = *order.level;
  (order.before != nullptr ? order.before->after : level.head) = order.after;
  (order.after != nullptr ? order.after->before : level.tail) = order.before;
  order.before = order.after = nullptr;
  order.level = nullptr;
  level.clients -= order.remaining();
  mark(order.side(), level.price);
}

void Book::take_others(Side side, Level& level, Quantity quantity) {
  level.others -= quantity;
  advance_queue(level, quantity);
  mark(side, level.price);
}

void Book::advance_queue(Level& level, Quantity quantity) {
  for (Order* o = level.head; o != nullptr; o = o->after) o->ahead = std::max(o->ahead - quantity, Quantity{});
}

void Book::take_client(Order& order, Quantity quantity) {
  order.level->clients -= quantity;
  mark(order.side(), order.level->price);
}

void Book::drop_if_empty(Side side, Price price) {
  Ladder& levels = ladder(side);
  const auto it = levels.find(key(side, price));
  if (it != levels.end() && it->second.empty()) levels.erase(it);
}

BookEvent Book::take_changes(SymbolId symbol, Timestamp now) {
  std::sort(dirty_.begin(), dirty_.end());
  dirty_.erase(std::unique(dirty_.begin(), dirty_.end()), dirty_.end());
  BookEvent event;
  event.symbol = symbol;
  event.time = updated_ = now;
  event.first_update_id = update_id_ + 1;
  update_id_ += dirty_.size();
  event.last_update_id = update_id_;
  const auto asks_from =
      std::find_if(dirty_.begin(), dirty_.end(), [](const Dirty& d) { return d.side == Side::Sell; });
  event.bids.reserve(static_cast<std::size_t>(asks_from - dirty_.begin()));
  event.asks.reserve(static_cast<std::size_t>(dirty_.end() - asks_from));
  for (const Dirty& d : dirty_) {
    const Ladder& levels = ladder(d.side);
    const auto it = levels.find(d.key);
    const Price price = Price::from_raw(d.side == Side::Buy ? -d.key : d.key);
    (d.side == Side::Buy ? event.bids : event.asks)
        .push_back({price, it == levels.end() ? Quantity{} : it->second.visible()});
  }
  dirty_.clear();
  const TopView now_top = top();
  const auto differs = [](const BookLevel& a, const BookLevel& b) {
    return a.price != b.price || a.quantity != b.quantity;
  };
  event.top_changed = differs(now_top.bid, last_bid_) || differs(now_top.ask, last_ask_);
  last_bid_ = now_top.bid;
  last_ask_ = now_top.ask;
  return event;
}

TopView Book::top() const {
  TopView out;
  if (const Level* b = best(Side::Buy)) out.bid = {b->price, b->visible()};
  if (const Level* a = best(Side::Sell)) out.ask = {a->price, a->visible()};
  out.update_id = update_id_;
  out.time = updated_;
  return out;
}

BookView Book::view(std::size_t levels) const {
  BookView out{update_id_, updated_, {}, {}};
  const auto copy = [&](Side side, std::vector<BookLevel>& into) {
    into.reserve(std::min(levels, ladder(side).size()));
    for (const auto& [at, level] : ladder(side)) {
      if (into.size() == levels) break;
      into.push_back({level.price, level.visible()});
    }
  };
  copy(Side::Buy, out.bids);
  copy(Side::Sell, out.asks);
  return out;
}

}  // namespace qtrader::matching
