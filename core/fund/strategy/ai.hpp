// AiStrategy: the model ensemble as a source of signals.
//
// Computes the feature vector of the symbol's last primary bar, keeps as many of them as the members look back on, and
// asks the ensemble. An invalid vector or an empty ensemble gives HOLD with the reason, never a guess.
#pragma once

#include <vector>

#include "core/fund/strategy/strategy.hpp"
#include "core/models/ensemble.hpp"

namespace qtrader::fund {

class AiStrategy final : public Strategy {
 public:
  explicit AiStrategy(models::Ensemble ensemble);
  std::string_view name() const override { return "ai"; }
  bool needs_features() const override { return true; }
  bool probabilistic() const override { return true; }
  void on_primary_bar(domain::SymbolId, const domain::Bar&) override {}
  void observe(const StrategyInput& input) override;
  domain::Signal evaluate(const StrategyInput& input) override;
  const models::Calibrator* calibrator() const override { return &ensemble_.calibrator(); }
  bool roll_back_calibration() override { return ensemble_.roll_back_calibration(); }
  void archive(base::Writer& a) override { state(a); }
  void archive(base::Reader& a) override { state(a); }
  const models::Ensemble& ensemble() const { return ensemble_; }

 private:
  template <class Archive>
  void state(Archive& a) {
    auto bars = static_cast<std::uint64_t>(history_bars_);
    a(ensemble_, bars, histories_);
    if (bars != history_bars_) histories_.clear();  // of other members: what these look back on has to be seen anew
  }
  /// The symbol's history with `vector` as its newest bar; null if no member looks back.
  const models::FeatureHistory* remember(const features::FeatureVector& vector);

  models::Ensemble ensemble_;
  std::size_t history_bars_;                       // the most any member looks back on
  std::vector<models::FeatureHistory> histories_;  // by symbol; grows with the symbols seen
};

}  // namespace qtrader::fund
