// ProductPipeline: the stages as the product runs them: dataset builder, labeler, split, fits.
//
// Only calls product code, in the order in which training/train.cpp calls it; holds no formula of its own. Models are
// fitted for one round: it contains the bins, the offsets, the weights and the gradients of a whole fit, and no later
// round may choose it away. The logistic regression runs few iterations for the same reason.
#pragma once

#include "training/leakcheck/pipeline.hpp"

namespace qtrader::training::leakcheck {

struct PipelineSettings {
  std::int32_t warmup_bars = 800;
  models::LabelSpec labels;
  SplitSpec split;  // horizon and timeframe are taken from the labels and the recording
  std::uint64_t seed = 1;
};

class ProductPipeline : public Pipeline {
 public:
  /// `trader` may be null: then trade() gives nothing. It must outlive the pipeline.
  ProductPipeline(PipelineSettings settings, const Trader* trader);

  base::Result<Dataset> rows(const Recording& recording) const override;
  base::Result<Split> split(Dataset& dataset) const override;
  base::Result<std::vector<Statistic>> statistics(Dataset dataset, const Split& split) const override;
  base::Result<std::vector<Decision>> trade(const Recording& recording) const override;
  std::int32_t horizon_bars() const override { return settings_.labels.horizon_bars; }
  std::int32_t embargo_bars() const override { return settings_.split.embargo_bars; }

 private:
  PipelineSettings settings_;
  const Trader* trader_;
};

}  // namespace qtrader::training::leakcheck
