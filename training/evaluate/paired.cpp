#include "training/evaluate/paired.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/det_math.hpp"
#include "core/statistics/distributions.hpp"

namespace qtrader::training {

std::optional<PairedDifference> paired_difference(std::span<const PairedLoss> losses) {
  struct Day {
    double sum = 0, rows = 0;
  };
  std::map<std::int64_t, Day> days;
  double total = 0;
  for (const PairedLoss& loss : losses) {
    Day& day = days[loss.day];
    day.sum += loss.reference - loss.candidate;
    ++day.rows;
    total += loss.reference - loss.candidate;
  }
  if (days.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(losses.size()), groups = static_cast<double>(days.size());
  PairedDifference out;
  out.gain = total / n;
  double squares = 0;
  for (const auto& [number, day] : days) {
    const double residual = day.sum - out.gain * day.rows;
    squares += residual * residual;
  }
  if (!(squares > 0)) return std::nullopt;
  out.standard_error = std::sqrt(squares * groups / (groups - 1)) / n;
  const double reach = statistics::student_t_quantile(0.975, groups - 1) * out.standard_error;
  out.low = out.gain - reach;
  out.high = out.gain + reach;
  out.t = out.gain / out.standard_error;
  out.p_better = statistics::student_t_cdf(-out.t, groups - 1);
  out.rows = static_cast<std::int64_t>(losses.size());
  out.days = static_cast<std::int64_t>(days.size());
  return out;
}

std::vector<PairedLoss> paired_losses(const Dataset& dataset, IndexRange range, const Forecasts& candidate,
                                      const Forecasts& reference) {
  QT_CHECK(candidate.size() == range.size() && reference.size() == range.size(), "one forecast or none for each row");
  std::vector<PairedLoss> out;
  for (std::size_t i = 0; i < range.size(); ++i) {
    if (!candidate[i] || !reference[i]) continue;
    const LabelClass label = dataset.labels[range.begin + i];
    out.push_back({base::day_start(dataset.rows[range.begin + i].bar_close).ns, log_loss_of(label, *candidate[i]),
                   log_loss_of(label, *reference[i])});
  }
  return out;
}

bool significantly_better(std::span<const PairedLoss> losses, double level) {
  const auto difference = paired_difference(losses);
  return difference && difference->p_better < level;
}

}  // namespace qtrader::training
