#include "edge/binance/venue_reason.hpp"

namespace qtrader::binance {
using domain::VenueReason;

VenueReason reason_of_end(WireStatus status, ExpiryReason expiry) {
  switch (status) {
    case WireStatus::New:
    case WireStatus::PartiallyFilled:
    case WireStatus::Filled:
      return VenueReason::None;
    case WireStatus::Rejected:
      return VenueReason::TransportFailure;
    case WireStatus::Canceled:
    case WireStatus::Expired:
    case WireStatus::ExpiredInMatch:
      break;
  }
  switch (expiry) {
    case ExpiryReason::IocRemainder:
    case ExpiryReason::IocAndSelfTrade:
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
    case ExpiryReason::SelfTrade:
    case ExpiryReason::Other:
      break;
  }
  return status == WireStatus::Canceled ? VenueReason::UserRequest : VenueReason::None;
}

VenueReason reason_of_text(std::string_view message) {
  return execution::reason_of_text(message).value_or(VenueReason::None);
}

}  // namespace qtrader::binance
