#include "training/evaluate/verdicts.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qtrader::training {
namespace {

using features::kFeatureCount;

constexpr auto kAtrPct = static_cast<std::size_t>(features::Feature::AtrPct);

/// Says what the model said about the row being decided on.
class Playback final : public models::Model {
 public:
  /// `row` is read at each prediction and outlives this.
  Playback(const RecordedMember& member, const std::size_t& row)
      : traits_(member.traits), forecasts_(*member.forecasts), row_(row) {}

  const models::ModelTraits& traits() const override { return traits_; }
  models::Prediction predict(const models::ModelInput&) const override {
    models::Prediction out;
    out.model = traits_.kind;
    const auto& forecast = forecasts_[row_];
    if (!forecast) {
      out.why_invalid = "no forecast of this row";
      return out;
    }
    out.p = *forecast;
    out.action = models::action_of(out.p, models::kMinMargin);
    out.valid = true;
    return out;
  }

 private:
  models::ModelTraits traits_;
  const Forecasts& forecasts_;
  const std::size_t& row_;
};

/// Positions in `rows`, by time and then symbol.
std::vector<std::size_t> in_order_of_time(const Dataset& dataset, std::span<const std::uint32_t> rows) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) {
    const Row& row = dataset.rows[rows[i]];
    return std::pair(row.bar_close, row.symbol);
  });
  return order;
}

std::size_t symbol_count(const Dataset& dataset) {
  std::size_t out = 0;
  for (const Row& row : dataset.rows) out = std::max<std::size_t>(out, row.symbol.value + 1U);
  return out;
}

}  // namespace

base::Result<Decided> decide(const Dataset& dataset, std::span<const std::uint32_t> rows,
                             std::span<const RecordedMember> members, const DecisionSpec& spec) {
  QT_CHECK(!members.empty(), "somebody to ask");
  std::size_t asked = 0;
  std::vector<std::unique_ptr<models::Model>> playbacks;
  for (const RecordedMember& member : members) {
    QT_CHECK(member.forecasts->size() == rows.size(), "one forecast or none for each row");
    playbacks.push_back(std::make_unique<Playback>(member, asked));
  }
  QT_TRY(auto ensemble,
         models::Ensemble::create(spec.ensemble, symbol_count(dataset), spec.primary, std::move(playbacks)));
  const double sqrt_horizon = std::sqrt(static_cast<double>(members.front().traits.horizon_bars));
  Decided out{Forecasts(rows.size()), std::vector<Verdict>(rows.size())};
  for (const std::size_t i : in_order_of_time(dataset, rows)) {
    asked = i;
    const features::FeatureVector now = dataset.vector(rows[i]);
    const domain::Signal signal = ensemble.decide({.now = now,
                                                   .sigma100 = dataset.rows[rows[i]].horizon_sigma / sqrt_horizon,
                                                   .round_trip_cost_frac = spec.costs.round_trip_frac(now.x[kAtrPct])});
    out.verdicts[i] = {signal.action, signal.hold_reason, signal.confidence, signal.p_dir, signal.expected_edge_frac};
    if (signal.hold_reason != domain::HoldReason::NoActiveModel) out.pooled[i] = signal.p;
  }
  return out;
}

models::EnsembleConfig expected_value_alone(models::EnsembleConfig config) {
  config.min_active = 1;
  config.min_consensus = 1;
  config.allow_single_model = true;
  config.min_confidence = 0;
  config.min_margin = 0;
  config.require_positive_ev = true;
  return config;
}

}  // namespace qtrader::training
