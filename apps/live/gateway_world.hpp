// GatewayWorld: a real exchange, or one that speaks its protocol: market data and, unless on paper, the account come
// over sockets (edge/binance). On paper the orders go to a BookVenue whose book follows the live one.
//
// Time is the exchange's, as our clock estimates it: timers fire and events are stamped with it. In lockstep (an
// exchange server of our own, told so) time moves only when this world says so, after everything sent so far has been
// handled: that is how a run over sockets is repeated exactly.
#pragma once

#include "apps/live/world.hpp"
#include "edge/binance/gateway.hpp"
#include "edge/matching/exchange.hpp"
#include "edge/simvenue/book_venue.hpp"

namespace qtrader::apps {

struct Lockstep {
  std::string control_key;
  std::shared_ptr<base::Timestamp> clock;  // the time last agreed on; the REST client signs with it
  base::Duration step = base::milliseconds(250);
  /// Wall time in which nothing happens, after which time moves on without the answers still awaited: what lets a slow
  /// or silent exchange be played. 0: they are waited for, whatever it takes.
  base::Duration patience;
};

struct GatewayWorldConfig {
  bool paper = false;
  domain::Money paper_wallet = domain::Money::from_int(10'000);
  simvenue::BookVenueConfig paper_venue;
  std::uint64_t seed = 1;
  std::int32_t warmup_bars = 0;  // primary bars fetched before the start
  std::optional<base::Duration> duration;
  std::optional<Lockstep> lockstep;
  bool probe_stop = false;  // the canary before the first entry
};

class GatewayWorld final : public World {
 public:
  GatewayWorld(net::Loop& loop, CoreHost& host, GatewayWorldConfig config);
  ~GatewayWorld() override;

  /// The gateway's sink; a world is made before its gateway.
  void on_event(domain::Event event);
  base::Result<void> attach(std::unique_ptr<binance::Gateway> gateway, std::vector<matching::ContractRules> rules);
  void set_control(std::unique_ptr<net::HttpClient> control) { control_ = std::move(control); }

  base::Result<void> run() override;
  /// What run() does once, and what it then repeats; for whoever brings a loop of its own.
  base::Result<void> start();
  base::Result<void> step();
  void stop() override { stopping_ = true; }
  void on_operator(domain::OperatorCommand command) override;
  WorldStatus status() const override;

 private:
  base::Result<void> step_real_time();
  base::Result<void> step_lockstep();
  base::Result<void> settle();
  base::Result<void> wait_for_answers();
  base::Result<void> advance(base::Timestamp to);
  base::Result<void> pump_paper(base::Timestamp until);
  void feed_paper(const domain::Event& event);
  template <class Done>
  base::Result<void> wait_for(const Done& done, base::Duration limit, const char* what);
  base::Timestamp now() const;

  net::Loop& loop_;
  CoreHost& host_;
  GatewayWorldConfig config_;
  std::unique_ptr<binance::Gateway> gateway_;
  std::unique_ptr<net::HttpClient> control_;
  std::unique_ptr<matching::Exchange> paper_exchange_;
  std::unique_ptr<simvenue::BookVenue> paper_venue_;
  matching::AccountId paper_account_;
  base::Timestamp ends_at_{INT64_MAX};
  domain::LinkState link_ = domain::LinkState::Down;
  std::string link_reason_ = "not connected";
  std::optional<base::Error> failed_;
  bool stopping_ = false;
};

}  // namespace qtrader::apps
