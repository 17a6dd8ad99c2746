// Names of enumerators on the Binance wire, for answers and stream events alike.
//
// Only values the exchange can show are here; what a client sends is parsed by the Api. Nothing here decides anything.
#pragma once

#include <string>
#include <string_view>

#include "edge/matching/types.hpp"

namespace qtrader::exchange::wire {

constexpr std::string_view name(domain::Side side) { return side == domain::Side::Buy ? "BUY" : "SELL"; }

constexpr std::string_view name(matching::OrderType type) {
  constexpr std::string_view kNames[] = {
      "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"};
  return kNames[static_cast<std::size_t>(type)];
}

constexpr std::string_view name(matching::TimeInForce tif) {
  constexpr std::string_view kNames[] = {"GTC", "IOC", "FOK", "GTX", "GTD", "GTE_GTC"};
  return kNames[static_cast<std::size_t>(tif)];
}

constexpr std::string_view name(matching::PositionSide side) {
  constexpr std::string_view kNames[] = {"BOTH", "LONG", "SHORT"};
  return kNames[static_cast<std::size_t>(side)];
}

constexpr std::string_view name(matching::WorkingType working) {
  return working == matching::WorkingType::MarkPrice ? "MARK_PRICE" : "CONTRACT_PRICE";
}

constexpr std::string_view name(matching::PriceMatch match) {
  constexpr std::string_view kNames[] = {"NONE",  "OPPONENT", "OPPONENT_5", "OPPONENT_10", "OPPONENT_20",
                                         "QUEUE", "QUEUE_5",  "QUEUE_10",   "QUEUE_20"};
  return kNames[static_cast<std::size_t>(match)];
}

constexpr std::string_view name(matching::SelfTradePrevention mode) {
  constexpr std::string_view kNames[] = {"EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "NONE"};
  return kNames[static_cast<std::size_t>(mode)];
}

constexpr std::string_view name(matching::OrderStatus status) {
  constexpr std::string_view kNames[] = {"NEW",      "PARTIALLY_FILLED", "FILLED",          "CANCELED",
                                         "REJECTED", "EXPIRED",          "EXPIRED_IN_MATCH"};
  return kNames[static_cast<std::size_t>(status)];
}

constexpr std::string_view name(matching::ExecutionType execution) {
  constexpr std::string_view kNames[] = {"NEW", "TRADE", "CANCELED", "EXPIRED", "AMENDMENT", "CALCULATED"};
  return kNames[static_cast<std::size_t>(execution)];
}

constexpr std::string_view name(matching::AlgoStatus status) {
  constexpr std::string_view kNames[] = {"NEW",      "TRIGGERING", "TRIGGERED", "FINISHED",
                                         "CANCELED", "EXPIRED",    "REJECTED"};
  return kNames[static_cast<std::size_t>(status)];
}

constexpr std::string_view name(matching::AccountUpdateReason reason) {
  constexpr std::string_view kNames[] = {"ORDER",           "FUNDING_FEE", "MARGIN_TRANSFER", "MARGIN_TYPE_CHANGE",
                                         "INSURANCE_CLEAR", "DEPOSIT",     "WITHDRAW",        "ADJUSTMENT"};
  return kNames[static_cast<std::size_t>(reason)];
}

constexpr std::string_view name(matching::SymbolStatus status) {
  constexpr std::string_view kNames[] = {"TRADING", "TRADING_HALT", "TRADING_CANCEL_ONLY", "CLOSE"};
  return kNames[static_cast<std::size_t>(status)];
}

}  // namespace qtrader::exchange::wire
