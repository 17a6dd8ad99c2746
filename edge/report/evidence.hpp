// Evidence: what a run's daily returns prove, given everything else that was tried on the same data.
//
// The run's own part (interval of the mean, probabilistic Sharpe ratio) follows from the run alone. The part of the
// trials comes from the trial ledger and changes as others are recorded, as does the verdict, which applies stated
// rules (docs/formats/backtest-report.md). Formulas: core/statistics. Never looks at a market; reads no file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/reflect.hpp"
#include "edge/report/statistics.hpp"
#include "edge/store/trial_ledger.hpp"

namespace qtrader::report {

/// Of the run alone. What its returns do not define is absent.
struct RunEvidence {
  std::uint64_t days = 0;                                           // with a return
  std::optional<double> mean_daily_frac;                            // net of all costs
  std::optional<double> mean_daily_low_frac, mean_daily_high_frac;  // 95 % interval, stationary bootstrap
  std::optional<double> block_days;                                 // mean block length of that bootstrap
  std::optional<double> skewness, kurtosis;                         // of the daily returns; 0 and 3 for a normal
  std::optional<double> psr;             // probability that the true Sharpe ratio is above 0, as if tried once
  std::optional<double> min_track_days;  // from which psr would be 95 %
};
QT_DESCRIBE(RunEvidence, days, mean_daily_frac, mean_daily_low_frac, mean_daily_high_frac, block_days, skewness,
            kurtosis, psr, min_track_days)

/// Of all trials recorded on this data.
struct TrialEvidence {
  std::uint64_t count = 0;                    // this one included; 0 where no ledger was kept
  std::uint64_t compared = 0;                 // of them: those that cover nearly the same days
  std::uint64_t common_days = 0;              // that all compared ones have
  std::optional<double> sharpe_deviation;     // annual, over the trials
  std::optional<double> expected_max_sharpe;  // annual, of the best of `count` trials without an edge
  std::optional<double> dsr;                  // probability that the true Sharpe ratio is above 0, after `count` trials
  std::optional<double> pbo;                  // probability that the best compared trial is below their median later
  std::optional<double> reality_check_p, spa_p;  // of "no compared trial has a positive mean return"
  std::vector<std::string> notes;                // why something above is absent, and what was wrong with the ledger
};
QT_DESCRIBE(TrialEvidence, count, compared, common_days, sharpe_deviation, expected_max_sharpe, dsr, pbo,
            reality_check_p, spa_p, notes)

enum class Conclusion { NoEdge, CannotTell, EdgeLikely };
QT_DESCRIBE_ENUM(Conclusion, NoEdge, CannotTell, EdgeLikely)

struct Evidence {
  RunEvidence run;
  TrialEvidence trials;
  Conclusion conclusion = Conclusion::CannotTell;
  std::string verdict;  // one sentence
};
QT_DESCRIBE(Evidence, run, trials, conclusion, verdict)

/// Why the returns prove nothing about a market, whatever they are.
struct Reservations {
  bool synthetic = false;  // the prices never traded
  bool in_sample = false;  // a model was fitted on days of the run
};

Evidence weigh_evidence(const std::vector<DailyReturn>& returns, const store::TrialFamily& family,
                        const Reservations& reservations);

}  // namespace qtrader::report
