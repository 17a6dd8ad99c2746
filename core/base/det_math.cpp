#include "core/base/det_math.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace qtrader::base::det {
namespace {

constexpr double kLn2Hi = 6.93147180369123816490e-01, kLn2Lo = 1.90821492927058770002e-10;
constexpr double kInvLn2 = 1.44269504088896338700e+00;
constexpr double kTwoPi = 6.28318530717958647692;

double scale2(double x, int k) {
  // Two steps so that subnormal results round once.
  const auto pow2 = [](int e) { return std::bit_cast<double>(static_cast<std::uint64_t>(e + 1023) << 52); };
  if (k > 1023) return x * pow2(1023) * pow2(k - 1023);
  if (k < -1022) return x * pow2(k + 200 < -1022 ? -1022 : k + 200) * pow2(-200);
  return x * pow2(k);
}

// sin and cos of 2π·t for |t| ≤ 1/8.
double sin_small(double t) {
  const double x = t * kTwoPi, z = x * x;
  return x * (1 + z * (-1.0 / 6 +
                       z * (1.0 / 120 +
                            z * (-1.0 / 5040 +
                                 z * (1.0 / 362880 + z * (-1.0 / 39916800 +
                                                          z * (1.0 / 6227020800.0 + z * (-1.0 / 1307674368000.0))))))));
}
double cos_small(double t) {
  const double x = t * kTwoPi, z = x * x;
  return 1 + z * (-0.5 +
                  z * (1.0 / 24 +
                       z * (-1.0 / 720 + z * (1.0 / 40320 + z * (-1.0 / 3628800 + z * (1.0 / 479001600 +
                                                                                       z * (-1.0 / 87178291200.0)))))));
}

}  // namespace

double exp(double x) {
  if (std::isnan(x)) return x;
  if (x > 709.782712893384) return std::numeric_limits<double>::infinity();
  if (x < -745.2) return 0;
  const double k = std::floor(x * kInvLn2 + 0.5);
  const double r = (x - k * kLn2Hi) - k * kLn2Lo;
  double p = 1.0 / 6227020800.0;
  static constexpr double kInverseFactorials[] = {
      1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
      1.0 / 720,       1.0 / 120,      1.0 / 24,      1.0 / 6,      0.5};
  for (const double c : kInverseFactorials) p = p * r + c;
  return scale2(1 + (r + r * r * p), static_cast<int>(k));
}

double log(double x) {
  if (std::isnan(x) || x < 0) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return -std::numeric_limits<double>::infinity();
  if (std::isinf(x)) return x;
  int e = 0;
  double m = std::frexp(x, &e);  // m in [0.5, 1)
  if (m < 0.70710678118654752440) {
    m *= 2;
    --e;
  }
  const double f = m - 1, s = f / (2 + f), z = s * s;
  double p = 0;
  for (int k = 23; k >= 3; k -= 2) p = p * z + 2.0 / k;
  p *= z;
  const double hfsq = 0.5 * f * f;  // log(1+f) = f − (hfsq − s·(hfsq + p)), as in fdlibm's e_log
  return e * kLn2Hi - ((hfsq - (s * (hfsq + p) + e * kLn2Lo)) - f);
}

double tanh(double x) {
  if (x > 20) return 1;
  if (x < -20) return -1;
  if (std::abs(x) < 0.1) {
    const double z = x * x;
    return x * (1 + z * (-1.0 / 3 +
                         z * (2.0 / 15 + z * (-17.0 / 315 +
                                              z * (62.0 / 2835 + z * (-1382.0 / 155925 + z * (21844.0 / 6081075)))))));
  }
  const double e = exp(2 * x);
  return (e - 1) / (e + 1);
}

double sigmoid(double x) {
  if (x >= 0) return 1 / (1 + exp(-x));
  const double e = exp(x);
  return e / (1 + e);
}

double sin_turns(double turns) {
  const double r = turns - std::floor(turns);
  const auto octant = static_cast<int>(std::floor(r * 8));
  switch (octant) {
    case 0:
      return sin_small(r);
    case 1:
    case 2:
      return cos_small(r - 0.25);
    case 3:
    case 4:
      return -sin_small(r - 0.5);
    case 5:
    case 6:
      return -cos_small(r - 0.75);
    default:
      return sin_small(r - 1);
  }
}

double cos_turns(double turns) { return sin_turns(turns + 0.25); }

}  // namespace qtrader::base::det
