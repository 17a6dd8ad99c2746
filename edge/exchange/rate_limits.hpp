// RateLimits: who has used how much: request weight of an address, order counts of an account, the funding and
// statistics pools, and the bans of those who go on after a 429.
//
// In the flow: Api charges every request before it does anything else. Windows are calendar windows (a minute, ten
// seconds, five minutes), as the exchange's counters are. Bounded: addresses whose windows have passed are forgotten.
// It knows no routes and writes no answers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "edge/matching/types.hpp"

namespace qtrader::exchange {

/// Which counter of an address a request draws from.
enum class Pool : std::uint8_t { Weight, Funding, Statistics };

/// A counter that starts again at each multiple of `length`.
struct CalendarWindow {
  base::Duration length;
  base::Timestamp opened;
  int used = 0;

  int at(base::Timestamp now) const { return open_at(now) == opened ? used : 0; }
  void add(base::Timestamp now, int n) {
    used = at(now) + n;
    opened = open_at(now);
  }
  base::Timestamp open_at(base::Timestamp now) const { return {now.ns - now.ns % length.ns}; }
  base::Timestamp next(base::Timestamp now) const { return open_at(now) + length; }
};

struct LimitVerdict {
  enum class Kind : std::uint8_t { Allowed, TooMany, Banned };
  Kind kind = Kind::Allowed;
  base::Timestamp until;  // when to try again
  int limit = 0;          // the limit that was broken
  base::Duration window;  // and its window
};

class RateLimits {
 public:
  struct Config {
    int weight_1m = 2'400, orders_10s = 300, orders_1m = 1'200, funding_5m = 500, statistics_5m = 1'000;
    bool enforce = true;
  };
  explicit RateLimits(Config config) : config_(config) {}

  /// Counts the request. Refused requests count nothing, but bring a ban nearer.
  LimitVerdict charge(std::string_view peer, Pool pool, int weight, base::Timestamp now);
  struct OrderCost {
    int per_10s = 0, per_1m = 0;
  };
  LimitVerdict charge_orders(matching::AccountId account, OrderCost cost, base::Timestamp now);
  void ban(std::string_view peer, base::Timestamp until);

  int used_weight(std::string_view peer, base::Timestamp now) const;
  OrderCost used_orders(matching::AccountId account, base::Timestamp now) const;
  const Config& config() const { return config_; }

 private:
  struct Peer {
    CalendarWindow weight{base::minutes(1), {}, 0}, funding{base::minutes(5), {}, 0},
        statistics{base::minutes(5), {}, 0};
    CalendarWindow refused{base::minutes(1), {}, 0};  // requests answered 429
    base::Timestamp banned_until;
    int bans = 0;
  };
  struct Account {
    CalendarWindow per_10s{base::seconds(10), {}, 0}, per_1m{base::minutes(1), {}, 0};
  };
  Peer& peer(std::string_view name, base::Timestamp now);
  LimitVerdict refuse(Peer& peer, const CalendarWindow& window, int limit, base::Timestamp now);

  Config config_;
  std::map<std::string, Peer, std::less<>> peers_;
  std::map<matching::AccountId, Account> accounts_;
};

}  // namespace qtrader::exchange
