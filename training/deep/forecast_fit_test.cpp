#include "training/deep/forecast_fit.hpp"

#include <gtest/gtest.h>

namespace qtrader::training::deep {
namespace {

/// Forecasts the last value and one number more, which is all it can learn.
class Drift final : public ForecastNet {
 public:
  explicit Drift(std::int64_t horizon) : horizon_(horizon), step_(register_parameter("step", torch::zeros({1}))) {}
  torch::Tensor forward(const torch::Tensor& x) override {
    return x.slice(2, x.size(2) - 1).expand({-1, -1, horizon_}) + step_;
  }
  double step() const { return step_.item<double>(); }

 private:
  std::int64_t horizon_;
  torch::Tensor step_;
};

/// Rises while it is trained on and falls from then on: the more is learnt the worse the validation.
ForecastSeries rise_and_fall() {
  ForecastSeries out;
  out.dataset.channels = 1;
  out.rows = out.test_end = 120;
  out.train_end = 60;
  out.validation_end = 90;
  for (int i = 0; i < 120; ++i) out.values.push_back(static_cast<float>(i < 60 ? i : 120 - i));
  return out;
}

struct Fitted {
  FitSummary summary;
  double step = 0;
};

Fitted fit(std::int64_t epochs, bool keep_last) {
  const ForecastSeries series = rise_and_fall();
  const WindowSource source(series, split_windows(series, 8, 1, History::Whole).value());
  Drift net(1);
  FitPlan plan;
  plan.epochs = epochs;
  plan.patience = 2;
  plan.batch = 8;
  plan.learning_rate = 0.01;
  plan.keep_last = keep_last;
  const auto summary = fit_forecast(net, source, plan, {.stage = "test"});
  EXPECT_TRUE(summary.ok());
  return {summary.value(), net.step()};
}

TEST(ForecastFit, KeepsTheBestEpochAndStopsWhenNoneIsBetter) {
  const Fitted f = fit(10, false);
  EXPECT_EQ(f.summary.best_epoch, 1);
  EXPECT_EQ(f.summary.epochs, 3);
  EXPECT_EQ(f.step, fit(1, false).step);
}

TEST(ForecastFit, KeepsTheLastEpochWhenToldToWhateverValidationSays) {
  const Fitted f = fit(10, true);
  EXPECT_EQ(f.summary.best_epoch, 1);
  EXPECT_EQ(f.summary.epochs, 10);
  EXPECT_GT(f.step, 5 * fit(1, true).step);
}

}  // namespace
}  // namespace qtrader::training::deep
