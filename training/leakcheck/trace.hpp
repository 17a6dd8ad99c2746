// Trace: which bars move a finding, by bisection: changes ever less of the future until only what matters is left.
//
// Each step rebuilds the window with a part of its future changed; steps are shared by all findings of a cut, and their
// number is bounded, so a finding may stay without its bars.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "training/leakcheck/compare.hpp"

namespace qtrader::training::leakcheck {

/// Which stages of a pipeline are run.
struct Stages {
  bool rows = true;
  bool fits = true;  // split and statistics
  bool trade = true;
  auto operator<=>(const Stages&) const = default;
};

/// Errors: those of the pipeline.
base::Result<Snapshot> take_snapshot(const Pipeline& pipeline, const Recording& recording, Stages stages);

/// One cut: the real future and the ones it was compared with.
struct CutCase {
  const Recording& recording;
  const Snapshot& real;
  const Recording& up;
  const Recording& down;
  Cut cut;
};

class Tracer {
 public:
  Tracer(const Pipeline& pipeline, std::int32_t rebuilds) : pipeline_(pipeline), rebuilds_left_(rebuilds) {}

  /// Fills in first_bar and last_bar, and calls a feature that reads no further than the forming bar UnclosedBar.
  /// Leaves it as it is once the rebuilds are used up. Errors: those of the pipeline.
  base::Result<void> trace(const CutCase& c, Finding& finding);

 private:
  /// A changed stretch of the future. For a truncation: everything from `from` on is gone.
  struct Stretch {
    std::string change;
    base::Timestamp from, to;
    Stages stages;
    auto operator<=>(const Stretch&) const = default;
  };
  base::Result<bool> moves(const CutCase& c, const Finding& finding, const Stretch& stretch);

  const Pipeline& pipeline_;
  std::int32_t rebuilds_left_;
  base::Timestamp memo_of_;                        // the cut that memo_ is of
  std::map<Stretch, std::set<std::string>> memo_;  // keys of what each stretch moved
};

}  // namespace qtrader::training::leakcheck
