// LeverageSetter: sets margin mode and leverage of a symbol and reads them back; what was read is the answer
// (LeverageSet), not what was asked.
#pragma once

#include "edge/binance/messages_rest.hpp"
#include "edge/binance/surroundings.hpp"

namespace qtrader::binance {

class LeverageSetter {
 public:
  explicit LeverageSetter(const Surroundings& around) : around_(around) {}
  void set(domain::SymbolId symbol, domain::Leverage leverage, domain::MarginMode mode);

 private:
  void read_back(domain::LeverageSet wanted);

  const Surroundings& around_;
  Lifeline life_;
};

}  // namespace qtrader::binance
