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
  if (const auto reason = execution::reason_of_expiry(static_cast<int>(expiry))) return *reason;
  return status == WireStatus::Canceled ? VenueReason::UserRequest : VenueReason::None;
}

VenueReason reason_of_text(std::string_view message) {
  return execution::reason_of_text(message).value_or(VenueReason::None);
}

}  // namespace qtrader::binance
