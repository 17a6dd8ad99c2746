#include "training/evaluate/skill.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/statistics/distributions.hpp"
#include "core/statistics/moments.hpp"
#include "core/statistics/rank.hpp"

namespace qtrader::training {
namespace {

using statistics::Panel;

constexpr std::size_t kAucBins = 256;         // scores are ranked to this; within a bin a pair counts half
constexpr std::size_t kLeastRowsPerDay = 10;  // for a rank correlation to say anything
constexpr auto kSell = static_cast<std::size_t>(LabelClass::Sell), kHold = static_cast<std::size_t>(LabelClass::Hold),
               kBuy = static_cast<std::size_t>(LabelClass::Buy);

/// Of a mean over rows: its sum and the number of rows, by day.
template <class Value>
std::optional<Estimate> mean_estimate(const Sample& sample, const Value& value, const ResampleSpec& spec) {
  Panel sums(sample.days(), 2);
  for (std::size_t i = 0; i < sample.size(); ++i) {
    sums.at(sample.day(i), 0) += value(i);
    sums.at(sample.day(i), 1) += 1;
  }
  return ratio_estimate(sums, spec);
}

std::size_t calibration_bin(double p) {
  return std::min(kCalibrationBins - 1, static_cast<std::size_t>(p * static_cast<double>(kCalibrationBins)));
}

/// Σ |hits − claims| over the bins / rows; the last column counts rows.
std::optional<Estimate> calibration_error(const Sample& sample, const ResampleSpec& spec) {
  Panel sums(sample.days(), kCalibrationBins + 1);
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const Probabilities& p = sample.forecast(i);
    const std::size_t top = top_class(p);
    const double hit = top == static_cast<std::size_t>(sample.row(i).label) ? 1 : 0;
    sums.at(sample.day(i), calibration_bin(p[top])) += hit - p[top];
    sums.at(sample.day(i), kCalibrationBins) += 1;
  }
  return estimate(
      sums,
      [](std::span<const double> s) {
        double off = 0;
        for (std::size_t b = 0; b < kCalibrationBins; ++b) off += std::abs(s[b]);
        return off / s[kCalibrationBins];
      },
      spec);
}

Panel confusion_by_day(const Sample& sample) {
  Panel sums(sample.days(), kClassCount * kClassCount);
  for (std::size_t i = 0; i < sample.size(); ++i)
    sums.at(sample.day(i),
            static_cast<std::size_t>(sample.row(i).label) * kClassCount + top_class(sample.forecast(i))) += 1;
  return sums;
}

Confusion confusion_of(std::span<const double> sums) {
  Confusion out{};
  for (std::size_t i = 0; i < sums.size(); ++i)
    out[i / kClassCount][i % kClassCount] = static_cast<std::int64_t>(sums[i]);
  return out;
}

std::vector<ReliabilityBin> reliability(const Sample& sample) {
  std::vector<statistics::Claim> claims;
  for (std::size_t i = 0; i < sample.size(); ++i) claims.push_back(top_claim(sample.row(i).label, sample.forecast(i)));
  std::vector<ReliabilityBin> out;
  for (const auto& r : statistics::reliability_table(claims, kCalibrationBins, statistics::Bins::EqualWidth))
    out.push_back({r.low, r.high, static_cast<std::int64_t>(r.count), r.claimed, r.observed, r.observed_interval.low,
                   r.observed_interval.high});
  return out;
}

/// A yes-or-no question about some rows of a sample.
struct Question {
  std::vector<std::size_t> day;
  std::vector<double> score, loss, prior_loss;
  std::vector<bool> yes;

  void ask(std::size_t on, double p, double prior, bool answer) {
    day.push_back(on);
    score.push_back(p);
    yes.push_back(answer);
    loss.push_back(loss_of(p, answer));
    prior_loss.push_back(loss_of(prior, answer));
  }
  static double loss_of(double p, bool answer) { return -std::log(std::max(answer ? p : 1 - p, 1e-15)); }
};

/// By day: how many of each answer have their score in each of kAucBins bins of about equal mass; equal scores share a
/// bin. Columns: no in bin 0, yes in bin 0, no in bin 1, …
Panel answers_by_score(const Question& q, std::size_t days) {
  std::vector<std::size_t> order(q.score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return q.score[i]; });
  Panel sums(days, 2 * kAucBins);
  std::size_t bin = 0;
  for (std::size_t r = 0; r < order.size(); ++r) {
    const std::size_t i = order[r];
    if (r == 0 || q.score[i] != q.score[order[r - 1]]) bin = r * kAucBins / order.size();
    sums.at(q.day[i], 2 * bin + (q.yes[i] ? 1 : 0)) += 1;
  }
  return sums;
}

/// Mann–Whitney: pairs ranked rightly, those in one bin by half; NaN without both answers.
double area_under_curve(std::span<const double> counts) {
  double below = 0, yes = 0, right = 0;
  for (std::size_t b = 0; b < kAucBins; ++b) {
    right += counts[2 * b + 1] * (below + counts[2 * b] / 2);
    below += counts[2 * b];
    yes += counts[2 * b + 1];
  }
  return right / (below * yes);
}

