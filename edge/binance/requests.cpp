#include "edge/binance/requests.hpp"

namespace qtrader::binance::requests {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

Call make(std::string method, std::string path, Parameters parameters, int weight) {
  Call call;
  call.method = std::move(method);
  call.path = std::move(path);
  call.parameters = std::move(parameters);
  call.weight = weight;
  return call;
}

Call signed_call(std::string method, std::string path, Parameters parameters, int weight) {
  Call call = make(std::move(method), std::move(path), std::move(parameters), weight);
  call.security = Security::Signed;
  return call;
}

std::string ms(base::Timestamp t) { return std::to_string(t.unix_ms()); }

std::string_view wire(domain::OrderType type) {
  switch (type) {
    case domain::OrderType::Market:
      return "MARKET";
    case domain::OrderType::Limit:
      return "LIMIT";
    case domain::OrderType::StopMarket:
      return "STOP_MARKET";
    case domain::OrderType::TakeProfitMarket:
      return "TAKE_PROFIT_MARKET";
    case domain::OrderType::TrailingStopMarket:
      break;
  }
  return "TRAILING_STOP_MARKET";
}

std::string_view wire(domain::TimeInForce tif) {
  switch (tif) {
    case domain::TimeInForce::Gtc:
      return "GTC";
    case domain::TimeInForce::Ioc:
      return "IOC";
    case domain::TimeInForce::Fok:
      return "FOK";
    case domain::TimeInForce::Gtx:
      break;
  }
  return "GTX";
}

void add_conditional(Parameters& p, const domain::Order& order) {
  p.emplace_back("algoType", "CONDITIONAL");
  p.emplace_back("workingType", "MARK_PRICE");
  p.emplace_back("priceProtect", "false");
  if (order.type == domain::OrderType::TrailingStopMarket) {
    if (order.trigger_price.is_positive()) p.emplace_back("activatePrice", order.trigger_price.to_string());
    p.emplace_back("callbackRate", domain::Ratio::from_double(order.callback.value / 100).to_string());  // percent
  } else {
    p.emplace_back("triggerPrice", order.trigger_price.to_string());
  }
}

}  // namespace

Call place(const domain::Order& order, const std::string& symbol, const std::string& wire_id) {
  const bool conditional = domain::is_conditional(order.type);
  Parameters p = {{"symbol", symbol},
                  {"side", order.side == domain::Side::Buy ? "BUY" : "SELL"},
                  {"type", std::string(wire(order.type))},
                  {"quantity", order.quantity.to_string()}};
  if (order.type == domain::OrderType::Limit) {
    p.emplace_back("timeInForce", std::string(wire(order.time_in_force)));
    p.emplace_back("price", order.limit_price.to_string());
  }
  if (conditional) add_conditional(p, order);
  if (order.reduce_only) p.emplace_back("reduceOnly", "true");
  p.emplace_back(conditional ? "clientAlgoId" : "newClientOrderId", wire_id);
  Call call = signed_call("POST", conditional ? "/fapi/v1/algoOrder" : "/fapi/v1/order", std::move(p), 0);
  call.orders = 1;
  call.priority = order.purpose == domain::OrderPurpose::Entry ? Priority::Entry : Priority::Exit;
  return call;
}

namespace {

Call refer(std::string method, const OrderRef& order) {
  Parameters p;
  if (order.algo) {
    if (order.venue_id != 0) {
      p.emplace_back("algoId", std::to_string(order.venue_id));
    } else {
      p.emplace_back("clientAlgoId", order.wire_id);
    }
    return signed_call(std::move(method), "/fapi/v1/algoOrder", std::move(p), 1);
  }
  p.emplace_back("symbol", order.symbol);
  if (order.venue_id != 0) {
    p.emplace_back("orderId", std::to_string(order.venue_id));
  } else {
    p.emplace_back("origClientOrderId", order.wire_id);
  }
  return signed_call(std::move(method), "/fapi/v1/order", std::move(p), 1);
}

}  // namespace

Call find(const OrderRef& order, Priority priority) {
  Call call = refer("GET", order);
  call.priority = priority;
  return call;
}

Call cancel(const OrderRef& order) {
  Call call = refer("DELETE", order);
  call.priority = Priority::Exit;
  return call;
}

Call countdown(const std::string& symbol, std::int64_t milliseconds) {
  Call call = signed_call("POST", "/fapi/v1/countdownCancelAll",
                          {{"symbol", symbol}, {"countdownTime", std::to_string(milliseconds)}}, 10);
  call.priority = Priority::Exit;
  return call;
}

