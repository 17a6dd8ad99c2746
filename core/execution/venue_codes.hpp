// What a venue's refusal codes mean to the core: Binance USD-M's numbers and message texts as VenueReason.
//
// One table for every Venue that speaks them (edge/binance, edge/simvenue's BookVenue). Pure.
#pragma once

#include <optional>
#include <string_view>

#include "core/domain/order.hpp"

namespace qtrader::execution {

/// Of a definite refusal. Codes without a row (malformed requests, -2010 without a cause, too many orders …) are
/// TransportFailure: the order never reached the book and nothing is known that the sender could correct.
domain::VenueReason reason_of_code(int code);
/// Of a message that is all there is, as of a conditional order refused when it triggered; it may start with a code.
/// Nothing if it is none we know.
std::optional<domain::VenueReason> reason_of_text(std::string_view message);
/// Of an order the exchange ended: its `er` number. Nothing for none (0), self-trade prevention alone (1) and numbers
/// we do not know: then the status has to say it.
std::optional<domain::VenueReason> reason_of_expiry(int er);

}  // namespace qtrader::execution
