// FeatureBook: streaming computation of FeatureVectors for all symbols, O(1) per bar.
//
// Fed with the base bars and the closed primary bars of each symbol, in time order, a primary bar after the base bar
// that completed it. compute() reads, never changes. Never looks ahead: only closed bars enter, and what depends on
// bars is latched when the primary bar closes. Rolling sums are re-based every 1 000 bars.
#pragma once

#include <optional>
#include <vector>

#include "core/features/feature_vector.hpp"
#include "core/features/symbol_features.hpp"
#include "core/market/market_state.hpp"

namespace qtrader::features {

struct FeatureConfig {
  domain::Timeframe base = domain::Timeframe::M5;
  domain::Timeframe primary = domain::Timeframe::M15;
  std::int32_t warmup_bars = 800;             // primary bars before the first valid vector; ≥ 210
  std::optional<domain::SymbolId> reference;  // BTCUSDT, for #58; absent: #58 is absent too (except for itself: 0)

  template <class Archive>
  void archive(Archive& a) {
    a(base, primary, warmup_bars, reference);
  }
};

class FeatureBook {
 public:
  /// primary is a multiple of base, warmup_bars ≥ 210, reference < symbols (QT_CHECK).
  FeatureBook(std::size_t symbols, FeatureConfig config);

  void on_base_bar(domain::SymbolId symbol, const domain::Bar& bar);
  void on_primary_bar(domain::SymbolId symbol, const domain::Bar& bar);
  /// The vector for the symbol's last closed primary bar, with side data from `market` not older than its TTL at `now`.
  /// #58 needs the reference's bar of the same close time: feed all symbols' bars of a moment before computing any.
  FeatureVector compute(domain::SymbolId symbol, const market::SymbolMarket& market, base::Timestamp now) const;
  /// Standard deviation of the last 100 primary log returns (σ100 of ai.md 2.1), 0 until known: labels and the EV rule
  /// use it.
  double sigma100(domain::SymbolId symbol) const;

  const FeatureConfig& config() const { return config_; }

  template <class Archive>
  void archive(Archive& a) {
    a(config_, symbols_);
  }

 private:
  const SymbolFeatures& at(domain::SymbolId symbol) const;
  std::optional<double> relative_return(domain::SymbolId symbol, const SymbolFeatures& s) const;
  std::string_view why_invalid(const SymbolFeatures& s, const FeatureVector& v, base::Timestamp now) const;

  FeatureConfig config_;
  std::vector<SymbolFeatures> symbols_;
};

}  // namespace qtrader::features
