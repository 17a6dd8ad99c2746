#include "training/evaluate/arrange.hpp"

#include <algorithm>

namespace qtrader::training {
namespace {

using features::kFeatureCount;

/// Appends rows to the order; gives where they came to lie.
IndexRange take(IndexRange rows, std::vector<std::uint32_t>& order) {
  const std::size_t begin = order.size();
  for (std::size_t i = rows.begin; i < rows.end; ++i) order.push_back(static_cast<std::uint32_t>(i));
  return {begin, order.size()};
}

void take_the_rest(std::size_t rows, std::vector<std::uint32_t>& order) {
  std::vector<bool> taken(rows, false);
  for (const std::uint32_t i : order) taken[i] = true;
  for (std::size_t i = 0; i < rows; ++i)
    if (!taken[i]) order.push_back(static_cast<std::uint32_t>(i));
}

Dataset permuted(const Dataset& from, std::span<const std::uint32_t> order) {
  std::vector<std::uint32_t> place(from.size(), kNoRow);  // of each row of `from`
  for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = static_cast<std::uint32_t>(i);
  Dataset out;
  out.stats = from.stats;
  out.x.resize(from.x.size());
  out.rows.reserve(order.size());
  out.labels.reserve(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::copy_n(from.x.begin() + static_cast<std::ptrdiff_t>(order[i] * kFeatureCount), kFeatureCount,
                out.x.begin() + static_cast<std::ptrdiff_t>(i * kFeatureCount));
    Row row = from.rows[order[i]];
    if (row.previous != kNoRow) row.previous = place[row.previous];
    out.rows.push_back(row);
    out.labels.push_back(from.labels[order[i]]);
  }
  return out;
}

}  // namespace

Arranged arrange(const Dataset& dataset, const CrossFold& fold) {
  Arranged out;
  out.source.reserve(dataset.size());
  for (const IndexRange rows : fold.train) take(rows, out.source);
  out.train = {0, out.source.size()};
  out.validation = take(fold.validation, out.source);
  for (std::size_t t = 0; t < fold.test.size(); ++t) {
    take(fold.test[t], out.source);
    out.test_blocks.insert(out.test_blocks.end(), fold.test[t].size(), fold.blocks[t]);
  }
  out.test = {out.validation.end, out.source.size()};
  take_the_rest(dataset.size(), out.source);
  QT_CHECK(out.source.size() == dataset.size(), "the parts of a fold share no row");
  out.dataset = permuted(dataset, out.source);
  return out;
}

}  // namespace qtrader::training
