#include "training/novelty_fit.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/features/feature_vector.hpp"

namespace qtrader::training {
namespace {

using base::Errc;
using features::kFeatureCount;
using Row = std::span<const double>;

constexpr std::size_t kLeastRows = 500;
constexpr std::size_t kBlocks = 5;

base::Error fail(std::string text) { return {"training", Errc::InvalidArgument, "novelty: " + std::move(text)}; }

/// The ceil(share · n)-th smallest. Reorders.
double order_statistic(std::span<double> values, double share) {
  const double rank = std::max(1.0, std::ceil(share * static_cast<double>(values.size())));
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(rank) - 1;
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

/// Rows as z of the features that vary.
class StandardRows {
 public:
  explicit StandardRows(std::span<const double> x) : x_(x), columns_(), z_() {
    std::vector<double> column(size());
    for (std::size_t f = 0; f < kFeatureCount; ++f) {
      for (std::size_t r = 0; r < column.size(); ++r) column[r] = x_[r * kFeatureCount + f];
      Column c{f, 0, 0};
      const double low = order_statistic(column, 0.25), high = order_statistic(column, 0.75);
      c.iqr = high - low;
      c.median = order_statistic(column, 0.50);
      const auto off = std::ranges::count_if(column, [&](double v) { return v != c.median; });
      if (static_cast<double>(off) >= kLeastVarying * static_cast<double>(column.size())) columns_.push_back(c);
    }
    z_.resize(columns_.size());
  }

  std::size_t size() const { return x_.size() / kFeatureCount; }
  std::size_t dimension() const { return columns_.size(); }
  /// Valid until the next call.
  Row operator[](std::size_t row) {
    for (std::size_t i = 0; i < columns_.size(); ++i)
      z_[i] = models::novelty_z(x_[row * kFeatureCount + columns_[i].feature], columns_[i].median, columns_[i].iqr);
    return z_;
  }
  void describe(models::NoveltyBaseline& out) const {
    for (const Column& c : columns_) {
      out.features.emplace_back(features::kFeatureNames[c.feature]);
      out.median.push_back(c.median);
      out.iqr.push_back(c.iqr);
    }
  }

 private:
  struct Column {
    std::size_t feature;
    double median, iqr;
  };
  std::span<const double> x_;
  std::vector<Column> columns_;
  std::vector<double> z_;
};

/// Sums over points, from which mean and covariance follow; what is known of all and of a part is known of the rest.
struct Moments {
  explicit Moments(std::size_t dimension) : sum(dimension), products(dimension * dimension) {}
  void add(Row point) {
    count += 1;
    for (std::size_t i = 0; i < point.size(); ++i) {
      sum[i] += point[i];
      for (std::size_t j = 0; j <= i; ++j) products[i * point.size() + j] += point[i] * point[j];
    }
  }
  void add(const Moments& o, double sign = 1) {
    count += sign * o.count;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += sign * o.sum[i];
    for (std::size_t i = 0; i < products.size(); ++i) products[i] += sign * o.products[i];
  }
  std::vector<double> mean() const {
    std::vector<double> out(sum);
    for (double& m : out) m /= count;
    return out;
  }
  double count = 0;
  std::vector<double> sum;
  std::vector<double> products;  // lower triangle, row-major
};

double squared_distance(Row point, Row from) {
  double out = 0;
  for (std::size_t i = 0; i < point.size(); ++i) out += (point[i] - from[i]) * (point[i] - from[i]);
  return out;
}

/// `fourth` is the sum of the fourth powers of the points' distances from their mean. In the paper's terms m is the
/// mean variance, d² the distance of S from m·I, b² how much of it is chance, the last two per dimension.
ShrunkCovariance shrink(const Moments& moments, double fourth) {
  const std::size_t k = moments.sum.size();
  const double n = moments.count, p = static_cast<double>(k);
  ShrunkCovariance out{moments.mean(), std::vector<double>(k * k), 1};
  double trace = 0, squares = 0;
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double s = moments.products[i * k + j] / n - out.mean[i] * out.mean[j];
      out.covariance[i * k + j] = out.covariance[j * k + i] = s;
      squares += (i == j ? 1 : 2) * s * s;
    }
    trace += out.covariance[i * k + i];
  }
  const double m = trace / p;
  const double d2 = squares / p - m * m;
  const double b2 = std::clamp((fourth / n - squares) / (n * p), 0.0, std::max(0.0, d2));
  if (d2 > 0) out.shrinkage = b2 / d2;
  for (double& s : out.covariance) s *= 1 - out.shrinkage;
  for (std::size_t i = 0; i < k; ++i) out.covariance[i * k + i] += out.shrinkage * m;
  return out;
}

/// L of L·Lᵀ = covariance, row-major, the rest zero; empty if the covariance is not positive definite.
std::vector<double> cholesky(std::span<const double> covariance, std::size_t k) {
  std::vector<double> l(k * k);
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = covariance[i * k + j];
      for (std::size_t c = 0; c < j; ++c) rest -= l[i * k + c] * l[j * k + c];
      if (i != j) {
        l[i * k + j] = rest / l[j * k + j];
      } else if (rest > 0) {
        l[i * k + i] = std::sqrt(rest);
      } else {
        return {};
      }
    }
  }
  return l;
}

