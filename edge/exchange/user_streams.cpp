#include "edge/exchange/user_streams.hpp"

#include <algorithm>
#include <optional>

#include "edge/exchange/user_messages.hpp"

namespace qtrader::exchange {
namespace {

using matching::AccountEvent;
using matching::AccountId;
using matching::ExchangeEvent;
using matching::OrderEvent;

struct AccountOf {
  std::optional<AccountId> operator()(const OrderEvent& e) const { return e.order.account; }
  std::optional<AccountId> operator()(const AccountEvent& e) const { return e.account; }
  std::optional<AccountId> operator()(const matching::AlgoEvent& e) const { return e.algo.account; }
  std::optional<AccountId> operator()(const matching::LeverageEvent& e) const { return e.account; }
  std::optional<AccountId> operator()(const matching::MarginCallEvent& e) const { return e.account; }
  template <class Public>
  std::optional<AccountId> operator()(const Public&) const {
    return std::nullopt;
  }
};

bool is_fill(const ExchangeEvent& event) {
  const auto* o = std::get_if<OrderEvent>(&event);
  return o != nullptr &&
         (o->execution == matching::ExecutionType::Trade || o->execution == matching::ExecutionType::Calculated);
}

bool is_balance_of_fill(const ExchangeEvent& event) {
  const auto* a = std::get_if<AccountEvent>(&event);
  return a != nullptr && a->reason == matching::AccountUpdateReason::Order;
}

/// The account's next event after position i, or the end.
std::size_t next_of(const std::vector<ExchangeEvent>& events, std::size_t i, AccountId account) {
  for (++i; i < events.size(); ++i)
    if (std::visit(AccountOf{}, events[i]) == account) break;
  return i;
}

}  // namespace

void UserStreams::subscribe(const std::string& listen_key, AccountId account, Subscriber& subscriber) {
  auto& stream = streams_[listen_key];
  stream.account = account;
  if (std::find(stream.subscribers.begin(), stream.subscribers.end(), &subscriber) == stream.subscribers.end())
    stream.subscribers.push_back(&subscriber);
}

void UserStreams::unsubscribe(const std::string& listen_key, Subscriber& subscriber) {
  const auto it = streams_.find(listen_key);
  if (it == streams_.end()) return;
  std::erase(it->second.subscribers, &subscriber);
  if (it->second.subscribers.empty()) streams_.erase(it);
}

std::vector<AccountId> UserStreams::attached_accounts() const {
  std::vector<AccountId> out;
  for (const auto& [key, stream] : streams_)
    if (std::find(out.begin(), out.end(), stream.account) == out.end()) out.push_back(stream.account);
  return out;
}

std::vector<std::string> UserStreams::keys(std::optional<AccountId> account) const {
  std::vector<std::string> out;
  for (const auto& [key, stream] : streams_)
    if (!account || stream.account == *account) out.push_back(key);
  return out;
}

bool UserStreams::wanted(AccountId account) const {
  return std::any_of(streams_.begin(), streams_.end(), [&](const auto& s) { return s.second.account == account; });
}

void UserStreams::publish(AccountId account, std::string_view event, std::string payload) {
  for (auto& [key, stream] : streams_) {
    if (stream.account != account) continue;
    ++published_;
    const StreamMessage message(StreamChannel::User, key, event, payload);
    for (Subscriber* s : stream.subscribers) s->deliver(message);
  }
}

void UserStreams::expire(const std::string& listen_key) {
  const auto it = streams_.find(listen_key);
  if (it == streams_.end()) return;
  const Stream stream = std::move(it->second);
  streams_.erase(it);
  ++published_;
  const StreamMessage message(StreamChannel::User, listen_key, "listenKeyExpired",
                              listen_key_expired(listen_key, exchange_.now()));
  for (Subscriber* s : stream.subscribers) s->deliver(message);
}

void UserStreams::send_trade_lite(const OrderEvent& e) {
  if (e.execution != matching::ExecutionType::Trade) return;
  publish(e.order.account, "TRADE_LITE",
          trade_lite(exchange_.instruments()[e.order.request.symbol], e, exchange_.now()));
}

void UserStreams::send(const OrderEvent& e, bool after_trade_lite) {
  if (!after_trade_lite) send_trade_lite(e);
  publish(e.order.account, "ORDER_TRADE_UPDATE",
          order_trade_update(exchange_.instruments()[e.order.request.symbol], e, exchange_.now()));
}

void UserStreams::send(const AccountEvent& e) {
  publish(e.account, "ACCOUNT_UPDATE", account_update(exchange_.instruments(), e, exchange_.now()));
}

void UserStreams::send_other(const ExchangeEvent& event) {
  const auto& table = exchange_.instruments();
  const auto now = exchange_.now();
  if (const auto* a = std::get_if<matching::AlgoEvent>(&event))
    publish(a->algo.account, "ALGO_UPDATE", algo_update(table[a->algo.request.symbol], *a, now));
  if (const auto* l = std::get_if<matching::LeverageEvent>(&event))
    publish(l->account, "ACCOUNT_CONFIG_UPDATE", account_config_update(table[l->symbol], *l, now));
  if (const auto* m = std::get_if<matching::MarginCallEvent>(&event))
    publish(m->account, "MARGIN_CALL", margin_call(table, *m, now));
}

void UserStreams::on_batch(const std::vector<ExchangeEvent>& events) {
  if (streams_.empty()) return;
  std::vector<bool> sent(events.size(), false);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto account = std::visit(AccountOf{}, events[i]);
    if (sent[i] || !account || !wanted(*account)) continue;
    const std::size_t j = next_of(events, i, *account);
    const bool paired = j < events.size() && !sent[j];
    if (is_balance_of_fill(events[i])) {
      // Told before the execution: the execution is the next event of the account.
      const bool fill_follows = paired && is_fill(events[j]);
      if (fill_follows) send_trade_lite(std::get<OrderEvent>(events[j]));
      send(std::get<AccountEvent>(events[i]));
      if (!fill_follows) continue;
      send(std::get<OrderEvent>(events[j]), true);
      sent[j] = true;
    } else if (const auto* order = std::get_if<OrderEvent>(&events[i])) {
      const bool balance_follows = is_fill(events[i]) && paired && is_balance_of_fill(events[j]);
      send_trade_lite(*order);
      if (balance_follows) {
        send(std::get<AccountEvent>(events[j]));
        sent[j] = true;
      }
      send(*order, true);
    } else if (const auto* balance = std::get_if<AccountEvent>(&events[i])) {
      send(*balance);
    } else {
      send_other(events[i]);
    }
  }
}

}  // namespace qtrader::exchange
