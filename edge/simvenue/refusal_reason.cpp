#include "edge/simvenue/refusal_reason.hpp"

#include "core/execution/venue_codes.hpp"

namespace qtrader::simvenue {
using domain::VenueReason;
using matching::ExpiryReason;
using matching::OrderStatus;

VenueReason reason_of(const matching::Refusal& refusal) { return execution::reason_of_code(refusal.code); }

VenueReason reason_of_message(std::string_view message) {
  return execution::reason_of_text(message).value_or(VenueReason::TransportFailure);
}

VenueReason reason_of_end(OrderStatus status, ExpiryReason reason) {
  if (status == OrderStatus::Filled) return VenueReason::None;
  if (reason == ExpiryReason::SelfTrade) return VenueReason::NoLiquidity;  // the only counterparty was ourselves
  if (const auto known = execution::reason_of_expiry(static_cast<int>(reason))) return *known;
  return status == OrderStatus::Canceled ? VenueReason::UserRequest : VenueReason::None;
}

}  // namespace qtrader::simvenue
