#include "apps/common/attribution.hpp"

#include <algorithm>
#include <cmath>

#include "apps/common/model_record.hpp"

namespace qtrader::apps {
namespace {

using Shares = std::array<double, features::kFeatureCount>;

constexpr std::size_t kShown = 5;

ExplainableModel explainable(const store::ModelEntry& entry) {
  ExplainableModel out;
  out.lineage.type = entry.type;
  out.lineage.id = entry.id;
  const auto faulty = [&](const base::Error& error) {
    out.lineage.fault = error.message();
    out.why_none = "its files cannot be read";
    return out;
  };
  const auto stored = store::load_model(entry);
  if (!stored) return faulty(stored.error());
  const auto record = read_record(*stored);
  if (!record) return faulty(record.error());
  out.lineage.weights_sha256 = record->weights_sha256;
  out.lineage.data_hash = record->training.data_hash;
  out.lineage.code_version = record->card.code_version;
  out.lineage.seed = record->card.seed;
  out.lineage.schema_id = record->card.schema_id;
  out.lineage.trained_at = record->card.trained_at;
  out.lineage.synthetic = record->card.synthetic;
  out.temperature = record->card.temperature;
  if (record->card.type == models::ModelKind::NHits || record->card.type == models::ModelKind::PatchTst) {
    out.why_none = "no attribution is given for networks";
    return out;
  }
  auto shap = models::TreeShap::load(record->card.type, stored->weights);
  if (shap)
    out.shap = std::move(*shap);
  else
    out.why_none = shap.error().message();
  return out;
}

std::vector<FeatureContribution> largest(const domain::Signal& signal, const Shares& shares) {
  std::array<std::size_t, features::kFeatureCount> order;
  for (std::size_t f = 0; f < order.size(); ++f) order[f] = f;
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t f) { return std::abs(shares[f]); });
  std::vector<FeatureContribution> out;
  for (std::size_t i = 0; i < kShown; ++i) {
    const std::size_t f = order[i];
    if (shares[f] == 0) break;  // the model looked at fewer features than that
    out.push_back({.feature = std::string(features::kFeatureNames[f]),
                   .value = signal.features[f],
                   .known = (signal.feature_mask >> f & 1) != 0,
                   .contribution = shares[f]});
  }
  return out;
}

const ExplainableModel* find(const std::vector<ExplainableModel>& models, const domain::ModelVote& vote) {
  for (const ExplainableModel& m : models)
    if (m.lineage.type == vote.model && !vote.version.empty() && m.lineage.weights_sha256.starts_with(vote.version))
      return &m;
  return nullptr;
}

/// Weighted sum of what the members of a decision contribute.
struct Pool {
  Shares shares{};
  double weight = 0;
  int members = 0;
  void add(const Shares& phi, double temperature, double w) {
    for (std::size_t f = 0; f < phi.size(); ++f) shares[f] += w * phi[f] / temperature;
    weight += w;
    ++members;
  }
};

}  // namespace

std::vector<ExplainableModel> read_explainable(const std::filesystem::path& root,
                                               const std::vector<std::string>& names) {
  std::vector<ExplainableModel> out;
  std::string why_missing = "its files are not beside the journal";
  if (const auto entries = store::list_models(root))
    for (const store::ModelEntry& entry : *entries) out.push_back(explainable(entry));
  else if (entries.error().code != base::Errc::NotFound)
    why_missing = entries.error().message();
  for (const std::string& name : names) {
    const std::size_t colon = std::min(name.find(':'), name.size());
    const std::string type = name.substr(0, colon), hash = name.substr(std::min(colon + 1, name.size()));
    const auto same = [&](const ExplainableModel& m) {
      return m.lineage.type == type && m.lineage.weights_sha256 == hash;
    };
    if (std::ranges::any_of(out, same)) continue;
    ExplainableModel& missing = out.emplace_back();
    missing.lineage.type = type;
    missing.lineage.weights_sha256 = hash;
    missing.lineage.fault = missing.why_none = why_missing;
  }
  return out;
}

DecisionAttribution attribute(const domain::Signal& signal, const std::vector<ExplainableModel>& models) {
  QT_CHECK(signal.features.size() == features::kFeatureCount, "a model's decision records its features");
  const std::span<const double, features::kFeatureCount> row(signal.features.data(), features::kFeatureCount);
  const auto side = static_cast<std::size_t>(signal.action);
  DecisionAttribution out{.bar_close = signal.bar_close, .side = signal.action};
  Pool pool;
  for (const domain::ModelVote& vote : signal.votes) {
    VoteAttribution& v = out.votes.emplace_back();
    v.model = vote.model;
    v.version = vote.version;
    const ExplainableModel* const model = find(models, vote);
    if (model == nullptr || !model->shap) {
      v.why_none = model == nullptr ? "no model beside the journal has these weights" : model->why_none;
      continue;
    }
    const auto explained = model->shap->explain(row);
    if (!explained) {
      v.why_none = explained.error().message();
      continue;
    }
    v.base = explained->base[side];
    v.margin = explained->margin[side];
    v.top = largest(signal, explained->phi[side]);
    if (vote.counted) pool.add(explained->phi[side], model->temperature, vote.effective_weight);
  }
  if (pool.members < 2 || !(pool.weight > 0)) return out;
  for (double& share : pool.shares) share /= pool.weight;
  out.together = largest(signal, pool.shares);
  return out;
}

}  // namespace qtrader::apps
