#include "core/engine/hook_board.hpp"

namespace qtrader::engine {

void HookBoard::report(domain::AuditSink& audit) const {
  std::apply(
      [&](const auto&... slot) {
        const auto one = [&]<class H>(const HookSlot<H>& s) {
          domain::HookVerdict verdict{{}, H::kId, s.mode, domain::VerdictKind::Allow, {}};
          if (s.mode == domain::HookMode::NotInstalled) verdict.reasons.emplace_back("not_installed");
          audit.record(std::move(verdict));
        };
        (one(slot), ...);
      },
      slots_);
}

base::Result<Plain> RiskStateCheck::run(const RiskCheckInput& input) {
  if (input.killed) return Plain{{domain::VerdictKind::Veto, {"killed"}}};
  if (!input.equity.is_positive()) return Plain{{domain::VerdictKind::Veto, {"no_equity"}}};
  if (input.size_factor <= 0) return Plain{{domain::VerdictKind::Veto, {"drawdown_stage"}}};
  return Plain{};
}

base::Result<SizingHookOutput> RiskBasedSizing::run(const SizingHookInput& input) {
  auto sized = risk::size_position(input.sizing, input.instrument, limits_);
  if (const auto* refusal = std::get_if<risk::SizingRefusal>(&sized))
    return SizingHookOutput{{domain::VerdictKind::Veto, {refusal->rule}}, std::nullopt};
  return SizingHookOutput{{}, std::get<domain::PositionSized>(std::move(sized))};
}

base::Result<Plain> SlippageCap::run(const SlippageInput& input) {
  if (input.predicted_bps > cap_bps_) return Plain{{domain::VerdictKind::Veto, {"predicted_slippage"}}};
  return Plain{};
}

}  // namespace qtrader::engine
