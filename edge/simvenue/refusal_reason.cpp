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
  switch (reason) {
    case ExpiryReason::IocRemainder:
    case ExpiryReason::IocSelfTrade:
    case ExpiryReason::SelfTrade:  // the only counterparty was ourselves
    case ExpiryReason::MarketRemainder:
    case ExpiryReason::Fok:
      return VenueReason::NoLiquidity;
    case ExpiryReason::ReduceOnly:
    case ExpiryReason::GteCondition:
    case ExpiryReason::ParentExpired:
      return VenueReason::PositionClosed;
    case ExpiryReason::Liquidated:
      return VenueReason::Liquidated;
    case ExpiryReason::Delisted:
      return VenueReason::UnknownSymbol;
    case ExpiryReason::PostOnly:
      return VenueReason::PostOnlyWouldTake;
    case ExpiryReason::None:
      break;
  }
  return status == OrderStatus::Canceled ? VenueReason::UserRequest : VenueReason::None;
}

}  // namespace qtrader::simvenue
