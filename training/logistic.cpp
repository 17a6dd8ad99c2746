#include "training/logistic.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

#include "core/base/det_math.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;
constexpr std::size_t kPerClass = kFeatureCount + 1;
constexpr std::size_t kParameters = kPerClass * kClassCount;
using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void softmax(Probabilities& z) {
  const double top = std::ranges::max(z);
  double sum = 0;
  for (double& v : z) sum += v = base::det::exp(v - top);
  for (double& v : z) v /= sum;
}

/// W·z + b for each class. `z` may be float or double.
template <class T>
Probabilities logits(const T* z, const Vector& w) {
  Probabilities out = {w[kFeatureCount], w[kPerClass + kFeatureCount], w[2 * kPerClass + kFeatureCount]};
  for (std::size_t j = 0; j < kFeatureCount; ++j) {
    const auto v = static_cast<double>(z[j]);
    out[0] += w[j] * v;
    out[1] += w[kPerClass + j] * v;
    out[2] += w[2 * kPerClass + j] * v;
  }
  return out;
}

/// Mean weighted log-loss plus L2, and its gradient.
class Objective {
 public:
  Objective(const FitInput& input, std::vector<float> z, double l2) : input_(input), z_(std::move(z)), l2_(l2) {
    for (const double w : input.weights) total_weight_ += w;
  }

  double operator()(const Vector& w, Vector& gradient) const {
    std::ranges::fill(gradient, 0.0);
    double loss = 0;
    for (std::size_t i = 0; i < input_.train.rows(); ++i) loss += row(i, w, gradient);
    loss /= total_weight_;
    for (std::size_t i = 0; i < kParameters; ++i) {
      gradient[i] /= total_weight_;
      if (i % kPerClass == kFeatureCount) continue;
      gradient[i] += l2_ * w[i];
      loss += 0.5 * l2_ * w[i] * w[i];
    }
    return loss;
  }

 private:
  double row(std::size_t i, const Vector& w, Vector& gradient) const {
    const float* z = &z_[i * kFeatureCount];
    Probabilities p = logits(z, w);
    for (std::size_t c = 0; c < kClassCount; ++c) p[c] += input_.class_offset[c];
    softmax(p);
    const auto label = static_cast<std::size_t>(input_.train.labels[i]);
    const double weight = input_.weights[i];
    const double loss = -weight * base::det::log(std::max(p[label], 1e-300));
    p[label] -= 1;
    for (std::size_t c = 0; c < kClassCount; ++c) {
      const double d = weight * p[c];
      double* g = &gradient[c * kPerClass];
      for (std::size_t j = 0; j < kFeatureCount; ++j) g[j] += d * static_cast<double>(z[j]);
      g[kFeatureCount] += d;
    }
    return loss;
  }

  const FitInput& input_;
  std::vector<float> z_;
  double l2_;
  double total_weight_ = 0;
};

/// The two-loop recursion over the last steps s and gradient changes y.
class History {
 public:
  Vector direction(const Vector& gradient) const {
    Vector q = gradient;
    std::vector<double> alpha(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      alpha[i] = dot(pairs_[i].s, q) / pairs_[i].sy;
      for (std::size_t j = 0; j < q.size(); ++j) q[j] -= alpha[i] * pairs_[i].y[j];
    }
    if (!pairs_.empty()) {
      const double scale = pairs_.back().sy / dot(pairs_.back().y, pairs_.back().y);
      for (double& v : q) v *= scale;
    }
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const double beta = dot(pairs_[i].y, q) / pairs_[i].sy;
      for (std::size_t j = 0; j < q.size(); ++j) q[j] += (alpha[i] - beta) * pairs_[i].s[j];
    }
    for (double& v : q) v = -v;
    return q;
  }

  void push(Vector s, Vector y) {
    const double sy = dot(s, y);
    if (!(sy > 1e-12)) return;  // no curvature seen: the pair would break the update
    pairs_.push_back({std::move(s), std::move(y), sy});
    if (pairs_.size() > kMemory) pairs_.pop_front();
  }

 private:
  static constexpr std::size_t kMemory = 10;
  struct Pair {
    Vector s, y;
    double sy;
  };
  std::deque<Pair> pairs_;
};

