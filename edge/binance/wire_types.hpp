// Enumerations of the Binance USD-M wire protocol that its messages share, and how they map to the domain.
//
// Where a value is needed to be right (side, status), an unknown name is an error of the parser; where it only informs
// (order type of somebody else's order, working type), it becomes Other. Nothing here decides anything.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/domain/order.hpp"

namespace qtrader::binance {

enum class WireStatus : std::uint8_t {
  New,  // also the former NEW_INSURANCE and NEW_ADL
  PartiallyFilled,
  Filled,
  Canceled,
  Rejected,
  Expired,
  ExpiredInMatch,  // self-trade prevention
};
enum class WireType : std::uint8_t {
  Limit,
  Market,
  Stop,
  StopMarket,
  TakeProfit,
  TakeProfitMarket,
  TrailingStopMarket,
  Liquidation,
  Other
};
enum class WireTimeInForce : std::uint8_t { Gtc, Ioc, Fok, Gtx, Gtd, Rpi, GteGtc, Other };
enum class WirePositionSide : std::uint8_t { Both, Long, Short };
enum class WorkingType : std::uint8_t { ContractPrice, MarkPrice, Other };
enum class ExecutionType : std::uint8_t { New, Canceled, Calculated, Expired, Trade, Amendment, Other };
/// Of a conditional order at the algo service.
enum class AlgoStatus : std::uint8_t { New, Triggering, Triggered, Finished, Canceled, Expired, Rejected };
/// `er` of ORDER_TRADE_UPDATE; values beyond the known ones become Other.
enum class ExpiryReason : std::uint8_t {
  None = 0,
  SelfTrade = 1,
  IocRemainder = 2,
  IocAndSelfTrade = 3,
  ReduceOnly = 4,
  Liquidated = 5,
  GteCondition = 6,
  Delisted = 7,
  ParentExpired = 8,
  MarketRemainder = 9,
  Fok = 10,
  PostOnly = 11,
  Other = 255
};

QT_DESCRIBE_ENUM(WireStatus, New, PartiallyFilled, Filled, Canceled, Rejected, Expired, ExpiredInMatch)
QT_DESCRIBE_ENUM(WireType, Limit, Market, Stop, StopMarket, TakeProfit, TakeProfitMarket, TrailingStopMarket,
                 Liquidation, Other)
QT_DESCRIBE_ENUM(AlgoStatus, New, Triggering, Triggered, Finished, Canceled, Expired, Rejected)

/// ExpiredInMatch is Expired.
constexpr domain::OrderStatus to_domain(WireStatus status) {
  switch (status) {
    case WireStatus::New:
      return domain::OrderStatus::New;
    case WireStatus::PartiallyFilled:
      return domain::OrderStatus::PartiallyFilled;
    case WireStatus::Filled:
      return domain::OrderStatus::Filled;
    case WireStatus::Canceled:
      return domain::OrderStatus::Canceled;
    case WireStatus::Rejected:
      return domain::OrderStatus::Rejected;
    case WireStatus::Expired:
    case WireStatus::ExpiredInMatch:
      break;
  }
  return domain::OrderStatus::Expired;
}

/// An order of the exchange's own: liquidation, auto-deleveraging, delisting or delivery.
constexpr bool is_exchange_order(std::string_view client_id) {
  return client_id.starts_with("autoclose-") || client_id.starts_with("adl_autoclose") ||
         client_id.starts_with("settlement_autoclose-");
}

}  // namespace qtrader::binance
