// Market stream messages of Binance USD-M as plain values, and the parser that makes them from wire text.
//
// First stage of everything the market sockets deliver: text → value. Raw payloads and the combined-stream wrapper
// {"stream":…,"data":…} are both accepted. Unknown fields are ignored; a missing or ill-typed one is an error that
// names message, field and what was expected. Decimals become fixed point exactly. Knows no sockets, symbols tables or
// books.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/domain/bar.hpp"
#include "core/domain/instrument.hpp"
#include "core/domain/money.hpp"
#include "edge/binance/wire_types.hpp"

namespace qtrader::binance {

/// Readable bytes demanded behind a padded text (their content does not matter).
inline constexpr std::size_t kPadding = 64;

struct Level {
  domain::Price price;
  domain::Quantity quantity;  // absolute; 0 deletes the level in a diff
  bool operator==(const Level&) const = default;
};

struct AggTrade {
  std::string symbol;
  base::Timestamp event_time, trade_time;
  std::int64_t id = 0, first_trade_id = 0, last_trade_id = 0;
  domain::Price price;
  domain::Quantity quantity;
  bool buyer_is_maker = false;  // true: a sell took
  bool operator==(const AggTrade&) const = default;
};

struct Trade {
  std::string symbol;
  base::Timestamp event_time, trade_time;
  std::int64_t id = 0;
  domain::Price price;
  domain::Quantity quantity;
  bool buyer_is_maker = false;
  bool on_market = true;  // false: X is not MARKET (insurance fund, ADL)
  bool operator==(const Trade&) const = default;
};

struct BookTicker {
  std::string symbol;
  base::Timestamp event_time, transaction_time;
  std::int64_t update_id = 0;
  Level bid, ask;
  bool operator==(const BookTicker&) const = default;
};

/// Diff and partial depth have the same payload; only the stream name of a combined message tells them apart.
struct DepthUpdate {
  std::string symbol;
  base::Timestamp event_time, transaction_time;
  std::int64_t first_update_id = 0;     // U
  std::int64_t last_update_id = 0;      // u
  std::int64_t previous_update_id = 0;  // pu: u of the message before on this stream
  bool partial = false;                 // the wrapper named …@depth5, 10 or 20
  std::vector<Level> bids, asks;        // as sent; partial: best first
  bool operator==(const DepthUpdate&) const = default;
};

struct MarkPrice {
  std::string symbol;
  base::Timestamp event_time;
  domain::Price mark, index, estimated_settle;  // estimated_settle 0: not sent
  std::optional<domain::Price> average_mark;    // since 2026-03
  std::optional<domain::Ratio> funding_rate;    // of the next settlement; absent for delivery contracts
  base::Timestamp next_funding_time;            // 0 for delivery contracts
  bool operator==(const MarkPrice&) const = default;
};
struct MarkPrices {
  std::vector<MarkPrice> all;
  bool operator==(const MarkPrices&) const = default;
};

struct Kline {
  std::string symbol;
  base::Timestamp event_time;
  domain::Bar bar;             // all optional columns present
  base::Timestamp close_time;  // as sent: last millisecond of the bar
  std::int64_t first_trade_id = 0, last_trade_id = 0;
  bool closed = false;  // x: this is the bar's final state
};

struct Ticker {
  std::string symbol;
  base::Timestamp event_time, open_time, close_time;
  domain::Price open, high, low, last;
  domain::Price change, average;  // 24 h
  double change_percent = 0;
  domain::Quantity last_quantity;
  double volume = 0, quote_volume = 0;  // base, quote
  std::int64_t first_trade_id = 0, last_trade_id = 0, trades = 0;
  bool operator==(const Ticker&) const = default;
};
struct Tickers {
  std::vector<Ticker> all;
  bool operator==(const Tickers&) const = default;
};

struct MiniTicker {
  std::string symbol;
  base::Timestamp event_time;
  domain::Price open, high, low, last;
  double volume = 0, quote_volume = 0;
  bool operator==(const MiniTicker&) const = default;
};
struct MiniTickers {
  std::vector<MiniTicker> all;
  bool operator==(const MiniTickers&) const = default;
};

/// A liquidation order of somebody.
struct ForceOrder {
  std::string symbol;
  base::Timestamp event_time, trade_time;
  domain::Side side = domain::Side::Buy;
  domain::Price price, average_price;
  domain::Quantity quantity, last_filled, filled;
  WireStatus status = WireStatus::Filled;
  bool operator==(const ForceOrder&) const = default;
};

struct ContractInfo {
  std::string symbol;
  base::Timestamp event_time;
  std::string contract_type, status;  // "PERPETUAL", "TRADING", … as sent
  base::Timestamp delivery_time, onboard_time;
  std::vector<domain::LeverageBracket> brackets;  // empty: unchanged
};

/// Answer to SUBSCRIBE, UNSUBSCRIBE and the other control frames.
struct ControlReply {
  std::string id;      // as sent, without quotes; "null" if none
  std::string result;  // JSON text of the result: "null", "[\"btcusdt@aggTrade\"]"
  std::string error;   // empty: success
  int error_code = 0;  // 0..3
  bool ok() const { return error.empty(); }
  bool operator==(const ControlReply&) const = default;
};

/// A well-formed message of a kind this program does not use.
struct OtherMarket {
  std::string kind;  // the value of "e"; empty: none
  bool operator==(const OtherMarket&) const = default;
};

using MarketMessage =
    std::variant<BookTicker, AggTrade, Trade, DepthUpdate, MarkPrice, MarkPrices, Kline, Ticker, Tickers, MiniTicker,
                 MiniTickers, ForceOrder, ContractInfo, ControlReply, OtherMarket>;

/// padded_text: one text frame with kPadding readable bytes behind it. Errors: Corrupt naming message, field, value and
/// what was expected.
base::Result<MarketMessage> parse_market(std::string_view padded_text);
/// The same of text without padding (copies it).
base::Result<MarketMessage> parse_market_copy(std::string_view text);

}  // namespace qtrader::binance
