// Contract rules: the filters of matching::ContractRules, read from the exchange's own JSON or derived from an
// instrument.
//
// Reading only. What an instrument does not say (price band, trigger protection, liquidation fee) keeps the defaults of
// ContractRules, which are those of large Binance USD-M contracts.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "edge/matching/types.hpp"

namespace qtrader::exchange {

/// Precisions are the decimals of tick and step.
matching::ContractRules derive_rules(const domain::Instrument& instrument);
/// By symbol, from the body of GET /fapi/v1/exchangeInfo. `origin` is named in errors. Errors: Corrupt.
base::Result<std::map<std::string, matching::ContractRules>> parse_contract_rules(std::string_view json,
                                                                                  const std::string& origin);

}  // namespace qtrader::exchange
