// FeatureBook: streaming computation of FeatureVectors for all symbols, O(1) per bar.
//
// Fed with the base bars and the closed primary bars of each symbol, in time order. compute() reads, never changes.
// Never looks ahead: only closed bars enter. Rolling sums are re-based every 1 000 bars.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/features/feature_vector.hpp"
#include "core/market/market_state.hpp"

namespace qtrader::features {

struct FeatureConfig {
  domain::Timeframe base = domain::Timeframe::M5;
  domain::Timeframe primary = domain::Timeframe::M15;
  std::int32_t warmup_bars = 800;  // primary bars before the first valid vector; ≥ 210
  std::optional<domain::SymbolId> reference;  // BTCUSDT, for #58; absent: #58 is absent too (except for itself: 0)
};

class FeatureBook {
 public:
  FeatureBook(std::size_t symbols, FeatureConfig config);

  void on_base_bar(domain::SymbolId symbol, const domain::Bar& bar);
  void on_primary_bar(domain::SymbolId symbol, const domain::Bar& bar);
  /// The vector for the symbol's last closed primary bar, with side data from `market` not older than its TTL at `now`.
  FeatureVector compute(domain::SymbolId symbol, const market::SymbolMarket& market, base::Timestamp now) const;
  /// Standard deviation of the last 100 primary log returns (σ100 of ai.md 2.1), 0 until known: labels and the EV rule use it.
  double sigma100(domain::SymbolId symbol) const;

  template <class Archive>
  void archive(Archive& a);

 private:
  FeatureConfig config_;
};

}  // namespace qtrader::features
