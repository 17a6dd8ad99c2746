#include "training/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/hash.hpp"
#include "training/calibration.hpp"
#include "training/lightgbm.hpp"
#include "training/networks.hpp"
#include "training/sequences.hpp"
#include "training/xgboost.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;

constexpr std::size_t kLeastPart = 50;

using models::ModelKind;
using LoadedModel = base::Result<std::unique_ptr<models::Model>>;

bool is_network(ModelKind kind) { return kind == ModelKind::NHits || kind == ModelKind::PatchTst; }

LoadedModel load(const FittedModel& fitted, const models::ModelTraits& traits) {
  const auto bytes = base::as_bytes(fitted.weights);
  if (is_network(fitted.kind)) return models::load_network(bytes, traits);
  return fitted.kind == ModelKind::XGBoost ? models::load_xgboost(bytes, traits) : models::load_lightgbm(bytes, traits);
}

}  // namespace

base::Result<Forecasts> serve(const FittedModel& fitted, const models::ModelTraits& traits, const Dataset& dataset,
                              IndexRange range) {
  QT_TRY(const std::unique_ptr<models::Model> model, load(fitted, traits));
  const std::size_t bars = model->history_bars();
  const std::vector<std::uint32_t> order = rows_by_symbol(dataset);
  const std::vector<std::uint32_t> run = unbroken_runs(dataset, order);
  models::FeatureHistory history(std::max<std::size_t>(bars, 1));
  Forecasts out(range.size());
  for (std::size_t at = 0; at < order.size(); ++at) {
    const std::uint32_t i = order[at];
    const bool asked = i >= range.begin && i < range.end;
    if (bars == 0 && !asked) continue;
    const features::FeatureVector now = dataset.vector(i);
    if (at > 0 && dataset.rows[order[at - 1]].symbol != now.symbol)
      history = models::FeatureHistory(history.capacity());
    if (bars > 0) history.push(now);
    if (!asked) continue;
    const models::Prediction prediction = model->predict({now, &history});
    if (prediction.valid)
      out[i - range.begin] = prediction.p;
    else if (run[at] >= bars)  // the history is not what it lacks
      return base::Error{"training", base::Errc::SchemaMismatch,
                         std::string(models::name(fitted.kind)) +
                             " refuses a row of its own data: " + std::string(prediction.why_invalid)};
  }
  return out;
}

base::Result<Forecasts> library_predict(const FittedModel& fitted, const Dataset& dataset, IndexRange range) {
  if (is_network(fitted.kind)) return predict_network(fitted.weights, dataset, range);
  const RowBlock block = dataset.block(range);
  if (fitted.kind == ModelKind::XGBoost) {
    QT_TRY(auto p, predict_xgboost(fitted.weights, block.x));
    return all_present(std::move(p));
  }
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
