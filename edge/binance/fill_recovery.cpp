#include "edge/binance/fill_recovery.hpp"

namespace qtrader::binance {
namespace {

// The stream's event of an execution usually follows the REST answer that shows it within milliseconds.
constexpr base::Duration kGrace = base::seconds(1);
constexpr std::size_t kPage = 1'000;
constexpr int kMaxTries = 20;  // then about three minutes have passed; a snapshot will show the difference

}  // namespace

Execution to_execution(const UserTrade& trade) {
  Execution e;
  e.trade_id = trade.id;
  e.order_id = trade.order_id;
  e.side = trade.side;
  e.price = trade.price;
  e.quantity = trade.quantity;
  e.commission = trade.commission;
  e.commission_asset = trade.commission_asset;
  e.maker = trade.maker;
  e.at = trade.time;
  return e;
}

FillRecovery::FillRecovery(const Surroundings& around, OrderTracker& tracker, OrderInquiry& inquiry)
    : around_(around), tracker_(tracker), inquiry_(inquiry) {}

void FillRecovery::watch(const TrackedOrder& order) {
  if (!order.fills_missing()) {
    pending_.erase(order.id.value);
    return;
  }
  const auto [it, added] = pending_.try_emplace(order.id.value);
  if (added) it->second.alarm = around_.host.after(kGrace, [this, id = order.id] { retry(id); });
}

void FillRecovery::retry(domain::ClientOrderId id) {
  const TrackedOrder* order = tracker_.find(id);
  if (order == nullptr || !order->fills_missing()) {
    pending_.erase(id.value);
    return;
  }
  fetch(*order, [this, id](bool) {
    const TrackedOrder* after = tracker_.find(id);
    const auto it = pending_.find(id.value);
    if (it == pending_.end()) return;
    if (after == nullptr || !after->fills_missing() || it->second.wait.tries() >= kMaxTries) {
      pending_.erase(it);
      return;
    }
    it->second.alarm = around_.host.after(it->second.wait.next(), [this, id] { retry(id); });
  });
}

void FillRecovery::fetch(const TrackedOrder& order, std::function<void(bool)> done) {
  if (order.order_id == 0) return done(false);
  ask<std::vector<UserTrade>>(
      around_, life_, requests::trades_of_order(around_.instruments.name(order.symbol), order.order_id),
      &parse_user_trades,
      [this, id = order.id, order_id = order.order_id, done = std::move(done)](Answer<std::vector<UserTrade>> answer) {
        auto* trades = std::get_if<std::vector<UserTrade>>(&answer);
        if (trades == nullptr) return done(false);
        for (const UserTrade& trade : *trades) {
          TrackedOrder* known = tracker_.find(id);
          if (known != nullptr && trade.order_id == order_id) tracker_.execute(*known, to_execution(trade));
        }
        done(true);
      });
}

void FillRecovery::catch_up(base::Timestamp since, std::function<void(bool)> done) {
  auto run = std::make_shared<CatchUp>();
  run->since = since;
  run->done = std::move(done);
  for (const std::uint16_t symbol : tracker_.active_symbols()) run->symbols.push_back({symbol});
  next_symbol(std::move(run));
}

void FillRecovery::next_symbol(std::shared_ptr<CatchUp> run) {
  if (run->symbols.empty()) return run->done(run->complete);
  const domain::SymbolId symbol = run->symbols.back();
  run->symbols.pop_back();
  const std::int64_t last = tracker_.last_trade_id(symbol);
  fetch_page(std::move(run), symbol, last == 0 ? 0 : last + 1);
}

void FillRecovery::fetch_page(std::shared_ptr<CatchUp> run, domain::SymbolId symbol, std::int64_t from_id) {
  const std::string& name = around_.instruments.name(symbol);
  Call call = from_id != 0 ? requests::trades_from_id(name, from_id) : requests::trades_since(name, run->since);
  ask<std::vector<UserTrade>>(around_, life_, std::move(call), &parse_user_trades,
                              [this, run = std::move(run), symbol](Answer<std::vector<UserTrade>> answer) {
                                auto* trades = std::get_if<std::vector<UserTrade>>(&answer);
                                if (trades == nullptr) {
                                  run->complete = false;
                                  return next_symbol(run);
                                }
                                const bool more = trades->size() >= kPage;
                                const std::int64_t next = trades->empty() ? 0 : trades->back().id + 1;
                                book(symbol, *trades, [this, run, symbol, more, next](bool all) {
                                  if (!all) run->complete = false;
                                  if (more && all) return fetch_page(run, symbol, next);
                                  next_symbol(run);
                                });
                              });
}

// One after the other: an order that has to be looked up must be known before its next execution.
void FillRecovery::book(domain::SymbolId symbol, const std::vector<UserTrade>& trades, std::function<void(bool)> done) {
  for (std::size_t i = 0; i < trades.size(); ++i) {
    if (TrackedOrder* order = tracker_.find_order(symbol, trades[i].order_id)) {
      tracker_.execute(*order, to_execution(trades[i]));
      continue;
    }
    std::vector<UserTrade> rest(trades.begin() + static_cast<std::ptrdiff_t>(i) + 1, trades.end());
    return identify(symbol, trades[i], [this, symbol, rest = std::move(rest), done = std::move(done)](bool known) {
      if (!known) return done(false);
      book(symbol, rest, done);
    });
  }
  done(true);
}

void FillRecovery::identify(domain::SymbolId symbol, UserTrade trade, std::function<void(bool)> done) {
  InquirySubject subject;
  subject.symbol = around_.instruments.name(symbol);
  subject.order_id = trade.order_id;
  subject.where = InquirySubject::Where::Order;
  inquiry_.ask(std::move(subject),
               life_.guard([this, symbol, trade = std::move(trade), done = std::move(done)](InquiryResult result) {
                 if (std::holds_alternative<ApiFailure>(result)) return done(false);
                 const auto* order = std::get_if<VenueOrder>(&result);
                 if (order == nullptr) return done(true);  // too old to be looked up: nothing this run has open
                 const auto id = execution::parse_wire_id(around_.config.identity, order->client_id);
                 if (id) {
                   TrackedOrder* known = tracker_.find(*id);
                   if (known == nullptr) {
                     TrackedOrder found;
                     found.id = *id;
                     found.symbol = symbol;
                     found.wire_id = order->client_id;
                     found.entry = !order->reduce_only;
                     found.rests = order->type == WireType::Limit;
                     found.order_id = trade.order_id;
                     known = &tracker_.adopt(std::move(found));
                   }
                   tracker_.execute(*known, to_execution(trade));
                   tracker_.update(*known, order->progress);
                 } else if (is_exchange_order(order->client_id)) {
                   tracker_.execute_forced(symbol, to_execution(trade));
                 }
                 done(true);
               }));
}

}  // namespace qtrader::binance
