#include "core/engine/hooks.hpp"

namespace qtrader::engine {
namespace {

Verdict veto(const char* reason) { return {domain::VerdictKind::Veto, {reason}}; }
constexpr const char* kFailed = "hook_failed";

}  // namespace

UniverseOutput neutral(const UniverseInput& in) { return {{}, in.symbols}; }
Plain neutral(const RiskCheckInput&) { return {}; }
PortfolioOutput neutral(const PortfolioInput& in) { return {{}, std::vector<bool>(in.candidates.size(), true)}; }
ConfidenceOutput neutral(const ConfidenceInput& in) { return {{}, in.base_threshold}; }
SizingHookOutput neutral(const SizingHookInput&) { return {veto("no_sizing_module"), std::nullopt}; }
OrderTypeOutput neutral(const OrderTypeInput&) { return {}; }
Plain neutral(const SlippageInput&) { return {}; }
ClassificationOutput neutral(const ClassificationInput&) { return {}; }
AmplificationOutput neutral(const AmplificationInput&) { return {}; }
Plain neutral(const PeriodicInput&) { return {}; }

UniverseOutput on_error(const UniverseInput&) { return {veto(kFailed), {}}; }
Plain on_error(const RiskCheckInput&) { return {veto(kFailed)}; }
PortfolioOutput on_error(const PortfolioInput& in) {
  return {veto(kFailed), std::vector<bool>(in.candidates.size(), false)};
}
ConfidenceOutput on_error(const ConfidenceInput& in) {
  return {{domain::VerdictKind::Modify, {kFailed}}, in.base_threshold + 0.05};
}
SizingHookOutput on_error(const SizingHookInput&) { return {veto(kFailed), std::nullopt}; }
OrderTypeOutput on_error(const OrderTypeInput&) { return {veto(kFailed), domain::OrderType::Market}; }
Plain on_error(const SlippageInput&) { return {veto(kFailed)}; }
ClassificationOutput on_error(const ClassificationInput&) { return {}; }
AmplificationOutput on_error(const AmplificationInput&) { return {}; }
Plain on_error(const PeriodicInput&) { return {veto(kFailed)}; }

}  // namespace qtrader::engine
