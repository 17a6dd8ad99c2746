// Where to cut: windows spread over the data, cuts in the places where leaks show.
//
// A statistic of the training rows can be held to account only by a cut after the last label of the training part, one
// of validation only after that part's; in turn, cuts lie there. Half of them are on a primary bar's close, half within
// a bar that is still forming. Where a window has a hole in its data every other cut lies at its end, as that is what a
// back-fill would copy from.
#pragma once

#include <optional>

#include "core/base/rng.hpp"
#include "training/leakcheck/leakcheck.hpp"

namespace qtrader::training::leakcheck {

/// Row windows of cut 0 … spec.cuts − 1: one drawn from each of as many equal parts of the span. InvalidArgument if
/// there is no room for one.
base::Result<std::vector<history::Window>> choose_windows(const Source& source, const CheckSpec& spec);

struct Place {
  base::Timestamp at;
  std::string reason;
};

/// The cut of window number `index`. `split` is of the window's own rows.
base::Result<Place> choose_cut(const Recording& recording, const Snapshot& real, std::int32_t index, base::Rng rng);

/// Open times of bars, and times of settlements, that end a stretch without: missing bars, funding unknown for longer
/// than its time to live.
std::vector<base::Timestamp> hole_ends(const Recording& recording);

}  // namespace qtrader::training::leakcheck
