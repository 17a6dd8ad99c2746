#include "apps/common/model_record.hpp"

#include "core/base/hash.hpp"
#include "core/features/feature_vector.hpp"
#include "core/models/document.hpp"

namespace qtrader::apps {
namespace {

using base::Errc;
using base::Result;
using models::Value;

base::Error bad(Errc code, std::string what) { return {"models", code, std::move(what)}; }

base::Error lacks(const std::string& member) {
  return bad(Errc::SchemaMismatch, "training record: member " + member + " is missing or of another type");
}

Result<std::string> text_at(const Value& from, const std::string& key) {
  const Value* found = from.find(key);
  const auto* text = found == nullptr ? nullptr : found->as<std::string>();
  if (text == nullptr) return lacks(key);
  return *text;
}

Result<base::Timestamp> time_at(const Value& from, const std::string& key) {
  QT_TRY(const std::string text, text_at(from, key));
  return base::parse_timestamp(text);
}

Result<DataPart> part_at(const Value& from, const std::string& key) {
  const Value* found = from.find(key);
  const Value* rows = found == nullptr ? nullptr : found->find("rows");
  DataPart out;
  if (rows == nullptr || !rows->integer(out.rows)) return lacks(key + ".rows");
  QT_TRY(out.first, time_at(*found, "first"));
  QT_TRY(out.last, time_at(*found, "last"));
  return out;
}

/// Lists of text and maps of numbers; an empty list has no elements to tell its type by.
void read_names(const Value* from, std::vector<std::string>& out) {
  const auto* list = from == nullptr ? nullptr : from->as<Value::Array>();
  if (list == nullptr) return;
  for (const Value& v : *list)
    if (const auto* text = v.as<std::string>()) out.push_back(*text);
}
void read_shares(const Value* from, std::map<std::string, double>& out) {
  const auto* object = from == nullptr ? nullptr : from->as<Value::Object>();
  if (object == nullptr) return;
  for (const auto& [name, value] : *object)
    if (double share = 0; value.number(share)) out[name] = share;
}

Result<TrainingFacts> read_training(const std::string& card_json) {
  QT_TRY(const Value root, models::parse_json(card_json));
  const Value* training = root.find("training");
  if (training == nullptr) return lacks("training");
  TrainingFacts out;
  QT_TRY(out.library, text_at(*training, "library"));
  QT_TRY(out.data_hash, text_at(*training, "data_hash"));
  QT_TRY(out.base_timeframe, text_at(*training, "base_timeframe"));
  QT_TRY(out.train, part_at(*training, "train"));
  QT_TRY(out.validation, part_at(*training, "validation"));
  QT_TRY(out.test, part_at(*training, "test"));
  read_names(training->find("neutral_features"), out.neutral_features);
  read_shares(training->find("importance"), out.importance);
  return out;
}

std::string listed(const std::vector<const store::ModelEntry*>& entries) {
  std::string out;
  for (const store::ModelEntry* e : entries) out += " " + e->type + "/" + e->id;
  return out.empty() ? " none" : out;
}

/// Puts `value` in the place of a text member's value; the writer's spelling, without spaces, is the only one hashed.
void replace_text(std::string& json, const std::string& member, const std::string& value) {
  const std::string opening = "\"" + member + "\":\"";
  const std::size_t at = json.find(opening);
  if (at == std::string::npos) return;
  const std::size_t from = at + opening.size();
  json.replace(from, json.find('"', from) - from, value);
}

}  // namespace

std::optional<double> ModelRecord::metric(const std::string& name) const {
  const auto found = card.metrics.find(name);
  return found == card.metrics.end() ? std::nullopt : std::optional(found->second);
}

base::Result<store::ModelEntry> find_model(const std::filesystem::path& registry, const std::string& text) {
  QT_TRY(const std::vector<store::ModelEntry> entries, store::list_models(registry));
  std::vector<const store::ModelEntry*> all, matching;
  for (const store::ModelEntry& e : entries) {
    all.push_back(&e);
    const std::string whole = e.type + "/" + e.id;
    if (!text.empty() && (e.id.starts_with(text) || (text.size() > e.type.size() && whole.starts_with(text))))
      matching.push_back(&e);
  }
  if (matching.empty())
    return bad(Errc::NotFound, registry.string() + " has no model '" + text + "'; there are:" + listed(all));
  if (matching.size() > 1)
    return bad(Errc::InvalidArgument, "'" + text + "' is the start of several models:" + listed(matching));
  return *matching.front();
}

base::Result<ModelRecord> read_record(const store::StoredModel& stored) {
  ModelRecord out;
  out.entry = stored.entry;
  out.weights_sha256 = stored.weights_sha256;
  out.card_json = stored.card_json;
  QT_TRY(out.card, models::parse_card(stored.card_json));
  if (out.card.sha256 != stored.weights_sha256)
    return bad(Errc::Corrupt,
               out.name() + ": its card is of weights " + out.card.sha256 + ", the file is " + stored.weights_sha256);
  if (models::name(out.card.type) != stored.entry.type)
    return bad(Errc::Corrupt,
               out.name() + ": its card is of a model of type " + std::string(models::name(out.card.type)));
  QT_TRY(out.training, read_training(stored.card_json));
  return out;
}

base::Result<ModelRecord> read_record(const store::ModelEntry& entry) {
  QT_TRY(const store::StoredModel stored, store::load_model(entry));
  return read_record(stored);
}

std::string identity_of(const ModelRecord& record) {
  std::string timeless = record.card_json;
  replace_text(timeless, "model_id", "");
  replace_text(timeless, "version", "");
  replace_text(timeless, "trained_at", base::format_timestamp({}));
  return base::sha256_hex(timeless).substr(0, 12);
}

base::Result<void> check_promotable(const store::StoredModel& stored) {
  QT_TRY(const ModelRecord record, read_record(stored));
  if (const std::string identity = identity_of(record); identity != stored.entry.id)
    return bad(Errc::Corrupt, record.name() + " is not what its id says: the card's own is " + identity);
  if (record.card.synthetic)
    return bad(Errc::Unsupported,
               record.name() + " was trained on synthetic data, which says nothing of a real market");
  if (const std::string ours = features::schema_id(record.card.timeframe); record.card.schema_id != ours)
    return bad(Errc::SchemaMismatch, record.name() + " reads features of schema " + record.card.schema_id +
                                         "; this build's schema for " +
                                         std::string(domain::to_string(record.card.timeframe)) + " is " + ours);
  return {};
}

}  // namespace qtrader::apps
