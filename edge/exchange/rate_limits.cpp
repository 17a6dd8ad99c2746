#include "edge/exchange/rate_limits.hpp"

#include <algorithm>

namespace qtrader::exchange {
namespace {

// Requests of one minute that are answered 429 before the address is banned. Binance says only "repeatedly".
constexpr int kWarnings = 5;
constexpr base::Duration kFirstBan = base::minutes(2), kLongestBan = base::days(3);
constexpr std::size_t kMaxPeers = 10'000;

}  // namespace

RateLimits::Peer& RateLimits::peer(std::string_view name, base::Timestamp now) {
  if (const auto it = peers_.find(name); it != peers_.end()) return it->second;
  if (peers_.size() >= kMaxPeers) {
    std::erase_if(peers_, [&](const auto& entry) {
      const Peer& p = entry.second;
      return p.bans == 0 && p.banned_until <= now && p.weight.at(now) == 0 && p.funding.at(now) == 0 &&
             p.statistics.at(now) == 0;
    });
    if (peers_.size() >= kMaxPeers) peers_.erase(peers_.begin());
  }
  return peers_[std::string(name)];
}

LimitVerdict RateLimits::refuse(Peer& p, const CalendarWindow& window, int limit, base::Timestamp now) {
  p.refused.add(now, 1);
  if (p.refused.at(now) <= kWarnings) return {LimitVerdict::Kind::TooMany, window.next(now), limit, window.length};
  base::Duration length = kFirstBan;
  for (int i = 0; i < p.bans && length < kLongestBan; ++i) length = length * 2;
  length = std::min(length, kLongestBan);
  ++p.bans;
  p.banned_until = now + length;
  p.refused.used = 0;
  return {LimitVerdict::Kind::Banned, p.banned_until, limit, window.length};
}

LimitVerdict RateLimits::charge(std::string_view name, Pool pool, int weight, base::Timestamp now) {
  Peer& p = peer(name, now);
  if (p.banned_until > now) return {LimitVerdict::Kind::Banned, p.banned_until, config_.weight_1m, p.weight.length};
  CalendarWindow& window = pool == Pool::Weight ? p.weight : pool == Pool::Funding ? p.funding : p.statistics;
  const int limit = pool == Pool::Weight    ? config_.weight_1m
                    : pool == Pool::Funding ? config_.funding_5m
                                            : config_.statistics_5m;
  if (config_.enforce && window.at(now) + weight > limit) return refuse(p, window, limit, now);
  window.add(now, weight);
  return {};
}

LimitVerdict RateLimits::charge_orders(matching::AccountId id, OrderCost cost, base::Timestamp now) {
  Account& account = accounts_[id];
  if (config_.enforce) {
    const auto broken = [&](const CalendarWindow& w, int n, int limit) { return n > 0 && w.at(now) + n > limit; };
    if (broken(account.per_10s, cost.per_10s, config_.orders_10s))
      return {LimitVerdict::Kind::TooMany, account.per_10s.next(now), config_.orders_10s, account.per_10s.length};
    if (broken(account.per_1m, cost.per_1m, config_.orders_1m))
      return {LimitVerdict::Kind::TooMany, account.per_1m.next(now), config_.orders_1m, account.per_1m.length};
  }
  account.per_10s.add(now, cost.per_10s);
  account.per_1m.add(now, cost.per_1m);
  return {};
}

void RateLimits::ban(std::string_view name, base::Timestamp until) { peers_[std::string(name)].banned_until = until; }

int RateLimits::used_weight(std::string_view name, base::Timestamp now) const {
  const auto it = peers_.find(name);
  return it == peers_.end() ? 0 : it->second.weight.at(now);
}

RateLimits::OrderCost RateLimits::used_orders(matching::AccountId id, base::Timestamp now) const {
  const auto it = accounts_.find(id);
  if (it == accounts_.end()) return {};
  return {it->second.per_10s.at(now), it->second.per_1m.at(now)};
}

}  // namespace qtrader::exchange
