#include "training/evaluation.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/hash.hpp"
#include "training/lightgbm.hpp"
#include "training/xgboost.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;

constexpr std::size_t kLeastPart = 50;

struct Part {
  std::vector<LabelClass> labels;
  std::vector<Probabilities> p;
};

}  // namespace

base::Result<std::vector<Probabilities>> serve(const FittedModel& fitted, const models::ModelTraits& traits,
                                               const Dataset& dataset, IndexRange range) {
  const auto load = fitted.kind == models::ModelKind::XGBoost ? models::load_xgboost : models::load_lightgbm;
  QT_TRY(const std::unique_ptr<models::Model> model, load(base::as_bytes(fitted.weights), traits));
  std::vector<Probabilities> out;
  out.reserve(range.size());
  features::FeatureVector v;
  v.valid = true;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    v.symbol = dataset.rows[i].symbol;
    v.bar_close = dataset.rows[i].bar_close;
    v.present_mask = dataset.rows[i].present_mask;
    std::copy_n(&dataset.x[i * kFeatureCount], kFeatureCount, v.x.begin());
    const models::Prediction prediction = model->predict({v, {}});
    if (!prediction.valid)
      return base::Error{"training", base::Errc::SchemaMismatch,
                         std::string(models::name(fitted.kind)) +
                             " refuses a row of its own data: " + std::string(prediction.why_invalid)};
    out.push_back(prediction.p);
  }
  return out;
}

base::Result<std::vector<Probabilities>> library_predict(const FittedModel& fitted, const RowBlock& block) {
  if (fitted.kind == models::ModelKind::XGBoost) return predict_xgboost(fitted.weights, block.x);
  QT_CHECK(fitted.kind == models::ModelKind::LightGBM, "only tree models are fitted here");
  return predict_lightgbm(fitted.weights, block.x);
}

double largest_difference(std::span<const Probabilities> a, std::span<const Probabilities> b) {
  QT_CHECK(a.size() == b.size(), "the same rows");
  double out = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t c = 0; c < kClassCount; ++c) out = std::max(out, std::abs(a[i][c] - b[i][c]));
  return out;
}

void add_test_metrics(std::map<std::string, double>& metrics, const Dataset& dataset, IndexRange range,
                      std::span<const Probabilities> p) {
  add_metrics(metrics, "test", score(dataset.block(range).labels, p));
  std::map<std::string, Part> parts;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const auto add = [&](Part& part) {
      part.labels.push_back(dataset.labels[i]);
      part.p.push_back(p[i - range.begin]);
    };
    add(parts["test.regime." + std::string(base::enum_name(dataset.rows[i].regime))]);
    if (high_volatility(std::span(dataset.x).subspan(i * kFeatureCount, kFeatureCount)))
      add(parts["test.high_volatility"]);
  }
  for (const auto& [name, part] : parts)
    if (part.labels.size() >= kLeastPart) add_metrics(metrics, name, score(part.labels, part.p));
}

}  // namespace qtrader::training