/// L⁻¹, its lower triangle by columns.
std::vector<double> packed_inverse(std::span<const double> l, std::size_t k) {
  std::vector<double> out;
  std::vector<double> column(k);
  for (std::size_t c = 0; c < k; ++c) {
    for (std::size_t i = c; i < k; ++i) {
      double rest = i == c ? 1 : 0;
      for (std::size_t j = c; j < i; ++j) rest -= l[i * k + j] * column[j];
      column[i] = rest / l[i * k + i];
    }
    out.insert(out.end(), column.begin() + static_cast<std::ptrdiff_t>(c), column.end());
  }
  return out;
}

/// What distances are measured with.
struct Measure {
  std::vector<double> mean, whitening;
  double shrinkage = 0;
};

struct Block {
  std::size_t begin = 0, end = 0;
};

/// Fitted on all rows but those of `left_out`, whose sums are not in `moments`.
base::Result<Measure> measure_without(StandardRows& rows, const Moments& moments, Block left_out) {
  const std::vector<double> mean = moments.mean();
  double fourth = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (r == left_out.begin) r = left_out.end;
    if (r == rows.size()) break;
    const double d2 = squared_distance(rows[r], mean);
    fourth += d2 * d2;
  }
  ShrunkCovariance shrunk = shrink(moments, fourth);
  const std::vector<double> l = cholesky(shrunk.covariance, rows.dimension());
  if (l.empty()) return fail("the covariance of the training rows is not positive definite");
  return Measure{std::move(shrunk.mean), packed_inverse(l, rows.dimension()), shrunk.shrinkage};
}

void append_distances(StandardRows& rows, Block block, const Measure& measure, std::vector<double>& out) {
  std::vector<double> centred(rows.dimension());
  for (std::size_t r = block.begin; r < block.end; ++r) {
    const Row z = rows[r];
    for (std::size_t i = 0; i < z.size(); ++i) centred[i] = z[i] - measure.mean[i];
    out.push_back(models::whitened_length(centred, measure.whitening));
  }
}

/// Whole percents, tenths above 98 %, and what lies beyond the last that is believed.
std::vector<double> levels() {
  std::vector<double> out;
  for (int percent = 0; percent < 98; ++percent) out.push_back(percent / 100.0);
  for (int tenth = 980; tenth < 1000; ++tenth) out.push_back(tenth / 1000.0);
  out.push_back(0.9995);
  out.push_back(1);
  return out;
}

}  // namespace

ShrunkCovariance ledoit_wolf(std::span<const double> points, std::size_t dimension) {
  Moments moments(dimension);
  for (std::size_t at = 0; at < points.size(); at += dimension) moments.add(points.subspan(at, dimension));
  const std::vector<double> mean = moments.mean();
  double fourth = 0;
  for (std::size_t at = 0; at < points.size(); at += dimension) {
    const double d2 = squared_distance(points.subspan(at, dimension), mean);
    fourth += d2 * d2;
  }
  return shrink(moments, fourth);
}

base::Result<models::NoveltyBaseline> fit_novelty(std::span<const double> x) {
  const std::size_t n = x.size() / kFeatureCount;
  if (n < kLeastRows)
    return fail(std::to_string(n) + " training rows, expected at least " + std::to_string(kLeastRows));
  if (!std::ranges::all_of(x, [](double v) { return std::isfinite(v); }))
    return fail("a training row has a value that is not finite");
  StandardRows rows(x);
  if (rows.dimension() == 0) return fail("no feature varies in the training rows");

  std::vector<Block> blocks;
  std::vector<Moments> of_block;
  Moments all(rows.dimension());
  for (std::size_t b = 0; b < kBlocks; ++b) {
    const Block& block = blocks.emplace_back(n * b / kBlocks, n * (b + 1) / kBlocks);
    Moments& moments = of_block.emplace_back(rows.dimension());
    for (std::size_t r = block.begin; r < block.end; ++r) moments.add(rows[r]);
    all.add(moments);
  }
  std::vector<double> distances;
  for (std::size_t b = 0; b < kBlocks; ++b) {
    Moments others = all;
    others.add(of_block[b], -1);
    QT_TRY(const Measure measure, measure_without(rows, others, blocks[b]));
    append_distances(rows, blocks[b], measure, distances);
  }
  QT_TRY(Measure final_measure, measure_without(rows, all, {n, n}));

  models::NoveltyBaseline out;
  rows.describe(out);
  out.mean = std::move(final_measure.mean);
  out.whitening = std::move(final_measure.whitening);
  out.shrinkage = final_measure.shrinkage;
  out.d95 = order_statistic(distances, 0.95);
  out.levels = levels();
  for (const double level : out.levels) out.distances.push_back(order_statistic(distances, level));
  return out;
}

}  // namespace qtrader::training
