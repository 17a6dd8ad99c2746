// What Binance's codes and texts mean as domain::VenueReason (binance-usdm.md 18). Pure.
#pragma once

#include <string_view>

#include "core/domain/order.hpp"
#include "edge/binance/wire_types.hpp"

namespace qtrader::binance {

/// Of a definite refusal. Codes without a name of their own are TransportFailure: the order never reached the book.
domain::VenueReason reason_of_code(int code);
/// Of an order the exchange ended; None for New, PartiallyFilled and Filled.
domain::VenueReason reason_of_end(WireStatus status, ExpiryReason expiry);
/// Of a conditional order the engine refused when it triggered: `rm` is a message text, or starts with a code.
domain::VenueReason reason_of_text(std::string_view message);

}  // namespace qtrader::binance
