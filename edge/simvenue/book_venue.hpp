// BookVenue: the simulated exchange (edge/matching) as a Venue in this process: what `sim` and `paper` trade on.
//
// In the flow: the world gives it market ticks and time, the core's commands reach the exchange one latency later, and
// what the exchange says becomes domain events one latency after it happened, taken with pop_due. SimVenue (bars) is
// the backtest's venue; this one has order books. Same port, same guarantees: one answer to every command. The exchange
// holds the account; nothing here has a position, a price or an opinion.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "core/execution/venue.hpp"
#include "core/execution/wire_id.hpp"
#include "edge/matching/exchange.hpp"
#include "edge/simvenue/answer_queue.hpp"

namespace qtrader::simvenue {

struct BookVenueConfig {
  execution::WireIdentity identity;
  std::int64_t latency_ms = 0;  // one way; 0 answers at the same time
  bool publish_market = true;   // also turn the exchange's public events into market events (sim: nobody else does)
};

class BookVenue final : public execution::Venue {
 public:
  /// The exchange must outlive it, and nobody else may take its events.
  BookVenue(matching::Exchange& exchange, matching::AccountId account, BookVenueConfig config);

  base::Result<void> submit(const risk::Approved<domain::Order>& order) override;
  base::Result<void> cancel(domain::ClientOrderId order, domain::SymbolId symbol) override;
  base::Result<void> set_leverage(domain::SymbolId symbol, domain::Leverage leverage, domain::MarginMode mode) override;
  base::Result<void> query(domain::ClientOrderId order, domain::SymbolId symbol) override;
  base::Result<void> request_snapshot() override;
  base::Result<void> cancel_foreign(const execution::CancelForeign& order) override;

  /// Time and market. Commands that arrive until then are executed at their own time, in order.
  void advance_to(base::Timestamp now);
  void on(const matching::MarketTick& tick);
  std::optional<base::Timestamp> next_due() const;  // of an answer or an arriving command
  std::optional<TimedEvent> pop_due(base::Timestamp now);

 private:
  struct Request {
    base::Timestamp arrives;
    std::function<void()> run;
  };
  /// Of one symbol: what of its book has changed since it was last published.
  struct Publication {
    bool top_changed = false, depth_changed = false;
    std::optional<base::Timestamp> top_at, depth_at;
  };
  /// The touch an order met on arrival: the reference price of what it takes at once.
  struct Arrival {
    domain::ClientOrderId order;
    domain::Price touch;
  };
  using Batch = std::vector<matching::ExchangeEvent>;

  // Requests on their way.
  void send(std::function<void()> run);
  void send_at(base::Timestamp arrives, std::function<void()> run);
  void deliver(base::Timestamp until);
  void move_to(base::Timestamp time);
  void place(const domain::Order& order);
  void cancel_now(domain::ClientOrderId order, domain::SymbolId symbol);
  void set_leverage_now(domain::SymbolId symbol, domain::Leverage leverage, domain::MarginMode mode);
  void query_now(domain::ClientOrderId order, domain::SymbolId symbol);
  void snapshot_now(base::Timestamp requested_at);

  // Exchange events → domain events.
  void drain();
  void on_event(const Batch& batch, std::size_t at);
  void on_order(const matching::OrderEvent& e);
  void on_fill(const matching::OrderEvent& e, std::optional<domain::ClientOrderId> order, bool forced);
  void on_algo(const matching::AlgoEvent& e);
  void on_account(const Batch& batch, std::size_t at);
  void on_funding(const Batch& batch, std::size_t at);
  void publish_books();
  void publish(domain::SymbolId symbol, Publication& state, bool top, bool depth);

  std::string wire_id(domain::ClientOrderId order) const;
  std::optional<domain::ClientOrderId> order_of(const std::string& wire_id) const;
  bool known(domain::SymbolId symbol) const { return symbol.value < exchange_.instruments().size(); }
  void refuse(domain::ClientOrderId order, domain::SymbolId symbol, domain::VenueReason reason);
  /// It reaches the core one latency after `at`.
  void answer(domain::Event event, base::Timestamp at);

  matching::Exchange& exchange_;
  matching::AccountId account_;
  BookVenueConfig config_;
  std::deque<Request> inbox_;  // by arrival; as many as commands within one latency
  AnswerQueue answers_;
  std::vector<TimedEvent> said_;  // of the events being drained, before they join the answers
  std::vector<Publication> published_;
  std::optional<Arrival> arrival_;
  domain::Money liquidation_fee_;  // charged before the fill it belongs to was seen
  bool snapshot_asked_ = false;
  base::Timestamp now_;
};

}  // namespace qtrader::simvenue
