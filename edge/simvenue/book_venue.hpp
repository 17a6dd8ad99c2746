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
  void send(std::function<void()> run);
  void drain();                      // exchange events → domain events
  void answer(domain::Event event);  // one latency from now
  matching::Exchange& exchange_;
  matching::AccountId account_;
  BookVenueConfig config_;
  std::deque<Request> inbox_;
  AnswerQueue answers_;
  base::Timestamp now_;
};

}  // namespace qtrader::simvenue
