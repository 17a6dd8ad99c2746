// The REST calls the gateway makes, each spelled once: path, parameters, security, weight, priority
// (binance-usdm.md 6–10). Pure functions; nobody is called here.
#pragma once

#include <string>

#include "core/domain/bar.hpp"
#include "core/domain/order.hpp"
#include "edge/binance/rest_client.hpp"

namespace qtrader::binance::requests {

/// Where an order is known: its own endpoint, or the algo service until it triggers.
struct OrderRef {
  std::string symbol;         // venue name
  std::string wire_id;        // used unless venue_id is given
  std::int64_t venue_id = 0;  // order id, or algo id where algo
  bool algo = false;
};

/// New order; conditional types go to the algo service with a mark price trigger and no price protection.
Call place(const domain::Order& order, const std::string& symbol, const std::string& wire_id);
Call find(const OrderRef& order, Priority priority = Priority::Query);
Call cancel(const OrderRef& order);
Call countdown(const std::string& symbol, std::int64_t milliseconds);  // 0 stops it

Call trades_of_order(const std::string& symbol, std::int64_t order_id);
Call trades_from_id(const std::string& symbol, std::int64_t from_id);
Call trades_since(const std::string& symbol, base::Timestamp since);
Call funding_fees_since(base::Timestamp since);

Call position_risk();
Call open_orders();
Call open_algo_orders();
Call balances();
Call account_config();
Call symbol_config(const std::string& symbol);
Call set_leverage(const std::string& symbol, int leverage);
Call set_margin_mode(const std::string& symbol, domain::MarginMode mode);
Call leverage_brackets();
Call commission_rate(const std::string& symbol);

Call exchange_info();
Call premium_index(const std::string& symbol);
/// Bars that open within [from, to].
struct KlineRange {
  base::Timestamp from, to;
  int limit = 1'500;
};
Call klines(const std::string& symbol, domain::Timeframe timeframe, KlineRange range);
Call depth(const std::string& symbol);
Call funding_rates(const std::string& symbol, base::Timestamp since);

Call start_listen_key();
Call extend_listen_key();
Call close_listen_key();

}  // namespace qtrader::binance::requests
