#include "edge/store/trial_returns.hpp"

#include <cmath>

#include "core/base/check.hpp"
#include "core/statistics/moments.hpp"

namespace qtrader::store {
namespace {

constexpr double kDaysPerYear = 365;
constexpr double kPpb = 1e-9;

std::int64_t day_number(base::Timestamp day) { return day.ns / base::days(1).ns; }

}  // namespace

void put_returns(Trial& trial, const std::vector<DailyReturn>& returns) {
  trial.days = returns.size();
  if (returns.empty()) return;
  const std::int64_t first = day_number(returns.front().day), last = day_number(returns.back().day);
  trial.first_day = base::format_date(returns.front().day);
  trial.return_ppb.assign(static_cast<std::size_t>(last - first + 1), std::nullopt);
  std::vector<double> values;
  for (const DailyReturn& r : returns) {
    QT_CHECK(std::isfinite(r.value) && std::fabs(r.value) < 1e9, "a return that its unit can hold");
    trial.return_ppb[static_cast<std::size_t>(day_number(r.day) - first)] = std::llround(r.value / kPpb);
    values.push_back(r.value);
  }
  const auto m = statistics::moments(values);
  if (!m) return;
  trial.mean = m->mean;
  trial.deviation = m->deviation;
  trial.skewness = m->skewness;
  trial.kurtosis = m->kurtosis;
  trial.sharpe_annual = m->sharpe() * std::sqrt(kDaysPerYear);
}

}  // namespace qtrader::store
