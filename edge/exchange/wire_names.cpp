#include "edge/exchange/wire_names.hpp"

#include <array>
#include <span>

namespace qtrader::exchange {
namespace {

using namespace std::string_view_literals;

// Indexed by enumerator.
constexpr std::array kSides{"BUY"sv, "SELL"sv};
constexpr std::array kTypes{"LIMIT"sv,
                            "MARKET"sv,
                            "STOP"sv,
                            "STOP_MARKET"sv,
                            "TAKE_PROFIT"sv,
                            "TAKE_PROFIT_MARKET"sv,
                            "TRAILING_STOP_MARKET"sv};
constexpr std::array kTimesInForce{"GTC"sv, "IOC"sv, "FOK"sv, "GTX"sv, "GTD"sv, "GTE_GTC"sv};
constexpr std::array kPositionSides{"BOTH"sv, "LONG"sv, "SHORT"sv};
constexpr std::array kWorkingTypes{"CONTRACT_PRICE"sv, "MARK_PRICE"sv};
constexpr std::array kPriceMatches{"NONE"sv,  "OPPONENT"sv, "OPPONENT_5"sv, "OPPONENT_10"sv, "OPPONENT_20"sv,
                                   "QUEUE"sv, "QUEUE_5"sv,  "QUEUE_10"sv,   "QUEUE_20"sv};
constexpr std::array kSelfTrades{"EXPIRE_TAKER"sv, "EXPIRE_MAKER"sv, "EXPIRE_BOTH"sv, "NONE"sv};
constexpr std::array kOrderStatuses{"NEW"sv,      "PARTIALLY_FILLED"sv, "FILLED"sv,          "CANCELED"sv,
                                    "REJECTED"sv, "EXPIRED"sv,          "EXPIRED_IN_MATCH"sv};
constexpr std::array kAlgoStatuses{"NEW"sv,      "TRIGGERING"sv, "TRIGGERED"sv, "FINISHED"sv,
                                   "CANCELED"sv, "EXPIRED"sv,    "REJECTED"sv};
constexpr std::array kSymbolStatuses{"TRADING"sv, "TRADING_HALT"sv, "TRADING_CANCEL_ONLY"sv, "CLOSE"sv};
constexpr std::array kQuoteAssets{"USDT"sv, "USDC"sv, "BUSD"sv, "FDUSD"sv, "BTC"sv, "USD"sv};

template <class E, std::size_t N>
std::string_view name_of(const std::array<std::string_view, N>& names, E value) {
  return names.at(static_cast<std::size_t>(value));
}

template <class E, std::size_t N>
std::optional<E> parse(const std::array<std::string_view, N>& names, std::string_view text) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return static_cast<E>(i);
  return std::nullopt;
}

}  // namespace

std::string_view wire_name(domain::Side value) { return name_of(kSides, value); }
std::string_view wire_name(matching::OrderType value) { return name_of(kTypes, value); }
std::string_view wire_name(matching::TimeInForce value) { return name_of(kTimesInForce, value); }
std::string_view wire_name(matching::PositionSide value) { return name_of(kPositionSides, value); }
std::string_view wire_name(matching::WorkingType value) { return name_of(kWorkingTypes, value); }
std::string_view wire_name(matching::PriceMatch value) { return name_of(kPriceMatches, value); }
std::string_view wire_name(matching::SelfTradePrevention value) { return name_of(kSelfTrades, value); }
std::string_view wire_name(matching::OrderStatus value) { return name_of(kOrderStatuses, value); }
std::string_view wire_name(matching::AlgoStatus value) { return name_of(kAlgoStatuses, value); }
std::string_view wire_name(matching::SymbolStatus value) { return name_of(kSymbolStatuses, value); }

std::optional<domain::Side> parse_side(std::string_view text) { return parse<domain::Side>(kSides, text); }
std::optional<matching::OrderType> parse_order_type(std::string_view text) {
  return parse<matching::OrderType>(kTypes, text);
}
std::optional<matching::TimeInForce> parse_time_in_force(std::string_view text) {
  return parse<matching::TimeInForce>(kTimesInForce, text);
}
std::optional<matching::PositionSide> parse_position_side(std::string_view text) {
  return parse<matching::PositionSide>(kPositionSides, text);
}
std::optional<matching::WorkingType> parse_working_type(std::string_view text) {
  return parse<matching::WorkingType>(kWorkingTypes, text);
}
std::optional<matching::PriceMatch> parse_price_match(std::string_view text) {
  return parse<matching::PriceMatch>(kPriceMatches, text);
}
std::optional<matching::SelfTradePrevention> parse_self_trade(std::string_view text) {
  return parse<matching::SelfTradePrevention>(kSelfTrades, text);
}

std::string_view quote_asset(std::string_view symbol) {
  for (const std::string_view quote : kQuoteAssets)
    if (symbol.size() > quote.size() && symbol.ends_with(quote)) return symbol.substr(symbol.size() - quote.size());
  return "USDT";
}

std::string_view base_asset(std::string_view symbol) {
  const std::string_view quote = quote_asset(symbol);
  return symbol.ends_with(quote) && symbol.size() > quote.size() ? symbol.substr(0, symbol.size() - quote.size())
                                                                 : symbol;
}

}  // namespace qtrader::exchange
