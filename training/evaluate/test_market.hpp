// A market made for tests: rows of a few symbols whose hourly returns share a common part and follow, or do not follow,
// a drift that one feature shows. Everything else of a row is noise with memory, as real features have.
#pragma once

#include <cmath>

#include "core/base/rng.hpp"
#include "training/dataset.hpp"

namespace qtrader::training {

struct TestMarket {
  int symbols = 4, days = 100;
  double signal = 0;     // standard deviation of the drift, in units of the returns' own
  double sigma = 0.004;  // of an hour's log return
  std::uint64_t seed = 1;
};

inline constexpr std::size_t kDriftFeature = 20;
inline constexpr base::Timestamp kTestStart{base::days(20'000).ns};

inline models::LabelSpec test_labels() { return {}; }

inline std::vector<std::string> test_symbols(const TestMarket& market) {
  std::vector<std::string> out = {"BTCUSDT", "SOLUSDT"};
  while (static_cast<int>(out.size()) < market.symbols) out.push_back("X" + std::to_string(out.size()) + "USDT");
  out.resize(static_cast<std::size_t>(market.symbols));
  return out;
}

inline Dataset make_dataset(const TestMarket& market) {
  using features::Feature;
  constexpr double kMemory = 0.9, kCommon = 0.6;
  const base::Rng root(market.seed);
  base::Rng returns = root.fork("returns"), noise = root.fork("features");
  const auto symbols = static_cast<std::size_t>(market.symbols);
  const int bars = market.days * 24;
  const models::LabelSpec labels = test_labels();
  const auto ar = [&](double& state, base::Rng& rng) {
    state = kMemory * state + std::sqrt(1 - kMemory * kMemory) * rng.normal();
    return state;
  };
  std::vector<double> drift(symbols), price(symbols, 0);
  std::vector<std::vector<double>> state(symbols, std::vector<double>(features::kFeatureCount));
  std::vector<std::vector<double>> path(symbols);  // log closes
  Dataset out;
  for (int t = 0; t < bars; ++t) {
    const double common = returns.normal();
    for (std::size_t s = 0; s < symbols; ++s) {
      price[s] += market.sigma * (market.signal * drift[s] + kCommon * common + 0.8 * returns.normal());
      path[s].push_back(price[s]);
      ar(drift[s], noise);  // known at this close, moves the price from the next bar on
      Row row;
      row.bar_close = kTestStart + base::hours(t + 1);
      row.symbol = domain::SymbolId{static_cast<std::uint16_t>(s)};
      row.present_mask = ~std::uint64_t{0};
      row.horizon_sigma = market.sigma * std::sqrt(static_cast<double>(labels.horizon_bars));
      row.close = 100 * std::exp(price[s]);
      row.regime = t / 100 % 2 == 0 ? domain::Regime::TrendUp : domain::Regime::RangeLowVol;
      out.rows.push_back(row);
      for (std::size_t j = 0; j < features::kFeatureCount; ++j) out.x.push_back(ar(state[s][j], noise));
      double* x = &out.x[out.x.size() - features::kFeatureCount];
      x[kDriftFeature] = drift[s];
      x[static_cast<std::size_t>(Feature::AtrPct)] = 0.006;
      x[static_cast<std::size_t>(Feature::RvRatio)] = 1 + 0.1 * noise.uniform();
    }
  }
  const std::size_t labelled = static_cast<std::size_t>(bars - labels.horizon_bars) * symbols;
  out.rows.resize(labelled);
  out.x.resize(labelled * features::kFeatureCount);
  for (std::size_t i = 0; i < labelled; ++i) {
    Row& row = out.rows[i];
    const std::size_t t = i / symbols, s = i % symbols;
    const double r = path[s][t + static_cast<std::size_t>(labels.horizon_bars)] - path[s][t];
    const double theta = std::max(labels.theta_min, labels.k * row.horizon_sigma);
    row.label = {r > theta    ? LabelClass::Buy
                 : r < -theta ? LabelClass::Sell
                              : LabelClass::Hold,
                 r, row.bar_close + base::hours(labels.horizon_bars)};
    if (t > 0) row.previous = static_cast<std::uint32_t>(i - symbols);
    out.labels.push_back(row.label.label_class);
  }
  out.stats.primary_bars = static_cast<std::int64_t>(bars) * market.symbols;
  return out;
}

}  // namespace qtrader::training
