// TreeShap: which features made a tree model score one row as it did: path-dependent TreeSHAP, exact.
//
// Lundberg, Erion & Lee 2018 ("Consistent individualized feature attribution for tree ensembles") and Lundberg et al.
// 2020 (Nature Machine Intelligence 2, 56–67): Shapley values of the game in which an absent feature lets a row go both
// ways at a split, in the shares that the training rows went. Runs when a person asks (qtrader explain), never on the
// path of a decision, and allocates freely.
//
// One leaf's game is a product over the features on its path, f = value · ∏ (present or absent share), and its Shapley
// values are integrals of polynomials (Owen's multilinear extension, 1972):
//   φ_i = value · (present_i − absent_i) · ∫₀¹ ∏_{j≠i} (absent_j (1−t) + present_j t) dt.
// Gauss–Legendre quadrature with ⌈d/2⌉ points is exact for the d factors of a path. All terms are positive, so that
// nothing cancels on deep trees, where the original's EXTEND and UNWIND lose digits.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "core/base/result.hpp"
#include "core/models/forest.hpp"
#include "core/models/model.hpp"

namespace qtrader::models {

/// In units of the margin: the sum of leaves of a class before temperature and softmax. For each class c,
/// base[c] + Σ phi[c] = margin[c].
struct Attribution {
  std::array<double, 3> base{};    // expected margin over the training rows
  std::array<double, 3> margin{};  // of the row, in double precision
  std::array<std::array<double, features::kFeatureCount>, 3> phi{};
};

class TreeShap {
 public:
  /// From the bytes of an XGBoost or LightGBM file. Errors: those of load_xgboost and load_lightgbm; Unsupported for
  /// another kind of model, and for a file that does not say how many training rows reached each node.
  static base::Result<TreeShap> load(ModelKind kind, std::span<const std::byte> file);
  /// Errors: those of Forest::build; Unsupported for covers that are missing, Corrupt for covers that are not finite or
  /// negative.
  static base::Result<TreeShap> create(TreeFile file);

  /// NaN is missing, as in serving. Error: InvalidArgument for a value beyond what the model can read.
  base::Result<Attribution> explain(std::span<const double, features::kFeatureCount> row) const;

 private:
  /// A point of a quadrature rule on (0, 1).
  struct Point {
    double at = 0, weight = 0;
  };
  class Walk;
  explicit TreeShap(TreeFile file);

  TreeFile file_;
  std::vector<std::vector<Point>> rules_;  // rules_[n]: the n points of Gauss and Legendre, exact to degree 2n − 1
};

}  // namespace qtrader::models
