// The twelve hooks: where the hedge-fund OS takes part in a decision (fund.md 1.2). Typed input, typed output, a mode,
// a latency budget and a conservative default on error.
//
// A hook without a module is reported as NotInstalled and lets the decision pass unchanged; one that fails answers with
// its on_error, which only ever narrows. The modules themselves live in core/fund and core/risk.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/domain/audit.hpp"
#include "core/ledger/trade_book.hpp"
#include "core/risk/sizing.hpp"

namespace qtrader::engine {

struct Verdict {
  domain::VerdictKind kind = domain::VerdictKind::Allow;
  std::vector<std::string> reasons;
};

template <domain::HookId Id, class Input, class Output>
class Hook {
 public:
  static constexpr domain::HookId kId = Id;
  using In = Input;
  using Out = Output;  // has a member `Verdict verdict`

  virtual ~Hook() = default;
  virtual base::Result<Output> run(const Input& input) = 0;
};

struct Plain {
  Verdict verdict;
};

/// 1. Only narrows.
struct UniverseInput {
  std::vector<domain::SymbolId> symbols;
  base::Timestamp now;
};
struct UniverseOutput {
  Verdict verdict;
  std::vector<domain::SymbolId> symbols;
};
/// 2.
struct RiskCheckInput {
  const domain::Signal& signal;
  domain::PositionSide side;
  domain::Money equity;
  double size_factor;  // of the drawdown stage and streak
  bool killed;
};
/// 3.
struct PortfolioInput {
  const std::vector<domain::Signal>& candidates;
  domain::Money equity;
};
struct PortfolioOutput {
  Verdict verdict;
  std::vector<bool> allowed;  // by candidate
};
/// 4. Threshold on confidence, for each signal; at least base unless the module may lower it.
struct ConfidenceInput {
  const domain::Signal& signal;
  double base_threshold;
};
struct ConfidenceOutput {
  Verdict verdict;
  double threshold = 1;
};
/// 5.
struct SizingHookInput {
  const domain::Signal& signal;
  risk::SizingInput sizing;
  const domain::Instrument& instrument;
};
struct SizingHookOutput {
  Verdict verdict;
  std::optional<domain::PositionSized> size;  // empty with a Veto
};
/// 6.
struct OrderTypeInput {
  domain::Side side;
  domain::Quantity quantity;
  const std::optional<domain::BookTop>& book;
};
struct OrderTypeOutput {
  Verdict verdict;
  domain::OrderType type = domain::OrderType::Market;
};
/// 7. Before submitting: predicted adverse slippage of this notional.
struct SlippageInput {
  domain::Side side;
  domain::Money notional;
  domain::Price expected;
  double predicted_bps;
};
/// 8.
struct ClassificationInput {
  const ledger::OpenTrade& trade;
  domain::Price mark;
  base::Timestamp now;
};
struct ClassificationOutput {
  Verdict verdict;
  std::string label = "UNKNOWN";
};
/// 9.
struct AmplificationInput {
  const ledger::OpenTrade& trade;
  std::string_view label;
};
struct AmplificationOutput {
  Verdict verdict;
  std::optional<std::string> recommendation;
};
/// 10–12. A Veto stops new entries; exits are never concerned.
struct PeriodicInput {
  base::Timestamp now;
  domain::Money equity;
  domain::Money exposure;
  std::size_t open_trades;
};

using UniverseHook = Hook<domain::HookId::PreTradeUniverseFilter, UniverseInput, UniverseOutput>;
using RiskCheckHook = Hook<domain::HookId::PreTradeRiskCheck, RiskCheckInput, Plain>;
using PortfolioHook = Hook<domain::HookId::PreTradePortfolioCheck, PortfolioInput, PortfolioOutput>;
using ConfidenceHook = Hook<domain::HookId::PreTradeConfidenceAdjustment, ConfidenceInput, ConfidenceOutput>;
using SizingHook = Hook<domain::HookId::PreTradePositionSizing, SizingHookInput, SizingHookOutput>;
using OrderTypeHook = Hook<domain::HookId::ExecutionOrderTypeSelection, OrderTypeInput, OrderTypeOutput>;
using SlippageHook = Hook<domain::HookId::ExecutionSlippageCheck, SlippageInput, Plain>;
using ClassificationHook =
    Hook<domain::HookId::PostTradePositionClassification, ClassificationInput, ClassificationOutput>;
using AmplificationHook = Hook<domain::HookId::PostTradeAmplificationCheck, AmplificationInput, AmplificationOutput>;
using SelfHealingHook = Hook<domain::HookId::PeriodicSelfHealingCheck, PeriodicInput, Plain>;
using CoordinationHook = Hook<domain::HookId::PeriodicAiHfosCoordination, PeriodicInput, Plain>;
using ExposureHook = Hook<domain::HookId::PortfolioExposureCheck, PeriodicInput, Plain>;

/// What a decision gets when the hook has no module or is not binding: the input, unchanged.
UniverseOutput neutral(const UniverseInput& in);
Plain neutral(const RiskCheckInput& in);
PortfolioOutput neutral(const PortfolioInput& in);
ConfidenceOutput neutral(const ConfidenceInput& in);
SizingHookOutput neutral(const SizingHookInput& in);  // nothing sizes a position by itself: a Veto
OrderTypeOutput neutral(const OrderTypeInput& in);
Plain neutral(const SlippageInput& in);
ClassificationOutput neutral(const ClassificationInput& in);
AmplificationOutput neutral(const AmplificationInput& in);
Plain neutral(const PeriodicInput& in);

/// What a decision gets when the module failed. Entries fail closed.
UniverseOutput on_error(const UniverseInput& in);              // no symbols
Plain on_error(const RiskCheckInput& in);                      // Veto
PortfolioOutput on_error(const PortfolioInput& in);            // Veto of every candidate
ConfidenceOutput on_error(const ConfidenceInput& in);          // base + 0.05
SizingHookOutput on_error(const SizingHookInput& in);          // Veto
OrderTypeOutput on_error(const OrderTypeInput& in);            // Veto
Plain on_error(const SlippageInput& in);                       // Veto
ClassificationOutput on_error(const ClassificationInput& in);  // UNKNOWN
AmplificationOutput on_error(const AmplificationInput& in);    // none
Plain on_error(const PeriodicInput& in);                       // Veto: no new trades

/// Declared worst-case time of a module's answer, microseconds. The core reads no clock: a module that can be slower
/// than this must answer by event.
constexpr int latency_budget_us(domain::HookId id) {
  return id >= domain::HookId::PeriodicSelfHealingCheck ? 1'000 : 50;
}

}  // namespace qtrader::engine
