#include "edge/exchange/market_streams.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

namespace qtrader::exchange {
namespace {

constexpr std::size_t kMarkSamples = 30;  // of the moving average that is sent as `ap`
constexpr std::string_view kEventNames[] = {
    "aggTrade",       "trade",          "markPriceUpdate", "markPriceUpdate", "kline",       "continuous_kline",
    "24hrMiniTicker", "24hrMiniTicker", "24hrTicker",      "24hrTicker",      "bookTicker",  "bookTicker",
    "forceOrder",     "forceOrder",     "depthUpdate",     "depthUpdate",     "contractInfo"};

/// One stream somebody has had.
struct Slot {
  std::string name;
  StreamKey key;
  std::uint32_t number = 0;  // in order of the first subscription: ties between streams never depend on addresses
  std::vector<Subscriber*> subscribers;
  Timestamp due;
  bool scheduled = false;  // in the schedule, or among those that settle() sends
  // Depth.
  std::uint64_t first = 0, previous = 0;
  Timestamp changed_at;
  LevelChanges bids, asks;
  // Streams of all symbols, and liquidations.
  std::set<std::uint16_t> changed;
  std::map<std::uint16_t, matching::ForcedOrderEvent> forced;
};

/// Streams to look at when something happens in a symbol.
struct SymbolSlots {
  std::vector<Slot*> trades, prints, aggregates, book, forced, klines;
  std::deque<domain::Price> marks;
  domain::Price mark_average;
};

bool is_periodic(StreamKind kind) { return kind == StreamKind::MarkPrice || kind == StreamKind::AllMarkPrices; }

}  // namespace

struct MarketStreams::Impl {
  const matching::Exchange& exchange;
  PublicMarket& market;
  std::map<std::string, std::unique_ptr<Slot>, std::less<>> slots;
  std::vector<SymbolSlots> symbols;
  std::vector<Slot*> all_tickers, all_books, all_forced, contract_info;
  std::map<std::pair<Timestamp, std::uint32_t>, Slot*> schedule;
  std::vector<Slot*> settling;
  Timestamp now;
  std::function<bool(SymbolId)> lose_depth;
  std::uint64_t published = 0;

  Impl(const matching::Exchange& e, PublicMarket& m) : exchange(e), market(m), now(e.now()) {
    symbols.resize(e.instruments().size());
  }

  SymbolFormat format(SymbolId id) const { return format_of(exchange, id); }

  void publish(const Slot& slot, std::string payload) {
    ++published;
    const StreamMessage message(StreamChannel::Market, slot.name, kEventNames[static_cast<std::size_t>(slot.key.kind)],
                                std::move(payload));
    for (Subscriber* s : slot.subscribers) s->deliver(message);
  }

  void mark_changed(Slot& slot) {
    if (slot.subscribers.empty() || slot.scheduled) return;
    slot.scheduled = true;
    if (slot.key.cadence.ns == 0) {
      settling.push_back(&slot);
      return;
    }
    slot.due = {(now.ns / slot.key.cadence.ns + 1) * slot.key.cadence.ns};
    schedule[{slot.due, slot.number}] = &slot;
  }

  void unschedule(Slot& slot) {
    if (!slot.scheduled) return;
    slot.scheduled = false;
    schedule.erase({slot.due, slot.number});
    std::erase(settling, &slot);
  }

  void index(Slot& slot) {
    const auto kind = slot.key.kind;
    if (!slot.key.symbol) {
      if (kind == StreamKind::AllMiniTickers || kind == StreamKind::AllTickers) all_tickers.push_back(&slot);
      if (kind == StreamKind::AllBookTickers) all_books.push_back(&slot);
      if (kind == StreamKind::AllForceOrders) all_forced.push_back(&slot);
      if (kind == StreamKind::ContractInfo) contract_info.push_back(&slot);
      return;
    }
    auto& s = symbols[slot.key.symbol->value];
    switch (kind) {
      case StreamKind::AggTrade:
        s.aggregates.push_back(&slot);
        break;
      case StreamKind::Trade:
        s.trades.push_back(&slot);
        break;
      case StreamKind::Kline:
      case StreamKind::ContinuousKline:
        s.klines.push_back(&slot);
        s.prints.push_back(&slot);
        break;
      case StreamKind::MiniTicker:
      case StreamKind::Ticker:
        s.prints.push_back(&slot);
        break;
      case StreamKind::BookTicker:
      case StreamKind::PartialDepth:
      case StreamKind::DiffDepth:
        s.book.push_back(&slot);
        break;
      case StreamKind::ForceOrder:
        s.forced.push_back(&slot);
        break;
      default:
        break;
    }
  }

