// Cards: the model card that serving reads (core/models/artifact.hpp), plus what only people and audits need of a
// training.
//
// card.json is the ModelCard with one more member, "training", which parse_card ignores. The identity of an artefact is
// a hash of all of it but the wall clock, so the same data, code, parameters and seed give the same id.
#pragma once

#include <string>

#include "core/models/artifact.hpp"
#include "training/dataset.hpp"

namespace qtrader::training {

/// Sizes and bounds of one part of the split; times are close times.
struct PartRecord {
  std::int64_t rows = 0;
  base::Timestamp first, last;
};
QT_DESCRIBE(PartRecord, rows, first, last)
/// Of rows in `range`, at least one.
PartRecord part_of(const Dataset& dataset, IndexRange range);

struct TrainingRecord {
  std::string library;  // "XGBoost 1.7.4"
  std::string data_hash;
  domain::Timeframe base_timeframe = domain::Timeframe::M5;
  std::int32_t warmup_bars = 0;
  std::string reference_symbol;  // of feature #58; empty if it was not among the symbols
  std::int32_t embargo_bars = 0;
  PartRecord train, validation, test;
  std::vector<std::string> neutral_features;  // held neutral: covered by less than 80 % of the training rows
  DatasetStats dataset;
  std::map<std::string, double> importance;  // share of the total split gain
};
QT_DESCRIBE(TrainingRecord, library, data_hash, base_timeframe, warmup_bars, reference_symbol, embargo_bars, train,
            validation, test, neutral_features, dataset, importance)

/// "vYYYYMMDD_HHMMSS".
std::string version_of(base::Timestamp trained_at);

/// Fills in version and model_id ("<type>-<id>") and returns the id: 12 hex digits over everything but the wall clock.
std::string seal(models::ModelCard& card, const TrainingRecord& record);

std::string to_json(const models::ModelCard& card, const TrainingRecord& record);

/// Adds "<prefix>.log_loss", "<prefix>.brier", … and "<prefix>.rows".
void add_metrics(std::map<std::string, double>& metrics, const std::string& prefix, const Score& score);

}  // namespace qtrader::training
