#include "training/leakcheck/product_pipeline.hpp"

#include <algorithm>
#include <cstdio>

#include "core/base/hash.hpp"
#include "core/base/json.hpp"
#include "training/calibration.hpp"
#include "training/lightgbm.hpp"
#include "training/logistic.hpp"
#include "training/novelty_fit.hpp"
#include "training/preparation.hpp"
#include "training/sequences.hpp"
#include "training/xgboost.hpp"

namespace qtrader::training::leakcheck {
namespace {

using features::kFeatureCount;

constexpr std::int32_t kLogisticIterations = 12;
constexpr std::array<std::string_view, kClassCount> kClassNames = {"SELL", "HOLD", "BUY"};

class VectorCursor final : public history::BarCursor {
 public:
  explicit VectorCursor(const std::vector<domain::Bar>& bars) : bars_(bars) {}
  base::Result<std::optional<domain::Bar>> next() override {
    if (next_ == bars_.size()) return std::optional<domain::Bar>();
    return std::optional<domain::Bar>(bars_[next_++]);
  }

 private:
  const std::vector<domain::Bar>& bars_;
  std::size_t next_ = 0;
};

std::string exact(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string digest(std::span<const double> values) {
  return "xxh64 " + base::hex64(base::xxh64(std::as_bytes(values), 0));
}

/// Close time of the last bar that a label of these rows needs.
base::Timestamp last_label_end(const Dataset& dataset, IndexRange range) {
  base::Timestamp out;
  for (std::size_t i = range.begin; i < range.end; ++i) out = std::max(out, dataset.rows[i].label.end);
  return out;
}

/// Collects the statistics of one split.
class Measuring {
 public:
  Measuring(Dataset& dataset, const Split& split, std::uint64_t seed)
      : dataset_(dataset),
        split_(split),
        after_training_(last_label_end(dataset, split.train)),
        after_validation_(std::max(after_training_, last_label_end(dataset, split.validation))) {
    preparation_ = prepare(dataset_, split_.train);
    input_ = fit_input(dataset_, preparation_, split_.train, split_.validation);
    input_.seed = seed;
  }

  void of_the_rows() {
    std::string held;
    for (const std::string& name : preparation_.neutral_features) held += (held.empty() ? "" : " ") + name;
    trained("features held neutral", held.empty() ? "none" : held);
    trained("sample weights", digest(preparation_.weights));
    const auto weights = class_weights(dataset_, split_.train);
    const auto mean_return = class_mean_abs_return(dataset_, split_.train);
    for (std::size_t c = 0; c < kClassCount; ++c) {
      trained("class weight of " + std::string(kClassNames[c]), exact(weights[c]));
      trained("mean |return| of " + std::string(kClassNames[c]), exact(mean_return[c]));
    }
  }

  base::Result<void> of_logistic_regression() {
    QT_TRY(const auto fitted, LogisticRegression::fit(input_, {.max_iterations = kLogisticIterations}));
    for (std::size_t j = 0; j < kFeatureCount; ++j) {
      const std::string of = " of " + std::string(features::kFeatureNames[j]);
      trained("logistic mean" + of, exact(fitted.mean()[j]));
      trained("logistic 1/deviation" + of, exact(fitted.inverse_deviation()[j]));
    }
    trained("logistic weights", digest(fitted.weights()));
    const auto forecast = fitted.predict_rows(input_.validation);
    validated("logistic temperature", exact(fit_temperature(input_.validation.labels, forecast)));
    return {};
  }

  void of_networks() {
    const deep::Quartiles quartiles = fit_quartiles(dataset_, split_.train);
    for (std::size_t j = 0; j < kFeatureCount; ++j) {
      const std::string of = " of " + std::string(features::kFeatureNames[j]);
      trained("network median" + of, exact(quartiles.median[j]));
      trained("network quartile range" + of, exact(quartiles.iqr[j]));
    }
  }

  base::Result<void> of_novelty() {
    QT_TRY(const models::NoveltyBaseline baseline, fit_novelty(input_.train.x));
    for (std::size_t j = 0; j < baseline.features.size(); ++j) {
      trained("novelty median of " + baseline.features[j], exact(baseline.median[j]));
      trained("novelty quartile range of " + baseline.features[j], exact(baseline.iqr[j]));
    }
    trained("novelty baseline", "sha256 " + base::sha256_hex(base::to_json(baseline)));
    return {};
  }

  base::Result<void> of_trees() {
    QT_TRY(const auto xgboost, fit_xgboost(input_, {.rounds = 1, .nthread = 1}));
    trained("xgboost, first round", "sha256 " + base::sha256_hex(xgboost.weights));
    QT_TRY(const auto lightgbm, fit_lightgbm(input_, {.rounds = 1, .nthread = 1}));
    trained("lightgbm, first round", "sha256 " + base::sha256_hex(lightgbm.weights));
    return {};
  }

  std::vector<Statistic> take() { return std::move(out_); }

 private:
  void trained(std::string name, std::string value) {
    out_.push_back({std::move(name), std::move(value), after_training_});
  }
  void validated(std::string name, std::string value) {
    out_.push_back({std::move(name), std::move(value), after_validation_});
  }

  Dataset& dataset_;
  const Split& split_;
  base::Timestamp after_training_, after_validation_;
  Preparation preparation_;
  FitInput input_;
  std::vector<Statistic> out_;
};

}  // namespace

ProductPipeline::ProductPipeline(PipelineSettings settings, const Trader* trader)
    : settings_(std::move(settings)), trader_(trader) {}

base::Result<Dataset> ProductPipeline::rows(const Recording& recording) const {
  DatasetSpec spec;
  spec.base = recording.base;
  spec.primary = recording.primary;
  spec.warmup_bars = settings_.warmup_bars;
  spec.rows = recording.rows;
  spec.labels = settings_.labels;
  std::vector<Lane> lanes;
  for (std::size_t i = 0; i < recording.symbols(); ++i) {
    if (recording.instruments[i].symbol == kReferenceSymbol)
      spec.reference = domain::SymbolId{static_cast<std::uint16_t>(i)};
    lanes.push_back({std::make_unique<VectorCursor>(recording.bars[i]), recording.funding[i]});
  }
  return build_dataset(std::move(lanes), spec, {});
}

base::Result<Split> ProductPipeline::split(Dataset& dataset) const {
  SplitSpec spec = settings_.split;
  spec.horizon_bars = settings_.labels.horizon_bars;
  return split_by_time(dataset.times(), spec);
}

base::Result<std::vector<Statistic>> ProductPipeline::statistics(Dataset dataset, const Split& split) const {
  Measuring measuring(dataset, split, settings_.seed);
  measuring.of_the_rows();
  measuring.of_networks();
  QT_TRY_VOID(measuring.of_logistic_regression());
  QT_TRY_VOID(measuring.of_novelty());
  QT_TRY_VOID(measuring.of_trees());
  return measuring.take();
}

base::Result<std::vector<Decision>> ProductPipeline::trade(const Recording& recording) const {
  if (trader_ == nullptr) return std::vector<Decision>{};
  return trader_->trade(recording);
}

}  // namespace qtrader::training::leakcheck
