// Everything that can enter the core: market data, venue answers, fired timers, operator commands.
//
// An Event is an immutable fact. It carries ts_event (the venue's or source's time); the time we received it is on the
// envelope (core/kernel/envelope.hpp). New alternatives are appended, never inserted: the index is part of the format.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/domain/bar.hpp"
#include "core/domain/order.hpp"

namespace qtrader::domain {

/// A base-timeframe bar that has closed. Never a forming bar.
struct BarClosed {
  static constexpr std::string_view kName = "market.bar_closed";
  SymbolId symbol;
  Bar bar;
};

struct MarkPrice {
  static constexpr std::string_view kName = "market.mark";
  SymbolId symbol;
  Price price;
  base::Timestamp ts_event;
};

/// The rate settled at ts_event. Positive: longs pay. The next settlement is interval later.
struct FundingRate {
  static constexpr std::string_view kName = "market.funding";
  SymbolId symbol;
  Ratio rate;
  base::Timestamp ts_event;
  std::int32_t interval_hours = 8;
};

/// Best bid and ask; depths are the USDT resting within 5 bps of the touch.
struct BookTop {
  static constexpr std::string_view kName = "market.book_top";
  SymbolId symbol;
  Price bid, ask;
  Quantity bid_quantity, ask_quantity;
  double bid_depth_usdt = 0, ask_depth_usdt = 0;
  base::Timestamp ts_event;
};

struct OpenInterest {
  static constexpr std::string_view kName = "market.open_interest";
  SymbolId symbol;
  double contracts = 0;
  base::Timestamp ts_event;
};

/// score in [−1, 1].
struct Sentiment {
  static constexpr std::string_view kName = "feed.sentiment";
  SymbolId symbol;
  double score = 0;
  base::Timestamp ts_event;
};

/// rank 1 is the most searched; 0 is not in the list.
struct TrendingRank {
  static constexpr std::string_view kName = "feed.trending";
  SymbolId symbol;
  std::int32_t rank = 0;
  base::Timestamp ts_event;
};

struct OrderReport {
  static constexpr std::string_view kName = "venue.order_report";
  ClientOrderId order;
  SymbolId symbol;
  OrderStatus status = OrderStatus::New;
  VenueReason reason = VenueReason::None;
  Quantity filled;      // cumulative
  Price average_price;  // of what is filled; 0 if nothing
  base::Timestamp ts_event;
};

/// One execution. quantity and price are positive: a fill of nothing cannot be represented as success.
struct Fill {
  static constexpr std::string_view kName = "venue.fill";
  ClientOrderId order;  // 0 for a liquidation
  SymbolId symbol;
  Side side = Side::Buy;
  Price price;
  Quantity quantity;
  Money fee;  // positive is paid by us
  bool maker = false;
  FillKind kind = FillKind::Normal;
  Price reference_price;  // the price before slippage the venue model filled from; 0 if unknown
  std::uint64_t venue_trade_id = 0;
  base::Timestamp ts_event;
};

/// amount is signed from our side: negative is paid.
struct FundingPayment {
  static constexpr std::string_view kName = "venue.funding_payment";
  SymbolId symbol;
  Money amount;
  Ratio rate;
  Price mark;
  Quantity position;
  base::Timestamp ts_event;
};

/// The venue's confirmation of leverage and margin mode ("set and read back").
struct LeverageSet {
  static constexpr std::string_view kName = "venue.leverage_set";
  SymbolId symbol;
  Leverage leverage;
  MarginMode mode = MarginMode::Cross;
  bool accepted = false;
  base::Timestamp ts_event;
};

enum class TimerTag : std::uint8_t { Scan, FillWait, StopConfirm, TimeExit, DayRoll, RetryClose, Reconcile, Parent };
QT_DESCRIBE_ENUM(TimerTag, Scan, FillWait, StopConfirm, TimeExit, DayRoll, RetryClose, Reconcile, Parent)

struct TimerFired {
  static constexpr std::string_view kName = "kernel.timer";
  TimerId timer;
  TimerTag tag = TimerTag::Scan;
  std::uint64_t argument = 0;
};

enum class OperatorAction : std::uint8_t { Kill, Resume, CloseAll, CloseSymbol, RollBackCalibration };
QT_DESCRIBE_ENUM(OperatorAction, Kill, Resume, CloseAll, CloseSymbol, RollBackCalibration)

struct OperatorCommand {
  static constexpr std::string_view kName = "operator.command";
  OperatorAction action = OperatorAction::Kill;
  std::optional<SymbolId> symbol;
  std::string operator_name;
  std::string reason;
};

/// First event of a run. initial_wallet becomes the ledger's opening deposit.
struct RunStarted {
  static constexpr std::string_view kName = "run.started";
  Money initial_wallet;
  std::uint64_t seed = 0;
  base::Timestamp from, to;
};

/// Last event of a bounded run: no new entries, open positions are closed at market.
struct RunEnding {
  static constexpr std::string_view kName = "run.ending";
  base::Timestamp ts_event;
};

/// Up to 20 levels a side, best first: what order-type choice and slippage prediction look at.
struct DepthLevel {
  Price price;
  Quantity quantity;
};
struct BookDepth {
  static constexpr std::string_view kName = "market.book_depth";
  SymbolId symbol;
  std::vector<DepthLevel> bids, asks;
  base::Timestamp ts_event;
};

struct VenuePosition {
  SymbolId symbol;
  Quantity quantity;  // signed
  Price entry_price;
  Leverage leverage;
  MarginMode mode = MarginMode::Cross;
};
struct VenueOpenOrder {
  ClientOrderId order;  // 0: not one of this trader's
  std::uint64_t venue_id = 0;
  SymbolId symbol;
  Side side = Side::Buy;
  OrderType type = OrderType::Limit;
  Quantity quantity, filled;  // quantity 0 where the order closes the whole position
  Price limit_price, trigger_price;
  bool reduce_only = false;
  bool conditional = false;  // waits at the venue's algo service: venue_id is an algo id
};

/// What the venue says the account is, asked at requested_at: every open position and order of this run's symbols, and
/// whether there are any of others. The truth that reconciliation compares with.
struct AccountSnapshot {
  static constexpr std::string_view kName = "venue.account_snapshot";
  base::Timestamp requested_at;
  Money wallet;
  bool hedge_mode = false;
  std::vector<VenuePosition> positions;
  std::vector<VenueOpenOrder> orders;
  std::vector<std::string> foreign_positions;  // symbols outside this run that hold a position
  base::Timestamp ts_event;
};

/// Whether venue and data can be relied on. Entries need Ready; exits are tried in every state.
enum class LinkState : std::uint8_t { Down, Degraded, Ready };
struct VenueLink {
  static constexpr std::string_view kName = "venue.link";
  LinkState state = LinkState::Down;
  std::string reason;
  base::Timestamp ts_event;
};

/// First event after a restart: what was in flight is asked for, entries wait for a clean reconciliation.
struct RunResumed {
  static constexpr std::string_view kName = "run.resumed";
  base::Timestamp ts_event;
};

QT_DESCRIBE_ENUM(LinkState, Down, Degraded, Ready)
QT_DESCRIBE(DepthLevel, price, quantity)
QT_DESCRIBE(BookDepth, symbol, bids, asks, ts_event)
QT_DESCRIBE(VenuePosition, symbol, quantity, entry_price, leverage, mode)
QT_DESCRIBE(VenueOpenOrder, order, venue_id, symbol, side, type, quantity, filled, limit_price, trigger_price,
            reduce_only, conditional)
QT_DESCRIBE(AccountSnapshot, requested_at, wallet, hedge_mode, positions, orders, foreign_positions, ts_event)
QT_DESCRIBE(VenueLink, state, reason, ts_event)
QT_DESCRIBE(RunResumed, ts_event)
QT_DESCRIBE(BarClosed, symbol, bar)
QT_DESCRIBE(MarkPrice, symbol, price, ts_event)
QT_DESCRIBE(FundingRate, symbol, rate, ts_event, interval_hours)
QT_DESCRIBE(BookTop, symbol, bid, ask, bid_quantity, ask_quantity, bid_depth_usdt, ask_depth_usdt, ts_event)
QT_DESCRIBE(OpenInterest, symbol, contracts, ts_event)
QT_DESCRIBE(Sentiment, symbol, score, ts_event)
QT_DESCRIBE(TrendingRank, symbol, rank, ts_event)
QT_DESCRIBE(OrderReport, order, symbol, status, reason, filled, average_price, ts_event)
QT_DESCRIBE(Fill, order, symbol, side, price, quantity, fee, maker, kind, reference_price, venue_trade_id, ts_event)
QT_DESCRIBE(FundingPayment, symbol, amount, rate, mark, position, ts_event)
QT_DESCRIBE(LeverageSet, symbol, leverage, mode, accepted, ts_event)
QT_DESCRIBE(TimerFired, timer, tag, argument)
QT_DESCRIBE(OperatorCommand, action, symbol, operator_name, reason)
QT_DESCRIBE(RunStarted, initial_wallet, seed, from, to)
QT_DESCRIBE(RunEnding, ts_event)

using Event = std::variant<BarClosed, MarkPrice, FundingRate, BookTop, OpenInterest, Sentiment, TrendingRank,
                           OrderReport, Fill, FundingPayment, LeverageSet, TimerFired, OperatorCommand, RunStarted,
                           RunEnding, BookDepth, AccountSnapshot, VenueLink, RunResumed>;

}  // namespace qtrader::domain
