// Executor: one scan of the market: asks the strategy for each symbol, passes every wish through the pre-trade chain,
// and opens what survives (fund.md 1.1).
//
// Phases: universe (hook 1) → signals → position-aware handling (an opposite signal closes; the new entry waits until
// the position is gone) → ranking → confidence (4), risk (2), portfolio (3) → sizing (5) → order type (6) → slippage
// (7) → TradeManager, whose first act is the gate. The first veto ends the candidate, not the cycle. Exits never pass
// here.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "core/engine/config.hpp"
#include "core/engine/hook_board.hpp"
#include "core/execution/trade_manager.hpp"
#include "core/fund/strategy/strategy.hpp"
#include "core/kernel/envelope.hpp"

namespace qtrader::engine {

/// The rooms a scan reads and the one it acts through; references to the engine's members.
struct ExecutorRooms {
  const EngineConfig& config;
  const domain::InstrumentTable& instruments;
  const market::MarketState& market;
  const ledger::Ledger& ledger;
  const risk::Gate& gate;
  execution::TradeManager& manager;
  fund::Strategy& strategy;
  HookBoard& hooks;
};

class Executor {
 public:
  explicit Executor(ExecutorRooms rooms);

  /// A primary bar of the symbol closed: evaluate it at the next scan.
  void mark_dirty(domain::SymbolId symbol, base::Timestamp bar_close) {
    dirty_.push_back(symbol);
    moment_ = bar_close;
  }
  /// A bar that closed at `bar_close` is about to enter. What waits for a scan since an earlier moment, as in a start
  /// that loads days of bars at once, is history then: the strategy sees it as of its own close, and decides nothing.
  void overtake(const features::FeatureBook* features, base::Timestamp bar_close);
  void on_entry_filled(base::Timestamp now) { last_entry_ = now; }
  void on_trade_closed(domain::SymbolId symbol, base::Timestamp now) { last_close_[symbol.value] = now; }
  /// Warm-up: the strategy sees the bars, nothing is decided on them.
  void skip_scan(const features::FeatureBook* features, base::Timestamp now);
  /// After this no scan opens anything.
  void stop_entries() { stopped_ = true; }

  void scan(const features::FeatureBook* features, kernel::Seq seq, execution::Context& context);

  template <class Archive>
  void archive(Archive& a) {
    a(dirty_, moment_, queue_, last_entry_, last_close_, stopped_);
  }

 private:
  struct Waiting {
    domain::Signal signal;
    std::int32_t scans_left = 0;
    template <class Archive>
    void archive(Archive& a) {
      a(signal, scans_left);
    }
  };

  void observe(const features::FeatureBook* features, base::Timestamp now);
  std::vector<domain::Signal> collect(const features::FeatureBook* features, kernel::Seq seq,
                                      execution::Context& context);
  void handle_open_positions(std::vector<domain::Signal>& candidates, execution::Context& context);
  void add_waiting(std::vector<domain::Signal>& candidates, execution::Context& context);
  void wait(domain::Signal signal, execution::Context& context);
  void try_entry(const domain::Signal& signal, execution::Context& context);
  std::optional<std::string> refuse_before_sizing(const domain::Signal& signal, std::string& stage,
                                                  execution::Context& context);
  double round_trip_cost_frac(domain::SymbolId symbol) const;
  double predicted_slippage_bps(domain::SymbolId symbol) const;
  void reject(const domain::Signal& signal, std::string stage, std::string reason, execution::Context& context);

  ExecutorRooms rooms_;
  std::vector<domain::SymbolId> dirty_;
  base::Timestamp moment_;  // close of the bars that made them dirty
  std::deque<Waiting> queue_;
  base::Timestamp last_entry_;               // 0: never
  std::vector<base::Timestamp> last_close_;  // by symbol; 0: never
  bool stopped_ = false;
};

}  // namespace qtrader::engine
