// TradeBook: the life of each trade in R: fills, fees, funding, slippage, excursions, from intent to the trades.csv row.
//
// R is the money at risk at entry, |entry − initial stop| · quantity, frozen when the entry completes (fund.md 0).
// Keyed by TradeId. Closed trades leave it as TradeClosed records; only open ones stay in memory.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/domain/audit.hpp"
#include "core/domain/events.hpp"
#include "core/ledger/ledger.hpp"

namespace qtrader::ledger {

struct OpenTrade {
  domain::TradeId id;
  domain::TraceId trace;
  domain::SymbolId symbol;
  domain::PositionSide side = domain::PositionSide::Long;
  std::string strategy;
  base::Timestamp entry_time;
  domain::Quantity entered, exited;       // positive
  domain::Money entry_notional, exit_notional, realised, fees, funding, slippage;
  domain::Price initial_stop;             // 0 until risk is frozen
  domain::Money risk;                     // 1 R; 0 until frozen
  domain::Price best, worst;              // extreme prices seen since entry, in our favour and against
  domain::Quantity remaining() const { return entered - exited; }
  domain::Price entry_price() const;
  /// Unrealised plus realised PnL at this price, after fees and funding, in R. 0 until risk is frozen.
  double current_r(domain::Price price) const;
  double peak_r() const;  // gross, at `best`
};
QT_DESCRIBE(OpenTrade, id, trace, symbol, side, strategy, entry_time, entered, exited, entry_notional, exit_notional,
            realised, fees, funding, slippage, initial_stop, risk, best, worst)

class TradeBook {
 public:
  void open(domain::TradeId id, domain::TraceId trace, domain::SymbolId symbol, domain::PositionSide side,
            std::string strategy);
  /// Slippage is (price − reference) against us × quantity, 0 without a reference price. Returns its amount.
  domain::Money on_fill(domain::TradeId id, const domain::Fill& fill, domain::Money realised);
  void freeze_risk(domain::TradeId id, domain::Price initial_stop);
  void on_funding(domain::TradeId id, domain::Money amount);
  /// Extends MAE and MFE with a bar seen while the trade was open.
  void on_bar(domain::TradeId id, const domain::Bar& bar);
  /// The finished row; removes the trade. remaining() must be zero.
  domain::TradeClosed close(domain::TradeId id, base::Timestamp exit_time, domain::ExitReason reason);
  /// Removes a trade that never filled.
  void abandon(domain::TradeId id);

  const OpenTrade* find(domain::TradeId id) const;
  const OpenTrade* find_by_symbol(domain::SymbolId symbol) const;
  const std::map<domain::TradeId, OpenTrade>& open_trades() const { return open_; }

  template <class Archive>
  void archive(Archive& a) {
    a(open_);
  }

 private:
  std::map<domain::TradeId, OpenTrade> open_;
};

}  // namespace qtrader::ledger
