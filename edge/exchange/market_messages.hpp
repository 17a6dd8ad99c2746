// Payloads of the market streams, field by field as Binance USD-M sends them (October 2026).
//
// Formatting only: each function takes what it shows and gives JSON text. E is the exchange's time of sending.
#pragma once

#include <map>
#include <string>

#include "edge/exchange/json_writer.hpp"
#include "edge/exchange/public_market.hpp"
#include "edge/exchange/render.hpp"
#include "edge/matching/events.hpp"

namespace qtrader::exchange {

std::string agg_trade_message(const SymbolFormat& c, const AggTrade& trade, Timestamp now);
std::string trade_message(const SymbolFormat& c, const matching::TradeEvent& trade, Timestamp now);
/// average: the moving average of the mark price.
void append_mark_price(std::string& out, const SymbolFormat& c, const matching::MarkView& mark, domain::Price average,
                       Timestamp now);
std::string kline_message(const SymbolFormat& c, Interval interval, const Kline& kline, Timestamp now);
std::string continuous_kline_message(const SymbolFormat& c, Interval interval, const Kline& kline, Timestamp now);
void append_mini_ticker(std::string& out, const SymbolFormat& c, const Ticker& ticker, Timestamp now);
void append_ticker(std::string& out, const SymbolFormat& c, const Ticker& ticker, Timestamp now);
std::string book_ticker_message(const SymbolFormat& c, const matching::TopView& top, Timestamp now);
std::string force_order_message(const SymbolFormat& c, const matching::ForcedOrderEvent& order, Timestamp now);

/// Update ids of one depth message: the first and the last it covers, and the last of the message before.
struct DepthIds {
  std::uint64_t first = 0, last = 0, previous = 0;
  Timestamp time;  // of the last change
};
/// Changed levels, absolute, by price.
using LevelChanges = std::map<domain::Price, domain::Quantity>;
std::string diff_depth_message(const SymbolFormat& c, const DepthIds& ids, const LevelChanges& bids,
                               const LevelChanges& asks, Timestamp now);
std::string partial_depth_message(const SymbolFormat& c, const DepthIds& ids, const matching::BookView& book,
                                  Timestamp now);
std::string contract_info_message(const domain::Instrument& instrument, matching::SymbolStatus status, Timestamp now);

}  // namespace qtrader::exchange