Vector minus(const Vector& a, const Vector& b) {
  Vector out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

double largest(const Vector& v) {
  double out = 0;
  for (const double x : v) out = std::max(out, std::abs(x));
  return out;
}

float standardised(double x, double mean, double inverse_deviation) {
  return static_cast<float>(std::clamp((x - mean) * inverse_deviation, -5.0, 5.0));
}

}  // namespace

void LogisticRegression::measure(const RowBlock& train) {
  const auto n = static_cast<double>(train.rows());
  mean_.assign(kFeatureCount, 0);
  inverse_deviation_.assign(kFeatureCount, 0);
  for (std::size_t i = 0; i < train.x.size(); ++i) mean_[i % kFeatureCount] += train.x[i];
  for (double& m : mean_) m /= n;
  std::vector<double> squares(kFeatureCount, 0.0);
  for (std::size_t i = 0; i < train.x.size(); ++i) {
    const double d = train.x[i] - mean_[i % kFeatureCount];
    squares[i % kFeatureCount] += d * d;
  }
  for (std::size_t j = 0; j < kFeatureCount; ++j)
    if (squares[j] / n > 1e-18) inverse_deviation_[j] = 1 / std::sqrt(squares[j] / n);
}

base::Result<LogisticRegression> LogisticRegression::fit(const FitInput& input, const LogisticParams& params) {
  LogisticRegression out;
  out.measure(input.train);
  std::vector<float> z(input.train.x.size());
  for (std::size_t i = 0; i < z.size(); ++i)
    z[i] = standardised(input.train.x[i], out.mean_[i % kFeatureCount], out.inverse_deviation_[i % kFeatureCount]);

  const Objective objective(input, std::move(z), params.l2);
  History history;
  Vector& w = out.weights_;
  w.assign(kParameters, 0);
  Vector gradient(kParameters), trial_gradient(kParameters);
  double loss = objective(w, gradient);
  for (; out.iterations_ < params.max_iterations && largest(gradient) > params.gradient_tolerance; ++out.iterations_) {
    QT_TRY_VOID(report(input.progress, "logistic", static_cast<std::uint64_t>(out.iterations_),
                       static_cast<std::uint64_t>(params.max_iterations)));
    const Vector direction = history.direction(gradient);
    const double slope = dot(direction, gradient);
    Vector trial(kParameters);
    double trial_loss = loss;
    bool descended = false;
    for (double step = 1; step > 1e-10 && !descended; step /= 2) {  // Armijo backtracking
      for (std::size_t i = 0; i < kParameters; ++i) trial[i] = w[i] + step * direction[i];
      trial_loss = objective(trial, trial_gradient);
      descended = trial_loss <= loss + 1e-4 * step * slope;
    }
    if (!descended) break;  // at the limit of the arithmetic
    history.push(minus(trial, w), minus(trial_gradient, gradient));
    w.swap(trial);
    gradient.swap(trial_gradient);
    loss = trial_loss;
  }
  return out;
}

Probabilities LogisticRegression::predict(std::span<const double> row) const {
  std::array<float, kFeatureCount> z;
  for (std::size_t j = 0; j < kFeatureCount; ++j) z[j] = standardised(row[j], mean_[j], inverse_deviation_[j]);
  Probabilities p = logits(z.data(), weights_);
  softmax(p);
  return p;
}

std::vector<Probabilities> LogisticRegression::predict_rows(const RowBlock& block) const {
  std::vector<Probabilities> out;
  out.reserve(block.rows());
  for (std::size_t i = 0; i < block.rows(); ++i)
    out.push_back(predict(block.x.subspan(i * kFeatureCount, kFeatureCount)));
  return out;
}

}  // namespace qtrader::training
