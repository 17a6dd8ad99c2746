// PublicMarket: what the exchange tells everyone: klines of every interval, 24 h tickers, trades and aggregate trades,
// mark and funding history, open interest.
//
// Fed with matching events in order; bounded (kline_limit per interval, trade_limit prints). A bar the source recorded
// (BarEvent) replaces what was built from prints, so that klines are the recorded ones to the digit; larger intervals
// are aggregated from the source's timeframe. Answers questions only; it sends nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/matching/exchange.hpp"

namespace qtrader::exchange {

using base::Timestamp;
using domain::SymbolId;

/// Binance's interval names; "1m" … "1M".
enum class Interval : std::uint8_t { M1, M3, M5, M15, M30, H1, H2, H4, H6, H8, H12, D1, D3, W1, Mo1 };
inline constexpr std::size_t kIntervals = 15;
std::optional<Interval> parse_interval(std::string_view name);
std::string_view to_string(Interval interval);
/// Open time of the candle of `interval` that contains t; weeks open Monday 00:00 UTC, months on the first.
Timestamp interval_open(Interval interval, Timestamp t);
Timestamp interval_next(Interval interval, Timestamp open);

struct Kline {
  Timestamp open_time;  // close time is the next open − 1 ms
  domain::Price open, high, low, close;
  domain::Quantity volume, taker_buy_volume;
  double quote_volume = 0, taker_buy_quote_volume = 0;
  std::int64_t trades = 0, first_trade = -1, last_trade = -1;
  bool closed = false;
};
struct AggTrade {
  std::int64_t id = 0, first_trade = 0, last_trade = 0;
  domain::Price price;
  domain::Quantity quantity;
  bool buyer_is_maker = false;
  Timestamp time;
};
struct Ticker {
  domain::Price open, high, low, last, weighted_average, change;
  double change_percent = 0, quote_volume = 0;
  domain::Quantity last_quantity, volume;
  Timestamp open_time, close_time;
  std::int64_t first_trade = -1, last_trade = -1, trades = 0;
};
struct FundingRow {
  Timestamp time;
  domain::Ratio rate;
  domain::Price mark;
};
enum class KlineKind : std::uint8_t { Contract, Mark, Index, Premium };
struct KlineQuery {
  SymbolId symbol;
  Interval interval = Interval::M1;
  KlineKind kind = KlineKind::Contract;
  std::optional<Timestamp> from, to;  // inclusive, of open times
  std::size_t limit = 500;
};

class PublicMarket {
 public:
  struct Config {
    domain::Timeframe source = domain::Timeframe::M5;  // of the bars that will be shown
    std::size_t kline_limit = 3'000;
    std::size_t trade_limit = 10'000;
  };
  PublicMarket(const domain::InstrumentTable& instruments, Config config);
  ~PublicMarket();

  void on(const matching::ExchangeEvent& event);
  /// History that precedes the first event: bars of the source's timeframe, oldest first.
  void seed(SymbolId symbol, const std::vector<domain::Bar>& bars);
  void seed_funding(SymbolId symbol, std::vector<FundingRow> rows);

  /// Oldest first; the last row may be the open candle. Without `from` the newest.
  std::vector<Kline> klines(const KlineQuery& query) const;
  std::optional<Kline> current(SymbolId symbol, Interval interval) const;
  std::optional<Ticker> ticker(SymbolId symbol) const;  // nothing before the first print
  std::vector<matching::TradeEvent> trades(SymbolId symbol, std::int64_t from_id, std::size_t limit) const;
  std::vector<AggTrade> agg_trades(SymbolId symbol, std::optional<std::int64_t> from_id, std::optional<Timestamp> from,
                                   std::optional<Timestamp> to, std::size_t limit) const;
  std::vector<FundingRow> funding(std::optional<SymbolId> symbol, std::optional<Timestamp> from,
                                  std::optional<Timestamp> to, std::size_t limit) const;
  /// Of the clients: the larger of their longs and their shorts. What others hold is not known, and not invented.
  domain::Quantity open_interest(SymbolId symbol) const;

  /// Time without an event: closes the candles and aggregate trades that are over. A candle whose recorded bar may
  /// still come at this very time stays open until the bar or a later time.
  void advance_to(Timestamp now);
  /// When advance_to would close something; nothing before the first event.
  std::optional<Timestamp> next_deadline() const;
  struct ClosedKline {
    SymbolId symbol;
    Interval interval = Interval::M1;
    Kline kline;
  };
  struct Closed {
    std::vector<ClosedKline> klines;                    // contract klines only
    std::vector<std::pair<SymbolId, AggTrade>> trades;  // aggregates, in the order of their ids
  };
  /// What closed since the last call, in order. The caller takes it after every call that brings events or time.
  Closed take_closed();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qtrader::exchange
