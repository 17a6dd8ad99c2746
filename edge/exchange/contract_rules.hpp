// Contract rules: the filters of matching::ContractRules as the exchange itself publishes them.
//
// Reading only. What a symbol does not say keeps the default of ContractRules, which is that of large Binance USD-M
// contracts. Rules derived from an instrument alone are made where instruments are chosen, not here.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "edge/matching/types.hpp"

namespace qtrader::exchange {

/// By symbol, from the body of GET /fapi/v1/exchangeInfo. `origin` is named in errors. Errors: Corrupt.
base::Result<std::map<std::string, matching::ContractRules>> parse_contract_rules(std::string_view json,
                                                                                  const std::string& origin);

}  // namespace qtrader::exchange
