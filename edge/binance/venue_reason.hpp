// What the ways an order ends at Binance mean as domain::VenueReason (binance-usdm.md 13, 18). Pure.
#pragma once

#include <string_view>

#include "core/execution/venue_codes.hpp"
#include "edge/binance/wire_types.hpp"

namespace qtrader::binance {

using execution::reason_of_code;
/// Of an order the exchange ended; None for New, PartiallyFilled and Filled.
domain::VenueReason reason_of_end(WireStatus status, ExpiryReason expiry);
/// Of a conditional order the engine refused when it triggered: `rm` is a message text, or starts with a code.
domain::VenueReason reason_of_text(std::string_view message);

}  // namespace qtrader::binance
