// For the gateway's tests: a host with virtual time, sockets and a REST client played by hand, and the exchange's
// messages as texts. Minutes pass in no time and always the same way.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/binance/gateway_impl.hpp"

namespace qtrader::binance::testing {

namespace json = boost::json;

inline const base::Timestamp kStart = base::Timestamp::from_unix_ms(1'790'000'100'000);  // a whole 5-minute slot
inline constexpr domain::SymbolId kBtc{0}, kEth{1};

class FakeHost final : public Host {
 public:
  struct Connect {
    std::string url;
    std::function<void(SocketResult)> done;
    std::shared_ptr<bool> wanted;
  };

  base::Timestamp now() const override { return now_; }
  Alarm after(base::Duration delay, std::function<void()> work) override {
    auto alive = std::make_shared<bool>(true);
    alarms_.emplace(now_ + delay, std::pair{alive, std::move(work)});
    return std::make_unique<Handle>(alive);
  }
  void post(std::function<void()> work) override { posted_.push_back(std::move(work)); }
  std::unique_ptr<net::WebSocketAttempt> connect(const std::string& url,
                                                 std::function<void(SocketResult)> done) override {
    auto wanted = std::make_shared<bool>(true);
    connects.push_back({url, std::move(done), wanted});
    return std::make_unique<Attempt>(wanted);
  }

  /// Lets what is posted happen, then time pass with its alarms.
  void settle() {
    while (!posted_.empty()) {
      const auto work = std::move(posted_.front());
      posted_.pop_front();
      work();
    }
  }
  void advance(base::Duration by) {
    const base::Timestamp until = now_ + by;
    settle();
    while (!alarms_.empty() && alarms_.begin()->first <= until) {
      now_ = std::max(now_, alarms_.begin()->first);
      const auto [alive, work] = std::move(alarms_.begin()->second);
      alarms_.erase(alarms_.begin());
      if (*alive) {
        *alive = false;
        work();
      }
      settle();
    }
    now_ = until;
  }

  std::deque<Connect> connects;

 private:
  struct Handle final : AlarmHandle {
    explicit Handle(std::shared_ptr<bool> a) : alive(std::move(a)) {}
    ~Handle() override { *alive = false; }
    std::shared_ptr<bool> alive;
  };
  struct Attempt final : net::WebSocketAttempt {
    explicit Attempt(std::shared_ptr<bool> w) : wanted(std::move(w)) {}
    ~Attempt() override { *wanted = false; }
    std::shared_ptr<bool> wanted;
  };
  base::Timestamp now_ = kStart;
  std::multimap<base::Timestamp, std::pair<std::shared_ptr<bool>, std::function<void()>>> alarms_;
  std::deque<std::function<void()>> posted_;
};

/// The exchange's end of one connection. Stays readable after our side has let go of it.
struct Wire {
  std::string url;
  net::WebSocketHandlers handlers;
  std::vector<std::string> sent;
  bool open = true;
  bool answers = true;  // pings and LIST_SUBSCRIPTIONS

  void feed(std::string text) {
    if (!open || !handlers.on_text) return;
    const std::size_t size = text.size();
    text.append(kPadding, '\0');
    handlers.on_text(std::string_view(text).substr(0, size));
  }
  void drop(std::string_view reason = "reset by peer") {
    if (!open) return;
    open = false;
    if (handlers.on_close) handlers.on_close(reason);
  }
};

class FakeSocket final : public net::WebSocket {
 public:
  FakeSocket(std::shared_ptr<Wire> wire, FakeHost& host) : wire_(std::move(wire)), host_(host) {}
  ~FakeSocket() override {
    wire_->open = false;
    wire_->handlers = {};
  }
  void set_handlers(net::WebSocketHandlers handlers) override { wire_->handlers = std::move(handlers); }
  void send(std::shared_ptr<const std::string> text) override {
    wire_->sent.push_back(*text);
    if (!wire_->answers) return;
    const json::value request = json::parse(*text);
    std::string reply = R"({"result":[],"id":)" + json::serialize(request.at("id")) + "}";
    host_.post([wire = wire_, reply] { wire->feed(reply); });
  }
  void ping(std::string_view payload) override {
    if (wire_->answers && wire_->open && wire_->handlers.on_pong) wire_->handlers.on_pong(payload);
  }
  void close(std::string_view) override { wire_->open = false; }
  void abort() override { wire_->open = false; }
  std::size_t queued_bytes() const override { return 0; }

