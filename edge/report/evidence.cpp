#include "edge/report/evidence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/check.hpp"
#include "core/statistics/bootstrap.hpp"
#include "core/statistics/data_snooping.hpp"
#include "core/statistics/overfitting.hpp"
#include "core/statistics/sharpe.hpp"
#include "edge/report/summary.hpp"

namespace qtrader::report {
namespace {

constexpr double kDaysPerYear = 365;
constexpr double kConfidence = 0.95;  // of the interval and of a probability that convinces
constexpr double kLevel = 0.05;       // of the reality check
constexpr double kMostPbo = 0.2;      // that still convinces
constexpr double kCoverage = 0.9;     // of the run's days, from which a trial is compared
constexpr std::uint64_t kFewestDays = 30;
constexpr std::size_t kRowsPerBlock = 5, kMostBlocks = 16, kFewestBlocks = 4;
constexpr std::uint64_t kSeed = 1;  // of the bootstraps: the same run has the same interval
constexpr double kPpb = 1e-9;

std::int64_t day_number(base::Timestamp day) { return day.ns / base::days(1).ns; }

std::vector<double> values_of(const std::vector<DailyReturn>& returns) {
  std::vector<double> out;
  for (const DailyReturn& r : returns) out.push_back(r.value);
  return out;
}

RunEvidence weigh_run(const std::vector<double>& daily) {
  RunEvidence out{.days = daily.size()};
  out.mean_daily_frac = statistics::mean(daily);
  const auto m = statistics::moments(daily);
  if (!m) return out;
  out.skewness = m->skewness;
  out.kurtosis = m->kurtosis;
  out.psr = statistics::probabilistic_sharpe(*m, 0);
  out.min_track_days = statistics::minimum_track_record(*m, 0, kConfidence);
  if (const auto e = statistics::bootstrap_mean(daily, {.confidence = kConfidence, .seed = kSeed})) {
    out.mean_daily_low_frac = e->interval.low;
    out.mean_daily_high_frac = e->interval.high;
    out.block_days = statistics::automatic_block_length(daily);
  }
  return out;
}

/// A trial's returns on the days of the run; empty where it has none.
std::vector<std::optional<double>> on_days(const store::Trial& trial, const std::vector<DailyReturn>& days) {
  std::vector<std::optional<double>> out(days.size());
  const auto first = base::parse_timestamp(trial.first_day);
  if (!first) return out;
  for (std::size_t i = 0; i < days.size(); ++i) {
    const std::int64_t at = day_number(days[i].day) - day_number(*first);
    if (at < 0 || at >= static_cast<std::int64_t>(trial.return_ppb.size())) continue;
    if (const auto ppb = trial.return_ppb[static_cast<std::size_t>(at)]) out[i] = static_cast<double>(*ppb) * kPpb;
  }
  return out;
}

/// The trials that cover nearly the run's days, on the days all of them have; columns in the order of their ids, so
/// that the order of the ledger does not matter.
statistics::Panel comparable(const std::vector<DailyReturn>& days, const store::TrialFamily& family) {
  std::vector<std::pair<std::string, std::vector<std::optional<double>>>> columns;
  for (const store::Trial& trial : family.newest) {
    auto column = on_days(trial, days);
    const auto covered = std::ranges::count_if(column, [](const auto& v) { return v.has_value(); });
    if (covered > 0 && static_cast<double>(covered) >= kCoverage * static_cast<double>(days.size()))
      columns.emplace_back(trial.id, std::move(column));
  }
  std::ranges::sort(columns);
  std::vector<double> values;
  for (std::size_t day = 0; day < days.size(); ++day) {
    if (!std::ranges::all_of(columns, [&](const auto& c) { return c.second[day].has_value(); })) continue;
    for (const auto& c : columns) values.push_back(*c.second[day]);
  }
  return {columns.size(), std::move(values)};
}

/// Variance of the trials' daily Sharpe ratios. At least that of the estimate without an edge, 1/(n − 1), unless all
/// trials could be compared: those that could not may have varied more.
double sharpe_variance(const statistics::Panel& panel, std::uint64_t trials, std::size_t days) {
  std::vector<double> sharpes;
  for (std::size_t k = 0; k < panel.columns(); ++k)
    if (const auto m = statistics::moments(panel.column(k))) sharpes.push_back(m->sharpe());
  const auto m = statistics::moments(sharpes);
  const double observed = m ? m->deviation * m->deviation : 0, by_chance = 1 / static_cast<double>(days - 1);
  return sharpes.size() >= 2 && panel.columns() == trials ? observed : std::max(observed, by_chance);
}

void deflate(TrialEvidence& out, const statistics::Panel& panel, const statistics::Moments& own) {
  const double variance = out.count > 1 ? sharpe_variance(panel, out.count, own.n) : 0;
  const double year = std::sqrt(kDaysPerYear);
  if (out.count > 1) out.sharpe_deviation = std::sqrt(variance) * year;
  out.expected_max_sharpe = statistics::expected_max_sharpe(out.count, variance) * year;
  out.dsr = statistics::deflated_sharpe(own, out.count, variance);
  if (!out.dsr) out.notes.push_back("No deflated Sharpe ratio: the returns are too skewed for its formula.");
}

void compare(TrialEvidence& out, const statistics::Panel& panel) {
  std::size_t blocks = std::min(kMostBlocks, panel.rows() / kRowsPerBlock);
  blocks -= blocks % 2;
  if (panel.columns() < 2) {
    out.notes.push_back("No PBO: it takes a second trial over the same days.");
  } else if (blocks < kFewestBlocks) {
    out.notes.push_back(fmt::format("No PBO: the {} compared trials have {} days in common, it takes {}.",
                                    panel.columns(), panel.rows(), kFewestBlocks * kRowsPerBlock));
  } else if (const auto overfitting = statistics::backtest_overfitting(panel, blocks)) {
    out.pbo = overfitting->pbo;
  }
  const auto snooping = statistics::data_snooping(
      panel, {.block_length = statistics::panel_block_length(panel), .resamples = 1'000, .seed = kSeed});
  if (!snooping) {
    out.notes.push_back(fmt::format("No reality check: {} common days are too few.", panel.rows()));
    return;
  }
  out.reality_check_p = snooping->reality_check_p;
  out.spa_p = snooping->spa_p;
}

TrialEvidence weigh_trials(const std::vector<DailyReturn>& returns, const store::TrialFamily& family) {
  TrialEvidence out{.count = family.trials};
  if (family.cut_torn_line)
    out.notes.push_back("The trial ledger ended in the remains of an interrupted write; they were removed.");
  if (family.trials == 0) {
    out.notes.push_back("No trial ledger was kept.");
    return out;
  }
  const auto own = statistics::moments(values_of(returns));
  if (!own) {
    out.notes.push_back("The daily returns do not vary: nothing can be compared.");
    return out;
  }
  const statistics::Panel panel = comparable(returns, family);
  out.compared = panel.columns();
  out.common_days = panel.rows();
  if (family.trials > family.newest.size())
    out.notes.push_back(fmt::format("Only the newest {} trials were compared.", family.newest.size()));
  deflate(out, panel, *own);
  compare(out, panel);
  return out;
}

std::string interval_text(const RunEvidence& run) {
  return fmt::format("95 % interval {} to {}", percent(run.mean_daily_low_frac, 3),
                     percent(run.mean_daily_high_frac, 3));
}

/// What speaks against an edge, strongest first; empty if nothing does.
std::vector<std::string> doubts(const Evidence& e) {
  std::vector<std::string> out;
  const TrialEvidence& t = e.trials;
  if (e.run.days < kFewestDays) out.push_back(fmt::format("{} days are too few, it takes {}", e.run.days, kFewestDays));
  if (!e.run.mean_daily_low_frac || *e.run.mean_daily_low_frac <= 0)
    out.push_back("the mean daily net return may well be zero (" + interval_text(e.run) + ")");
  if (!t.dsr) {
    out.push_back("the number of trials is not accounted for");
  } else if (*t.dsr < kConfidence) {
    out.push_back(fmt::format("after {} the probability of a true Sharpe ratio above zero is {}, it takes 95 %",
                              t.count == 1 ? "one trial" : count(t.count) + " trials", plain_percent(t.dsr, 1)));
  }
  if (t.pbo && *t.pbo > kMostPbo)
    out.push_back(fmt::format("the best of {} trials would have been below their median later in {} of the splits",
                              t.compared, plain_percent(t.pbo, 0)));
  if (t.reality_check_p && *t.reality_check_p > kLevel)
    out.push_back(
        fmt::format("luck alone gives a best trial as good with probability {}", number(t.reality_check_p, 3)));
  return out;
}

void conclude(Evidence& e, const Reservations& reservations) {
  const auto cannot_tell = [&](const std::string& why) {
    e.conclusion = Conclusion::CannotTell;
    e.verdict = "Cannot tell: " + why + ".";
  };
  if (reservations.synthetic) return cannot_tell("the prices are synthetic, no statement about a market follows");
  if (!e.run.skewness) return cannot_tell("the daily returns do not vary");
  if (*e.run.mean_daily_frac <= 0) {
    e.conclusion = Conclusion::NoEdge;
    e.verdict = fmt::format("No edge after costs: the mean daily net return is {} ({}).",
                            percent(e.run.mean_daily_frac, 3), interval_text(e.run));
    return;
  }
  if (reservations.in_sample) return cannot_tell("a model was fitted on days of this run");
  const std::vector<std::string> against = doubts(e);
  if (!against.empty()) return cannot_tell(fmt::format("{}", fmt::join(against, "; ")));
  e.conclusion = Conclusion::EdgeLikely;
  e.verdict = fmt::format(
      "An edge is likely: {} a day after costs ({}), and after {} the probability of a true Sharpe ratio above zero is "
      "{}.",
      percent(e.run.mean_daily_frac, 3), interval_text(e.run),
      e.trials.count == 1 ? "one trial" : count(e.trials.count) + " trials", plain_percent(e.trials.dsr, 1));
}

}  // namespace

Evidence weigh_evidence(const std::vector<DailyReturn>& returns, const store::TrialFamily& family,
                        const Reservations& reservations) {
  Evidence out;
  out.run = weigh_run(values_of(returns));
  out.trials = weigh_trials(returns, family);
  conclude(out, reservations);
  return out;
}

}  // namespace qtrader::report
