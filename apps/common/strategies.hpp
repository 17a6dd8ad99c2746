// Strategies of a run: the rule strategies by name, or the ensemble from fitted models found in a registry.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/engine/config.hpp"
#include "core/fund/strategy/strategy.hpp"
#include "core/models/artifact.hpp"
#include "edge/store/model_registry.hpp"

namespace qtrader::apps {

/// A fitted model, ready to predict, with its files.
struct LoadedModel {
  std::unique_ptr<models::Model> model;
  models::ModelCard card;
  store::StoredModel stored;
  /// "xgboost:<sha256 of the weights>"
  std::string name() const { return stored.entry.type + ":" + stored.weights_sha256; }
};

/// Makes a stored model ready to predict. Errors: those of models::parse_card and of the loaders; Unsupported for a
/// kind that this version cannot run.
base::Result<LoadedModel> load_model(store::StoredModel stored);

/// The model of each kind that a backtest is about: the active one, else the candidate trained last. Errors: NotFound
/// if there is none at all; Corrupt, SchemaMismatch.
base::Result<std::vector<LoadedModel>> load_current_models(const std::filesystem::path& registry);

/// Primary bars a run plays before it decides: what the features need, and what the models look back on after that.
std::int32_t lead_bars(const engine::EngineConfig& config, const std::vector<LoadedModel>& models);

/// Exactly the models named ("kind:sha256") from the registry at root. NotFound naming the first that is not there.
base::Result<std::vector<LoadedModel>> load_models(const std::filesystem::path& root,
                                                   const std::vector<std::string>& names);

/// Stores the models in a registry at root, so that a journal can be replayed without the one they came from.
base::Result<void> copy_models(const std::vector<LoadedModel>& models, const std::filesystem::path& root);

/// The strategy the config names. "ai" takes the models; a rule strategy ignores them.
base::Result<std::unique_ptr<fund::Strategy>> make_strategy(const engine::EngineConfig& config, std::size_t symbols,
                                                            std::vector<LoadedModel> models);

}  // namespace qtrader::apps
