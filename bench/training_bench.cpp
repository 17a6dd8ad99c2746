// Tree training: seconds of whole fits, to be held against the libraries' own Python packages on the same rows.
//
// bench/training_speed.py runs this, reads the rows it wrote with --rows, fits them in Python and prints the ratios.
#include <fstream>

#include "bench/bench.hpp"
#include "core/base/rng.hpp"
#include "training/lightgbm.hpp"
#include "training/xgboost.hpp"

namespace qtrader::bench {
namespace {

using training::LabelClass;

constexpr std::size_t kColumns = features::kFeatureCount;

struct Rows {
  std::vector<double> x;
  std::vector<LabelClass> labels;
  training::RowBlock block(std::size_t from, std::size_t to) const {
    return {std::span(x).subspan(from * kColumns, (to - from) * kColumns), std::span(labels).subspan(from, to - from)};
  }
};

/// As hard as a market: every feature says a little about the class, most of which is noise.
Rows weak_signal(std::size_t count) {
  Rows rows;
  base::Rng rng(11);
  for (std::size_t i = 0; i < count; ++i) {
    double score = 0;
    for (std::size_t c = 0; c < kColumns; ++c) {
      rows.x.push_back(rng.normal());
      score += rows.x.back() * (c % 2 == 0 ? 0.03 : -0.02);
    }
    score += rng.normal();
    rows.labels.push_back(score > 0.5 ? LabelClass::Buy : score < -0.5 ? LabelClass::Sell : LabelClass::Hold);
  }
  return rows;
}

template <class T>
base::Result<void> write_raw(const std::filesystem::path& path, std::span<const T> values) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
  if (!out.flush()) return base::Error{"bench", base::Errc::Io, path.string() + ": cannot write"};
  return {};
}

}  // namespace

base::Result<std::vector<Figure>> bench_training(const Options& options) {
  const std::size_t count = options.quick ? 8'000 : 80'000;
  const std::size_t split = count - count / 8;
  const Rows rows = weak_signal(count);
  const std::vector<double> weights(split, 1.0);
  if (!options.rows.empty()) {
    QT_TRY_VOID(write_raw<double>(options.rows / "x.f64", rows.x));
    QT_TRY_VOID(write_raw<LabelClass>(options.rows / "labels.u8", rows.labels));
  }
  const training::FitInput input{
      .train = rows.block(0, split), .weights = weights, .validation = rows.block(split, count)};
  // All rounds: early stopping would compare two different amounts of work.
  const training::XgboostParams xgboost{.rounds = 200, .early_stop = 200, .nthread = 1};
  const training::LightgbmParams lightgbm{.rounds = 200, .early_stop = 200, .high_volatility_weight = 1, .nthread = 1};
  std::vector<Figure> out;
  const auto time = [&](const char* name, const auto& fit) -> base::Result<void> {
    const double start = system::steady_seconds();
    QT_TRY(const training::FittedModel fitted, fit());
    const double seconds = system::steady_seconds() - start;
    double loss = 0;
    const training::Judged judged = training::judged(input.validation.labels, fitted.validation);
    loss = training::log_loss(judged.labels, judged.p);
    out.push_back({name, {{"fit_s", seconds}, {"best_validation_log_loss", loss}}, "200 rounds, one thread"});
    return {};
  };
  QT_TRY_VOID(time("training.xgboost", [&] { return training::fit_xgboost(input, xgboost); }));
  QT_TRY_VOID(time("training.lightgbm", [&] { return training::fit_lightgbm(input, lightgbm); }));
  return out;
}

}  // namespace qtrader::bench
