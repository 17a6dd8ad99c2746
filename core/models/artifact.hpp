// ModelCard: what is known of a fitted model besides its weights, kept beside the weights file as card.json.
//
// Written by training (base::to_json), read by the apps and the registry (parse_card). A model whose card is incomplete
// is not loaded: the schema, the temperature and the class means are part of every decision it takes part in. The card
// never holds a path, a host name or the wall clock of a reader.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/domain/bar.hpp"
#include "core/models/model.hpp"
#include "core/models/novelty.hpp"

namespace qtrader::models {

/// How the rows were labelled (ai.md 2.1).
struct LabelSpec {
  std::string mode = "fixed_horizon";  // or "triple_barrier"
  std::int32_t horizon_bars = 4;       // H, in bars of the card's timeframe
  double theta_min = 0.0020;           // least |log return| of a directional label
  double k = 0.5;                      // θ = max(theta_min, k·σ100·√H)
};
QT_DESCRIBE(LabelSpec, mode, horizon_bars, theta_min, k)

/// Close times of the first and the last row used for fitting, inclusive.
struct DataRange {
  base::Timestamp first;
  base::Timestamp last;
};
QT_DESCRIBE(DataRange, first, last)

struct ModelCard {
  std::string model_id;  // unique in a registry
  ModelKind type = ModelKind::XGBoost;
  std::string version;  // vYYYYMMDD_HHMMSS
  std::string schema_id;
  domain::Timeframe timeframe = domain::Timeframe::M15;
  LabelSpec label_spec;
  DataRange data_range;
  std::vector<std::string> symbols;
  std::int64_t n_rows = 0;                     // training rows
  std::array<std::int64_t, 3> class_counts{};  // of the training rows: SELL, HOLD, BUY
  bool synthetic = false;                      // a generator made any of the data
  std::string code_version;
  std::uint64_t seed = 0;
  std::map<std::string, std::string> hyper_parameters;
  double temperature = 1;                    // see ModelTraits
  std::array<double, 3> class_mean_abs_r{};  // see ModelTraits
  NoveltyBaseline novelty;                   // of the training rows
  std::map<std::string, double> metrics;     // "test.log_loss", …; one that could not be computed is absent
  std::string sha256;                        // of the weights file, 64 lower-case hex digits
  base::Timestamp trained_at;
};
QT_DESCRIBE(ModelCard, model_id, type, version, schema_id, timeframe, label_spec, data_range, symbols, n_rows,
            class_counts, synthetic, code_version, seed, hyper_parameters, temperature, class_mean_abs_r, novelty,
            metrics, sha256, trained_at)

/// Reads a card. Members it does not know are ignored, so that a card may grow.
/// Errors: Corrupt (not JSON); SchemaMismatch naming the member that is missing or of another type; InvalidArgument
/// naming the member whose value is out of range (temperature > 0, class means finite and ≥ 0, counts ≥ 0, a SHA-256 in
/// sha256, a novelty baseline as Novelty::create wants it).
base::Result<ModelCard> parse_card(std::string_view json);

/// Novelty is null if the card has no usable baseline, which parse_card does not let pass.
ModelTraits traits_of(const ModelCard& card);

}  // namespace qtrader::models