 private:
  std::shared_ptr<Wire> wire_;
  FakeHost& host_;
};

/// Answers by script: what was queued for "METHOD path" first, then its standing answer.
class FakeRest final : public RestClient {
 public:
  explicit FakeRest(FakeHost& host) : host_(host) {}

  void call(Call call, std::function<void(ApiResult)> done) override {
    const std::string key = call.method + " " + call.path;
    calls.push_back(call);
    auto& queue = queued[key];
    std::optional<ApiResult> result;
    if (hold.contains(key)) {
      held[key].push_back(std::move(done));
      return;
    }
    if (!queue.empty()) {
      result = std::move(queue.front());
      queue.pop_front();
    } else if (const auto standing_answer = standing.find(key); standing_answer != standing.end()) {
      result = standing_answer->second(call);
    } else {
      ADD_FAILURE() << "no answer for " << key;
      result = ApiFailure{FailureClass::NotExecuted, 0, 0, "no script"};
    }
    host_.post([done = std::move(done), result = std::move(*result)] { done(result); });
  }
  void sync_time(std::function<void(base::Result<void>)> done) override {
    ++syncs;
    host_.post([done = std::move(done), answer = sync_answer] { done(answer); });
  }
  base::Timestamp server_now() const override { return host_.now() + offset; }
  void set_limits(int, int, int) override {}
  std::optional<base::Timestamp> banned_until() const override { return banned; }
  RestStatistics statistics() const override {
    RestStatistics s;
    s.clock_offset = offset;
    return s;
  }

  /// Number of calls of "METHOD path".
  int count(const std::string& key) const {
    int n = 0;
    for (const Call& c : calls) n += c.method + " " + c.path == key ? 1 : 0;
    return n;
  }
  const Call& last(const std::string& key) const {
    for (auto it = calls.rbegin(); it != calls.rend(); ++it)
      if (it->method + " " + it->path == key) return *it;
    static const Call none;
    ADD_FAILURE() << "never called: " << key;
    return none;
  }
  void always(const std::string& key, std::string body) {
    standing[key] = [body = std::move(body)](const Call&) { return ApiResult(body); };
  }
  void always(const std::string& key, ApiFailure failure) {
    standing[key] = [failure = std::move(failure)](const Call&) { return ApiResult(failure); };
  }
  /// Answers the oldest held call.
  void release(const std::string& key, ApiResult result) {
    ASSERT_FALSE(held[key].empty()) << key;
    const auto done = std::move(held[key].front());
    held[key].pop_front();
    done(std::move(result));
    host_.settle();
  }

  std::vector<Call> calls;
  std::map<std::string, std::deque<ApiResult>> queued;
  std::map<std::string, std::function<ApiResult(const Call&)>> standing;
  std::map<std::string, std::deque<std::function<void(ApiResult)>>> held;
  std::map<std::string, bool> hold;
  base::Duration offset;
  std::optional<base::Timestamp> banned;
  base::Result<void> sync_answer;
  int syncs = 0;

