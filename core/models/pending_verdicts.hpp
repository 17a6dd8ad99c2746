// PendingVerdicts: directional verdicts that wait for the bar their horizon ends on, to be compared with what happened.
//
// Filled and read by the ensemble. A verdict matures on the bar that closes exactly one horizon later and on no other:
// if that bar never comes, it is dropped at the next one. So at most one horizon of verdicts waits per symbol.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/time.hpp"
#include "core/domain/ids.hpp"

namespace qtrader::models {

/// Bounds in units of σ100·√H.
struct Bounds {
  double low = 0, high = 0;

  template <class Archive>
  void archive(Archive& a) {
    a(low, high);
  }
};

struct PendingVerdict {
  base::Timestamp bar_close;     // of the bar decided on
  double close = 0;              // of that bar, > 0
  bool buy = false;              // the side it leaned to; else sell
  double p_dir_raw = 0;          // before and
  double p_dir = 0;              // after the ensemble's calibration
  double unit = 0;               // σ100·√H, log return; 0: not known
  double edge = 0;               // expected move in favour, in units
  std::optional<Bounds> bounds;  // around the edge, in units, as issued

  template <class Archive>
  void archive(Archive& a) {
    a(bar_close, close, buy, p_dir_raw, p_dir, unit, edge, bounds);
  }
};

struct MaturedVerdict {
  PendingVerdict verdict;
  double log_return = 0;  // over the horizon, in favour of the side
};

class PendingVerdicts {
 public:
  PendingVerdicts(std::size_t symbols, base::Duration horizon) : horizon_(horizon), waiting_(symbols) {}

  /// Verdicts of a symbol come in the order of their bars.
  void add(domain::SymbolId symbol, const PendingVerdict& verdict) { waiting_[symbol.value].push_back(verdict); }

  /// The verdict whose horizon ends on this bar, if there is one and the close is a price. Asking again gives nothing.
  std::optional<MaturedVerdict> mature(domain::SymbolId symbol, base::Timestamp bar_close, double close);

  /// Verdicts whose bar never came.
  std::int64_t dropped() const { return dropped_; }

  template <class Archive>
  void archive(Archive& a) {
    for (std::vector<PendingVerdict>& symbol : waiting_) a(symbol);
    a(dropped_);
  }

 private:
  base::Duration horizon_;
  std::vector<std::vector<PendingVerdict>> waiting_;  // by symbol, oldest first
  std::int64_t dropped_ = 0;
};

}  // namespace qtrader::models
