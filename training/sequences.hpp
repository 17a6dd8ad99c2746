// Sequences: a dataset as the networks read it: each symbol's rows in time order, so that a window is one piece of it.
//
// In the flow: Dataset (rows in any order) → one table of normalised float32 rows → examples that name the row
// their window ends at. The statistics come from training rows alone. No window is copied here, none spans a missing
// bar, and no target reaches past the part it belongs to.
#pragma once

#include <optional>

#include "training/dataset.hpp"
#include "training/deep/decision_data.hpp"

namespace qtrader::training {

/// Row numbers as trading lives through them: by symbol, then time.
std::vector<std::uint32_t> rows_by_symbol(const Dataset& dataset);

/// By place in `order` (rows_by_symbol): how many rows without a gap end there; 0 for a row no network can read.
std::vector<std::uint32_t> unbroken_runs(const Dataset& dataset, std::span<const std::uint32_t> order);

/// Median and interquartile range (linear between order statistics) of each feature over `train`; at least one row
/// (QT_CHECK).
deep::Quartiles fit_quartiles(const Dataset& dataset, IndexRange train);

/// The examples of one part. Rows that do not follow an unbroken window are left out.
struct SequenceExamples {
  std::vector<std::size_t> rows;  // of the dataset, rising
  std::vector<std::uint32_t> ends;
  std::vector<std::uint8_t> labels;
  std::vector<float> weights;
  std::vector<float> targets;

  deep::DecisionExamples view() const { return {ends, labels, weights, targets}; }
};

class Sequences {
 public:
  Sequences(const Dataset& dataset, const deep::Quartiles& quartiles);

  deep::WindowTable table() const { return {z_, log_close_, rv_20_}; }
  /// Where the window of a dataset row ends in the table; absent without kWindowSteps unbroken rows.
  std::optional<std::uint32_t> window_end(std::size_t row) const;

  /// `weights` are those of the rows of `range` and are scaled to mean 1; empty: none.
  SequenceExamples examples(IndexRange range, std::span<const double> weights) const;

 private:
  void place(std::size_t at, const models::Normaliser& normaliser);
  void append_targets(std::uint32_t end, IndexRange part, std::vector<float>& out) const;

  const Dataset& dataset_;
  std::vector<std::uint32_t> row_at_;    // of the dataset, by table row: rows_by_symbol
  std::vector<std::uint32_t> position_;  // its inverse
  std::vector<std::uint32_t> run_;       // by table row: unbroken_runs
  std::vector<float> z_, rv_20_;
  std::vector<double> log_close_;
};

}  // namespace qtrader::training