BinarySkill skill_at(const Question& q, std::size_t days, const ResampleSpec& spec) {
  BinarySkill out;
  out.rows = static_cast<std::int64_t>(q.score.size());
  if (q.score.empty()) return out;
  Panel losses(days, 2);
  for (std::size_t i = 0; i < q.score.size(); ++i) {
    losses.at(q.day[i], 0) += q.loss[i];
    losses.at(q.day[i], 1) += q.prior_loss[i];
  }
  out.log_loss_skill = estimate(losses, [](std::span<const double> s) { return 1 - s[0] / s[1]; }, spec);
  out.auc = estimate(answers_by_score(q, days), area_under_curve, spec);
  return out;
}

double share_of_buy(const Probabilities& p) {
  const double moved = p[kSell] + p[kBuy];
  return moved > 0 ? p[kBuy] / moved : 0.5;
}

}  // namespace

Sample::Sample(const Pool& pool, const PooledForecaster& forecaster, const std::function<bool(const PooledRow&)>& keep)
    : pool_(&pool), forecaster_(&forecaster), prior_(pool.find(kPrior)) {
  QT_CHECK(prior_ != nullptr, "the class prior is always among the forecasters");
  constexpr std::uint32_t kUnseen = 0xFFFFFFFF;
  std::vector<std::uint32_t> number(pool.days.size(), kUnseen);
  for (std::uint32_t i = 0; i < pool.rows.size(); ++i) {
    const PooledRow& row = pool.rows[i];
    if (!forecaster.forecasts[i] || !prior_->forecasts[i] || (keep && !keep(row))) continue;
    if (number[row.day] == kUnseen) number[row.day] = static_cast<std::uint32_t>(days_++);
    rows_.push_back(i);
    day_.push_back(number[row.day]);
  }
}

std::optional<ClassSkill> class_skill(const Sample& sample, const ResampleSpec& spec) {
  const auto log_loss =
      mean_estimate(sample, [&](std::size_t i) { return log_loss_of(sample.row(i).label, sample.forecast(i)); }, spec);
  const auto brier =
      mean_estimate(sample, [&](std::size_t i) { return brier_of(sample.row(i).label, sample.forecast(i)); }, spec);
  const auto ece = calibration_error(sample, spec);
  const Panel confusion = confusion_by_day(sample);
  const auto f1 = estimate(confusion, [](std::span<const double> s) { return macro_f1(confusion_of(s)); }, spec);
  const auto mcc =
      estimate(confusion, [](std::span<const double> s) { return matthews_correlation(confusion_of(s)); }, spec);
  if (!log_loss || !brier || !ece || !f1 || !mcc) return std::nullopt;
  return ClassSkill{static_cast<std::int64_t>(sample.size()),
                    static_cast<std::int64_t>(sample.days()),
                    *log_loss,
                    *brier,
                    *ece,
                    *f1,
                    *mcc,
                    reliability(sample)};
}

BinarySkill movement_skill(const Sample& sample, const ResampleSpec& spec) {
  Question q;
  for (std::size_t i = 0; i < sample.size(); ++i)
    q.ask(sample.day(i), 1 - sample.forecast(i)[kHold], 1 - sample.prior(i)[kHold],
          sample.row(i).label != LabelClass::Hold);
  return skill_at(q, sample.days(), spec);
}

BinarySkill direction_skill(const Sample& sample, const ResampleSpec& spec) {
  Question q;
  for (std::size_t i = 0; i < sample.size(); ++i)
    if (sample.row(i).label != LabelClass::Hold)
      q.ask(sample.day(i), share_of_buy(sample.forecast(i)), share_of_buy(sample.prior(i)),
            sample.row(i).label == LabelClass::Buy);
  return skill_at(q, sample.days(), spec);
}

std::optional<RankIc> rank_ic(const Sample& sample, const ResampleSpec& spec) {
  std::vector<std::vector<double>> score(sample.days()), outcome(sample.days());
  for (std::size_t i = 0; i < sample.size(); ++i) {
    score[sample.day(i)].push_back(lean(sample.forecast(i)));
    outcome[sample.day(i)].push_back(sample.row(i).log_return);
  }
  std::vector<double> daily;
  for (std::size_t d = 0; d < sample.days(); ++d) {
    if (score[d].size() < kLeastRowsPerDay) continue;
    if (const auto rho = statistics::spearman(score[d], outcome[d])) daily.push_back(*rho);
  }
  const auto moments = statistics::moments(daily);
  if (!moments) return std::nullopt;
  Panel sums(daily.size(), 2);
  for (std::size_t d = 0; d < daily.size(); ++d) {
    sums.at(d, 0) = daily[d];
    sums.at(d, 1) = 1;
  }
  const auto mean = ratio_estimate(sums, spec);
  if (!mean) return std::nullopt;
  const auto n = static_cast<double>(daily.size());
  RankIc out;
  out.mean = *mean;
  out.t = moments->sharpe() * std::sqrt(n);
  out.p_two_sided = statistics::student_t_two_sided(out.t, n - 1);
  out.days = static_cast<std::int64_t>(daily.size());
  out.positive_days = static_cast<double>(std::ranges::count_if(daily, [](double ic) { return ic > 0; })) / n;
  return out;
}

std::optional<PairedDifference> against(const Sample& sample, const PooledForecaster& other) {
  std::vector<PairedLoss> losses;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const auto& reference = other.forecasts[sample.rows()[i]];
    if (!reference) continue;
    const LabelClass label = sample.row(i).label;
    losses.push_back({static_cast<std::int64_t>(sample.day(i)), log_loss_of(label, sample.forecast(i)),
                      log_loss_of(label, *reference)});
  }
  return paired_difference(losses);
}

double lean(const Probabilities& p) { return p[kBuy] - p[kSell]; }

}  // namespace qtrader::training
