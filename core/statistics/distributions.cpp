#include "core/statistics/distributions.hpp"

#include <array>
#include <cmath>
#include <limits>

#include "core/base/check.hpp"
#include "core/base/det_math.hpp"

namespace qtrader::statistics {

using base::det::exp;
using base::det::log;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kInvSqrtTwoPi = 0.39894228040143267794;
constexpr double kSeriesUntil = 2.5;  // beyond, the continued fraction converges faster

double density(double x) { return kInvSqrtTwoPi * exp(-0.5 * x * x); }

/// Φ(x) − ½ for 0 ≤ x: φ(x)·Σ x^(2k+1)/(2k+1)!!, all terms positive.
double above_half(double x) {
  double term = x, sum = x;
  for (int k = 1; term > kEpsilon * 0.1 * sum; ++k) {
    term *= x * x / (2 * k + 1);
    sum += term;
  }
  return density(x) * sum;
}

/// 1 − Φ(x) for x ≥ kSeriesUntil: φ(x) / (x + 1/(x + 2/(x + 3/(…)))), evaluated from a depth that suffices there.
double far_tail(double x) {
  constexpr int kDepth = 120;
  double f = x;
  for (int k = kDepth; k >= 1; --k) f = x + k / f;
  return density(x) / f;
}

template <std::size_t N>
double polynomial(const std::array<double, N>& c, double x) {
  double sum = 0;
  for (std::size_t i = N; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

constexpr std::array kA = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                           1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                           3.3430575583588128105e4, 2.5090809287301226727e3};
constexpr std::array kB = {1.0,
                           4.2313330701600911252e1,
                           6.8718700749205790830e2,
                           5.3941960214247511077e3,
                           2.1213794301586595867e4,
                           3.9307895800092710610e4,
                           2.8729085735721942674e4,
                           5.2264952788528545610e3};
constexpr std::array kC = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                           3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                           2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr std::array kD = {1.0,
                           2.05319162663775882187e0,
                           1.67638483018380384940e0,
                           6.89767334985100004550e-1,
                           1.48103976427480074590e-1,
                           1.51986665636164571966e-2,
                           5.47593808499534494600e-4,
                           1.05075007164441684324e-9};
constexpr std::array kE = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                           2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                           2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr std::array kF = {1.0,
                           5.99832206555887937690e-1,
                           1.36929880922735805310e-1,
                           1.48753612908506148525e-2,
                           7.86869131145613259100e-4,
                           1.84631831751005468180e-5,
                           1.42151175831644588870e-7,
                           2.04426310338993978564e-15};

/// The continued fraction of I_x(a, b), x below (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kMostTerms = 10'000;
  const auto nonzero = [](double v) { return std::fabs(v) < kTiny ? kTiny : v; };
  double c = 1, d = 1 / nonzero(1 - (a + b) * x / (a + 1)), h = d;
  for (int m = 1; m <= kMostTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonzero(1 + even * d);
    c = nonzero(1 + even / c);
    h *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonzero(1 + odd * d);
    c = nonzero(1 + odd / c);
    h *= d * c;
    if (std::fabs(d * c - 1) < 4 * kEpsilon) break;
  }
  return h;
}

}  // namespace

double normal_tail(double x) {
  if (std::isnan(x)) return x;
  if (x < 0) return 1 - normal_tail(-x);
  if (x < kSeriesUntil) return 0.5 - above_half(x);
  return std::isinf(x) ? 0 : far_tail(x);
}

double normal_cdf(double x) { return normal_tail(-x); }

double normal_quantile(double p) {
  QT_CHECK(p >= 0 && p <= 1, "a probability");
  if (p == 0) return -kInfinity;
  if (p == 1) return kInfinity;
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(kA, r) / polynomial(kB, r);
  }
  const double r = std::sqrt(-log(q < 0 ? p : 1 - p));
  const double x =
      r <= 5 ? polynomial(kC, r - 1.6) / polynomial(kD, r - 1.6) : polynomial(kE, r - 5) / polynomial(kF, r - 5);
  return q < 0 ? -x : x;
}

double log_gamma(double x) {
  QT_CHECK(x > 0, "log_gamma of a positive number");
  static constexpr std::array kLanczos = {676.5203681218851,     -1259.1392167224028,  771.32342877765313,
                                          -176.61502916214059,   12.507343278686905,   -0.13857109526572012,
                                          9.9843695780195716e-6, 1.5056327351493116e-7};
  constexpr double kG = 7, kHalfLogTwoPi = 0.91893853320467274178;
  double sum = 0.99999999999980993;
  for (std::size_t i = 0; i < kLanczos.size(); ++i) sum += kLanczos[i] / (x + static_cast<double>(i));
  const double t = x + kG - 0.5;
  return kHalfLogTwoPi + (x - 0.5) * log(t) - t + log(sum);
}

double incomplete_beta(double a, double b, double x) {
  QT_CHECK(a > 0 && b > 0 && x >= 0 && x <= 1, "I_x(a, b) with a, b > 0 and x in [0, 1]");
  if (x == 0 || x == 1) return x;
  const double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log(1 - x));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double student_t_two_sided(double t, double dof) {
  QT_CHECK(dof > 0, "degrees of freedom above 0");
  if (std::isinf(t)) return 0;
  return incomplete_beta(0.5 * dof, 0.5, dof / (dof + t * t));
}

double student_t_cdf(double t, double dof) {
  const double beyond = 0.5 * student_t_two_sided(t, dof);
  return t < 0 ? beyond : 1 - beyond;
}

double student_t_quantile(double p, double dof) {
  QT_CHECK(p > 0 && p < 1, "a probability inside (0, 1)");
  if (p == 0.5) return 0;
  const double tail = 2 * (p < 0.5 ? p : 1 - p);
  double low = 0, high = 1;
  while (student_t_two_sided(high, dof) > tail) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-14 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (student_t_two_sided(middle, dof) > tail ? low : high) = middle;
  }
  const double t = 0.5 * (low + high);
  return p < 0.5 ? -t : t;
}

}  // namespace qtrader::statistics