  /// The state of a stream nobody had until now.
  void start(Slot& slot) {
    slot.bids.clear();
    slot.asks.clear();
    slot.changed.clear();
    slot.forced.clear();
    slot.first = 0;
    if (slot.key.symbol) {
      const auto top = exchange.top(*slot.key.symbol);
      slot.previous = top.update_id;
      slot.changed_at = top.time;
    }
  }

  // Events.

  void on_event(const matching::TradeEvent& t) {
    auto& s = symbols[t.symbol.value];
    for (Slot* slot : s.trades)
      if (!slot->subscribers.empty()) publish(*slot, trade_message(format(t.symbol), t, now));
    for (Slot* slot : s.prints) mark_changed(*slot);
    for (Slot* slot : all_tickers) {
      slot->changed.insert(t.symbol.value);
      mark_changed(*slot);
    }
  }

  void on_event(const matching::BookEvent& b) {
    for (Slot* slot : symbols[b.symbol.value].book) {
      if (slot->subscribers.empty()) continue;
      if (slot->key.kind == StreamKind::BookTicker && !b.top_changed) continue;
      if (slot->first == 0) slot->first = b.first_update_id;
      slot->changed_at = b.time;
      if (slot->key.kind == StreamKind::DiffDepth) {
        for (const auto& l : b.bids) slot->bids[l.price] = l.quantity;
        for (const auto& l : b.asks) slot->asks[l.price] = l.quantity;
      }
      mark_changed(*slot);
    }
    if (!b.top_changed) return;
    for (Slot* slot : all_books) {
      slot->changed.insert(b.symbol.value);
      mark_changed(*slot);
    }
  }

  void on_event(const matching::MarkEvent& m) {
    auto& s = symbols[m.symbol.value];
    s.marks.push_back(m.mark.mark);
    if (s.marks.size() > kMarkSamples) s.marks.pop_front();
    __extension__ __int128 sum = 0;
    for (const auto p : s.marks) sum += p.raw();
    s.mark_average =
        domain::Price::from_raw(static_cast<std::int64_t>(sum / static_cast<std::int64_t>(s.marks.size())));
  }

  void on_event(const matching::ForcedOrderEvent& f) {
    const auto keep_largest = [&](Slot& slot) {
      if (slot.subscribers.empty()) return;
      const auto [at, fresh] = slot.forced.try_emplace(f.symbol.value, f);
      if (!fresh && f.quantity > at->second.quantity) at->second = f;
      mark_changed(slot);
    };
    for (Slot* slot : symbols[f.symbol.value].forced) keep_largest(*slot);
    for (Slot* slot : all_forced) keep_largest(*slot);
  }

  void on_event(const matching::SymbolStatusEvent& s) {
    for (Slot* slot : contract_info)
      if (!slot->subscribers.empty())
        publish(*slot, contract_info_message(exchange.instruments()[s.symbol], s.status, now));
  }

  template <class Other>
  void on_event(const Other&) {}

  // Messages.

  void send_kline(const Slot& slot, const Kline& kline) {
    const auto c = format(*slot.key.symbol);
    publish(slot, slot.key.kind == StreamKind::Kline ? kline_message(c, slot.key.interval, kline, now)
                                                     : continuous_kline_message(c, slot.key.interval, kline, now));
  }

