#include "core/models/feature_history.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/archive.hpp"

namespace qtrader::models {
namespace {

features::FeatureVector vector_at(std::int64_t minute, double first) {
  features::FeatureVector v;
  v.bar_close = base::Timestamp{} + base::minutes(minute);
  v.x[0] = first;
  v.close = 100 + first;
  v.valid = true;
  return v;
}

TEST(FeatureHistory, KeepsTheLastBarsNewestFirst) {
  FeatureHistory history(3);
  for (int i = 1; i <= 5; ++i) history.push(vector_at(15 * i, i));
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0].x[0], 5.0f);
  EXPECT_TRUE(history[0].valid && history[0].finite);
  EXPECT_EQ(history[2].x[0], 3.0f);
  EXPECT_EQ(history[2].bar_close, base::Timestamp{} + base::minutes(45));
  EXPECT_NEAR(history[0].log_close, std::log(105.0), 1e-15);
}

TEST(FeatureHistory, IgnoresABarThatIsNotNewer) {
  FeatureHistory history(3);
  history.push(vector_at(30, 1));
  history.push(vector_at(30, 2));
  history.push(vector_at(15, 3));
  ASSERT_EQ(history.size(), 1u);
  EXPECT_EQ(history[0].x[0], 1.0f);
}

TEST(FeatureHistory, KeepsInvalidBarsAndSaysSo) {
  FeatureHistory history(3);
  features::FeatureVector v = vector_at(15, std::numeric_limits<double>::max());
  v.x[1] = std::numeric_limits<double>::quiet_NaN();
  v.valid = false;
  v.close = 0;
  history.push(v);
  EXPECT_FALSE(history[0].valid);
  EXPECT_FALSE(history[0].finite);
  EXPECT_TRUE(std::isinf(history[0].x[0]));
  EXPECT_TRUE(std::isnan(history[0].x[1]));
  EXPECT_FALSE(std::isfinite(history[0].log_close));
}

TEST(FeatureHistory, ContinuesFromItsArchive) {
  FeatureHistory history(4), restored(4);
  for (int i = 1; i <= 6; ++i) history.push(vector_at(15 * i, i));
  ASSERT_TRUE(base::from_bytes(base::to_bytes(history), restored));
  for (FeatureHistory* h : {&history, &restored}) h->push(vector_at(15 * 7, 7));
  EXPECT_EQ(base::to_bytes(history), base::to_bytes(restored));
  EXPECT_EQ(restored[0].x[0], 7.0f);
}

}  // namespace
}  // namespace qtrader::models
