#include "training/networks.hpp"

#include "core/base/json.hpp"
#include "training/deep/decision_trainer.hpp"
#include "training/logistic.hpp"
#include "training/sequences.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;
using models::ModelKind;

deep::DecisionSettings settings_of(const FitInput& input, const NetworkParams& params) {
  QT_CHECK(params.kind == ModelKind::NHits || params.kind == ModelKind::PatchTst, "a network");
  deep::DecisionSettings out = deep::decision_settings(params.kind == ModelKind::NHits ? deep::DecisionKind::NHits
                                                                                       : deep::DecisionKind::PatchTst);
  out.epochs = params.budget.epochs;
  out.windows_per_epoch = params.budget.windows_per_epoch;
  out.validation_windows = params.budget.validation_windows;
  out.threads = params.threads;
  out.seed = input.seed;
  out.scratch = input.scratch;
  out.now = input.unix_seconds;
  out.progress = input.progress;
  return out;
}

std::map<std::string, std::string> parameters(const deep::DecisionSettings& s, const deep::DecisionFit& fit) {
  const auto number = [](double v) {
    std::string out;
    base::append_json_number(out, v);
    return out;
  };
  std::map<std::string, std::string> out = {{"batch", std::to_string(s.batch)},
                                            {"clip", number(s.clip)},
                                            {"epochs", std::to_string(s.epochs)},
                                            {"epochs_kept", std::to_string(fit.best_epoch)},
                                            {"label_smoothing", number(s.label_smoothing)},
                                            {"learning_rate", number(s.learning_rate)},
                                            {"optimiser", "AdamW"},
                                            {"patience", std::to_string(s.patience)},
                                            {"schedule", s.kind == deep::DecisionKind::NHits ? "cosine" : "one_cycle"},
                                            {"threads", std::to_string(s.threads)},
                                            {"validation_windows", std::to_string(s.validation_windows)},
                                            {"weight_decay", number(s.weight_decay)},
                                            {"windows_per_epoch", std::to_string(s.windows_per_epoch)}};
  if (s.kind == deep::DecisionKind::NHits) {
    out["quantile_share"] = number(s.quantile_share);
    return out;
  }
  for (const deep::PatchChannel& c : s.channels) {
    std::string& names = out[c.level ? "level_channels" : "channels"];
    names += (names.empty() ? "" : " ") + std::string(features::kFeatureNames[static_cast<std::size_t>(c.feature)]);
  }
  return out;
}

/// Multinomial logistic regression of the training examples on the last bar's normalised features (ADR 0019).
base::Result<deep::LinearStart> linear_start(const FitInput& input, const deep::WindowTable& table,
                                             const SequenceExamples& train) {
  std::vector<double> z, weights(train.weights.begin(), train.weights.end());
  std::vector<LabelClass> labels;
  z.reserve(train.ends.size() * kFeatureCount);
  for (std::size_t i = 0; i < train.ends.size(); ++i) {
    const auto last = table.z.subspan(train.ends[i] * kFeatureCount, kFeatureCount);
    z.insert(z.end(), last.begin(), last.end());
    labels.push_back(static_cast<LabelClass>(train.labels[i]));
  }
  FitInput last_bars = input;
  last_bars.train = {z, labels};
  last_bars.weights = weights;
  QT_TRY(const LogisticRegression fitted, LogisticRegression::fit(last_bars));
  deep::LinearStart out;
  for (std::size_t c = 0; c < kClassCount; ++c) {
    const auto w = fitted.weights().subspan(c * (kFeatureCount + 1), kFeatureCount + 1);
    double bias = w[kFeatureCount];
    for (std::size_t f = 0; f < kFeatureCount; ++f) {
      const double slope = w[f] * fitted.inverse_deviation()[f];
      out.weights[c * kFeatureCount + f] = static_cast<float>(slope);
      bias -= slope * fitted.mean()[f];
    }
    out.bias[c] = static_cast<float>(bias);
  }
  return out;
}

/// One forecast or none for each row of a range.
Forecasts spread(IndexRange range, std::span<const std::size_t> rows, const deep::DecisionProbabilities& p) {
  Forecasts out(range.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out[rows[i] - range.begin] = p[i];
  return out;
}

}  // namespace

base::Result<FittedModel> fit_network(const FitInput& input, const NetworkParams& params) {
  if (input.dataset == nullptr)
    return base::Error{"training", base::Errc::InvalidArgument,
                       std::string(models::name(params.kind)) + " needs the rows before each row: none were given"};
  const deep::Quartiles quartiles = fit_quartiles(*input.dataset, input.train_rows);
  const Sequences sequences(*input.dataset, quartiles);
  const SequenceExamples train = sequences.examples(input.train_rows, input.weights);
  const SequenceExamples validation = sequences.examples(input.validation_rows, {});
  QT_TRY(const deep::LinearStart start, linear_start(input, sequences.table(), train));
  const deep::DecisionData data{.table = sequences.table(),
                                .quartiles = quartiles,
                                .train = train.view(),
                                .validation = validation.view(),
                                .class_offset = input.class_offset,
                                .start = start};
  const deep::DecisionSettings settings = settings_of(input, params);
  QT_TRY(deep::DecisionFit fit, deep::fit_decision(data, settings));
  FittedModel out;
  out.kind = params.kind;
  out.weights_file = "weights.safetensors";
  out.weights = std::move(fit.weights);
  out.rounds = static_cast<std::int32_t>(fit.best_epoch);
  out.validation = spread(input.validation_rows, validation.rows, fit.validation);
  out.hyper_parameters = parameters(settings, fit);
  return out;
}

base::Result<Forecasts> predict_network(std::string_view weights, const Dataset& dataset, IndexRange range) {
  QT_TRY(const deep::Quartiles quartiles, deep::decision_quartiles(weights));
  const Sequences sequences(dataset, quartiles);
  const SequenceExamples examples = sequences.examples(range, {});
  QT_TRY(const deep::DecisionProbabilities p, deep::predict_decision(weights, sequences.table(), examples.ends));
  return spread(range, examples.rows, p);
}

std::string_view torch_version() { return deep::library_version(); }

}  // namespace qtrader::training
