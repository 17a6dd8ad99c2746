#include "apps/live/sim_world.hpp"

#include <algorithm>

#include "edge/system/process.hpp"

namespace qtrader::apps {
namespace {

constexpr base::Timestamp kNever{INT64_MAX};
constexpr std::uint64_t kPollEvery = 4'096;  // ticks between two looks at the operator's side
constexpr base::Duration kLongestWait = base::milliseconds(50);
constexpr base::Duration kClosingTime = base::seconds(120);  // of market time, for the last positions

}  // namespace

SimWorld::SimWorld(net::Loop& loop, CoreHost& host, SimWorldConfig config)
    : loop_(loop), host_(host), config_(std::move(config)) {}

base::Result<std::unique_ptr<SimWorld>> SimWorld::create(net::Loop& loop, CoreHost& host,
                                                         std::unique_ptr<playback::MarketSource> source,
                                                         std::vector<matching::ContractRules> rules,
                                                         SimWorldConfig config) {
  std::unique_ptr<SimWorld> world(new SimWorld(loop, host, std::move(config)));
  world->source_ = std::move(source);
  QT_TRY(world->exchange_,
         matching::Exchange::create(world->config_.exchange, host.core().instruments(), std::move(rules)));
  const domain::Money wallet = host.recovered() ? host.core().ledger().account().wallet : world->config_.wallet;
  world->account_ = world->exchange_->open_account({.balance = wallet});
  world->venue_ = std::make_unique<simvenue::BookVenue>(*world->exchange_, world->account_, world->config_.venue);
  host.set_venue(world->venue_.get());
  return world;
}

/// The positions the core knows are what the simulated exchange must hold: what it was about to say when the process
/// died was never said. Orders are not put back: the core asks for each, hears that it is unknown and places its stops
/// again.
base::Result<void> SimWorld::restore_venue() {
  const auto& core = host_.core();
  for (std::size_t i = 0; i < core.instruments().size(); ++i) {
    const domain::SymbolId symbol{static_cast<std::uint16_t>(i)};
    const auto& position = core.ledger().position(symbol);
    if (position.flat()) continue;
    exchange_->seed_position(account_, symbol, position.quantity, position.entry_price(), position.leverage,
                             position.mode);
  }
  exchange_->take_events();
  return {};
}

base::Result<void> SimWorld::begin() {
  begun_ = true;
  wall_start_ = system::steady_seconds();
  if (host_.recovered()) {
    QT_TRY_VOID(restore_venue());
    QT_TRY_VOID(host_.deliver(domain::RunResumed{now_}, now_));
  }
  return host_.deliver(domain::VenueLink{domain::LinkState::Ready, "simulated", now_}, now_);
}

base::Result<void> SimWorld::pump(base::Timestamp until) {
  for (;;) {
    const base::Timestamp timer = host_.next_timer().value_or(kNever);
    const base::Timestamp answer = venue_->next_due().value_or(kNever);
    const base::Timestamp deadline =
        exchange_->next_deadline().value_or(kNever);  // of the exchange's own: triggers, GTD
    if (std::min({timer, answer, deadline}) > until) return {};
    if (timer <= std::min(answer, deadline)) {
      venue_->advance_to(timer);
      QT_TRY_VOID(host_.fire_timers(timer));
    } else if (deadline < answer) {
      venue_->advance_to(deadline);
    } else if (auto due = venue_->pop_due(answer)) {
      QT_TRY_VOID(host_.deliver(std::move(due->event), due->due));
    }
  }
}

void SimWorld::wait_until(base::Timestamp market_time) {
  if (++steps_ % kPollEvery == 0) loop_.run_for({});
  if (config_.speed <= 0 || market_time <= config_.from) return;
  const double due = wall_start_ + (market_time - config_.from).seconds() / config_.speed;
  while (!stopping_) {
    const double left = due - system::steady_seconds();
    if (left <= 0) return;
    loop_.run_for(std::min(kLongestWait, base::Duration{static_cast<std::int64_t>(left * 1e9)}));
  }
}

base::Result<void> SimWorld::run() {
  const base::Timestamp end = config_.duration ? config_.from + *config_.duration : kNever;
  const base::Timestamp resumed_at = host_.now();
  if (!host_.recovered())
    QT_TRY_VOID(host_.deliver(domain::RunStarted{config_.wallet, config_.seed, config_.from, end}, source_->begin()));
  while (!stopping_) {
    QT_TRY(auto tick, source_->next());
    if (!tick) break;
    const base::Timestamp at = matching::time_of(*tick);
    if (at >= end) break;
    now_ = at;
    if (host_.recovered() && at <= resumed_at) {  // the core has seen this; only the exchange has forgotten
      exchange_->on(*tick);
      exchange_->take_events();
      continue;
    }
    if (!begun_ && at >= config_.from) QT_TRY_VOID(begin());
    wait_until(at);
    QT_TRY_VOID(pump(at));
    for (; !operator_commands_.empty(); operator_commands_.pop_front())
      QT_TRY_VOID(host_.deliver(operator_commands_.front(), at));
    venue_->on(*tick);
    QT_TRY_VOID(pump(at));
    if (begun_) QT_TRY_VOID(host_.snapshot());
  }
  return stopping_ ? host_.snapshot(true) : finish();
}

/// The market is over: positions are closed against the last book, and the run is at its end for good.
base::Result<void> SimWorld::finish() {
  QT_TRY_VOID(host_.deliver(domain::RunEnding{now_}, now_));
  QT_TRY_VOID(pump(now_ + kClosingTime));
  return host_.end();
}

void SimWorld::on_operator(domain::OperatorCommand command) { operator_commands_.push_back(std::move(command)); }

WorldStatus SimWorld::status() const {
  WorldStatus s;
  s.mode = "sim";
  s.link = begun_ ? "ready" : "warming up";
  return s;
}

}  // namespace qtrader::apps
