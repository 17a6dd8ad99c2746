#include "edge/exchange/world.hpp"

#include <algorithm>

namespace qtrader::exchange {

World::World(Config config, std::unique_ptr<matching::Exchange> exchange,
             std::unique_ptr<playback::MarketSource> source)
    : config_(config),
      exchange_(std::move(exchange)),
      market_(exchange_->instruments(), config.market),
      streams_(*exchange_, market_),
      users_(*exchange_),
      listen_keys_(config.matching.seed),
      source_(std::move(source)) {}

base::Result<std::unique_ptr<World>> World::create(Config config, Parts parts) {
  if (parts.history.size() > parts.instruments.size())
    return base::Error{"exchange", base::Errc::InvalidArgument,
                       std::to_string(parts.history.size()) + " symbols' history for " +
                           std::to_string(parts.instruments.size()) + " instruments"};
  for (const auto& bars : parts.history)
    if (!bars.empty() && bars.front().timeframe != config.market.source)
      return base::Error{"exchange", base::Errc::InvalidArgument,
                         "history of " + std::string(domain::to_string(bars.front().timeframe)) +
                             " bars: expected the source's " + std::string(domain::to_string(config.market.source))};
  QT_TRY(auto exchange, matching::Exchange::create(config.matching, parts.instruments, std::move(parts.rules)));
  auto world = std::unique_ptr<World>(new World(config, std::move(exchange), std::move(parts.source)));
  for (std::size_t id = 0; id < parts.history.size(); ++id)
    world->market_.seed({static_cast<std::uint16_t>(id)}, parts.history[id]);
  world->begin_ = world->source_->begin();
  world->move_time(world->begin_);
  world->fetch();
  if (!world->source_error_.empty())
    return base::Error{"exchange", base::Errc::Corrupt, "market source: " + world->source_error_};
  return world;
}

void World::fetch() {
  next_tick_.reset();
  auto tick = source_->next();
  if (!tick)
    source_error_ = tick.error().message();
  else
    next_tick_ = std::move(*tick);
}

void World::drain() {
  for (auto events = exchange_->take_events(); !events.empty(); events = exchange_->take_events()) {
    events_ += events.size();
    for (const auto& event : events) {
      market_.on(event);
      streams_.on(event);
    }
    streams_.settle();
    users_.on_batch(events);
  }
}

void World::expire_keys() {
  constexpr base::Duration kEvery = base::seconds(1);
  if (now() - keys_checked_ < kEvery) return;
  keys_checked_ = now();
  if (!config_.keys_expire)
    for (const auto account : users_.attached_accounts()) listen_keys_.extend(account, now());
  for (const auto& [key, account] : listen_keys_.take_expired(now())) users_.expire(key);
}

void World::move_time(base::Timestamp to) {
  exchange_->advance_to(to);
  drain();
  market_.advance_to(to);
  streams_.advance_to(to);
  expire_keys();
}

std::optional<base::Timestamp> World::next_deadline() const {
  std::optional<base::Timestamp> due;
  for (const auto& d : {exchange_->next_deadline(), market_.next_deadline(), streams_.next_deadline()})
    if (d && (!due || *d < *due)) due = d;
  return due;
}

std::optional<base::Timestamp> World::next_tick_time() const {
  if (!next_tick_) return std::nullopt;
  return matching::time_of(*next_tick_);
}

std::optional<base::Timestamp> World::next_due() const {
  auto due = next_deadline();
  if (due && *due <= now()) due.reset();
  const auto tick = next_tick_time();
  return !due || (tick && *tick < *due) ? tick : due;
}

bool World::step(base::Timestamp until) {
  const auto tick = next_tick_time();
  const auto deadline = next_deadline();
  // What was due before now has had its chance at now: only later deadlines move time.
  if (deadline && *deadline > now() && *deadline <= until && (!tick || *deadline <= *tick)) {
    move_time(*deadline);
    return true;
  }
  if (!tick || *tick > until) return false;
  if (*tick > now()) move_time(*tick);
  exchange_->on(*next_tick_);
  ++ticks_;
  drain();
  fetch();
  return true;
}

void World::advance_to(base::Timestamp until) {
  while (step(until)) {
  }
  if (until > now()) move_time(until);
}

bool World::play_tick() {
  if (!next_tick_) return false;
  const auto before = ticks_;
  const base::Timestamp at = std::max(*next_tick_time(), now());
  while (ticks_ == before && step(at)) {
  }
  return ticks_ != before;
}

}  // namespace qtrader::exchange
