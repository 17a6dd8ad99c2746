#include "training/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/hash.hpp"
#include "training/calibration.hpp"
#include "training/lightgbm.hpp"
#include "training/xgboost.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;

constexpr std::size_t kLeastPart = 50;

}  // namespace

base::Result<Forecasts> serve(const FittedModel& fitted, const models::ModelTraits& traits, const Dataset& dataset,
                              IndexRange range) {
  const auto load = fitted.kind == models::ModelKind::XGBoost ? models::load_xgboost : models::load_lightgbm;
  QT_TRY(const std::unique_ptr<models::Model> model, load(base::as_bytes(fitted.weights), traits));
  Forecasts out;
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
    out.emplace_back(prediction.p);
  }
  return out;
}

base::Result<Forecasts> library_predict(const FittedModel& fitted, const Dataset& dataset, IndexRange range) {
  const RowBlock block = dataset.block(range);
  if (fitted.kind == models::ModelKind::XGBoost) {
    QT_TRY(auto p, predict_xgboost(fitted.weights, block.x));
    return all_present(std::move(p));
  }
  QT_CHECK(fitted.kind == models::ModelKind::LightGBM, "only tree models are fitted here");
  QT_TRY(auto p, predict_lightgbm(fitted.weights, block.x));
  return all_present(std::move(p));
}

Forecasts calibrated(Forecasts forecasts, double temperature) {
  for (auto& row : forecasts)
    if (row) row = apply_temperature(*row, temperature);
  return forecasts;
}

double largest_difference(const Forecasts& a, const Forecasts& b) {
  QT_CHECK(a.size() == b.size(), "the same rows");
  double out = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].has_value() != b[i].has_value()) return std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; a[i] && c < kClassCount; ++c) out = std::max(out, std::abs((*a[i])[c] - (*b[i])[c]));
  }
  return out;
}

void add_test_metrics(std::map<std::string, double>& metrics, const Dataset& dataset, IndexRange range,
                      const Forecasts& forecasts) {
  std::map<std::string, Judged> parts;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const auto& forecast = forecasts[i - range.begin];
    if (!forecast) continue;
    const auto add = [&](Judged& part) {
      part.labels.push_back(dataset.labels[i]);
      part.p.push_back(*forecast);
    };
    add(parts["test"]);
    add(parts["test.regime." + std::string(base::enum_name(dataset.rows[i].regime))]);
    if (high_volatility(std::span(dataset.x).subspan(i * kFeatureCount, kFeatureCount)))
      add(parts["test.high_volatility"]);
  }
  for (const auto& [name, part] : parts)
    if (part.labels.size() >= kLeastPart) add_metrics(metrics, name, score(part.labels, part.p));
}

}  // namespace qtrader::training
