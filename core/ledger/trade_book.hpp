// TradeBook: the life of each trade in R: fills, fees, funding, slippage, excursions, from intent to the trades.csv
// row.
//
// R is the money at risk at entry, |entry − initial stop| · quantity, frozen when the entry completes (fund.md 0).
// Keyed by TradeId. Closed trades leave it as TradeClosed records; only open ones stay in memory. Told what is not so
// (an unknown trade, an exit beyond what was entered, a stop on the wrong side) it stops the process: its caller is the
// program itself.
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
  base::Timestamp entry_time;        // of the first fill
  domain::Quantity entered, exited;  // positive
  domain::Money entry_notional, exit_notional, realised, fees, funding, slippage;
  domain::Price initial_stop;  // 0 until risk is frozen
  domain::Money risk;          // 1 R; 0 until frozen
  domain::Price best, worst;   // extreme prices seen since entry, in our favour and against; 0 before a fill
  domain::Quantity remaining() const { return entered - exited; }
  domain::Price entry_price() const;  // volume-weighted; 0 before a fill
  domain::Price exit_price() const;   // volume-weighted; 0 before an exit
  /// Unrealised plus realised PnL at this price, after fees and funding, in R. 0 until risk is frozen.
  double current_r(domain::Price price) const;
  /// The same at `best` and at `worst` for the whole entered quantity, before costs: mae_r ≤ 0 ≤ mfe_r = peak_r.
  double peak_r() const;
  double mae_r() const;
};
QT_DESCRIBE(OpenTrade, id, trace, symbol, side, strategy, entry_time, entered, exited, entry_notional, exit_notional,
            realised, fees, funding, slippage, initial_stop, risk, best, worst)

class TradeBook {
 public:
  void open(domain::TradeId id, domain::TraceId trace, domain::SymbolId symbol, domain::PositionSide side,
            std::string strategy);
  /// A fill on the trade's entry side enters, one on the other side exits. `realised` is Ledger::Booking::realised of
  /// the same fill. Slippage is (price − reference) against us × quantity, 0 without a reference price; negative is a
  /// price better than the reference. Returns its amount.
  domain::Money on_fill(domain::TradeId id, const domain::Fill& fill, domain::Money realised);
  /// Once, with the whole entry filled; the stop on the losing side of the entry price.
  void freeze_risk(domain::TradeId id, domain::Price initial_stop);
  void on_funding(domain::TradeId id, domain::Money amount);
  /// Extends MAE and MFE with a bar seen while the trade was open. Nothing before the first fill.
  void on_bar(domain::TradeId id, const domain::Bar& bar);
  /// The finished row; removes the trade. remaining() must be zero. A trade that ended before its risk was frozen has
  /// 0 for all three R values.
  domain::TradeClosed close(domain::TradeId id, base::Timestamp exit_time, domain::ExitReason reason);
  /// Removes a trade that never filled.
  void abandon(domain::TradeId id);

  const OpenTrade* find(domain::TradeId id) const;
  const OpenTrade* find_by_symbol(domain::SymbolId symbol) const;  // the oldest of the symbol
  const std::map<domain::TradeId, OpenTrade>& open_trades() const { return open_; }

  template <class Archive>
  void archive(Archive& a) {
    a(open_);
  }

 private:
  OpenTrade& at(domain::TradeId id);

  std::map<domain::TradeId, OpenTrade> open_;
};

}  // namespace qtrader::ledger
