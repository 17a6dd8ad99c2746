#include "training/sequences.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/rng.hpp"

namespace qtrader::training {
namespace {

using deep::kForecastSteps;
using deep::kUnknownTarget;
using deep::kWindowSteps;
using features::kFeatureCount;

constexpr std::size_t kRv20 = static_cast<std::size_t>(features::Feature::Rv20);

/// Two symbols' rows by time; the second has a hole before bar `hole`.
Dataset two_symbols(std::size_t bars, std::size_t hole) {
  Dataset out;
  base::Rng rng(4);
  std::array<std::uint32_t, 2> last = {kNoRow, kNoRow};
  for (std::size_t t = 0; t < bars; ++t)
    for (std::uint16_t s = 0; s < 2; ++s) {
      if (s == 1 && t == hole) {
        last[s] = kNoRow;
        continue;
      }
      Row row;
      row.symbol = domain::SymbolId{s};
      row.bar_close = base::Timestamp{} + base::minutes(15) * static_cast<std::int64_t>(t + 1);
      row.close = (s + 1) * std::exp(0.01 * static_cast<double>(t));
      row.previous = last[s];
      last[s] = static_cast<std::uint32_t>(out.rows.size());
      out.rows.push_back(row);
      out.labels.push_back(static_cast<LabelClass>(t % 3));
      for (std::size_t j = 0; j < kFeatureCount; ++j) out.x.push_back(rng.normal());
      out.x[out.x.size() - kFeatureCount + kRv20] = 0.02;
    }
  return out;
}

TEST(Sequences, QuartilesAreThoseOfTheTrainingRowsAlone) {
  Dataset data = two_symbols(3, 99);  // six rows
  for (std::size_t i = 0; i < 6; ++i) data.x[i * kFeatureCount + 5] = i < 5 ? static_cast<double>(4 - i) : 1e9;
  const deep::Quartiles q = fit_quartiles(data, {0, 5});  // 0, 1, 2, 3, 4
  EXPECT_EQ(q.median[5], 2);
  EXPECT_EQ(q.iqr[5], 2);
  EXPECT_EQ(fit_quartiles(data, {0, 4}).median[5], 2.5F);
  EXPECT_EQ(fit_quartiles(data, {0, 4}).iqr[5], 1.5F);  // 3.25 − 1.75
  EXPECT_EQ(fit_quartiles(data, {2, 3}).iqr[5], 0);
}

TEST(Sequences, WindowsHoldOneSymbolsRowsInOrderAndSpanNoHole) {
  constexpr std::size_t kBars = 300, kHole = 150;
  const Dataset data = two_symbols(kBars, kHole);
  const deep::Quartiles q = fit_quartiles(data, {0, data.size()});
  const Sequences sequences(data, q);
  const auto normaliser = models::Normaliser::of(q.median, q.iqr);
  std::size_t windows = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto end = sequences.window_end(i);
    std::size_t run = 1;
    for (std::uint32_t at = data.rows[i].previous; at != kNoRow; at = data.rows[at].previous) ++run;
    ASSERT_EQ(end.has_value(), run >= kWindowSteps) << i;
    if (!end) continue;
    ++windows;
    std::size_t row = i;
    for (std::size_t age = 0; age < kWindowSteps; ++age, row = data.rows[row].previous) {
      models::Normaliser::Row x, z;
      for (std::size_t j = 0; j < kFeatureCount; ++j) x[j] = static_cast<float>(data.x[row * kFeatureCount + j]);
      models::normalise(normaliser, x, z);
      ASSERT_TRUE(std::ranges::equal(z, sequences.table().z.subspan((*end - age) * kFeatureCount, kFeatureCount)));
      ASSERT_NEAR(sequences.table().log_close[*end - age], std::log(data.rows[row].close), 1e-12);
    }
  }
  EXPECT_EQ(windows, kBars - kWindowSteps + 1 + kHole - kWindowSteps + 1 + kBars - kHole - kWindowSteps);
}

TEST(Sequences, RowsInAnotherOrderGiveTheSameWindows) {
  const Dataset data = two_symbols(200, 999);
  Dataset moved = data;  // the second half first
  const auto at = [&](std::size_t i) { return (i + data.size() / 2) % data.size(); };
  for (std::size_t i = 0; i < data.size(); ++i) {
    moved.rows[at(i)] = data.rows[i];
    if (data.rows[i].previous != kNoRow)
      moved.rows[at(i)].previous = static_cast<std::uint32_t>(at(data.rows[i].previous));
    std::copy_n(&data.x[i * kFeatureCount], kFeatureCount, &moved.x[at(i) * kFeatureCount]);
  }
  const deep::Quartiles q = fit_quartiles(data, {0, data.size()});
  const Sequences a(data, q), b(moved, q);
  EXPECT_TRUE(std::ranges::equal(a.table().z, b.table().z));
  for (std::size_t i = 0; i < data.size(); ++i) ASSERT_EQ(a.window_end(i), b.window_end(at(i)));
}

TEST(Sequences, TargetsAreTheNextClosesAndStopAtTheEndOfThePartOrRun) {
  const Dataset data = two_symbols(300, 150);
  const Sequences sequences(data, fit_quartiles(data, {0, data.size()}));
  const IndexRange part{0, 2 * 140};  // bars 0 … 139 of both
  const SequenceExamples examples = sequences.examples(part, {});
  ASSERT_EQ(examples.rows.size(), 2 * (140 - kWindowSteps + 1));
  for (std::size_t e = 0; e < examples.rows.size(); ++e) {
    const std::size_t bar = examples.rows[e] / 2;
    for (std::size_t h = 1; h <= kForecastSteps; ++h) {
      const float target = examples.targets[e * kForecastSteps + h - 1];
      if (bar + h < 140)
        EXPECT_NEAR(target, 0.01 * static_cast<double>(h) / 0.02, 1e-5);
      else
        EXPECT_EQ(target, kUnknownTarget);
    }
  }
  const SequenceExamples to_the_hole = sequences.examples({0, data.size()}, {});
  const auto last = std::ranges::find_if(to_the_hole.rows, [&](std::size_t i) {
    return data.rows[i].symbol.value == 1 && data.rows[i].bar_close == base::Timestamp{} + base::minutes(15 * 150);
  });
  ASSERT_NE(last, to_the_hole.rows.end());
  EXPECT_EQ(to_the_hole.targets[static_cast<std::size_t>(last - to_the_hole.rows.begin()) * kForecastSteps],
            kUnknownTarget);
}

TEST(Sequences, WeightsKeepTheirProportionsAndHaveMeanOne) {
  const Dataset data = two_symbols(130, 999);
  const Sequences sequences(data, fit_quartiles(data, {0, data.size()}));
  std::vector<double> weights(data.size());
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 7 * (1 + static_cast<double>(i % 4));
  const SequenceExamples examples = sequences.examples({0, data.size()}, weights);
  double sum = 0;
  for (std::size_t e = 0; e < examples.rows.size(); ++e) {
    sum += static_cast<double>(examples.weights[e]);
    EXPECT_NEAR(examples.weights[e] / examples.weights[0], weights[examples.rows[e]] / weights[examples.rows[0]], 1e-5);
  }
  EXPECT_NEAR(sum / static_cast<double>(examples.rows.size()), 1, 1e-5);
}

TEST(Sequences, ARowBeyondFloatBreaksTheWindowsThatHoldIt) {
  Dataset data = two_symbols(260, 999);
  data.x[2 * 100 * kFeatureCount] = 1e300;  // bar 100 of the first symbol
  const Sequences sequences(data, fit_quartiles(data, {0, data.size()}));
  EXPECT_FALSE(sequences.window_end(2 * 130));
  EXPECT_TRUE(sequences.window_end(2 * 130 + 1));
  EXPECT_FALSE(sequences.window_end(2 * 220 - 2));
  EXPECT_TRUE(sequences.window_end(2 * 220));
}

}  // namespace
}  // namespace qtrader::training
