// AiStrategy: the model ensemble as a source of signals.
//
// Computes the feature vector of the symbol's last primary bar, keeps what history the members need, and asks the
// ensemble. An invalid vector or an empty ensemble gives HOLD with the reason, never a guess.
#pragma once

#include "core/fund/strategy/strategy.hpp"
#include "core/models/ensemble.hpp"

namespace qtrader::fund {

class AiStrategy final : public Strategy {
 public:
  explicit AiStrategy(models::Ensemble ensemble) : ensemble_(std::move(ensemble)) {}
  std::string_view name() const override { return "ai"; }
  bool needs_features() const override { return true; }
  bool probabilistic() const override { return true; }
  void on_primary_bar(domain::SymbolId, const domain::Bar&) override {}
  domain::Signal evaluate(const StrategyInput& input) override;
  void archive(base::Writer& a) override { a(ensemble_); }
  void archive(base::Reader& a) override { a(ensemble_); }
  const models::Ensemble& ensemble() const { return ensemble_; }

 private:
  models::Ensemble ensemble_;
};

}  // namespace qtrader::fund
