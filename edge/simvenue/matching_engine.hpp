// MatchingEngine: orders against bars. The inside of SimVenue, which adds the Approved-only door.
//
// Commands travel one latency to the venue, wait in an inbox and are judged on arrival; answers travel one latency
// back. Every command has exactly one answer a round trip after it was sent (for an order: New or Rejected). A symbol
// that was idle has no known price; what of an order's checks needs one waits for the next bar, where it may end as
// Expired. A bar is shown in two phases. Open: what has arrived trades at the open. Path: high and low are walked in
// the direction that hurts the position first, nearest level first, so a stop precedes a target whenever a bar touched
// both. The rules are on the phase functions. Nothing here knows any bar later than the one shown.
//
// Pessimistic by construction: taker fills slip against the side, limits need a trade through, fills of one bar share
// at most max_bar_volume_share of its volume (liquidations excepted), a bar without volume fills nothing.
#pragma once

#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "core/base/rng.hpp"
#include "core/domain/bar.hpp"
#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"
#include "edge/simvenue/account.hpp"
#include "edge/simvenue/answer_queue.hpp"
#include "edge/simvenue/order_rules.hpp"
#include "edge/simvenue/slippage.hpp"

namespace qtrader::simvenue {

struct SimVenueConfig {
  SlippageModel slippage = SlippageModel::Realistic;
  std::int64_t latency_ms = 50;        // one way
  double max_bar_volume_share = 0.10;  // partial fills: at most this share of a bar's volume per bar
  double submit_failure_rate = 0.001;  // order rejected with TransportFailure
  domain::Money initial_wallet = domain::Money::from_int(10'000);
  /// Of the liquidated notional, in place of the taker fee. Binance exchangeInfo `liquidationFee`.
  double liquidation_fee_frac = 0.0125;
};
QT_DESCRIBE(SimVenueConfig, slippage, latency_ms, max_bar_volume_share, submit_failure_rate, initial_wallet,
            liquidation_fee_frac)

struct CancelRequest {
  domain::ClientOrderId order;
  domain::SymbolId symbol;
};
QT_DESCRIBE(CancelRequest, order, symbol)

struct LeverageRequest {
  domain::SymbolId symbol;
  domain::Leverage leverage;
  domain::MarginMode mode = domain::MarginMode::Cross;
};
QT_DESCRIBE(LeverageRequest, symbol, leverage, mode)

using CommandBody = std::variant<domain::Order, CancelRequest, LeverageRequest>;

/// A command on its way to the venue.
struct Command {
  base::Timestamp sent, arrives;
  CommandBody body;

  template <class Archive>
  void archive(Archive& a) {
    a(sent, arrives, body);
  }
};

class MatchingEngine {
 public:
  /// instruments must outlive the engine.
  MatchingEngine(const domain::InstrumentTable& instruments, SimVenueConfig config, base::Rng rng);

  void submit(const domain::Order& order);
  void cancel(CancelRequest request);
  void set_leverage(LeverageRequest request);

  void advance_to(base::Timestamp now);
  void on_bar_open(domain::SymbolId symbol, const domain::Bar& bar);
  void on_bar_path(domain::SymbolId symbol, const domain::Bar& bar);
  void on_mark(const domain::MarkPrice& mark);
  void on_funding(const domain::FundingRate& rate);

  bool idle(domain::SymbolId symbol) const {
    const Book& book = books_[symbol.value];
    return book.interest == 0 && book.orders.empty() && account_[symbol].quantity.is_zero();
  }
  std::optional<base::Timestamp> next_due() const {
    if (answers_.empty() && inbox_.empty()) return std::nullopt;  // the usual case, asked several times a bar
    return earliest_answer();
  }
  std::optional<TimedEvent> pop_due(base::Timestamp now);

  const Account& account() const { return account_; }
  std::vector<domain::Order> open_orders(domain::SymbolId symbol) const;

  template <class Archive>
  void archive(Archive& a) {
    a(account_, inbox_, answers_, now_, last_trade_id_);
    for (Book& book : books_) a(book);
  }

