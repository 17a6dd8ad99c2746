// One window through each network, with random weights of trading size: what a prediction costs and what a batch saves.
#include "bench/bench.hpp"
#include "core/base/rng.hpp"
#include "core/models/model.hpp"
#include "core/models/network/nhits.hpp"
#include "core/models/network/patch_tst.hpp"
#include "core/models/network/testing.hpp"

namespace qtrader::bench {
namespace {

constexpr std::size_t kSymbols = 16;

std::vector<models::NetworkWindow> make_windows() {
  std::vector<models::NetworkWindow> out;
  for (std::uint64_t seed = 0; seed < kSymbols; ++seed) out.push_back(models::testing::random_window(seed));
  return out;
}

/// One symbol's window a repetition, the symbols in turn.
template <class Network>
Repeated each_us(const Network& network, const std::vector<models::NetworkWindow>& windows, int repetitions) {
  std::size_t next = 0;
  const Repeated t = repeat(repetitions, [&] { keep(network.forward(windows[next++ % windows.size()])); });
  return {t.best * 1e6, t.median * 1e6};
}

Repeated batch_us(const models::PatchTst& network, const std::vector<models::NetworkWindow>& windows, int repetitions) {
  std::vector<models::PatchTst::Logits> logits(windows.size());
  const Repeated t = repeat(repetitions, [&] {
    network.forward(windows, logits);
    keep(logits);
  });
  const double scale = 1e6 / static_cast<double>(windows.size());
  return {t.best * scale, t.median * scale};
}

/// What the ensemble pays: forming the window from a symbol's history included.
base::Result<Repeated> predict_us(const std::string& file, models::ModelKind kind, int repetitions) {
  constexpr auto kTimeframe = domain::Timeframe::M15;
  QT_TRY(const auto model, models::load_network(std::as_bytes(std::span(file)),
                                                {.kind = kind, .schema_id = features::schema_id(kTimeframe)}));
  std::vector<models::FeatureHistory> histories(kSymbols, models::FeatureHistory(model->history_bars()));
  features::FeatureVector v;
  v.valid = true;
  base::Rng rng(1);
  for (std::size_t bar = 0; bar < model->history_bars(); ++bar) {
    v.bar_close = v.bar_close + domain::duration(kTimeframe);
    for (models::FeatureHistory& history : histories) {
      for (double& x : v.x) x = rng.normal();
      v.close = 100 + rng.uniform();
      history.push(v);
    }
  }
  bool valid = true;
  std::size_t next = 0;
  const Repeated t =
      repeat(repetitions, [&] { valid = model->predict({v, &histories[next++ % kSymbols]}).valid && valid; });
  if (!valid) return base::Error{"bench", base::Errc::Corrupt, "a network did not predict"};
  return Repeated{t.best * 1e6, t.median * 1e6};
}

std::map<std::string, double> values(const Repeated& t, double target_us) {
  return {{"us", t.median}, {"best_us", t.best}, {"target_us", target_us}};
}

}  // namespace

base::Result<std::vector<Figure>> bench_networks(const Options& options) {
  const int repetitions = options.quick ? 200 : 4'000;
  const std::vector<models::NetworkWindow> windows = make_windows();
  const models::testing::WeightFile nhits_weights = models::testing::random_nhits(1);
  const models::testing::WeightFile patch_weights = models::testing::random_patchtst(1);
  std::vector<Figure> figures;
  std::vector<const models::Kernels*> all = {&models::best_kernels()};
  if (all.front() != &models::avx2_kernels()) all.push_back(&models::avx2_kernels());
  for (const models::Kernels* kernels : all) {
    const std::string suffix = kernels == all.front() ? "" : std::string(".") + kernels->name;
    const std::string note = std::string("one core, ") + kernels->name + ", random weights, 16 windows in turn";
    QT_TRY(const models::NHits nhits, models::NHits::create(nhits_weights.file, *kernels));
    QT_TRY(const models::PatchTst patch, models::PatchTst::create(patch_weights.file, *kernels));
    figures.push_back({"networks.nhits" + suffix, values(each_us(nhits, windows, repetitions), 60), note});
    figures.push_back({"networks.patchtst" + suffix, values(each_us(patch, windows, repetitions / 10), 1'200), note});
    figures.push_back({"networks.patchtst_batch" + suffix, values(batch_us(patch, windows, repetitions / 100), 700),
                       note + ", per symbol of a batch of 16"});
  }
  QT_TRY(const Repeated nhits, predict_us(nhits_weights.written(), models::ModelKind::NHits, repetitions));
  QT_TRY(const Repeated patch, predict_us(patch_weights.written(), models::ModelKind::PatchTst, repetitions / 10));
  const std::string note = "Model::predict from a FeatureHistory, 16 symbols in turn";
  figures.push_back({"networks.nhits_predict", values(nhits, 5'000), note});
  figures.push_back({"networks.patchtst_predict", values(patch, 5'000), note});
  return figures;
}

}  // namespace qtrader::bench
