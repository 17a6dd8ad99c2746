// User-data stream events of Binance USD-M as plain values, and their parser.
//
// First stage of everything the /private socket delivers; the gateway turns the values into domain events. Raw payloads
// and the combined wrapper are both accepted, unknown fields ignored, missing or ill-typed ones an error naming event,
// field and expectation. null stands for "none" wherever the exchange has been seen to send it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/domain/money.hpp"
#include "edge/binance/messages_market.hpp"
#include "edge/binance/wire_types.hpp"

namespace qtrader::binance {

struct OrderTradeUpdate {
  base::Timestamp event_time, transaction_time;
  std::string symbol, client_id;
  std::int64_t order_id = 0;
  domain::Side side = domain::Side::Buy;
  WireType type = WireType::Other, original_type = WireType::Other;
  WireTimeInForce time_in_force = WireTimeInForce::Other;
  ExecutionType execution = ExecutionType::Other;
  WireStatus status = WireStatus::New;
  domain::Quantity quantity;
  domain::Price price, average_price, stop_price;  // 0: none
  domain::Quantity last_filled, filled;            // of this event, in total
  domain::Price last_price;
  domain::Money commission;      // 0 if none
  std::string commission_asset;  // empty if none
  base::Timestamp trade_time;
  std::int64_t trade_id = 0;  // 0: no trade
  bool maker = false, reduce_only = false, close_position = false;
  WirePositionSide position_side = WirePositionSide::Both;
  domain::Money realized;  // of this fill, before fees
  ExpiryReason expiry_reason = ExpiryReason::None;
  bool operator==(const OrderTradeUpdate&) const = default;
};

enum class AccountReason : std::uint8_t {
  Deposit,
  Withdraw,
  Order,
  FundingFee,
  WithdrawReject,
  Adjustment,
  InsuranceClear,
  AdminDeposit,
  AdminWithdraw,
  MarginTransfer,
  MarginTypeChange,
  AssetTransfer,
  AutoExchange,
  Other
};

struct AccountUpdate {
  struct Balance {
    std::string asset;
    domain::Money wallet, cross_wallet;
    domain::Money change;  // apart from profit and commission
    bool operator==(const Balance&) const = default;
  };
  struct Position {
    std::string symbol;
    domain::Quantity quantity;  // signed
    domain::Price entry_price, break_even_price;
    domain::Money realized, unrealized, isolated_wallet;
    domain::MarginMode margin_mode = domain::MarginMode::Cross;
    WirePositionSide side = WirePositionSide::Both;
    bool operator==(const Position&) const = default;
  };
  base::Timestamp event_time, transaction_time;
  AccountReason reason = AccountReason::Other;
  std::string reason_text;     // as sent
  std::string funding_symbol;  // of FundingFee, since 2026-08; else empty
  std::vector<Balance> balances;
  std::vector<Position> positions;
  bool operator==(const AccountUpdate&) const = default;
};

struct TradeLite {
  base::Timestamp event_time, transaction_time;
  std::string symbol, client_id;
  std::int64_t order_id = 0, trade_id = 0;
  domain::Side side = domain::Side::Buy;
  domain::Quantity quantity, last_filled;
  domain::Price price, last_price;
  bool maker = false;
  bool operator==(const TradeLite&) const = default;
};

struct MarginCall {
  struct Position {
    std::string symbol;
    WirePositionSide side = WirePositionSide::Both;
    domain::Quantity quantity;
    domain::MarginMode margin_mode = domain::MarginMode::Cross;
    domain::Money isolated_wallet, unrealized, maintenance_margin;
    domain::Price mark;
    bool operator==(const Position&) const = default;
  };
  base::Timestamp event_time;
  domain::Money cross_wallet;  // 0 if not sent
  std::vector<Position> positions;
  bool operator==(const MarginCall&) const = default;
};

/// Either a leverage change of a symbol or the multi-assets flag.
struct AccountConfigUpdate {
  base::Timestamp event_time, transaction_time;
  std::string symbol;  // empty: not a leverage change
  std::int32_t leverage = 0;
  std::optional<bool> multi_assets;
  bool operator==(const AccountConfigUpdate&) const = default;
};

struct AlgoUpdate {
  base::Timestamp event_time, transaction_time;
  std::string symbol, client_id;  // client_id: clientAlgoId
  std::int64_t algo_id = 0;
  std::int64_t order_id = 0;  // of the real order; 0: not triggered
  domain::Side side = domain::Side::Buy;
  WirePositionSide position_side = WirePositionSide::Both;
  WireType type = WireType::Other;
  WireTimeInForce time_in_force = WireTimeInForce::Other;
  AlgoStatus status = AlgoStatus::New;
  WorkingType working_type = WorkingType::Other;
  domain::Quantity quantity, actual_quantity;
  domain::Price trigger_price, price, actual_price;
  bool reduce_only = false, close_position = false;
  base::Timestamp trigger_time;  // 0: not triggered
  std::string reject_message;    // rm
  bool trailing_active = false;  // ia
  bool operator==(const AlgoUpdate&) const = default;
};

struct ListenKeyExpired {
  base::Timestamp event_time;
  std::string listen_key;
  bool operator==(const ListenKeyExpired&) const = default;
};

/// Dropped by the exchange on 2025-12-15; older backends still send it.
struct ConditionalOrderReject {
  base::Timestamp event_time;
  std::string symbol;
  std::int64_t order_id = 0;
  std::string reason;
  bool operator==(const ConditionalOrderReject&) const = default;
};

struct OtherUser {
  std::string kind;  // the value of "e"
  bool operator==(const OtherUser&) const = default;
};

using UserMessage = std::variant<OrderTradeUpdate, AccountUpdate, TradeLite, MarginCall, AccountConfigUpdate,
                                 AlgoUpdate, ListenKeyExpired, ConditionalOrderReject, ControlReply, OtherUser>;

/// Errors: Corrupt naming event, field, value and what was expected.
base::Result<UserMessage> parse_user(std::string_view text);

}  // namespace qtrader::binance
