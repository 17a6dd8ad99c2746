// Pipeline: everything between market data and a decision that could look ahead, as stages a checker can run.
//
// ProductPipeline runs the product's own code; plants (plants.hpp) override one stage with a known mistake, to prove
// that the checker sees it. A stage is a pure function of its arguments. Everything it gives says by when it is
// settled: from then on nothing that happens may change it.
#pragma once

#include <string>
#include <vector>

#include "core/base/archive.hpp"
#include "training/dataset.hpp"
#include "training/leakcheck/recording.hpp"

namespace qtrader::training::leakcheck {

/// A number (or a digest of many) that was fitted on a part of the rows.
struct Statistic {
  std::string name;         // "logistic mean of rsi_14"
  std::string value;        // exact: 17 digits, or a hash
  base::Timestamp settled;  // end of the last label of the rows it may depend on
};

/// What the trading core said or sent, as its journal holds it.
struct Decision {
  base::Timestamp at;
  std::string strategy;
  bool command = false;  // an order or another command for the venue; else an AuditRecord
  base::Bytes bytes;     // canonical
};

/// The trading core run on a recording. Lies outside this room: training knows no engine.
class Trader {
 public:
  virtual ~Trader() = default;
  /// In the order they were taken, strategy by strategy.
  virtual base::Result<std::vector<Decision>> trade(const Recording& recording) const = 0;
};

class Pipeline {
 public:
  virtual ~Pipeline() = default;
  /// Feature rows with labels.
  virtual base::Result<Dataset> rows(const Recording& recording) const = 0;
  /// The parts, as ranges of `dataset`, whose rows may be reordered for it.
  virtual base::Result<Split> split(Dataset& dataset) const = 0;
  /// Whatever is fitted before or besides the models, and first rounds of the models. `dataset` is consumed.
  virtual base::Result<std::vector<Statistic>> statistics(Dataset dataset, const Split& split) const = 0;
  /// What the trading core decides; empty where the pipeline has no trader.
  virtual base::Result<std::vector<Decision>> trade(const Recording& recording) const = 0;

  /// H and the embargo, in primary bars: how far labels look ahead and sequence models look back.
  virtual std::int32_t horizon_bars() const = 0;
  virtual std::int32_t embargo_bars() const = 0;
};

}  // namespace qtrader::training::leakcheck
