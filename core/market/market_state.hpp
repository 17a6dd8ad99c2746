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
#include "core/market/aggregator.hpp"
#include "core/market/indicators.hpp"
#include "core/market/regime.hpp"

namespace qtrader::market {

struct MarketConfig {
  domain::Timeframe base = domain::Timeframe::M5;      // of the bars that arrive
  domain::Timeframe primary = domain::Timeframe::M15;  // that decisions are taken on; a multiple of base
  bool track_regime = true;

  template <class Archive>
  void archive(Archive& a) {
    a(base, primary, track_regime);
  }
};

/// A book older than this says nothing about the present spread and depth (ai.md 1, features #54 and #55).
inline constexpr base::Duration kBookTtl = base::seconds(10);

/// Read-only view of one symbol. Optionals are empty until the first valid datum.
struct SymbolMarket {
  std::optional<domain::Bar> last_base;
  std::optional<domain::Bar> last_primary;
  std::optional<domain::MarkPrice> mark_price;  // from a mark-price source, if there is one
  std::optional<domain::FundingRate> funding;
  std::optional<domain::BookTop> book;
  std::optional<domain::BookDepth> depth;
  std::optional<domain::OpenInterest> open_interest;
  std::optional<domain::OpenInterest> open_interest_hour_ago;  // newest sample 60 to 75 min before open_interest
  std::optional<domain::Sentiment> sentiment;
  std::optional<domain::TrendingRank> trending;
  double atr = 0;                  // Wilder ATR(14) of the primary timeframe in quote currency; 0 until 15 bars
  std::uint64_t primary_bars = 0;  // closed primary bars seen
  domain::Regime regime = domain::Regime::Unknown;
  double regime_confidence = 0.5;  // of the last bar's own label, ai.md 6.4
  double trend = 0;                // [−1, 1], ai.md 6.4
  double adx = 0;                  // 0..100

  /// The mark-price source's value if at least as new as the last bar, else the last close. Empty before any bar.
  std::optional<domain::Price> mark() const;
  /// Time of what mark() is based on.
  std::optional<base::Timestamp> mark_time() const;
  /// ATR / last primary close; 0 until known.
  double atr_frac() const;
  /// Spread and depth of a book not older than kBookTtl at `now`; empty otherwise.
  Liquidity liquidity(base::Timestamp now) const;

  /// The levels, if not older than max_age at `now` and of both sides.
  const domain::BookDepth* fresh_depth(base::Timestamp now, base::Duration max_age) const;

  template <class Archive>
  void archive(Archive& a) {
    a(last_base, last_primary, mark_price, funding, book, depth, open_interest, open_interest_hour_ago, sentiment,
      trending, atr, primary_bars, regime, regime_confidence, trend, adx);
  }

 private:
  bool marked_by_source() const { return mark_price && mark_price->ts_event >= last_base->close_time(); }
};

struct RegimeChange {
  domain::Regime from = domain::Regime::Unknown, to = domain::Regime::Unknown;
};

class MarketState {
 public:
  /// primary must be a multiple of base (QT_CHECK: the engine's create() has validated it).
  MarketState(std::size_t symbols, MarketConfig config);

  struct BarResult {
    bool accepted = false;
    std::optional<domain::Bar> primary;          // set when this base bar completed one
    std::optional<RegimeChange> regime_changed;  // set when that primary bar confirmed another regime
  };
  /// Faults are recorded as DataFault. Rejected: rule "timeframe" (not the base timeframe), "non_positive" (a price),
  /// "ohlc" (low > high, open or close outside), "volume" (negative, not finite, taker part above the whole),
  /// "unaligned" (open time off the grid), "duplicate", "out_of_order". Accepted: "gap" (bars are missing before this
  /// one). A primary bar with missing base bars is not emitted.
  BarResult on_bar(domain::SymbolId symbol, const domain::Bar& bar, domain::AuditSink& audit);

  /// Latest value wins. False: refused and nothing changed, because a value is out of its range (price, depth, interest
  /// not positive or not finite, bid above ask, |score| > 1, rank < 0) or older than what is already known.
  bool on(const domain::MarkPrice& e);
  bool on(const domain::FundingRate& e);
  bool on(const domain::BookTop& e);
  /// Refused too: more than 20 levels a side, a level of no quantity, levels out of order, sides that cross.
  bool on(const domain::BookDepth& e);
  bool on(const domain::OpenInterest& e);
  bool on(const domain::Sentiment& e);
  bool on(const domain::TrendingRank& e);

  const SymbolMarket& operator[](domain::SymbolId symbol) const;
  std::size_t size() const { return slots_.size(); }
  const MarketConfig& config() const { return config_; }

  template <class Archive>
  void archive(Archive& a) {
    a(config_, slots_);
  }

 private:
  /// Open interest of the last 75 minutes, at most one sample a minute.
  class InterestHistory {
   public:
    void push(const domain::OpenInterest& e);
    std::optional<domain::OpenInterest> hour_before(base::Timestamp ts) const;
    template <class Archive>
    void archive(Archive& a) {
      a(samples_);
    }

   private:
    base::Ring<domain::OpenInterest> samples_{80};
  };

  struct Slot {
    SymbolMarket view;
    BarAggregator aggregator{domain::Timeframe::M1, domain::Timeframe::M1};
    Atr atr{14};
    RegimeDetector regime;
    InterestHistory interest;
    template <class Archive>
    void archive(Archive& a) {
      a(view, aggregator, atr, regime, interest);
    }
  };

  bool admit(const Slot& slot, domain::SymbolId symbol, const domain::Bar& bar, domain::AuditSink& audit) const;
  void on_primary(Slot& slot, BarResult& result) const;
  Slot& slot(domain::SymbolId symbol);

  MarketConfig config_;
  std::vector<Slot> slots_;
};

}  // namespace qtrader::market
