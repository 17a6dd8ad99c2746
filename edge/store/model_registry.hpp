// Model registry on disk: REGISTRY/<type>/<id>/{weights.*, card.json, SHA256SUMS} and REGISTRY/<type>/HISTORY.
//
// The id is the first 12 hex digits of the artefact's identity, so a directory never changes its content. SHA256SUMS
// (in sha256sum's format) covers the weights and the card and is verified before anything is handed out. HISTORY is
// every change of a model's stage (model_history.hpp); absent means that every model is a CANDIDATE. Written by
// training and the model verbs, read by the apps. Knows nothing of what is inside a card: what makes a model fit to be
// promoted is apps/common/model_record.hpp. Never half-written: a temporary file or directory, fsync, rename.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "edge/store/model_history.hpp"

namespace qtrader::store {

struct ModelEntry {
  std::string type;  // "xgboost", "lightgbm", …
  std::string id;
  Stage stage = Stage::CANDIDATE;
  bool active = false;  // stage is ACTIVE: it decides now
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

/// The changes of stage of a type's models; empty if there were none. Errors: Corrupt naming the line of HISTORY, or
/// the ACTIVE model that is not there; Unsupported for a later format; Io.
base::Result<ModelHistory> read_history(const std::filesystem::path& root, std::string_view type);

/// What a promotion is about.
struct Promotion {
  std::string type;
  std::string id;
  Stage to = Stage::ACTIVE;  // or SHADOW
};

/// Changes a model's stage, atomically and under the type's lock; the model's files are verified first. Errors:
/// NotFound naming the ids there are; Corrupt; Conflict (see ModelHistory::promote, or another process keeps the lock
/// for seconds); InvalidArgument; Io, NoSpace.
base::Result<StageChange> promote(const std::filesystem::path& root, const Promotion& promotion,
                                  const Approval& approval);

/// Brings back the champion before the present one, whose files are verified first. Errors: as promote.
base::Result<StageChange> roll_back(const std::filesystem::path& root, std::string_view type, const Approval& approval);

/// All models, by type, then id. Errors: NotFound if there is no such directory; those of read_history.
base::Result<std::vector<ModelEntry>> list_models(const std::filesystem::path& root);

/// Errors: NotFound; Io; Corrupt naming the file whose hash differs or that is missing.
base::Result<StoredModel> load_model(const ModelEntry& entry);

/// The active model of each type, by type; empty if none is active. Errors as list_models and load_model.
base::Result<std::vector<StoredModel>> load_active_models(const std::filesystem::path& root);

}  // namespace qtrader::store
