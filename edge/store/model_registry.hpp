// Model registry on disk: REGISTRY/<type>/<id>/{weights.*, card.json, SHA256SUMS} and REGISTRY/<type>/ACTIVE.
//
// The id is the first 12 hex digits of the artefact's identity, so a directory never changes its content. SHA256SUMS
// (in sha256sum's format) covers the weights and the card and is verified before anything is handed out. ACTIVE is one
// line: the id that decides now; absent means none does. Written by training, read by the apps and the model verbs.
// Knows nothing of what is inside a card. Never half-written: a temporary directory, fsync, rename.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace qtrader::store {

struct ModelEntry {
  std::string type;  // "xgboost", "lightgbm", …
  std::string id;
  bool active = false;
  std::filesystem::path directory;
};

/// A model's files, verified against SHA256SUMS.
struct StoredModel {
  ModelEntry entry;
  std::string card_json;
  std::string weights_file;  // its name, "weights.ubj" or "weights.txt"
  std::vector<std::byte> weights;
  std::string weights_sha256;  // 64 lower-case hex digits
};

struct ModelDraft {
  std::string type;
  std::string id;  // 12 or more lower-case hex digits
  std::string card_json;
  std::string weights_file;  // a plain file name
  std::string weights;       // bytes
};

/// Creates the directory if it is missing and checks that it can be written, so that a long training does not fail at
/// its end. Errors: Conflict if the path is something else than a directory; Io, NoSpace.
base::Result<void> prepare_registry(const std::filesystem::path& root);

/// Stores a model and returns its directory. Storing the same id again changes nothing: the first one stays.
/// Errors: InvalidArgument for a name that is no plain name; Io, NoSpace; nothing is left behind.
base::Result<std::filesystem::path> store_model(const std::filesystem::path& root, const ModelDraft& draft);

/// Makes `id` the deciding model of its type, atomically. Errors: NotFound naming the ids there are; Io, NoSpace.
base::Result<void> set_active(const std::filesystem::path& root, std::string_view type, std::string_view id);

/// All models, by type, then id. Errors: NotFound if there is no such directory; Corrupt for an ACTIVE that names none.
base::Result<std::vector<ModelEntry>> list_models(const std::filesystem::path& root);

/// Errors: NotFound; Io; Corrupt naming the file whose hash differs or that is missing.
base::Result<StoredModel> load_model(const ModelEntry& entry);

/// The active model of each type, by type; empty if none is active. Errors as list_models and load_model.
base::Result<std::vector<StoredModel>> load_active_models(const std::filesystem::path& root);

}  // namespace qtrader::store