  void take_closed() {
    const auto closed = market.take_closed();
    for (const auto& k : closed.klines)
      for (Slot* slot : symbols[k.symbol.value].klines)
        if (slot->key.interval == k.interval && !slot->subscribers.empty()) {
          unschedule(*slot);
          send_kline(*slot, k.kline);
        }
    for (const auto& [symbol, trade] : closed.trades)
      for (Slot* slot : symbols[symbol.value].aggregates)
        if (!slot->subscribers.empty()) publish(*slot, agg_trade_message(format(symbol), trade, now));
  }

  void send_mark_prices(const Slot& slot) {
    std::string out = "[";
    for (std::size_t id = 0; id < symbols.size(); ++id) {
      const SymbolId symbol{static_cast<std::uint16_t>(id)};
      const auto mark = exchange.mark(symbol);
      if (mark.mark.is_zero()) continue;
      if (out.size() > 1) out += ',';
      append_mark_price(out, format(symbol), mark, symbols[id].mark_average, now);
    }
    if (out.size() > 1) publish(slot, out + "]");
  }

  void send_tickers(Slot& slot) {
    std::string out = "[";
    for (const auto id : slot.changed) {
      const auto ticker = market.ticker({id});
      if (!ticker) continue;
      if (out.size() > 1) out += ',';
      if (slot.key.kind == StreamKind::AllTickers)
        append_ticker(out, format({id}), *ticker, now);
      else
        append_mini_ticker(out, format({id}), *ticker, now);
    }
    slot.changed.clear();
    if (out.size() > 1) publish(slot, out + "]");
  }

  void send_ticker(const Slot& slot) {
    const auto ticker = market.ticker(*slot.key.symbol);
    if (!ticker) return;
    std::string out;
    if (slot.key.kind == StreamKind::Ticker)
      append_ticker(out, format(*slot.key.symbol), *ticker, now);
    else
      append_mini_ticker(out, format(*slot.key.symbol), *ticker, now);
    publish(slot, std::move(out));
  }

  void send_depth(Slot& slot) {
    const SymbolId symbol = *slot.key.symbol;
    const auto c = format(symbol);
    std::string payload;
    DepthIds ids{slot.first, 0, slot.previous, slot.changed_at};
    if (slot.key.kind == StreamKind::PartialDepth) {
      const auto book = exchange.book(symbol, slot.key.levels);
      ids.last = book.update_id;
      payload = partial_depth_message(c, ids, book, now);
    } else {
      ids.last = exchange.top(symbol).update_id;
      payload = diff_depth_message(c, ids, slot.bids, slot.asks, now);
    }
    slot.previous = ids.last;
    slot.first = 0;
    slot.bids.clear();
    slot.asks.clear();
    if (slot.key.kind == StreamKind::DiffDepth && lose_depth && lose_depth(symbol)) return;
    publish(slot, std::move(payload));
  }

  void send_book_tickers(Slot& slot) {
    if (slot.key.symbol) {
      publish(slot, book_ticker_message(format(*slot.key.symbol), exchange.top(*slot.key.symbol), now));
      return;
    }
    for (const auto id : slot.changed) publish(slot, book_ticker_message(format({id}), exchange.top({id}), now));
    slot.changed.clear();
  }

