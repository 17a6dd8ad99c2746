#include "edge/simvenue/sim_venue.hpp"

namespace qtrader::simvenue {

base::Result<void> SimVenue::submit(const risk::Approved<domain::Order>& order) {
  engine_.submit(order.get());
  return {};
}

base::Result<void> SimVenue::cancel(domain::ClientOrderId order, domain::SymbolId symbol) {
  engine_.cancel({order, symbol});
  return {};
}

base::Result<void> SimVenue::set_leverage(domain::SymbolId symbol, domain::Leverage leverage, domain::MarginMode mode) {
  engine_.set_leverage({symbol, leverage, mode});
  return {};
}

}  // namespace qtrader::simvenue
