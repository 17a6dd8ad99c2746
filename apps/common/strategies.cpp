#include "apps/common/strategies.hpp"

#include <algorithm>

#include "core/fund/strategy/ai.hpp"

namespace qtrader::apps {
namespace {

base::Error bad(base::Errc code, std::string what) { return {"models", code, std::move(what)}; }

}  // namespace

base::Result<LoadedModel> load_model(store::StoredModel stored) {
  LoadedModel out;
  QT_TRY(out.card, models::parse_card(stored.card_json));
  const models::ModelTraits traits = models::traits_of(out.card);
  switch (out.card.type) {
    case models::ModelKind::XGBoost: {
      QT_TRY(out.model, models::load_xgboost(stored.weights, traits));
      break;
    }
    case models::ModelKind::LightGBM: {
      QT_TRY(out.model, models::load_lightgbm(stored.weights, traits));
      break;
    }
    case models::ModelKind::NHits:
    case models::ModelKind::PatchTst: {
      QT_TRY(out.model, models::load_network(stored.weights, traits));
      break;
    }
  }
  out.stored = std::move(stored);
  return out;
}

base::Result<std::vector<LoadedModel>> load_current_models(const std::filesystem::path& registry) {
  QT_TRY(const auto entries, store::list_models(registry));
  if (entries.empty())
    return bad(base::Errc::NotFound, registry.string() + ": no model; qtrader train --out makes one");
  std::vector<LoadedModel> out;
  for (const auto& entry : entries) {
    QT_TRY(auto stored, store::load_model(entry));
    QT_TRY(auto loaded, load_model(std::move(stored)));
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const LoadedModel& m) { return m.stored.entry.type == entry.type; });
    if (same == out.end()) {
      out.push_back(std::move(loaded));
    } else if (!same->stored.entry.active && (entry.active || loaded.card.trained_at > same->card.trained_at)) {
      *same = std::move(loaded);
    }
  }
  return out;
}

std::int32_t lead_bars(const engine::EngineConfig& config, const std::vector<LoadedModel>& models) {
  std::size_t history = 0;
  for (const LoadedModel& m : models) history = std::max(history, m.model->history_bars());
  return config.warmup_bars + static_cast<std::int32_t>(history);
}

base::Result<std::vector<LoadedModel>> load_models(const std::filesystem::path& root,
                                                   const std::vector<std::string>& names) {
  std::vector<LoadedModel> out;
  if (names.empty()) return out;
  QT_TRY(const auto entries, store::list_models(root));
  for (const std::string& name : names) {
    bool found = false;
    for (const auto& entry : entries) {
      if (found || !name.starts_with(entry.type + ":")) continue;
      QT_TRY(auto stored, store::load_model(entry));
      if (entry.type + ":" + stored.weights_sha256 != name) continue;
      QT_TRY(auto loaded, load_model(std::move(stored)));
      out.push_back(std::move(loaded));
      found = true;
    }
    if (!found) return bad(base::Errc::NotFound, root.string() + ": has no model " + name);
  }
  return out;
}

base::Result<void> copy_models(const std::vector<LoadedModel>& models, const std::filesystem::path& root) {
  for (const LoadedModel& m : models) {
    store::ModelDraft draft{.type = m.stored.entry.type,
                            .id = m.stored.entry.id,
                            .card_json = m.stored.card_json,
                            .weights_file = m.stored.weights_file,
                            .weights = std::string(m.stored.weights.size(), '\0')};
    std::transform(m.stored.weights.begin(), m.stored.weights.end(), draft.weights.begin(),
                   [](std::byte b) { return static_cast<char>(b); });
    QT_TRY([[maybe_unused]] const auto directory, store::store_model(root, draft));
  }
  return {};
}

base::Result<std::unique_ptr<fund::Strategy>> make_strategy(const engine::EngineConfig& config, std::size_t symbols,
                                                            std::vector<LoadedModel> models) {
  if (config.strategy != "ai") return fund::make_rule_strategy(config.strategy, symbols);
  std::vector<std::unique_ptr<models::Model>> members;
  for (auto& m : models) members.push_back(std::move(m.model));
  QT_TRY(auto ensemble, models::Ensemble::create(config.ensemble, symbols, config.primary, std::move(members)));
  return std::unique_ptr<fund::Strategy>(std::make_unique<fund::AiStrategy>(std::move(ensemble)));
}

}  // namespace qtrader::apps
