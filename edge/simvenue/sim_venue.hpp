// SimVenue: a simulated USD-M futures exchange for one account, driven by bars, honest by being pessimistic (fund.md 4.1).
//
// The world calls it in market time: on_bar_open (what arrived earlier trades at the open), on_bar_path (stops, targets and
// limits against high and low, stop before target when both were touched, liquidation), on_funding. Answers are queued as
// events with their own times and taken with pop_due. It keeps its own account, margin and liquidation, independent of the
// core's ledger, so that the two can be compared. Never shared with the core: the core only sees its events.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "core/base/rng.hpp"
#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"
#include "core/execution/venue.hpp"

namespace qtrader::simvenue {

enum class SlippageModel : std::uint8_t { None, Realistic, Pessimistic };
QT_DESCRIBE_ENUM(SlippageModel, None, Realistic, Pessimistic)

struct SimVenueConfig {
  SlippageModel slippage = SlippageModel::Realistic;
  std::int64_t latency_ms = 50;             // one way
  double max_bar_volume_share = 0.10;       // partial fills: at most this share of a bar's volume per bar
  double submit_failure_rate = 0.001;       // order rejected with TransportFailure
  domain::Money initial_wallet = domain::Money::from_int(10'000);
};
QT_DESCRIBE(SimVenueConfig, slippage, latency_ms, max_bar_volume_share, submit_failure_rate, initial_wallet)

struct TimedEvent {
  base::Timestamp due;  // when the core receives it
  domain::Event event;
};

class SimVenue final : public execution::Venue {
 public:
  SimVenue(const domain::InstrumentTable& instruments, SimVenueConfig config, base::Rng rng);

  base::Result<void> submit(const risk::Approved<domain::Order>& order) override;
  base::Result<void> cancel(domain::ClientOrderId order, domain::SymbolId symbol) override;
  base::Result<void> set_leverage(domain::SymbolId symbol, domain::Leverage leverage, domain::MarginMode mode) override;

  /// Market time. Never decreases; commands are taken as sent at this time.
  void advance_to(base::Timestamp now);
  void on_bar_open(domain::SymbolId symbol, const domain::Bar& bar);
  void on_bar_path(domain::SymbolId symbol, const domain::Bar& bar);
  void on_mark(const domain::MarkPrice& mark);
  void on_funding(const domain::FundingRate& rate);

  /// No order, position or queued answer concerns the symbol: the bar calls may be skipped.
  bool idle(domain::SymbolId symbol) const;
  std::optional<base::Timestamp> next_due() const;
  std::optional<TimedEvent> pop_due(base::Timestamp now);

  domain::Money wallet() const;
  domain::Quantity position(domain::SymbolId symbol) const;
  /// Open orders of the symbol, for tests and auditors.
  std::vector<domain::Order> open_orders(domain::SymbolId symbol) const;

  template <class Archive>
  void archive(Archive& a);
};

}  // namespace qtrader::simvenue