  void send(Slot& slot) {
    switch (slot.key.kind) {
      case StreamKind::MarkPrice:
        if (const auto mark = exchange.mark(*slot.key.symbol); !mark.mark.is_zero()) {
          std::string out;
          append_mark_price(out, format(*slot.key.symbol), mark, symbols[slot.key.symbol->value].mark_average, now);
          publish(slot, std::move(out));
        }
        break;
      case StreamKind::AllMarkPrices:
        send_mark_prices(slot);
        break;
      case StreamKind::Kline:
      case StreamKind::ContinuousKline:
        if (const auto k = market.current(*slot.key.symbol, slot.key.interval)) send_kline(slot, *k);
        break;
      case StreamKind::MiniTicker:
      case StreamKind::Ticker:
        send_ticker(slot);
        break;
      case StreamKind::AllMiniTickers:
      case StreamKind::AllTickers:
        send_tickers(slot);
        break;
      case StreamKind::BookTicker:
      case StreamKind::AllBookTickers:
        send_book_tickers(slot);
        break;
      case StreamKind::ForceOrder:
      case StreamKind::AllForceOrders:
        for (const auto& [id, order] : slot.forced) publish(slot, force_order_message(format({id}), order, now));
        slot.forced.clear();
        break;
      case StreamKind::PartialDepth:
      case StreamKind::DiffDepth:
        send_depth(slot);
        break;
      case StreamKind::AggTrade:
      case StreamKind::Trade:
      case StreamKind::ContractInfo:
        break;  // sent when they happen
    }
  }
};

MarketStreams::MarketStreams(const matching::Exchange& exchange, PublicMarket& market)
    : impl_(std::make_unique<Impl>(exchange, market)) {}

MarketStreams::~MarketStreams() = default;

bool MarketStreams::subscribe(const std::string& name, Subscriber& subscriber) {
  auto& m = *impl_;
  auto it = m.slots.find(name);
  if (it == m.slots.end()) {
    const auto key = parse_stream_name(name, m.exchange.instruments());
    if (!key) return false;
    auto slot = std::make_unique<Slot>();
    slot->name = name;
    slot->key = *key;
    slot->number = static_cast<std::uint32_t>(m.slots.size());
    m.index(*slot);
    it = m.slots.emplace(name, std::move(slot)).first;
  }
  Slot& slot = *it->second;
  if (std::find(slot.subscribers.begin(), slot.subscribers.end(), &subscriber) != slot.subscribers.end()) return false;
  const bool first = slot.subscribers.empty();
  if (first) m.start(slot);
  slot.subscribers.push_back(&subscriber);
  // Mark prices come whether they change or not; a partial book is shown without waiting for a change.
  if (first && (is_periodic(slot.key.kind) || slot.key.kind == StreamKind::PartialDepth)) {
    if (slot.key.kind == StreamKind::PartialDepth) slot.first = slot.previous;
    if (slot.key.cadence.ns > 0) m.mark_changed(slot);
  }
  return true;
}

std::optional<StreamRoute> MarketStreams::route_of(const std::string& name) const {
  const auto key = parse_stream_name(name, impl_->exchange.instruments());
  if (!key) return std::nullopt;
  return key->route;
}

void MarketStreams::unsubscribe(const std::string& name, Subscriber& subscriber) {
  const auto it = impl_->slots.find(name);
  if (it == impl_->slots.end()) return;
  std::erase(it->second->subscribers, &subscriber);
  if (it->second->subscribers.empty()) impl_->unschedule(*it->second);
}

void MarketStreams::on(const matching::ExchangeEvent& event) {
  impl_->now = std::max(impl_->now, impl_->exchange.now());
  impl_->take_closed();  // what this event closed ended before it
  std::visit([this](const auto& e) { impl_->on_event(e); }, event);
}

void MarketStreams::settle() {
  impl_->take_closed();
  for (std::size_t i = 0; i < impl_->settling.size(); ++i) {
    Slot& slot = *impl_->settling[i];
    slot.scheduled = false;
    impl_->send(slot);
  }
  impl_->settling.clear();
}

void MarketStreams::advance_to(Timestamp now) {
  auto& m = *impl_;
  if (now > m.now) m.now = now;
  m.take_closed();
  while (!m.schedule.empty() && m.schedule.begin()->first.first <= now) {
    Slot& slot = *m.schedule.begin()->second;
    m.schedule.erase(m.schedule.begin());
    slot.scheduled = false;
    m.send(slot);
    if (is_periodic(slot.key.kind)) m.mark_changed(slot);
  }
}

std::optional<Timestamp> MarketStreams::next_deadline() const {
  if (impl_->schedule.empty()) return std::nullopt;
  return impl_->schedule.begin()->first.first;
}

void MarketStreams::set_depth_fault(std::function<bool(SymbolId)> lose) { impl_->lose_depth = std::move(lose); }

std::uint64_t MarketStreams::published() const { return impl_->published; }

}  // namespace qtrader::exchange
