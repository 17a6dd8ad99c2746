#include "training/card.hpp"

#include <algorithm>

#include "core/base/hash.hpp"
#include "core/base/json.hpp"

namespace qtrader::training {

PartRecord part_of(const Dataset& dataset, IndexRange range) {
  return {static_cast<std::int64_t>(range.size()), dataset.rows[range.begin].bar_close,
          dataset.rows[range.end - 1].bar_close};
}

std::string version_of(base::Timestamp trained_at) {
  std::string digits;
  for (const char c : base::format_timestamp(trained_at))  // 2025-12-03T10:11:12.000Z
    if (c >= '0' && c <= '9') digits.push_back(c);
  return "v" + digits.substr(0, 8) + "_" + digits.substr(8, 6);
}

std::string seal(models::ModelCard& card, const TrainingRecord& record) {
  models::ModelCard timeless = card;
  timeless.model_id.clear();
  timeless.version.clear();
  timeless.trained_at = {};
  const std::string id = base::sha256_hex(to_json(timeless, record)).substr(0, 12);
  card.version = version_of(card.trained_at);
  card.model_id = std::string(models::name(card.type)) + "-" + id;
  return id;
}

std::string to_json(const models::ModelCard& card, const TrainingRecord& record) {
  std::string out = base::to_json(card);
  out.back() = ',';  // in place of the closing brace
  out += "\"training\":";
  base::append_json(out, record);
  out += "}\n";
  return out;
}

void add_metrics(std::map<std::string, double>& metrics, const std::string& prefix, const Score& score) {
  metrics[prefix + ".rows"] = static_cast<double>(score.rows);
  metrics[prefix + ".log_loss"] = score.log_loss;
  metrics[prefix + ".brier"] = score.brier;
  metrics[prefix + ".ece"] = score.ece;
  metrics[prefix + ".macro_f1"] = score.macro_f1;
  metrics[prefix + ".mcc"] = score.mcc;
  metrics[prefix + ".accuracy"] = score.accuracy;
  metrics[prefix + ".directional_accuracy"] = score.directional_accuracy;
}

}  // namespace qtrader::training
