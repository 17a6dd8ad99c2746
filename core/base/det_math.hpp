// Elementary functions whose result is the same bits on every machine and libm version.
//
// libm's exp, log, sin and cos differ in the last bit between versions; a decision that depends on one would not replay
// elsewhere. These use only +, −, ×, ÷ and sqrt, which IEEE 754 rounds exactly (built with -ffp-contract=off).
// Accuracy: within 2 ulp of the true value over the stated ranges; checked against libm in det_math_test.cpp.
#pragma once

namespace qtrader::base::det {

/// e^x for any finite x; 0 below −745.2, +inf above 709.8. Cody–Waite reduction, degree-13 Taylor on [−ln2/2, ln2/2].
double exp(double x);
/// Natural logarithm for x > 0; −inf at 0, NaN below. atanh series on [√½, √2].
double log(double x);
/// tanh by way of exp; odd, saturates at ±1.
double tanh(double x);
/// 1/(1+e^−x) without overflow.
double sigmoid(double x);
/// sin and cos of 2π·turns, any finite turns. Taylor on an eighth of a turn.
double sin_turns(double turns);
double cos_turns(double turns);

}  // namespace qtrader::base::det
