#include "training/trainer.hpp"

#include "core/base/rng.hpp"

namespace qtrader::training {

base::Result<void> report(const Progress& progress, std::string_view stage, std::uint64_t done, std::uint64_t total) {
  if (progress && !progress(stage, done, total))
    return base::Error{"training", base::Errc::Interrupted, std::string(stage) + ": cancelled"};
  return {};
}

bool EarlyStopping::observe(std::int32_t round, double loss) {
  if (best_round_ != 0 && !(loss < best_loss_)) return false;
  best_round_ = round;
  best_loss_ = loss;
  return true;
}

std::map<std::string, double> gain_shares(std::span<const double> gain) {
  QT_CHECK(gain.size() == features::kFeatureCount, "one gain for each feature");
  double total = 0;
  for (const double g : gain) total += g;
  std::map<std::string, double> out;
  for (std::size_t i = 0; i < gain.size(); ++i)
    if (gain[i] > 0) out[std::string(features::kFeatureNames[i])] = gain[i] / total;
  return out;
}

std::int32_t library_seed(std::uint64_t seed, std::string_view name) {
  return static_cast<std::int32_t>(base::Rng(seed).fork(name).next() >> 33);
}

}  // namespace qtrader::training