Call trades_of_order(const std::string& symbol, std::int64_t order_id) {
  return signed_call("GET", "/fapi/v1/userTrades",
                     {{"symbol", symbol}, {"orderId", std::to_string(order_id)}, {"limit", "1000"}}, 5);
}

Call trades_from_id(const std::string& symbol, std::int64_t from_id) {
  return signed_call("GET", "/fapi/v1/userTrades",
                     {{"symbol", symbol}, {"fromId", std::to_string(from_id)}, {"limit", "1000"}}, 5);
}

Call trades_since(const std::string& symbol, base::Timestamp since) {
  return signed_call("GET", "/fapi/v1/userTrades", {{"symbol", symbol}, {"startTime", ms(since)}, {"limit", "1000"}},
                     5);
}

Call funding_fees_since(base::Timestamp since) {
  return signed_call("GET", "/fapi/v1/income",
                     {{"incomeType", "FUNDING_FEE"}, {"startTime", ms(since)}, {"limit", "1000"}}, 30);
}

Call position_risk() { return signed_call("GET", "/fapi/v2/positionRisk", {}, 5); }
Call open_orders() { return signed_call("GET", "/fapi/v1/openOrders", {}, 40); }
Call open_algo_orders() { return signed_call("GET", "/fapi/v1/openAlgoOrders", {}, 40); }
Call balances() { return signed_call("GET", "/fapi/v3/balance", {}, 5); }
Call account_config() { return signed_call("GET", "/fapi/v1/accountConfig", {}, 5); }
Call symbol_config(const std::string& symbol) {
  return signed_call("GET", "/fapi/v1/symbolConfig", {{"symbol", symbol}}, 5);
}

Call set_leverage(const std::string& symbol, int leverage) {
  return signed_call("POST", "/fapi/v1/leverage", {{"symbol", symbol}, {"leverage", std::to_string(leverage)}}, 1);
}

Call set_margin_mode(const std::string& symbol, domain::MarginMode mode) {
  return signed_call("POST", "/fapi/v1/marginType",
                     {{"symbol", symbol}, {"marginType", mode == domain::MarginMode::Cross ? "CROSSED" : "ISOLATED"}},
                     1);
}

Call leverage_brackets() { return signed_call("GET", "/fapi/v1/leverageBracket", {}, 1); }
Call commission_rate(const std::string& symbol) {
  return signed_call("GET", "/fapi/v1/commissionRate", {{"symbol", symbol}}, 20);
}

Call exchange_info() { return make("GET", "/fapi/v1/exchangeInfo", {}, 1); }
Call premium_index(const std::string& symbol) { return make("GET", "/fapi/v1/premiumIndex", {{"symbol", symbol}}, 1); }

Call klines(const std::string& symbol, domain::Timeframe timeframe, KlineRange range) {
  const int weight = range.limit < 100 ? 1 : range.limit < 500 ? 2 : range.limit <= 1'000 ? 5 : 10;
  Call call = make("GET", "/fapi/v1/klines",
                   {{"symbol", symbol},
                    {"interval", std::string(domain::to_string(timeframe))},
                    {"startTime", ms(range.from)},
                    {"endTime", ms(range.to)},
                    {"limit", std::to_string(range.limit)}},
                   weight);
  call.timeout = base::seconds(10);
  return call;
}

Call depth(const std::string& symbol) {
  return make("GET", "/fapi/v1/depth", {{"symbol", symbol}, {"limit", "1000"}}, 20);
}

Call funding_rates(const std::string& symbol, base::Timestamp since) {
  // Its own pool of 500 in 5 minutes, not the weight limit.
  Call call = make("GET", "/fapi/v1/fundingRate", {{"symbol", symbol}, {"startTime", ms(since)}, {"limit", "100"}}, 0);
  call.priority = Priority::Background;
  return call;
}

namespace {

Call listen_key(std::string method) {
  Call call = make(std::move(method), "/fapi/v1/listenKey", {}, 1);
  call.security = Security::Key;
  call.priority = Priority::Exit;  // without it we do not hear of fills
  return call;
}

}  // namespace

Call start_listen_key() { return listen_key("POST"); }
Call extend_listen_key() { return listen_key("PUT"); }
Call close_listen_key() { return listen_key("DELETE"); }

}  // namespace qtrader::binance::requests
