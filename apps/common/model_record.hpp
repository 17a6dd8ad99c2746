// ModelRecord: a stored model as a person and an audit read it: its card, the training behind it, and whether it is
// what its id says. The weights hash names it in every decision; from there the chain goes back to the data:
//
//   ModelVote.version → weights → card.json → id, and in the card: data hash, code version, seed, schema.
//
// Read by qtrader model and qtrader explain; check_promotable() is the gate of every promotion by a person. Never
// changes a registry.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/models/artifact.hpp"
#include "edge/store/model_registry.hpp"

namespace qtrader::apps {

/// Rows of one part of the split and their bounds; close times, inclusive.
struct DataPart {
  std::int64_t rows = 0;
  base::Timestamp first, last;
  bool operator==(const DataPart&) const = default;
};
QT_DESCRIBE(DataPart, rows, first, last)

/// The member "training" of a card, as far as it is shown (docs/formats/model-registry.md).
struct TrainingFacts {
  std::string library;
  std::string data_hash;
  std::string base_timeframe;
  DataPart train, validation, test;
  std::vector<std::string> neutral_features;
  std::map<std::string, double> importance;  // share of the total split gain; empty where splits are unknown
};
QT_DESCRIBE(TrainingFacts, library, data_hash, base_timeframe, train, validation, test, neutral_features, importance)

struct ModelRecord {
  store::ModelEntry entry;
  std::string weights_sha256;
  std::string card_json;
  models::ModelCard card;
  TrainingFacts training;
  /// "xgboost/3c7e1a5e4a1b"
  std::string name() const { return entry.type + "/" + entry.id; }
  std::optional<double> metric(const std::string& name) const;
};

/// The one model whose id starts with `text`, or whose type and id do for "type/prefix". Errors: NotFound naming the
/// models there are; InvalidArgument naming those that it could be.
base::Result<store::ModelEntry> find_model(const std::filesystem::path& registry, const std::string& text);

/// Errors: those of store::load_model and models::parse_card; SchemaMismatch naming what the training record lacks;
/// Corrupt if the card is of other weights or another type.
base::Result<ModelRecord> read_record(const store::StoredModel& stored);
base::Result<ModelRecord> read_record(const store::ModelEntry& entry);

/// What the id must be: the first 12 hex digits of the SHA-256 of the card without its wall-clock members.
std::string identity_of(const ModelRecord& record);

/// Refuses, with the reason: what read_record refuses; a card that is not the one the id was made from (Corrupt);
/// synthetic training data (Unsupported); features of another schema than this build's (SchemaMismatch).
base::Result<void> check_promotable(const store::StoredModel& stored);

}  // namespace qtrader::apps
