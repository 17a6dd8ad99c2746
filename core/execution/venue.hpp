// Venue port and the commands the core issues. A venue never returns an outcome: outcomes are events.
//
// Implemented by edge/simvenue now, edge/binance later. Submit takes an Approved order and nothing else.
#pragma once

#include <variant>

#include "core/base/result.hpp"
#include "core/domain/order.hpp"
#include "core/risk/approved.hpp"

namespace qtrader::execution {

struct SubmitOrder {
  risk::Approved<domain::Order> order;
};
struct CancelOrder {
  domain::ClientOrderId order;
  domain::SymbolId symbol;
};
struct SetLeverage {
  domain::SymbolId symbol;
  domain::Leverage leverage;
  domain::MarginMode mode = domain::MarginMode::Cross;
};

using Command = std::variant<SubmitOrder, CancelOrder, SetLeverage>;

class Venue {
 public:
  virtual ~Venue() = default;
  /// "Handed over". Errors are of the hand-over only (Unavailable); what became of the order arrives as OrderReport.
  virtual base::Result<void> submit(const risk::Approved<domain::Order>& order) = 0;
  virtual base::Result<void> cancel(domain::ClientOrderId order, domain::SymbolId symbol) = 0;
  virtual base::Result<void> set_leverage(domain::SymbolId symbol, domain::Leverage leverage,
                                          domain::MarginMode mode) = 0;
};

}  // namespace qtrader::execution
