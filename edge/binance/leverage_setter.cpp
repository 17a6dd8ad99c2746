#include "edge/binance/leverage_setter.hpp"

#include "edge/binance/requests.hpp"

namespace qtrader::binance {

// Whatever the two settings answer ("no need to change", open orders, a lost answer), the read-back tells what holds.
void LeverageSetter::set(domain::SymbolId symbol, domain::Leverage leverage, domain::MarginMode mode) {
  domain::LeverageSet wanted;
  wanted.symbol = symbol;
  wanted.leverage = leverage;
  wanted.mode = mode;
  const std::string& name = around_.instruments.name(symbol);
  ask<std::string>(around_, life_, requests::set_margin_mode(name, mode), &any_body,
                   [this, wanted, name](const Answer<std::string>&) {
                     ask<LeverageSetting>(around_, life_, requests::set_leverage(name, wanted.leverage.value),
                                          &parse_leverage_setting,
                                          [this, wanted](const Answer<LeverageSetting>&) { read_back(wanted); });
                   });
}

void LeverageSetter::read_back(domain::LeverageSet wanted) {
  const std::string& name = around_.instruments.name(wanted.symbol);
  ask<std::vector<SymbolConfig>>(around_, life_, requests::symbol_config(name), &parse_symbol_configs,
                                 [this, wanted, name](const Answer<std::vector<SymbolConfig>>& answer) {
                                   domain::LeverageSet set = wanted;
                                   set.ts_event = around_.server_now();
                                   if (const auto* rows = std::get_if<std::vector<SymbolConfig>>(&answer)) {
                                     for (const SymbolConfig& row : *rows) {
                                       if (row.symbol != name) continue;
                                       set.leverage.value = row.leverage;
                                       set.mode = row.margin_mode;
                                       set.accepted = set.leverage == wanted.leverage && set.mode == wanted.mode;
                                     }
                                   }
                                   around_.sink(set);
                                 });
}

}  // namespace qtrader::binance
