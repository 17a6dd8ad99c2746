// Dataset: feature rows of many symbols with their labels, sorted by (time, symbol), ready to be split by time.
//
// In the flow: history (recorded bars, funding) → the same MarketState and FeatureBook that trade → rows → trainers.
// All bars of one moment are fed before any vector is computed, and funding settled at a close is known when the bar is
// decided on a second later, exactly as in the session. Only valid vectors with a knowable label become rows. Never
// looks ahead: a row's numbers depend on bars up to its close, its label on the H bars after it, and nothing else.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/domain/events.hpp"
#include "edge/history/catalog.hpp"
#include "training/labels.hpp"
#include "training/split.hpp"
#include "training/trainer.hpp"

namespace qtrader::training {

/// One symbol's recorded data.
struct Lane {
  std::unique_ptr<history::BarCursor> bars;  // of the base timeframe
  std::vector<domain::FundingRate> funding;  // by time; symbol ids are not read
};

struct DatasetSpec {
  domain::Timeframe base = domain::Timeframe::M5;
  domain::Timeframe primary = domain::Timeframe::M15;
  std::int32_t warmup_bars = 800;
  std::optional<domain::SymbolId> reference;  // BTCUSDT's lane, if there is one (feature #58)
  history::Window rows;                       // close times of rows lie in (from, to]; earlier bars only warm up
  models::LabelSpec labels;
};

inline constexpr std::uint32_t kNoRow = 0xFFFFFFFF;

struct Row {
  base::Timestamp bar_close;
  domain::SymbolId symbol;  // index of its lane
  Label label;
  double horizon_sigma = 0;  // σ100·√H: the unit of class_mean_abs_r
  double uniqueness = 1;     // average uniqueness; 1 unless triple_barrier
  std::uint64_t present_mask = 0;
  domain::Regime regime = domain::Regime::Unknown;
  double close = 0;                 // of bar_close, quote currency
  std::uint32_t previous = kNoRow;  // the row of this symbol one primary bar earlier
};

/// Why bars did not become rows.
struct DatasetStats {
  std::int64_t primary_bars = 0;
  std::int64_t unlabelled = 0;                      // valid, but the label would need bars that are not there
  std::map<std::string, std::int64_t> invalid;      // FeatureVector::invalid_reason → bars
  std::map<std::string, std::int64_t> data_faults;  // rule of the market's data gate → bars
};
QT_DESCRIBE(DatasetStats, primary_bars, unlabelled, invalid, data_faults)

struct Dataset {
  std::vector<double> x;  // rows × features::kFeatureCount
  std::vector<LabelClass> labels;
  std::vector<Row> rows;
  DatasetStats stats;

  std::size_t size() const { return rows.size(); }
  RowBlock block(IndexRange range) const;
  /// The row as the vector that serving sees.
  features::FeatureVector vector(std::size_t row) const;
  std::vector<base::Timestamp> times() const;
};

/// Lanes are indexed by symbol id. Errors: those of the cursors and of Labeler::create; Interrupted.
base::Result<Dataset> build_dataset(std::vector<Lane> lanes, const DatasetSpec& spec, const Progress& progress);

/// Features that fewer than `coverage` of the training rows have: every row is set to the neutral value, so that no
/// model learns from their presence (ai.md 1). Returns their names.
std::vector<std::string> hold_uncovered_neutral(Dataset& dataset, IndexRange train, double coverage = 0.8);

/// min(3, n / (3·n_class)) of the training rows; 1 for a class without rows.
std::array<double, kClassCount> class_weights(const Dataset& dataset, IndexRange train);

/// Class weight · exp(−age_days / 60) · uniqueness for each training row; age counts back from the last one.
std::vector<double> sample_weights(const Dataset& dataset, IndexRange train);

std::array<std::int64_t, kClassCount> class_counts(std::span<const LabelClass> labels);

/// Mean |log return| of each class in units of σ100·√H; 0 for a class without rows.
std::array<double, kClassCount> class_mean_abs_return(const Dataset& dataset, IndexRange range);

}  // namespace qtrader::training
