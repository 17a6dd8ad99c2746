#include "edge/simvenue/sim_venue.hpp"

namespace qtrader::simvenue {
namespace {

base::Error unsupported(const char* what) {
  return {"simvenue", base::Errc::Unsupported, std::string(what) + ": the bar-driven venue answers every command once"};
}

}  // namespace

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

base::Result<void> SimVenue::query(domain::ClientOrderId, domain::SymbolId) { return unsupported("order query"); }
base::Result<void> SimVenue::request_snapshot() { return unsupported("account snapshot"); }
base::Result<void> SimVenue::cancel_foreign(const execution::CancelForeign&) { return unsupported("foreign order"); }

}  // namespace qtrader::simvenue
