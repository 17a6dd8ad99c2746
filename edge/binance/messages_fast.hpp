// The fast way through the four market messages that come by the thousand per second, internal to the room.
//
// parse_market tries parse_market_fast first; whatever that finds surprising (another kind, a field missing, doubled or
// ill-typed, an escape in a string) it leaves to parse_market_slow, which alone writes error texts. Both give equal
// values where both succeed; a test holds them to it.
#pragma once

#include <optional>
#include <string_view>

#include "edge/binance/messages_market.hpp"

namespace qtrader::binance::fast {

/// nullopt: not for this way; says nothing about the text.
std::optional<MarketMessage> parse_market_fast(std::string_view padded_text);
base::Result<MarketMessage> parse_market_slow(std::string_view padded_text);

/// Whether a stream name is of partial depth: "btcusdt@depth20@100ms", but not "btcusdt@depth@100ms".
bool is_partial_depth(std::string_view stream);

}  // namespace qtrader::binance::fast
