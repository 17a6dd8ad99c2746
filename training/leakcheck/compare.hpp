// Comparison of what a pipeline made of two recordings that are equal up to a cut: whatever was settled by then must be
// equal to the last bit.
//
// Also the two checks that need no changed future: parts of a split that share bars, and (with both jumps) labels that
// do not look at the future. Pure functions; which recordings to compare is the checker's choice.
#pragma once

#include <optional>

#include "training/leakcheck/finding.hpp"
#include "training/leakcheck/pipeline.hpp"

namespace qtrader::training::leakcheck {

/// Everything a pipeline made of one recording.
struct Snapshot {
  std::vector<std::string> symbols;
  Dataset dataset;             // as split() left it
  std::optional<Split> split;  // not made of a truncated recording: shares of another span
  std::vector<Statistic> statistics;
  std::vector<Decision> decisions;
};

/// How much was compared: each row against each of the changed futures.
struct Coverage {
  std::int64_t rows = 0;  // training rows at or before their cut, each once; counted by the checker
  std::int64_t feature_values = 0;
  std::int64_t labels = 0;            // whose horizon had passed
  std::int64_t label_directions = 0;  // labels that had to rise and fall with the market after them
  std::int64_t statistics = 0;
  std::int64_t decisions = 0;

  Coverage& operator+=(const Coverage& other);
};
QT_DESCRIBE(Coverage, rows, feature_values, labels, label_directions, statistics, decisions)

struct Outcome {
  Findings findings;
  Coverage coverage;
};

struct Cut {
  base::Timestamp at;
  std::string change;      // see Finding::change
  bool truncated = false;  // then nothing may be there that was settled later
  base::Duration primary;  // length of a primary bar
  std::int32_t horizon_bars = 4;
};

/// `real` and `changed` differ after the cut only.
void compare(const Snapshot& real, const Snapshot& changed, const Cut& cut, Outcome& outcome);

/// Labels of the last rows before the cut, on futures that jump up and down.
void compare_directions(const Snapshot& up, const Snapshot& down, const Cut& cut, Outcome& outcome);

/// No label of an earlier part may end within the history that a row of a later part reads.
void check_parts(const Snapshot& snapshot, std::int32_t embargo_bars, base::Duration primary, Findings& findings);

}  // namespace qtrader::training::leakcheck