 private:
  FakeHost& host_;
};

inline std::string parameter(const Call& call, std::string_view name) {
  for (const auto& [key, value] : call.parameters)
    if (key == name) return value;
  return "(absent)";
}

inline ApiFailure rejected(int code, std::string message = "no") {
  return {FailureClass::Rejected, 400, code, std::move(message)};
}
inline ApiFailure failed(FailureClass kind) { return {kind, 0, 0, "failed"}; }

// ---- texts

inline std::string ms(base::Timestamp t) { return std::to_string(t.unix_ms()); }

struct OrderText {
  std::string client_id;
  std::string status = "NEW";
  std::string filled = "0", average = "0";
  std::int64_t order_id = 5'001;
  std::string symbol = "BTCUSDT", side = "BUY", type = "LIMIT";
  bool reduce_only = false;
};
inline std::string rest_order(const OrderText& o) {
  return R"({"clientOrderId":")" + o.client_id + R"(","cumQty":"0","cumQuote":"0","executedQty":")" + o.filled +
         R"(","orderId":)" + std::to_string(o.order_id) + R"(,"avgPrice":")" + o.average +
         R"(","origQty":"1","price":"100","reduceOnly":)" + (o.reduce_only ? "true" : "false") + R"(,"side":")" +
         o.side + R"(","positionSide":"BOTH","status":")" + o.status +
         R"(","stopPrice":"0","closePosition":false,"symbol":")" + o.symbol + R"(","timeInForce":"GTC","type":")" +
         o.type + R"(","origType":")" + o.type + R"(","updateTime":)" + ms(kStart) + R"(,"time":)" + ms(kStart) +
         R"(,"workingType":"CONTRACT_PRICE","priceProtect":false})";
}

struct AlgoText {
  std::string client_id;
  std::string status = "NEW";
  std::int64_t actual_order = 0;
  std::int64_t algo_id = 900;
  std::string trigger = "90";
};
inline std::string rest_algo(const AlgoText& o) {
  return R"({"algoId":)" + std::to_string(o.algo_id) + R"(,"clientAlgoId":")" + o.client_id +
         R"(","algoType":"CONDITIONAL","orderType":"STOP_MARKET","symbol":"BTCUSDT","side":"SELL",)"
         R"("positionSide":"BOTH",)"
         R"("timeInForce":"GTC","quantity":"1","algoStatus":")" +
         o.status + R"(","triggerPrice":")" + o.trigger +
         R"(","price":"0","workingType":"MARK_PRICE","closePosition":false,"priceProtect":false,"reduceOnly":true,)"
         R"("createTime":)" +
         ms(kStart) + R"(,"updateTime":)" + ms(kStart) + R"(,"triggerTime":0,"actualOrderId":")" +
         (o.actual_order == 0 ? std::string() : std::to_string(o.actual_order)) + R"("})";
}

struct TradeText {
  std::int64_t id = 1, order_id = 5'001;
  std::string price = "100", quantity = "1", side = "BUY";
};
inline std::string user_trade(const TradeText& t) {
  return R"({"symbol":"BTCUSDT","id":)" + std::to_string(t.id) + R"(,"orderId":)" + std::to_string(t.order_id) +
         R"(,"side":")" + t.side + R"(","price":")" + t.price + R"(","qty":")" + t.quantity +
         R"(","realizedPnl":"0","quoteQty":"100","commission":"0.05","commissionAsset":"USDT","time":)" + ms(kStart) +
         R"(,"positionSide":"BOTH","buyer":true,"maker":false})";
}
inline std::string list(const std::vector<std::string>& rows) {
  std::string out = "[";
  for (const std::string& row : rows) out += (out.size() > 1 ? "," : "") + row;
  return out + "]";
}

