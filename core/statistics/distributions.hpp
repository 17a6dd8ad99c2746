// Distribution functions that p-values and intervals are read from: the normal and Student's t.
//
// The bottom of core/statistics: everything else here calls it, it calls nothing but det_math. Same bits on every
// machine. Accuracy, checked against scipy in distributions_test.cpp: for the normal 1e-12, relative, down to tails of
// 1e-300; for Student's t 1e-12, absolute, up to 1000 degrees of freedom, 1e-11 beyond, and 1e-10 for its quantiles.
#pragma once

namespace qtrader::statistics {

/// Φ(x), any x including ±infinity. Series of erf and continued fraction of erfc (Abramowitz & Stegun 1964, 7.1.6 and
/// 7.1.14).
double normal_cdf(double x);
/// 1 − Φ(x) without cancellation.
double normal_tail(double x);
/// Φ⁻¹(p): −infinity at 0, +infinity at 1. 0 ≤ p ≤ 1. Wichura (1988), algorithm AS 241, PPND16.
double normal_quantile(double p);

/// ln Γ(x) for x > 0. Lanczos' approximation, g = 7 (Godfrey 2001).
double log_gamma(double x);
/// Regularised incomplete beta function I_x(a, b), a, b > 0, 0 ≤ x ≤ 1. Continued fraction by Lentz' method (Press et
/// al. 2007, 6.4).
double incomplete_beta(double a, double b, double x);
/// P(T ≤ t) of Student's t with `dof` > 0 degrees of freedom.
double student_t_cdf(double t, double dof);
/// P(|T| ≥ |t|), without cancellation.
double student_t_two_sided(double t, double dof);
/// 0 < p < 1. Bisection of the distribution function.
double student_t_quantile(double p, double dof);

}  // namespace qtrader::statistics
