#include "core/models/model.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/det_math.hpp"

namespace qtrader::models {

std::string_view name(ModelKind kind) {
  switch (kind) {
    case ModelKind::XGBoost:
      return "xgboost";
    case ModelKind::LightGBM:
      return "lightgbm";
    case ModelKind::NHits:
      return "nhits";
    case ModelKind::PatchTst:
      return "patchtst";
  }
  return "?";
}

domain::Action action_of(const std::array<double, 3>& p, double min_margin) {
  std::size_t best = 0;
  for (std::size_t c = 1; c < 3; ++c) {
    if (p[c] > p[best]) best = c;
  }
  double second = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    if (c != best) second = std::max(second, p[c]);
  }
  const double margin = p[best] - second;
  return margin > 0 && margin >= min_margin ? static_cast<domain::Action>(best) : domain::Action::Hold;
}

void finish_prediction(const std::array<double, 3>& logits, double temperature, Prediction& out) {
  const double top = std::max({logits[0], logits[1], logits[2]});
  std::array<double, 3> e{};
  double sum = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    e[c] = base::det::exp((logits[c] - top) / temperature);
    sum += e[c];
  }
  for (std::size_t c = 0; c < 3; ++c) {
    out.p[c] = e[c] / sum;
    if (!std::isfinite(out.p[c])) {
      out.p = {};
      out.why_invalid = "a probability is not finite";
      return;
    }
  }
  out.action = action_of(out.p, kMinMargin);
  out.valid = true;
}

}  // namespace qtrader::models
