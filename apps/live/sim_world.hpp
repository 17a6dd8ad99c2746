// SimWorld: a market that is played and an exchange that is simulated, in this process (`qtrader run --mode sim`).
//
// Time is the market's. Between two ticks every timer and answer that is due is delivered in order of time, timers
// first, as in a backtest; `speed` only makes it wait. Ticks before `from` warm the core up and are never waited for.
// Deterministic: the same source, seed and configuration give the same journal, whatever the machine does.
#pragma once

#include "apps/live/world.hpp"
#include "edge/matching/exchange.hpp"
#include "edge/playback/market_source.hpp"
#include "edge/simvenue/book_venue.hpp"

namespace qtrader::apps {

struct SimWorldConfig {
  base::Timestamp from;                    // decisions start here
  double speed = 0;                        // market seconds a second; 0: as fast as it goes
  std::optional<base::Duration> duration;  // of market time after `from`
  domain::Money wallet = domain::Money::from_int(10'000);
  matching::ExchangeConfig exchange;
  simvenue::BookVenueConfig venue;
  std::uint64_t seed = 1;
};

class SimWorld final : public World {
 public:
  static base::Result<std::unique_ptr<SimWorld>> create(net::Loop& loop, CoreHost& host,
                                                        std::unique_ptr<playback::MarketSource> source,
                                                        std::vector<matching::ContractRules> rules,
                                                        SimWorldConfig config);
  base::Result<void> run() override;
  void stop() override { stopping_ = true; }
  void on_operator(domain::OperatorCommand command) override;
  WorldStatus status() const override;

  const matching::Exchange& exchange() const { return *exchange_; }

 private:
  SimWorld(net::Loop& loop, CoreHost& host, SimWorldConfig config);
  base::Result<void> begin();
  base::Result<void> restore_venue();
  base::Result<void> pump(base::Timestamp until);
  base::Result<void> finish();
  void wait_until(base::Timestamp market_time);

  net::Loop& loop_;
  CoreHost& host_;
  SimWorldConfig config_;
  std::unique_ptr<playback::MarketSource> source_;
  std::unique_ptr<matching::Exchange> exchange_;
  matching::AccountId account_;
  std::unique_ptr<simvenue::BookVenue> venue_;
  std::deque<domain::OperatorCommand> operator_commands_;
  base::Timestamp now_;
  double wall_start_ = 0;
  bool stopping_ = false, begun_ = false;
  std::uint64_t steps_ = 0;
};

}  // namespace qtrader::apps
