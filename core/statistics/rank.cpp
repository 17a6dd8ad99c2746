#include "core/statistics/rank.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/check.hpp"

namespace qtrader::statistics {

std::vector<double> average_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t from = 0, to = 0; from < order.size(); from = to) {
    while (to < order.size() && values[order[to]] == values[order[from]]) ++to;
    const double rank = 0.5 * static_cast<double>(from + 1 + to);
    for (std::size_t k = from; k < to; ++k) ranks[order[k]] = rank;
  }
  return ranks;
}

std::optional<double> spearman(std::span<const double> x, std::span<const double> y) {
  QT_CHECK(x.size() == y.size(), "pairs of values");
  if (x.size() < 2) return std::nullopt;
  const std::vector<double> a = average_ranks(x), b = average_ranks(y);
  const double middle = 0.5 * static_cast<double>(x.size() + 1);
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double da = a[i] - middle, db = b[i] - middle;
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  if (aa == 0 || bb == 0) return std::nullopt;
  return ab / (std::sqrt(aa) * std::sqrt(bb));
}

}  // namespace qtrader::statistics
