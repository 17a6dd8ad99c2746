// Orders and their reports: what we ask of a venue and what it answers.
#pragma once

#include "core/base/reflect.hpp"
#include "core/base/time.hpp"
#include "core/domain/ids.hpp"
#include "core/domain/money.hpp"

namespace qtrader::domain {

enum class Side : std::uint8_t { Buy, Sell };
enum class PositionSide : std::uint8_t { Long, Short };
enum class OrderType : std::uint8_t { Market, Limit, StopMarket, TakeProfitMarket, TrailingStopMarket };
enum class TimeInForce : std::uint8_t { Gtc, Ioc, Fok, Gtx };  // Gtx is post-only
enum class MarginMode : std::uint8_t { Cross, Isolated };
/// Which duty of a trade an order has. Everything but Entry reduces exposure.
enum class OrderPurpose : std::uint8_t { Entry, ProtectiveStop, TakeProfit, Exit, Unwind };
enum class OrderStatus : std::uint8_t { New, PartiallyFilled, Filled, Canceled, Rejected, Expired };
/// Reconciled: not an execution we saw, but what brings our books in line with the venue's.
enum class FillKind : std::uint8_t { Normal, Liquidation, Reconciled };
/// Why a venue refused or ended an order. Names follow Binance's filters and error codes.
enum class VenueReason : std::uint8_t {
  None,
  UnknownSymbol,
  PriceFilter,         // not a multiple of the tick, or not positive      (-4014)
  LotSize,             // not a multiple of the step, or outside limits    (-4003, -4005)
  MinNotional,         // below the minimum, not reduce-only               (-4164)
  InsufficientMargin,  // (-2019)
  ReduceOnlyRejected,  // would increase or open a position                (-2022)
  WouldTrigger,        // stop already crossed                             (-2021)
  PostOnlyWouldTake,   // GTX order would match at once                    (-5022)
  DuplicateId,         // (-4116)
  LeverageTooHigh,     // (-4028)
  MaxPosition,         // beyond the bracket of this leverage              (-2027)
  UserRequest,         // cancelled by us
  PositionClosed,      // a reduce-only order lost its position
  NoLiquidity,         // IOC or FOK remainder
  Liquidated,
  UnknownOrder,      // (-2011)
  TransportFailure,  // never reached the book
};

QT_DESCRIBE_ENUM(Side, Buy, Sell)
QT_DESCRIBE_ENUM(PositionSide, Long, Short)
QT_DESCRIBE_ENUM(OrderType, Market, Limit, StopMarket, TakeProfitMarket, TrailingStopMarket)
QT_DESCRIBE_ENUM(TimeInForce, Gtc, Ioc, Fok, Gtx)
QT_DESCRIBE_ENUM(MarginMode, Cross, Isolated)
QT_DESCRIBE_ENUM(OrderPurpose, Entry, ProtectiveStop, TakeProfit, Exit, Unwind)
QT_DESCRIBE_ENUM(OrderStatus, New, PartiallyFilled, Filled, Canceled, Rejected, Expired)
QT_DESCRIBE_ENUM(FillKind, Normal, Liquidation, Reconciled)
QT_DESCRIBE_ENUM(VenueReason, None, UnknownSymbol, PriceFilter, LotSize, MinNotional, InsufficientMargin,
                 ReduceOnlyRejected, WouldTrigger, PostOnlyWouldTake, DuplicateId, LeverageTooHigh, MaxPosition,
                 UserRequest, PositionClosed, NoLiquidity, Liquidated, UnknownOrder, TransportFailure)

constexpr Side opposite(Side s) { return s == Side::Buy ? Side::Sell : Side::Buy; }
constexpr PositionSide opposite(PositionSide s) {
  return s == PositionSide::Long ? PositionSide::Short : PositionSide::Long;
}
constexpr Side entry_side(PositionSide s) { return s == PositionSide::Long ? Side::Buy : Side::Sell; }
constexpr Side exit_side(PositionSide s) { return opposite(entry_side(s)); }
constexpr int sign(PositionSide s) { return s == PositionSide::Long ? 1 : -1; }
constexpr int sign(Side s) { return s == Side::Buy ? 1 : -1; }
constexpr bool is_terminal(OrderStatus s) { return s != OrderStatus::New && s != OrderStatus::PartiallyFilled; }
constexpr bool is_conditional(OrderType t) {
  return t == OrderType::StopMarket || t == OrderType::TakeProfitMarket || t == OrderType::TrailingStopMarket;
}

struct Order {
  ClientOrderId id;
  TradeId trade;
  TraceId trace;
  SymbolId symbol;
  Side side = Side::Buy;
  OrderType type = OrderType::Market;
  TimeInForce time_in_force = TimeInForce::Gtc;
  OrderPurpose purpose = OrderPurpose::Entry;
  Quantity quantity;    // positive
  Price limit_price;    // Limit only
  Price trigger_price;  // StopMarket, TakeProfitMarket; activation price of TrailingStopMarket (0: at once)
  Bps callback;         // TrailingStopMarket only
  bool reduce_only = false;
};
QT_DESCRIBE(Order, id, trade, trace, symbol, side, type, time_in_force, purpose, quantity, limit_price, trigger_price,
            callback, reduce_only)

}  // namespace qtrader::domain