 private:
  std::optional<base::Timestamp> earliest_answer() const;
  /// Everything of one symbol but its money.
  struct Book {
    std::uint64_t seed = 0;               // of the symbol's slippage draws
    std::vector<WorkingOrder> orders;     // by arrival
    std::uint32_t interest = 0;           // commands under way and answers not taken
    domain::Price last;                   // 0: unknown; forgotten while idle, because idle symbols are not shown bars
    base::Timestamp bar_open{INT64_MIN};  // of the bar being shown
    domain::Price mark;                   // last mark price; 0: none
    base::Timestamp mark_at{INT64_MIN};   // its time
    bool marked = false;                  // the mark price is current: it, not the last price, liquidates
    domain::Quantity budget;              // what is left of this bar's volume share
    double quote_volume = 0;              // of this bar

    template <class Archive>
    void archive(Archive& a) {
      a(seed, orders, interest, last, bar_open, mark, mark_at, marked, budget, quote_volume);
    }
  };
  /// Where a taker or maker fill happens.
  struct Terms {
    domain::Price reference;
    bool maker = false;  // at exactly the reference, no slippage
  };
  enum class Direction : std::uint8_t { Down, Up };
  struct Touch {
    WorkingOrder* order = nullptr;  // null: liquidation
    domain::Price level;
    int rank = 0;  // at equal levels: stops, then liquidation, then what is in our favour
  };

  // matching_commands.cpp: arrivals, their checks, and what is said about them.
  void send(domain::SymbolId symbol, CommandBody body);
  void drain(base::Timestamp until);
  void arrive(const Command& command, const domain::Order& order);
  void arrive(const Command& command, const CancelRequest& request);
  void arrive(const Command& command, const LeverageRequest& request);
  bool transport_fails(const Command& command, const domain::Order& order) const;
  domain::VenueReason check_arrival(const domain::Order& order) const;
  domain::VenueReason check_price(const domain::Order& order, domain::Price last) const;
  domain::VenueReason check_margin(const domain::Order& order, domain::Price price) const;
  void finish(WorkingOrder& working, domain::OrderStatus status, domain::VenueReason reason, base::Timestamp at);
  void report(const WorkingOrder& working, domain::OrderStatus status, domain::VenueReason reason, base::Timestamp at);
  void answer(domain::SymbolId symbol, domain::Event event, base::Timestamp at);
  void refresh_open_notional(domain::SymbolId symbol, const WorkingOrder* except = nullptr);

  // matching_bars.cpp: the two phases of a bar.
  void begin_bar(domain::SymbolId symbol, const domain::Bar& bar);
  void see_price(domain::SymbolId symbol, domain::Price price);
  void judge_pending(domain::SymbolId symbol, domain::Price price);
  void fire_at_open(domain::SymbolId symbol, domain::Price open);
  void execute_taking(domain::SymbolId symbol, domain::Price buy_reference, domain::Price sell_reference);
  void limits_at_open(domain::SymbolId symbol, domain::Price open);
  void rest_early_limits(domain::SymbolId symbol, const domain::Bar& bar);
  void take_late_limits(domain::SymbolId symbol, const domain::Bar& bar);
  void take_limit(WorkingOrder& working, domain::Price reference);
  void sweep(domain::SymbolId symbol, const domain::Bar& bar, Direction direction);
  std::optional<Touch> next_touch(domain::SymbolId symbol, const domain::Bar& bar, Direction direction);
  void trail(domain::SymbolId symbol, const domain::Bar& bar);
  void end_phase(domain::SymbolId symbol);

  // matching_fills.cpp: executions and liquidations.
  void execute(WorkingOrder& working, const Terms& terms);
  bool cut_to_position(WorkingOrder& working) const;
  domain::Price fill_price(const WorkingOrder& working, const Terms& terms, domain::Quantity quantity) const;
  void book_fill(WorkingOrder& working, const Terms& terms, const Execution& execution);
  void expire_orphans(domain::SymbolId symbol);
  void liquidate(domain::SymbolId symbol, domain::Price seen);

  const domain::Instrument& instrument(domain::SymbolId symbol) const { return (*instruments_)[symbol]; }
  base::Duration latency() const { return base::milliseconds(config_.latency_ms); }

  const domain::InstrumentTable* instruments_;
  SimVenueConfig config_;
  base::Rng failures_;
  Account account_;
  std::vector<Book> books_;
  std::deque<Command> inbox_;
  AnswerQueue answers_;
  base::Timestamp now_;
  std::uint64_t last_trade_id_ = 0;
};

}  // namespace qtrader::simvenue
