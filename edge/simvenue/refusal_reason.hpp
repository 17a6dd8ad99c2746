// What the exchange's refusals and ends mean to the core. Used by BookVenue only; the codes are in
// core/execution/venue_codes.
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
