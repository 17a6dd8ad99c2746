// MarketState: what the core knows about each symbol's market, built from market events alone.
//
// Aggregates base bars to the primary timeframe, keeps the latest mark, funding, book and side data with their times,
// Wilder ATR(14) of the primary timeframe and the confirmed regime. Rejects bad bars (data-quality gate) and says so on
// the audit stream. Never predicts, never orders, never invents a value: what has not arrived is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/domain/audit.hpp"
#include "core/domain/events.hpp"
#include "core/market/regime.hpp"

namespace qtrader::market {

struct MarketConfig {
  domain::Timeframe base = domain::Timeframe::M5;      // of the bars that arrive
  domain::Timeframe primary = domain::Timeframe::M15;  // that decisions are taken on; a multiple of base
  bool track_regime = true;
};

/// Read-only view of one symbol. Optionals are empty until the first valid datum.
struct SymbolMarket {
  std::optional<domain::Bar> last_base;
  std::optional<domain::Bar> last_primary;
  std::optional<domain::MarkPrice> mark_price;  // from a mark-price source, if there is one
  std::optional<domain::FundingRate> funding;
  std::optional<domain::BookTop> book;
  std::optional<domain::OpenInterest> open_interest;
  std::optional<domain::Sentiment> sentiment;
  std::optional<domain::TrendingRank> trending;
  double atr = 0;                  // Wilder ATR(14) of the primary timeframe in quote currency; 0 until 15 bars
  std::uint64_t primary_bars = 0;  // closed primary bars seen
  domain::Regime regime = domain::Regime::Unknown;
  double trend = 0;  // [−1, 1], ai.md 6.4
  double adx = 0;    // 0..100

  /// The mark-price source's value if at least as new as the last bar, else the last close. Empty before any bar.
  std::optional<domain::Price> mark() const;
  /// Time of what mark() is based on.
  std::optional<base::Timestamp> mark_time() const;
  /// ATR / last primary close; 0 until known.
  double atr_frac() const;

  template <class Archive>
  void archive(Archive& a);
};

class MarketState {
 public:
  /// primary must be a multiple of base (QT_CHECK: the engine's create() has validated it).
  MarketState(std::size_t symbols, MarketConfig config);

  struct BarResult {
    bool accepted = false;
    std::optional<domain::Bar> primary;  // set when this base bar completed one
  };
  /// Faults (unsorted, gap, OHLC, non-positive, duplicate) are recorded as DataFault; hard ones also reject the bar.
  /// A primary bar with missing base bars is not emitted.
  BarResult on_bar(domain::SymbolId symbol, const domain::Bar& bar, domain::AuditSink& audit);
  void on(const domain::MarkPrice& e);
  void on(const domain::FundingRate& e);
  void on(const domain::BookTop& e);
  void on(const domain::OpenInterest& e);
  void on(const domain::Sentiment& e);
  void on(const domain::TrendingRank& e);

  const SymbolMarket& operator[](domain::SymbolId symbol) const;
  std::size_t size() const;
  const MarketConfig& config() const { return config_; }

  template <class Archive>
  void archive(Archive& a);

 private:
  MarketConfig config_;
  // … per-symbol aggregators, ATR, regime detectors
};

}  // namespace qtrader::market
