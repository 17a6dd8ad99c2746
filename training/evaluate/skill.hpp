// Skill: what forecasts are worth as probabilities, apart from what could be earned with them (trading.hpp).
//
// Proper scores and calibration of the three classes; then skill at MOVEMENT (will it leave the band at all: BUY or
// SELL against HOLD) apart from skill at DIRECTION (which side, given that it moves), because the first is easy,
// volatility being persistent, and only the second can be traded. Every figure comes with a 95 % interval that
// resamples whole days. The class prior of each fold is the zero of every skill.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "training/evaluate/estimate.hpp"
#include "training/evaluate/paired.hpp"
#include "training/evaluate/pool.hpp"

namespace qtrader::training {

/// Rows of the pool, and one forecaster's answers on those of them it could answer.
class Sample {
 public:
  /// Every row that the forecaster and the prior predicted and that `keep`, if given, is true of.
  Sample(const Pool& pool, const PooledForecaster& forecaster,
         const std::function<bool(const PooledRow&)>& keep = nullptr);

  const Pool& pool() const { return *pool_; }
  std::size_t size() const { return rows_.size(); }
  const std::vector<std::uint32_t>& rows() const { return rows_; }  // indices into the pool
  const PooledRow& row(std::size_t i) const { return pool_->rows[rows_[i]]; }
  const Probabilities& forecast(std::size_t i) const { return *forecaster_->forecasts[rows_[i]]; }
  const Probabilities& prior(std::size_t i) const { return *prior_->forecasts[rows_[i]]; }
  /// Days that have a row, numbered without holes.
  std::size_t days() const { return days_; }
  std::size_t day(std::size_t i) const { return day_[i]; }

 private:
  const Pool* pool_;
  const PooledForecaster* forecaster_;
  const PooledForecaster* prior_;
  std::vector<std::uint32_t> rows_, day_;
  std::size_t days_ = 0;
};

/// The bin [low, high) of the top class's probability; observed with its 95 % Wilson interval, as if rows were
/// independent, which they are not.
struct ReliabilityBin {
  double low = 0, high = 0;
  std::int64_t rows = 0;
  double claimed = 0, observed = 0, observed_low = 0, observed_high = 0;
};
QT_DESCRIBE(ReliabilityBin, low, high, rows, claimed, observed, observed_low, observed_high)

struct ClassSkill {
  std::int64_t rows = 0, days = 0;
  Estimate log_loss, brier, ece, macro_f1, mcc;
  std::vector<ReliabilityBin> reliability;
};
QT_DESCRIBE(ClassSkill, rows, days, log_loss, brier, ece, macro_f1, mcc, reliability)

/// log_loss_skill: 1 − log-loss / that of the prior, of the binary question. auc: the chance that a row of the first
/// answer is ranked above one of the second; ½ knows nothing.
struct BinarySkill {
  std::int64_t rows = 0;
  std::optional<Estimate> log_loss_skill, auc;
};
QT_DESCRIBE(BinarySkill, rows, log_loss_skill, auc)

/// Spearman's correlation of p_BUY − p_SELL with the forward return, of each day's rows, averaged over the days.
struct RankIc {
  Estimate mean;
  double t = 0, p_two_sided = 1;  // of a mean of 0, days as observations
  std::int64_t days = 0;
  double positive_days = 0;  // share
};
QT_DESCRIBE(RankIc, mean, t, p_two_sided, days, positive_days)

/// Empty below two days or without rows.
std::optional<ClassSkill> class_skill(const Sample& sample, const ResampleSpec& spec);
/// BUY or SELL against HOLD.
BinarySkill movement_skill(const Sample& sample, const ResampleSpec& spec);
/// BUY against SELL, of the rows that are not HOLD.
BinarySkill direction_skill(const Sample& sample, const ResampleSpec& spec);
/// Empty where forecasts do not vary within days, as the prior's.
std::optional<RankIc> rank_ic(const Sample& sample, const ResampleSpec& spec);
/// The forecaster against another on rows both predicted.
std::optional<PairedDifference> against(const Sample& sample, const PooledForecaster& other);

/// p_BUY − p_SELL.
double lean(const Probabilities& p);

}  // namespace qtrader::training
