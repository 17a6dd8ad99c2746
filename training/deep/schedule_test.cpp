#include "training/deep/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "training/deep/early_stopping.hpp"

namespace qtrader::training::deep {
namespace {

TEST(Schedule, OneCycleStartsPeaksAndEndsWhereTorchSays) {
  // torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=100): lr[0] = 0.004, lr[29] = 0.1, lr[99] = 4e-7.
  const Schedule s{ScheduleKind::OneCycle, 0.1, 10, 10};
  EXPECT_NEAR(s.learning_rate(0), 0.004, 1e-12);
  EXPECT_NEAR(s.learning_rate(29), 0.1, 1e-12);
  EXPECT_NEAR(s.learning_rate(99), 4e-7, 1e-12);
  EXPECT_NEAR(s.learning_rate(64), (0.1 + 4e-7) / 2, 1e-12);  // half way down
  EXPECT_NEAR(s.momentum(0, 0.9), 0.95, 1e-12);
  EXPECT_NEAR(s.momentum(29, 0.9), 0.85, 1e-12);
  EXPECT_NEAR(s.momentum(99, 0.9), 0.95, 1e-12);
  for (int step = 0; step < 99; ++step)
    EXPECT_EQ(s.learning_rate(step + 1) > s.learning_rate(step), step < 29) << "step " << step;
}

TEST(Schedule, CosineFallsFromThePeakToNothing) {
  const Schedule s{ScheduleKind::Cosine, 0.02, 4, 25};
  EXPECT_DOUBLE_EQ(s.learning_rate(0), 0.02);
  EXPECT_NEAR(s.learning_rate(50), 0.01, 1e-12);
  EXPECT_LT(s.learning_rate(99), 1e-5);
  EXPECT_EQ(s.learning_rate(1'000), s.learning_rate(99));
}

TEST(Schedule, Type3HoldsAndThenDecaysByEpoch) {
  const Schedule s{ScheduleKind::Type3, 1.0, 100, 7};
  EXPECT_EQ(s.learning_rate(3 * 7 - 1), 1.0);
  EXPECT_EQ(s.learning_rate(3 * 7), 1.0);  // the exponent starts at 0
  EXPECT_DOUBLE_EQ(s.learning_rate(4 * 7), 0.9);
  EXPECT_DOUBLE_EQ(s.learning_rate(5 * 7 + 6), 0.81);
}

TEST(Schedule, HalvingAndConstant) {
  const Schedule halving{ScheduleKind::Halving, 0.8, 3, 10};
  EXPECT_EQ(halving.learning_rate(9), 0.8);
  EXPECT_EQ(halving.learning_rate(10), 0.4);
  EXPECT_EQ(halving.learning_rate(29), 0.2);
  const Schedule constant{ScheduleKind::Constant, 0.8, 3, 10};
  EXPECT_EQ(constant.learning_rate(29), 0.8);
  EXPECT_EQ(constant.momentum(29, 0.9), 0.9);
}

TEST(Schedule, TheFirstEpochMayBeSlower) {
  Schedule s{ScheduleKind::Type3, 1.0, 10, 7};
  s.first_epoch_divisor = 25;
  EXPECT_DOUBLE_EQ(s.learning_rate(6), 0.04);
  EXPECT_EQ(s.learning_rate(7), 1.0);
}

TEST(EarlyStopping, KeepsTheFirstBestAndWaitsForPatience) {
  EarlyStopping stopping(2);
  EXPECT_FALSE(stopping.observe(1, std::numeric_limits<double>::quiet_NaN()));
  EXPECT_TRUE(stopping.observe(2, 5.0));
  EXPECT_FALSE(stopping.observe(3, 5.0));
  EXPECT_FALSE(stopping.should_stop(3));
  EXPECT_TRUE(stopping.observe(4, 4.0));
  EXPECT_FALSE(stopping.observe(5, 4.5));
  EXPECT_FALSE(stopping.should_stop(5));
  EXPECT_FALSE(stopping.observe(6, 4.2));
  EXPECT_TRUE(stopping.should_stop(6));
  EXPECT_EQ(stopping.best_epoch(), 4);
  EXPECT_EQ(stopping.best_loss(), 4.0);
}

}  // namespace
}  // namespace qtrader::training::deep
