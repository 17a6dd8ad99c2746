#include "training/evaluate/isotonic.hpp"

#include <algorithm>

namespace qtrader::training {
namespace {

constexpr std::size_t kWindow = 2000, kLeastRows = 300;
constexpr double kLeastPerStep = 30, kHalfBlend = 500;
constexpr double kLowest = 0.05, kHighest = 0.90;
constexpr auto kSell = static_cast<std::size_t>(LabelClass::Sell), kBuy = static_cast<std::size_t>(LabelClass::Buy);

}  // namespace

double side_probability(const Probabilities& p) {
  const double moved = p[kSell] + p[kBuy];
  return moved > 0 ? std::max(p[kSell], p[kBuy]) / moved : 0.5;
}

bool leans_to_buy(const Probabilities& p) { return p[kBuy] > p[kSell]; }

SideCalibration SideCalibration::fit(std::span<const LabelClass> labels, const Forecasts& forecasts) {
  QT_CHECK(labels.size() == forecasts.size(), "one forecast or none for each label");
  std::vector<statistics::Observation> seen;
  for (std::size_t i = labels.size(); i-- > 0 && seen.size() < kWindow;) {
    if (!forecasts[i] || labels[i] == LabelClass::Hold || (*forecasts[i])[kSell] == (*forecasts[i])[kBuy]) continue;
    const bool right = leans_to_buy(*forecasts[i]) == (labels[i] == LabelClass::Buy);
    seen.push_back({side_probability(*forecasts[i]), right ? 1.0 : 0.0});
  }
  SideCalibration out;
  out.rows_ = static_cast<std::int64_t>(seen.size());
  if (seen.size() >= kLeastRows) out.map_ = statistics::isotonic_regression(seen, kLeastPerStep);
  return out;
}

double SideCalibration::at(double p_dir) const {
  if (!map_) return p_dir;
  const double n = static_cast<double>(rows_), share = n / (n + kHalfBlend);
  return std::clamp(share * map_->at(p_dir) + (1 - share) * p_dir, kLowest, kHighest);
}

Probabilities SideCalibration::apply(const Probabilities& p) const {
  const double moved = p[kSell] + p[kBuy];
  if (!map_ || !(moved > 0) || p[kSell] == p[kBuy]) return p;
  const double side = at(side_probability(p)) * moved;
  Probabilities out = p;
  out[leans_to_buy(p) ? kBuy : kSell] = side;
  out[leans_to_buy(p) ? kSell : kBuy] = moved - side;
  return out;
}

}  // namespace qtrader::training
