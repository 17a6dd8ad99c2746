// Bars and sinks for the tests of the rooms that read market data. Included by *_test.cpp only.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/rng.hpp"
#include "core/domain/audit.hpp"
#include "core/domain/bar.hpp"

namespace qtrader::market::testing {

/// 2024-01-01T00:00Z, a Monday.
inline constexpr base::Timestamp kStart{1'704'067'200'000'000'000};

struct Faults : domain::AuditSink {
  std::vector<domain::DataFault> seen;
  void record(domain::AuditRecord record) override {
    if (auto* fault = std::get_if<domain::DataFault>(&record)) seen.push_back(std::move(*fault));
  }
  std::vector<std::string> rules() const {
    std::vector<std::string> out;
    for (const domain::DataFault& f : seen) out.push_back(f.rule);
    return out;
  }
};

struct Prices {
  double open, high, low, close;
};

inline domain::Bar make_bar(base::Timestamp open_time, domain::Timeframe tf, Prices p, double volume = 1) {
  domain::Bar bar;
  bar.open_time = open_time;
  bar.timeframe = tf;
  bar.open = domain::Price::from_double(p.open);
  bar.high = domain::Price::from_double(p.high);
  bar.low = domain::Price::from_double(p.low);
  bar.close = domain::Price::from_double(p.close);
  bar.volume = volume;
  return bar;
}

/// A random walk with fat tails, wicks on a tick grid and every optional column.
class RandomBars {
 public:
  RandomBars(std::uint64_t seed, domain::Timeframe tf, double price = 100, double sigma = 0.002)
      : rng_(seed), tf_(tf), time_(kStart), price_(price), sigma_(sigma), tick_(price / 10'000) {}

  domain::Bar next() {
    const double open = price_, close = on_tick(open * (1 + sigma_ * rng_.student_t(4)));
    const double high = on_tick(std::max(open, close) * (1 + sigma_ * rng_.uniform() * rng_.uniform()));
    const double low = on_tick(std::min(open, close) * (1 - sigma_ * rng_.uniform() * rng_.uniform()));
    domain::Bar bar = make_bar(time_, tf_, {open, std::max({open, close, high}), std::min({open, close, low}), close});
    bar.volume = rng_.below(50) == 0 ? 0 : 1000 * rng_.uniform() * rng_.uniform();
    bar.columns = domain::kHasQuoteVolume | domain::kHasTakerBuy | domain::kHasTrades;
    bar.quote_volume = bar.volume * close;
    bar.taker_buy_base = bar.volume * rng_.uniform();
    bar.trades = static_cast<std::uint32_t>(rng_.below(500));
    time_ = bar.close_time();
    price_ = close;
    return bar;
  }
  std::vector<domain::Bar> take(std::size_t n) {
    std::vector<domain::Bar> out;
    while (out.size() < n) out.push_back(next());
    return out;
  }
  void skip(int bars) { time_ = time_ + domain::duration(tf_) * bars; }
  void set_sigma(double sigma) { sigma_ = sigma; }

 private:
  double on_tick(double price) const {
    return std::max(tick_, static_cast<double>(static_cast<std::int64_t>(price / tick_ + 0.5)) * tick_);
  }
  base::Rng rng_;
  domain::Timeframe tf_;
  base::Timestamp time_;
  double price_, sigma_, tick_;
};

}  // namespace qtrader::market::testing
