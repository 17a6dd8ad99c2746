// RollingRank: where a value stands among the last n, in constant time and a few kilobytes.
//
// A histogram with 32 bins per doubling over [2^-24, 4) and the ring of the bins of the last n values. The bin of a
// double is its exponent and the top five bits of its mantissa: no logarithm is taken. Inside a bin values are taken as
// evenly spread, so a quantile is within one bin (at most 3.2 % of its value) of the exact one.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "core/base/ring.hpp"

namespace qtrader::market {

class RollingRank {
 public:
  /// n ≤ 65 535.
  explicit RollingRank(std::size_t n) : bins_(n), counts_(kBins), octaves_(kOctaves) {
    QT_CHECK(n <= 65'535, "bin counts are 16 bits wide");
  }

  /// value ≥ 0; what lies outside the histogram's range is counted in its first or last bin.
  void push(double value) {
    if (bins_.full()) count(bins_[bins_.capacity() - 1], -1);
    const std::uint16_t bin = bin_of(value);
    bins_.push(bin);
    count(bin, +1);
  }
  std::size_t size() const { return bins_.size(); }

  /// Share of the window below value, [0, 1]; 0 for an empty window.
  double rank(double value) const {
    if (size() == 0) return 0;
    const std::uint16_t bin = bin_of(value);
    std::uint32_t below = 0;
    for (std::size_t o = 0; o < bin / kPerOctave; ++o) below += octaves_[o];
    for (std::size_t b = bin / kPerOctave * kPerOctave; b < bin; ++b) below += counts_[b];
    const double from = lower_edge(bin), to = lower_edge(bin + 1u);
    double inside = (value - from) / (to - from);
    inside = inside < 0 ? 0 : inside > 1 ? 1 : inside;
    return (below + inside * counts_[bin]) / static_cast<double>(size());
  }

  /// The value that a share q of the window lies below, q in (0, 1]; 0 for an empty window.
  double quantile(double q) const {
    const double target = q * static_cast<double>(size());
    double below = 0;
    for (std::size_t b = 0; b < kBins; ++b) {
      if (counts_[b] == 0) continue;
      if (below + counts_[b] >= target)
        return lower_edge(b) + (lower_edge(b + 1) - lower_edge(b)) * (target - below) / counts_[b];
      below += counts_[b];
    }
    return 0;
  }

  template <class Archive>
  void archive(Archive& a) {
    a(bins_, counts_, octaves_);
  }

 private:
  static constexpr int kSubBits = 5;
  static constexpr std::size_t kPerOctave = 1u << kSubBits, kOctaves = 26, kBins = kPerOctave * kOctaves;
  static constexpr std::uint64_t kFirst = static_cast<std::uint64_t>(1023 - 24) << kSubBits;  // of 2^-24

  static std::uint16_t bin_of(double value) {
    const std::uint64_t top = std::bit_cast<std::uint64_t>(value) >> (52 - kSubBits);
    if (!(value > 0) || top < kFirst) return 0;
    return static_cast<std::uint16_t>(top - kFirst < kBins ? top - kFirst : kBins - 1);
  }
  static double lower_edge(std::size_t bin) { return std::bit_cast<double>((kFirst + bin) << (52 - kSubBits)); }
  void count(std::uint16_t bin, int by) {
    counts_[bin] = static_cast<std::uint16_t>(counts_[bin] + by);
    octaves_[bin / kPerOctave] = static_cast<std::uint16_t>(octaves_[bin / kPerOctave] + by);
  }

  base::Ring<std::uint16_t> bins_;
  std::vector<std::uint16_t> counts_, octaves_;
};

}  // namespace qtrader::market
