// Instrument: a contract's exchange filters and leverage brackets; InstrumentTable: the interned symbols of one run.
//
// Prices and quantities are made legal here and nowhere else. Source of the filter and bracket meanings: Binance USD-M
// `exchangeInfo` and `leverageBracket`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"
#include "core/domain/ids.hpp"
#include "core/domain/money.hpp"

namespace qtrader::domain {

/// Maintenance margin of a notional in [floor, cap): notional · maintenance_ratio − cumulative.
struct LeverageBracket {
  Money notional_floor, notional_cap;
  Ratio maintenance_ratio;
  Money cumulative;  // maintenance amount that makes the margin continuous at the floor
  std::int32_t max_leverage = 1;
};
QT_DESCRIBE(LeverageBracket, notional_floor, notional_cap, maintenance_ratio, cumulative, max_leverage)

struct Instrument {
  std::string symbol;  // venue name, "BTCUSDT"
  Price tick_size;
  Quantity step_size;
  Quantity min_quantity;
  Quantity max_quantity;         // per LIMIT order; 0 means no limit
  Quantity max_market_quantity;  // per MARKET order; 0 means no limit
  Money min_notional;
  std::vector<LeverageBracket> brackets;  // by rising notional_floor, contiguous from 0
  Ratio maker_fee, taker_fee;
  bool assumed = false;  // filters inferred from data, not read from the venue; reports say so

  Price round_price(Price price, Rounding rounding) const;  // to tick_size
  Quantity round_quantity_down(Quantity quantity) const;    // to step_size, toward zero
  const LeverageBracket& bracket_for(Money notional) const;

  /// InvalidArgument naming the field, unless every filter and bracket is consistent.
  base::Result<void> validate() const;
};
QT_DESCRIBE(Instrument, symbol, tick_size, step_size, min_quantity, max_quantity, max_market_quantity, min_notional,
            brackets, maker_fee, taker_fee, assumed)

class InstrumentTable {
 public:
  /// Symbols get ids 0, 1, … in the order given. Errors: duplicate or invalid instrument, more than 65 535.
  static base::Result<InstrumentTable> create(std::vector<Instrument> instruments);

  InstrumentTable() = default;
  std::size_t size() const { return instruments_.size(); }
  const Instrument& operator[](SymbolId id) const;
  const std::vector<Instrument>& all() const { return instruments_; }
  std::optional<SymbolId> find(std::string_view symbol) const;
  const std::string& name(SymbolId id) const { return (*this)[id].symbol; }

  template <class Archive>
  void archive(Archive& a) {
    a(instruments_);
  }

 private:
  std::vector<Instrument> instruments_;
};

/// `BTCUSDT`, `BTC/USDT:USDT` (ccxt) and `BTCUSDT-PERP.BINANCE` (NautilusTrader) all become `BTCUSDT`.
base::Result<std::string> canonical_symbol(std::string_view text);

}  // namespace qtrader::domain
