// What the exchange's refusals and ends mean to the core: Binance's codes and expiry reasons as VenueReason.
//
// Used by BookVenue only. Codes without a row of their own (-1xxx malformed requests, -2010 without a cause, -2025 and
// -4045 too many orders, other -4xxx) are TransportFailure: the order never reached the book and nothing is known that
// the sender could correct.
#pragma once

#include <string_view>

#include "core/domain/order.hpp"
#include "edge/matching/types.hpp"

namespace qtrader::simvenue {

domain::VenueReason reason_of(const matching::Refusal& refusal);
/// Of the message an algo order was rejected with when it triggered; TransportFailure if it is none of ours.
domain::VenueReason reason_of_message(std::string_view message);
/// Why an order that has ended did so. None for a filled one.
domain::VenueReason reason_of_end(matching::OrderStatus status, matching::ExpiryReason reason);

}  // namespace qtrader::simvenue
