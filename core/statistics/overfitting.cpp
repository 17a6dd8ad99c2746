#include "core/statistics/overfitting.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

#include "core/base/det_math.hpp"

namespace qtrader::statistics {
namespace {

struct Sums {
  double n = 0, x = 0, xx = 0;
  Sums& operator+=(const Sums& o) {
    n += o.n;
    x += o.x;
    xx += o.xx;
    return *this;
  }
  double performance() const {
    const double variance = (xx - x * x / n) / (n - 1);
    return variance > 1e-14 * xx / n ? x / n / std::sqrt(variance) : 0;
  }
};

/// Sums of each variant over each block.
std::vector<std::vector<Sums>> block_sums(const Panel& returns, std::size_t blocks) {
  std::vector<std::vector<Sums>> out(blocks, std::vector<Sums>(returns.columns()));
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t from = b * returns.rows() / blocks, to = (b + 1) * returns.rows() / blocks;
    for (std::size_t t = from; t < to; ++t) {
      const auto row = returns.row(t);
      for (std::size_t k = 0; k < row.size(); ++k) out[b][k] += {1, row[k], row[k] * row[k]};
    }
  }
  return out;
}

/// Rank in 1 … N of one value, the mean rank if it is tied.
double rank_of(const std::vector<Sums>& all, std::size_t chosen) {
  const double own = all[chosen].performance();
  double below = 0, equal = 0;
  for (const Sums& s : all) {
    const double p = s.performance();
    below += p < own ? 1 : 0;
    equal += p == own ? 1 : 0;
  }
  return below + (equal + 1) / 2;
}

std::size_t best_of(const std::vector<Sums>& all) {
  std::size_t best = 0;
  double most = all[0].performance();
  for (std::size_t k = 1; k < all.size(); ++k) {
    const double p = all[k].performance();
    if (p > most) most = p, best = k;
  }
  return best;
}

}  // namespace

std::optional<Overfitting> backtest_overfitting(const Panel& returns, std::size_t blocks) {
  QT_CHECK(blocks >= 2 && blocks % 2 == 0 && blocks <= kMostCscvBlocks, "an even number of blocks, 2 to 20");
  const std::size_t variants = returns.columns();
  if (variants < 2 || returns.rows() < 2 * blocks) return std::nullopt;
  const auto sums = block_sums(returns, blocks);
  Overfitting out;
  double below = 0, lost = 0;
  std::vector<Sums> in(variants), outside(variants);
  const std::uint32_t end = std::uint32_t{1} << blocks;
  for (std::uint32_t mask = (std::uint32_t{1} << (blocks / 2)) - 1; mask < end;) {
    in.assign(variants, {});
    outside.assign(variants, {});
    for (std::size_t b = 0; b < blocks; ++b) {
      auto& side = (mask >> b & 1) != 0 ? in : outside;
      for (std::size_t k = 0; k < variants; ++k) side[k] += sums[b][k];
    }
    const std::size_t chosen = best_of(in);
    const double share = rank_of(outside, chosen) / static_cast<double>(variants + 1);
    const double logit = share == 0.5 ? 0 : base::det::log(share / (1 - share));
    out.logits.push_back(logit);
    below += logit < 0 ? 1 : logit == 0 ? 0.5 : 0;
    lost += outside[chosen].x < 0 ? 1 : 0;
    // The next larger number with as many bits set (Gosper 1972).
    const std::uint32_t lowest = mask & (0 - mask), ripple = mask + lowest;
    mask = ripple | (((mask ^ ripple) >> 2) >> std::countr_zero(lowest));
  }
  const auto splits = static_cast<double>(out.logits.size());
  out.pbo = below / splits;
  out.loss_share = lost / splits;
  return out;
}

}  // namespace qtrader::statistics
