// Attribution: what each tree member of a decision saw that moved it, from the models stored beside the journal.
//
// Runs when a person asks why (qtrader explain), on the features the journal recorded; never on the path of a decision.
// A member that cannot be explained says why in its place. Changes nothing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/domain/signal.hpp"
#include "core/models/tree_shap.hpp"

namespace qtrader::apps {

/// Where a model comes from (docs/formats/model-registry.md, the chain).
struct ModelLineage {
  std::string type, id;
  std::string weights_sha256;
  std::string data_hash;
  std::string code_version;
  std::uint64_t seed = 0;
  std::string schema_id;
  base::Timestamp trained_at;
  bool synthetic = false;
  std::string fault;  // why the rest is not known; empty if it is
};
QT_DESCRIBE(ModelLineage, type, id, weights_sha256, data_hash, code_version, seed, schema_id, trained_at, synthetic,
            fault)

struct FeatureContribution {
  std::string feature;
  double value = 0;
  bool known = true;        // false: absent from the source, so that the model saw its neutral value
  double contribution = 0;  // TreeSHAP, in units of the margin
};
QT_DESCRIBE(FeatureContribution, feature, value, known, contribution)

/// base + all 64 contributions = margin of the side, the score before temperature and softmax.
struct VoteAttribution {
  std::string model, version;
  double base = 0, margin = 0;
  std::vector<FeatureContribution> top;  // largest first
  std::string why_none;                  // why there is none; empty if there is
};
QT_DESCRIBE(VoteAttribution, model, version, base, margin, top, why_none)

struct DecisionAttribution {
  base::Timestamp bar_close;
  domain::Action side = domain::Action::Hold;  // the class whose margin is explained: the signal's
  std::vector<VoteAttribution> votes;
  /// Contributions to margin / temperature of the counted tree members, averaged by their effective weights; empty
  /// unless there are two or more.
  std::vector<FeatureContribution> together;
};
QT_DESCRIBE(DecisionAttribution, bar_close, side, votes, together)

/// A model that voted, as far as it can be explained.
struct ExplainableModel {
  ModelLineage lineage;
  double temperature = 1;
  std::optional<models::TreeShap> shap;
  std::string why_none;  // why there is no shap
};

/// The models stored in a registry at root, and those among `names` ("kind:sha256") that are not there, with the fault.
std::vector<ExplainableModel> read_explainable(const std::filesystem::path& root,
                                               const std::vector<std::string>& names);

/// The signal must have votes and the 64 features.
DecisionAttribution attribute(const domain::Signal& signal, const std::vector<ExplainableModel>& models);

}  // namespace qtrader::apps
