// Names of the matching room's enumerations as the Binance wire spells them, both ways.
//
// In the flow: parameters are read with parse_*, answers and stream events are written with wire_name. Names are exact:
// upper case, no aliases. It decides nothing.
#pragma once

#include <optional>
#include <string_view>

#include "edge/matching/types.hpp"

namespace qtrader::exchange {

std::string_view wire_name(domain::Side value);
std::string_view wire_name(matching::OrderType value);
std::string_view wire_name(matching::TimeInForce value);
std::string_view wire_name(matching::PositionSide value);
std::string_view wire_name(matching::WorkingType value);
std::string_view wire_name(matching::PriceMatch value);
std::string_view wire_name(matching::SelfTradePrevention value);
std::string_view wire_name(matching::OrderStatus value);
std::string_view wire_name(matching::AlgoStatus value);
std::string_view wire_name(matching::SymbolStatus value);

std::optional<domain::Side> parse_side(std::string_view text);
std::optional<matching::OrderType> parse_order_type(std::string_view text);
std::optional<matching::TimeInForce> parse_time_in_force(std::string_view text);
std::optional<matching::PositionSide> parse_position_side(std::string_view text);
std::optional<matching::WorkingType> parse_working_type(std::string_view text);
std::optional<matching::PriceMatch> parse_price_match(std::string_view text);
std::optional<matching::SelfTradePrevention> parse_self_trade(std::string_view text);

/// Types that moved to the algo service in December 2025.
constexpr bool is_conditional(matching::OrderType type) {
  return type != matching::OrderType::Limit && type != matching::OrderType::Market;
}
/// Types that execute as a LIMIT order.
constexpr bool has_limit_price(matching::OrderType type) {
  return type == matching::OrderType::Limit || type == matching::OrderType::Stop ||
         type == matching::OrderType::TakeProfit;
}

/// The asset before the quote asset: BTC of BTCUSDT. The whole name if no known quote asset ends it.
std::string_view base_asset(std::string_view symbol);
/// USDT of BTCUSDT; USDT if no known quote asset ends the name.
std::string_view quote_asset(std::string_view symbol);

}  // namespace qtrader::exchange
