// The audit stream: every decision the core takes, with its evidence. The core's only output besides commands.
//
// `qtrader explain` walks it back from a trade to the bars; reports, dashboards and stores are projections of it.
// Alternatives are appended, never inserted.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/domain/order.hpp"
#include "core/domain/signal.hpp"

namespace qtrader::domain {

/// A risk or hook rule with the value it saw and the limit it compared with.
struct CheckResult {
  std::string rule;  // closed set per room; "leverage", "daily_loss", …
  double value = 0;
  double limit = 0;
  bool passed = true;
};

enum class HookId : std::uint8_t {
  PreTradeUniverseFilter = 1,
  PreTradeRiskCheck,
  PreTradePortfolioCheck,
  PreTradeConfidenceAdjustment,
  PreTradePositionSizing,
  ExecutionOrderTypeSelection,
  ExecutionSlippageCheck,
  PostTradePositionClassification,
  PostTradeAmplificationCheck,
  PeriodicSelfHealingCheck,
  PeriodicAiHfosCoordination,
  PortfolioExposureCheck,
};
enum class HookMode : std::uint8_t { NotInstalled, Disabled, Observation, Shadow, Active };
enum class VerdictKind : std::uint8_t { Allow, Veto, Modify };
enum class TradeState : std::uint8_t { Planned, Submitted, Filled, Protected, Unwinding, Closed, Failed };
enum class ExitReason : std::uint8_t {
  StopLoss,
  TakeProfit,
  TrailingStop,
  Breakeven,
  TimeExit,
  SignalReversal,
  LossGuard,
  Liquidated,
  Unprotected,
  Operator,
  EndOfRun,
  Reconciled,  // the venue no longer holds the position and no execution says why
};

QT_DESCRIBE_ENUM(HookId, PreTradeUniverseFilter, PreTradeRiskCheck, PreTradePortfolioCheck,
                 PreTradeConfidenceAdjustment, PreTradePositionSizing, ExecutionOrderTypeSelection,
                 ExecutionSlippageCheck, PostTradePositionClassification, PostTradeAmplificationCheck,
                 PeriodicSelfHealingCheck, PeriodicAiHfosCoordination, PortfolioExposureCheck)
QT_DESCRIBE_ENUM(HookMode, NotInstalled, Disabled, Observation, Shadow, Active)
QT_DESCRIBE_ENUM(VerdictKind, Allow, Veto, Modify)
QT_DESCRIBE_ENUM(TradeState, Planned, Submitted, Filled, Protected, Unwinding, Closed, Failed)
QT_DESCRIBE_ENUM(ExitReason, StopLoss, TakeProfit, TrailingStop, Breakeven, TimeExit, SignalReversal, LossGuard,
                 Liquidated, Unprotected, Operator, EndOfRun, Reconciled)

struct SignalGenerated {
  static constexpr std::string_view kName = "signal.generated";
  Signal signal;
};

struct SignalRejected {
  static constexpr std::string_view kName = "signal.rejected";
  TraceId trace;
  SymbolId symbol;
  std::string stage;   // "universe", "risk", "portfolio", "confidence", "sizing", "execution", "gate", "venue"
  std::string reason;  // the rule's name
};

struct HookVerdict {
  static constexpr std::string_view kName = "hook.verdict";
  TraceId trace;
  HookId hook = HookId::PreTradeUniverseFilter;
  HookMode mode = HookMode::NotInstalled;
  VerdictKind verdict = VerdictKind::Allow;
  std::vector<std::string> reasons;
};

/// One named step of the sizing pipeline, in order; result is in the unit the name ends in.
struct SizingStep {
  std::string name;
  double result = 0;
};
struct PositionSized {
  static constexpr std::string_view kName = "sizing.decided";
  TraceId trace;
  SymbolId symbol;
  Quantity quantity;
  Money notional, margin, risk;
  Leverage leverage;
  std::vector<SizingStep> steps;
};

struct OrderApproved {
  static constexpr std::string_view kName = "order.approved";
  Order order;
  std::vector<CheckResult> checks;
};
struct OrderRefused {
  static constexpr std::string_view kName = "order.refused";
  TraceId trace;
  SymbolId symbol;
  OrderPurpose purpose = OrderPurpose::Entry;
  std::string rule;
  std::vector<CheckResult> checks;
};

struct TradeTransition {
  static constexpr std::string_view kName = "trade.transition";
  TradeId trade;
  TraceId trace;
  SymbolId symbol;
  TradeState from = TradeState::Planned, to = TradeState::Planned;
  std::string note;
};

/// An execution as the ledger booked it.
struct FillBooked {
  static constexpr std::string_view kName = "order.filled";
  TradeId trade;
  TraceId trace;
  ClientOrderId order;
  OrderPurpose purpose = OrderPurpose::Entry;
  SymbolId symbol;
  Side side = Side::Buy;
  Price price;
  Quantity quantity;
  Money fee, slippage, realised;
  bool maker = false;
};

struct StopMoved {
  static constexpr std::string_view kName = "tpsl.changed";
  TradeId trade;
  SymbolId symbol;
  Price stop;
  std::string reason;
};

struct FundingBooked {
  static constexpr std::string_view kName = "ledger.funding";
  TradeId trade;
  SymbolId symbol;
  Money amount;
  Ratio rate;
};

/// One row of trades.csv.
struct TradeClosed {
  static constexpr std::string_view kName = "trade.closed";
  TradeId trade;
  TraceId trace;
  SymbolId symbol;
  PositionSide side = PositionSide::Long;
  Quantity quantity;
  base::Timestamp entry_time, exit_time;
  Price entry_price, exit_price;                      // volume-weighted
  Money gross_pnl, fees, funding, slippage, net_pnl;  // net = gross − fees + funding; slippage is inside gross
  double r_multiple = 0, mae_r = 0, mfe_r = 0;
  ExitReason exit_reason = ExitReason::StopLoss;
  std::string strategy;
};

/// Marked-to-market account at the close of a primary bar.
struct EquitySample {
  static constexpr std::string_view kName = "portfolio.equity";
  base::Timestamp ts;
  Money equity, wallet, unrealised;
  double drawdown_frac = 0;  // from the running peak, ≥ 0
  Money exposure;            // gross notional at mark
};

struct RiskAlert {
  static constexpr std::string_view kName = "risk.alert";
  std::string rule;
  double value = 0, limit = 0;
  std::string detail;
};

struct RegimeChanged {
  static constexpr std::string_view kName = "market.regime.changed";
  SymbolId symbol;
  Regime from = Regime::Unknown, to = Regime::Unknown;
};

struct DataFault {
  static constexpr std::string_view kName = "market.data_fault";
  SymbolId symbol;
  std::string rule;  // "gap", "out_of_order", "ohlc", "stale", …
  std::string detail;
};

/// Periodic digest of the complete core state, so that two diverging runs can be bisected.
struct StateDigest {
  static constexpr std::string_view kName = "kernel.state_digest";
  std::uint64_t digest = 0;
};

/// How an entry's quantity is brought to the venue (fund.md 3.6).
enum class PlanKind : std::uint8_t { Market, Limit, Iceberg, Twap };
QT_DESCRIBE_ENUM(PlanKind, Market, Limit, Iceberg, Twap)

/// What executing an entry was expected to cost and what it did, once it is over. Slippage is against the touch at the
/// decision, positive is against us.
struct ExecutionReport {
  static constexpr std::string_view kName = "execution.report";
  TradeId trade;
  TraceId trace;
  SymbolId symbol;
  PlanKind plan = PlanKind::Market;
  Quantity planned, filled;
  double expected_slippage_bps = 0, realised_slippage_bps = 0;
  Money fee;
  double maker_share = 0;  // of the filled quantity, [0, 1]
  std::int32_t slices = 0, reprices = 0;
  std::int64_t latency_ns = 0;  // decision to first fill; 0 if nothing filled
  bool predicted = false;       // realised no worse than expected by more than the cap
};

/// Another map of p_dir is in force (core/models/calibrator.hpp): by the daily fit, or because an operator went back.
struct CalibrationChanged {
  static constexpr std::string_view kName = "model.calibration_changed";
  std::uint32_t from = 0, to = 0;  // numbers of maps; 0: none
  bool by_operator = false;
  std::int64_t verdicts = 0;  // the map in force was fitted on
  double holdout_brier = 0;   // on verdicts it had not seen,
  double raw_brier = 0;       // and without a map
};

QT_DESCRIBE(CalibrationChanged, from, to, by_operator, verdicts, holdout_brier, raw_brier)
QT_DESCRIBE(ExecutionReport, trade, trace, symbol, plan, planned, filled, expected_slippage_bps, realised_slippage_bps,
            fee, maker_share, slices, reprices, latency_ns, predicted)
QT_DESCRIBE(CheckResult, rule, value, limit, passed)
QT_DESCRIBE(SignalGenerated, signal)
QT_DESCRIBE(SignalRejected, trace, symbol, stage, reason)
QT_DESCRIBE(HookVerdict, trace, hook, mode, verdict, reasons)
QT_DESCRIBE(SizingStep, name, result)
QT_DESCRIBE(PositionSized, trace, symbol, quantity, notional, margin, risk, leverage, steps)
QT_DESCRIBE(OrderApproved, order, checks)
QT_DESCRIBE(OrderRefused, trace, symbol, purpose, rule, checks)
QT_DESCRIBE(TradeTransition, trade, trace, symbol, from, to, note)
QT_DESCRIBE(FillBooked, trade, trace, order, purpose, symbol, side, price, quantity, fee, slippage, realised, maker)
QT_DESCRIBE(StopMoved, trade, symbol, stop, reason)
QT_DESCRIBE(FundingBooked, trade, symbol, amount, rate)
QT_DESCRIBE(TradeClosed, trade, trace, symbol, side, quantity, entry_time, exit_time, entry_price, exit_price,
            gross_pnl, fees, funding, slippage, net_pnl, r_multiple, mae_r, mfe_r, exit_reason, strategy)
QT_DESCRIBE(EquitySample, ts, equity, wallet, unrealised, drawdown_frac, exposure)
QT_DESCRIBE(RiskAlert, rule, value, limit, detail)
QT_DESCRIBE(RegimeChanged, symbol, from, to)
QT_DESCRIBE(DataFault, symbol, rule, detail)
QT_DESCRIBE(StateDigest, digest)

using AuditRecord =
    std::variant<SignalGenerated, SignalRejected, HookVerdict, PositionSized, OrderApproved, OrderRefused,
                 TradeTransition, FillBooked, StopMoved, FundingBooked, TradeClosed, EquitySample, RiskAlert,
                 RegimeChanged, DataFault, StateDigest, ExecutionReport, CalibrationChanged>;

/// Where a room writes its audit records; the engine stamps and orders them.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  virtual void record(AuditRecord record) = 0;
};

}  // namespace qtrader::domain
