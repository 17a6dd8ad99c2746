// NetworkWindow: what both networks read: the last 120 primary bars of one symbol, oldest first, normalised.
//
// z[t][f] = clip((x[t][f] − median[f]) / (iqr[f]/1.349 + 1e-6), ±5), statistics of the training rows, from the weight
// file. y[t] = clip((ln close[t] − ln close[119]) / max(rv_20[119], 1e-6), ±50), so y[119] = 0. Training forms its
// windows by the same functions, so that serving cannot differ from it.
#pragma once

#include <array>
#include <cstddef>

#include "core/base/time.hpp"
#include "core/models/feature_history.hpp"

namespace qtrader::models {

inline constexpr std::size_t kWindowBars = 120;

struct alignas(64) NetworkWindow {
  std::array<std::array<float, features::kFeatureCount>, kWindowBars> z{};
  std::array<float, kWindowBars> y{};
};

/// Robust location and scale of each feature over the training rows.
struct Normaliser {
  using Row = std::array<float, features::kFeatureCount>;
  Row median{};
  Row scale{};  // iqr/1.349 + 1e-6

  /// iqr ≥ 0.
  static Normaliser of(const Row& median, const Row& iqr);
};

/// One row of z. A NaN stays NaN.
void normalise(const Normaliser& normaliser, const Normaliser::Row& x, Normaliser::Row& z);

/// y of one bar.
float target(double log_close, double last_log_close, double last_rv_20);

/// Fills the window with the history's last 120 bars. Says why that cannot be done (static text), or "": too few bars,
/// bars not `spacing` apart, an invalid vector, a value that is not finite.
std::string_view form_window(const FeatureHistory& history, const Normaliser& normaliser, base::Duration spacing,
                             NetworkWindow& out);

}  // namespace qtrader::models