struct OrderEvent {
  std::string client_id;
  std::string execution = "NEW", status = "NEW";
  std::string last = "0", filled = "0", price = "0", average = "0";
  std::int64_t trade_id = 0, order_id = 5'001;
  std::string side = "BUY", type = "LIMIT", expiry = "0", commission = "0.05", asset = "USDT", symbol = "BTCUSDT";
  bool reduce_only = false;
};
inline std::string order_event(const OrderEvent& e) {
  return R"({"e":"ORDER_TRADE_UPDATE","E":)" + ms(kStart) + R"(,"T":)" + ms(kStart) + R"(,"o":{"s":")" + e.symbol +
         R"(","c":")" + e.client_id + R"(","S":")" + e.side + R"(","o":")" + e.type + R"(","ot":")" + e.type +
         R"(","f":"GTC","q":"1","p":"100","ap":")" + e.average + R"(","sp":"0","x":")" + e.execution + R"(","X":")" +
         e.status + R"(","i":)" + std::to_string(e.order_id) + R"(,"l":")" + e.last + R"(","z":")" + e.filled +
         R"(","L":")" + e.price + R"(","n":")" + e.commission + R"(","N":")" + e.asset + R"(","T":)" + ms(kStart) +
         R"(,"t":)" + std::to_string(e.trade_id) + R"(,"b":"0","a":"0","m":false,"R":)" +
         (e.reduce_only ? "true" : "false") +
         R"(,"wt":"CONTRACT_PRICE","ps":"BOTH","cp":false,"pP":false,"si":0,"ss":0,"rp":"0","V":"NONE","pm":"NONE",)"
         R"("gtd":0,"er":")" +
         e.expiry + R"("}})";
}
inline OrderEvent traded(std::string client_id, std::int64_t trade_id, std::string last, std::string filled) {
  OrderEvent e;
  e.client_id = std::move(client_id);
  e.execution = "TRADE";
  e.status = filled == "1" ? "FILLED" : "PARTIALLY_FILLED";
  e.last = std::move(last);
  e.filled = std::move(filled);
  e.price = e.average = "100";
  e.trade_id = trade_id;
  return e;
}
inline std::string algo_event(const std::string& client_id, const std::string& status, const std::string& order = "",
                              const std::string& message = "") {
  return R"({"e":"ALGO_UPDATE","T":)" + ms(kStart) + R"(,"E":)" + ms(kStart) + R"(,"o":{"caid":")" + client_id +
         R"(","aid":900,"at":"CONDITIONAL","o":"STOP_MARKET","s":"BTCUSDT","S":"SELL","ps":"BOTH","f":"GTC","q":"1",)"
         R"("X":")" +
         status + R"(","ai":")" + order +
         R"(","tp":"90","p":"0","V":"NONE","wt":"MARK_PRICE","pm":"NONE","cp":false,"pP":false,"R":true,)"
         R"("tt":0,"gtd":0,)"
         R"("rm":")" +
         message + R"("}})";
}
inline std::string kline_event(base::Timestamp open, bool closed, const std::string& close = "100") {
  const std::string end = ms(open + base::minutes(5) - base::milliseconds(1));
  return R"({"stream":"btcusdt@kline_5m","data":{"e":"kline","E":)" + end + R"(,"s":"BTCUSDT","k":{"t":)" + ms(open) +
         R"(,"T":)" + end + R"(,"s":"BTCUSDT","i":"5m","f":1,"L":2,"o":"100","c":")" + close +
         R"(","h":"101","l":"99","v":"10","n":2,"x":)" + (closed ? "true" : "false") +
         R"(,"q":"1000","V":"5","Q":"500","B":"0"}}})";
}
inline std::string kline_row(base::Timestamp open, const std::string& close = "100") {
  return "[" + ms(open) + R"(,"100","101","99",")" + close + R"(","10",)" +
         ms(open + base::minutes(5) - base::milliseconds(1)) + R"(,"1000",2,"5","500","0"])";
}
inline std::string mark_event(base::Timestamp at, base::Timestamp next_funding, const std::string& price = "100",
                              const std::string& rate = "0.0001") {
  return R"({"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":)" + ms(at) + R"(,"s":"BTCUSDT","p":")" +
         price + R"(","ap":")" + price + R"(","i":")" + price + R"(","P":")" + price + R"(","r":")" + rate +
         R"(","T":)" + ms(next_funding) + R"(,"st":1}})";
}

/// A contract like BTCUSDT, with fees of the account's own.
inline domain::Instrument contract(const std::string& symbol) {
  domain::Instrument i;
  i.symbol = symbol;
  i.tick_size = domain::Price::from_double(0.1);
  i.step_size = i.min_quantity = domain::Quantity::from_double(0.001);
  i.min_notional = domain::Money::from_int(5);
  i.brackets = {{{}, domain::Money::from_int(1'000'000), domain::Ratio::from_double(0.004), {}, 125}};
  i.maker_fee = domain::Ratio::from_double(0.0002);
  i.taker_fee = domain::Ratio::from_double(0.0005);
  return i;
}

}  // namespace qtrader::binance::testing
