// Bodies of the Binance USD-M REST answers this program uses, as plain values, and their parsers.
//
// Used by the gateway on what RestClient::call delivers (bodies of 2xx answers) and by RestClient itself on error
// bodies. Lists keep the exchange's order. Unknown fields are ignored; a missing or ill-typed one is an error Corrupt
// naming body, field, value and what was expected. Fields some versions of the exchange leave out are optional here.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/domain/bar.hpp"
#include "core/domain/instrument.hpp"
#include "edge/binance/messages_market.hpp"
#include "edge/binance/wire_types.hpp"

namespace qtrader::binance {

struct ErrorBody {
  int code = 0;  // negative; 200 in "success" bodies
  std::string message;
  bool operator==(const ErrorBody&) const = default;
};
/// nullopt unless the text is an object with an integer (or numeric text) "code" and a "msg".
std::optional<ErrorBody> parse_error_body(std::string_view text);

base::Result<base::Timestamp> parse_server_time(std::string_view body);
base::Result<std::string> parse_listen_key(std::string_view body);  // of POST
base::Result<bool> parse_dual_side(std::string_view body);          // true: hedge mode
base::Result<bool> parse_multi_assets(std::string_view body);

struct RateLimits {  // 0: not stated
  int weight_1m = 0, orders_10s = 0, orders_1m = 0;
  bool operator==(const RateLimits&) const = default;
};
struct SymbolInfo {
  domain::Instrument instrument;  // brackets and fees are of other calls: empty, 0
  std::string status, contract_type, pair, base_asset, quote_asset, margin_asset;
  bool trading = false;  // status is TRADING
  int price_precision = 0, quantity_precision = 0;
  domain::Price min_price, max_price;                // 0: no limit
  domain::Quantity min_market_quantity;              // MARKET_LOT_SIZE
  domain::Quantity market_step_size;                 // 0: as step_size
  domain::Ratio percent_up, percent_down;            // of mark; 0: no limit
  domain::Ratio trigger_protect, market_take_bound;  // 0: not stated
  int max_orders = 0;                                // 0: not stated
  base::Timestamp onboard_time, delivery_time;
};
struct ExchangeInfo {
  base::Timestamp server_time;  // stale on the testnet: no clock
  RateLimits limits;
  std::vector<SymbolInfo> symbols;
};
/// only: the symbols wanted (others are not even checked, so that one odd contract cannot stop a run); empty: all.
base::Result<ExchangeInfo> parse_exchange_info(std::string_view body, std::span<const std::string> only = {});

struct SymbolBrackets {
  std::string symbol;
  std::vector<domain::LeverageBracket> brackets;  // by rising floor
};
/// An array, or one bare object.
base::Result<std::vector<SymbolBrackets>> parse_leverage_brackets(std::string_view body);

struct CommissionRate {
  std::string symbol;
  domain::Ratio maker, taker;
  bool operator==(const CommissionRate&) const = default;
};
base::Result<CommissionRate> parse_commission_rate(std::string_view body);

/// Of place, cancel, amend and queries.
struct RestOrder {
  std::string symbol, client_id;
  std::int64_t order_id = 0;
  domain::Side side = domain::Side::Buy;
  WirePositionSide position_side = WirePositionSide::Both;
  WireType type = WireType::Other, original_type = WireType::Other;
  WireTimeInForce time_in_force = WireTimeInForce::Other;
  WireStatus status = WireStatus::New;
  domain::Quantity quantity, filled;
  domain::Price price, stop_price;             // 0: none
  std::optional<domain::Price> average_price;  // acks do not send it since 2026-07
  std::optional<domain::Money> quote_filled;   // cumQuote
  bool reduce_only = false, close_position = false;
  base::Timestamp update_time;
  std::optional<base::Timestamp> time;  // queries only
  bool operator==(const RestOrder&) const = default;
};
base::Result<RestOrder> parse_order(std::string_view body);
base::Result<std::vector<RestOrder>> parse_orders(std::string_view body);

/// Of the algo (conditional order) service.
struct RestAlgoOrder {
  std::string symbol, client_id;  // clientAlgoId
  std::int64_t algo_id = 0;
  domain::Side side = domain::Side::Buy;
  WirePositionSide position_side = WirePositionSide::Both;
  WireType type = WireType::Other;
  WireTimeInForce time_in_force = WireTimeInForce::Other;
  AlgoStatus status = AlgoStatus::New;
  WorkingType working_type = WorkingType::Other;
  domain::Quantity quantity;
  domain::Price trigger_price, price, activate_price;  // 0: none
  bool reduce_only = false, close_position = false, price_protect = false;
  base::Timestamp create_time, update_time, trigger_time;
  std::int64_t actual_order_id = 0;  // 0: not triggered, or not sent
  domain::Price actual_price;
  domain::Quantity actual_quantity;
  bool operator==(const RestAlgoOrder&) const = default;
};
base::Result<RestAlgoOrder> parse_algo_order(std::string_view body);
base::Result<std::vector<RestAlgoOrder>> parse_algo_orders(std::string_view body);
struct AlgoCancel {
  std::int64_t algo_id = 0;
  std::string client_id;
  bool operator==(const AlgoCancel&) const = default;
};
base::Result<AlgoCancel> parse_algo_cancel(std::string_view body);

/// positionRisk, v2 and v3.
struct PositionRisk {
  std::string symbol;
  WirePositionSide side = WirePositionSide::Both;
  domain::Quantity quantity;  // signed
  domain::Price entry_price, mark, liquidation_price;
  std::optional<domain::Price> break_even_price;
  domain::Money unrealized, isolated_margin;
  std::optional<domain::Money> notional, isolated_wallet;
  std::optional<domain::MarginMode> margin_mode;                    // v2
  std::optional<std::int32_t> leverage;                             // v2
  std::optional<domain::Money> max_notional;                        // v2
  std::optional<domain::Money> initial_margin, maintenance_margin;  // v3
  base::Timestamp update_time;
  bool operator==(const PositionRisk&) const = default;
};
base::Result<std::vector<PositionRisk>> parse_position_risk(std::string_view body);

/// account, v2 and v3.
struct Account {
  struct Asset {
    std::string asset;
    domain::Money wallet, unrealized, margin_balance, maintenance_margin, initial_margin;
    domain::Money cross_wallet, cross_unrealized, available, max_withdraw;
    bool operator==(const Asset&) const = default;
  };
  struct Position {
    std::string symbol;
    WirePositionSide side = WirePositionSide::Both;
    domain::Quantity quantity;
    domain::Money unrealized, initial_margin, maintenance_margin;
    std::optional<domain::Price> entry_price, break_even_price;  // v2
    std::optional<std::int32_t> leverage;                        // v2
    std::optional<bool> isolated;                                // v2
    std::optional<domain::Money> isolated_wallet, notional;
    base::Timestamp update_time;
    bool operator==(const Position&) const = default;
  };
  domain::Money wallet, unrealized, margin_balance, initial_margin, maintenance_margin;
  domain::Money cross_wallet, cross_unrealized, available, max_withdraw;
  std::optional<bool> can_trade, multi_assets;  // v2
  std::vector<Asset> assets;
  std::vector<Position> positions;
  bool operator==(const Account&) const = default;
};
base::Result<Account> parse_account(std::string_view body);

/// accountConfig.
struct AccountConfig {
  bool can_trade = false, dual_side = false, multi_assets = false;
  bool operator==(const AccountConfig&) const = default;
};
base::Result<AccountConfig> parse_account_config(std::string_view body);

struct Balance {
  std::string asset;
  domain::Money balance, cross_wallet, cross_unrealized, available, max_withdraw;
  base::Timestamp update_time;
  bool operator==(const Balance&) const = default;
};
base::Result<std::vector<Balance>> parse_balances(std::string_view body);

struct UserTrade {
  std::string symbol;
  std::int64_t id = 0, order_id = 0;
  domain::Side side = domain::Side::Buy;
  WirePositionSide position_side = WirePositionSide::Both;
  domain::Price price;
  domain::Quantity quantity;
  domain::Money realized, quote_quantity, commission;
  std::string commission_asset;
  base::Timestamp time;
  bool maker = false, buyer = false;
  bool operator==(const UserTrade&) const = default;
};
base::Result<std::vector<UserTrade>> parse_user_trades(std::string_view body);

/// Bars of klines rows, oldest first; the last may still be open (its close_time is in the future).
base::Result<std::vector<domain::Bar>> parse_klines(std::string_view body, domain::Timeframe timeframe);

struct DepthSnapshot {
  std::int64_t last_update_id = 0;
  base::Timestamp event_time, transaction_time;  // 0: not sent
  std::vector<Level> bids, asks;                 // best first
  bool operator==(const DepthSnapshot&) const = default;
};
base::Result<DepthSnapshot> parse_depth(std::string_view body);

struct PremiumIndex {
  std::string symbol;
  domain::Price mark, index;
  std::optional<domain::Ratio> funding_rate;  // running estimate for the next settlement; none for delivery contracts
  base::Timestamp next_funding_time, time;
  bool operator==(const PremiumIndex&) const = default;
};
/// An array, or one bare object.
base::Result<std::vector<PremiumIndex>> parse_premium_index(std::string_view body);

struct FundingRate {
  std::string symbol;
  base::Timestamp time;
  domain::Ratio rate;
  std::optional<domain::Price> mark;
  bool operator==(const FundingRate&) const = default;
};
base::Result<std::vector<FundingRate>> parse_funding_rates(std::string_view body);

struct Income {
  std::string symbol;  // may be empty
  std::string type;    // "FUNDING_FEE", "REALIZED_PNL", … as sent
  domain::Money income;
  std::string asset, info;
  base::Timestamp time;
  std::int64_t transaction_id = 0;
  std::string trade_id;  // may be empty
  bool operator==(const Income&) const = default;
};
base::Result<std::vector<Income>> parse_income(std::string_view body);

struct SymbolConfig {
  std::string symbol;
  domain::MarginMode margin_mode = domain::MarginMode::Cross;
  std::int32_t leverage = 1;
  std::optional<domain::Money> max_notional;
  bool operator==(const SymbolConfig&) const = default;
};
base::Result<std::vector<SymbolConfig>> parse_symbol_configs(std::string_view body);

/// Answer of POST /fapi/v1/leverage.
struct LeverageSetting {
  std::string symbol;
  std::int32_t leverage = 1;
  domain::Money max_notional;
  bool operator==(const LeverageSetting&) const = default;
};
base::Result<LeverageSetting> parse_leverage_setting(std::string_view body);

/// ticker/bookTicker, one or all.
struct RestBookTicker {
  std::string symbol;
  Level bid, ask;
  base::Timestamp time;
  bool operator==(const RestBookTicker&) const = default;
};
base::Result<std::vector<RestBookTicker>> parse_book_tickers(std::string_view body);

}  // namespace qtrader::binance
