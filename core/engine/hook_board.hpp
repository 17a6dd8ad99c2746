// HookBoard: which module answers each of the twelve hooks and in which mode; runs them and puts every verdict on
// record.
//
// DISABLED and NotInstalled do not run. OBSERVATION and SHADOW run and are recorded, without effect. ACTIVE binds.
#pragma once

#include <memory>
#include <tuple>

#include "core/engine/hooks.hpp"

namespace qtrader::engine {

template <class H>
struct HookSlot {
  domain::HookMode mode = domain::HookMode::NotInstalled;
  std::unique_ptr<H> module;
};

class HookBoard {
 public:
  template <class H>
  void install(std::unique_ptr<H> module, domain::HookMode mode) {
    auto& slot = std::get<HookSlot<H>>(slots_);
    slot.module = std::move(module);
    slot.mode = mode;
  }

  template <class H>
  domain::HookMode mode() const {
    return std::get<HookSlot<H>>(slots_).mode;
  }

  /// The binding answer. Also on record, if a module ran.
  template <class H>
  typename H::Out run(const typename H::In& input, domain::TraceId trace, domain::AuditSink& audit) {
    auto& slot = std::get<HookSlot<H>>(slots_);
    if (slot.mode == domain::HookMode::NotInstalled || slot.mode == domain::HookMode::Disabled) return neutral(input);
    auto answer = slot.module->run(input);
    typename H::Out out = answer ? std::move(*answer) : on_error(input);
    audit.record(domain::HookVerdict{trace, H::kId, slot.mode, out.verdict.kind, out.verdict.reasons});
    return slot.mode == domain::HookMode::Active ? out : neutral(input);
  }

  /// One record per hook with its mode, so that a run states what took part in its decisions.
  void report(domain::AuditSink& audit) const;

 private:
  std::tuple<HookSlot<UniverseHook>, HookSlot<RiskCheckHook>, HookSlot<PortfolioHook>, HookSlot<ConfidenceHook>,
             HookSlot<SizingHook>, HookSlot<OrderTypeHook>, HookSlot<SlippageHook>, HookSlot<ClassificationHook>,
             HookSlot<AmplificationHook>, HookSlot<SelfHealingHook>, HookSlot<CoordinationHook>, HookSlot<ExposureHook>>
      slots_;
};

/// Hook 2's module: vetoes while the gate is killed or the drawdown stage allows no size.
class RiskStateCheck final : public RiskCheckHook {
 public:
  base::Result<Plain> run(const RiskCheckInput& input) override;
};

/// Hook 5's module: risk-based sizing (core/risk/sizing.hpp).
class RiskBasedSizing final : public SizingHook {
 public:
  explicit RiskBasedSizing(const risk::Limits& limits) : limits_(limits) {}
  base::Result<SizingHookOutput> run(const SizingHookInput& input) override;

 private:
  risk::Limits limits_;
};

/// Hook 7's module: vetoes an entry whose predicted adverse slippage is above the cap (fund.md 1.2: 15 bps).
class SlippageCap final : public SlippageHook {
 public:
  explicit SlippageCap(double cap_bps) : cap_bps_(cap_bps) {}
  base::Result<Plain> run(const SlippageInput& input) override;

 private:
  double cap_bps_;
};

}  // namespace qtrader::engine
