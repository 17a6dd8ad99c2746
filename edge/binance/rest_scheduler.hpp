// RestScheduler: when a REST call may be sent. Pure: time is handed in, nothing is sent from here.
//
// Between RestClient::call and the HTTP client. It books weights and order counts in the exchange's calendar windows,
// keeps the bounded waiting line by priority, and knows the four reasons to hold back: budget used up, 429, 418, and
// the circuit breaker. It errs toward counting too much: a call in flight, or sent less than a second before a window
// ends, counts in the next window as well, because the exchange may have.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "core/base/time.hpp"
#include "edge/binance/rest_client.hpp"

namespace qtrader::binance {

class RestScheduler {
 public:
  static constexpr std::size_t kMaxWaiting = 1'000;
  static constexpr base::Duration kMaxWait = base::seconds(10);
  /// A window's budget is taken to be new only this long after its start: the exchange's clock may be behind our idea
  /// of it, and would count a call in the old one.
  static constexpr base::Duration kRollDelay = base::milliseconds(250);

  enum class Pool : std::uint8_t { Weight, Orders10s, Orders1m, Funding };
  static constexpr std::size_t kPools = 4;
  using Cost = std::array<int, kPools>;

  struct Ticket {
    std::uint64_t id = 0;
    Cost cost{};
    Priority priority = Priority::Query;
  };
  enum class Refusal : std::uint8_t { LineFull, WaitedTooLong, Banned, CircuitOpen };
  struct Refused {
    std::uint64_t id = 0;
    Refusal why = Refusal::LineFull;
  };
  /// What an answer says about the limits. status 0: no answer came.
  struct Answer {
    int status = 200;
    std::optional<int> used_weight, used_orders_10s, used_orders_1m;  // headers
    bool throttled = false;                                           // 429 and its like
    std::optional<base::Duration> retry_after;
    std::optional<base::Timestamp> banned_until;  // 418
  };

  explicit RestScheduler(const RestConfig& config);

  /// All times here are our clock's; the exchange's windows follow its clock: server − ours.
  void set_clock_offset(base::Duration offset) { offset_ = offset; }
  void set_limits(int weight_1m, int orders_10s, int orders_1m);
  /// Takes the ticket into the line; the result lists whom that cost the place (perhaps itself).
  std::vector<Refused> submit(const Ticket& ticket, base::Timestamp now);
  /// The ticket to send now, which then is in flight until answered(); nullopt: none may go.
  std::optional<std::uint64_t> next(base::Timestamp now);
  /// Those whose waiting is over without success.
  std::vector<Refused> refuse_overdue(base::Timestamp now);
  void answered(std::uint64_t id, const Answer& answer, base::Timestamp now);
  /// When to call refuse_overdue and next again; nullopt: nobody waits.
  std::optional<base::Timestamp> wake_at(base::Timestamp now) const;

  std::optional<base::Timestamp> banned_until(base::Timestamp now) const;
  bool circuit_open(base::Timestamp now) const { return now < open_until_; }
  int used(Pool pool, base::Timestamp now);
  int budget(Pool pool) const;  // Exit's included
  std::size_t waiting() const;
  std::size_t in_flight() const { return in_flight_.size(); }

 private:
  struct Window {
    base::Duration length;
    int limit = 0;
    std::int64_t index = 0;  // of the calendar window the counts are of
    int own = 0;             // sent by us
    int used = 0;            // own, or what the exchange says if that is more
  };
  struct Waiting {
    Ticket ticket;
    base::Timestamp deadline;
  };
  struct Sent {
    Ticket ticket;
    base::Timestamp at;
  };

  Window& window(Pool pool) { return windows_[static_cast<std::size_t>(pool)]; }
  std::deque<Waiting>& line(Priority p) { return lines_[static_cast<std::size_t>(p)]; }
  /// The number of the window a call sent now is booked in.
  std::int64_t index_of(const Window& w, base::Timestamp now) const {
    return (now + offset_ - kRollDelay).ns / w.length.ns;
  }
  void roll(base::Timestamp now);
  bool affordable(const Ticket& ticket) const;
  bool held_back(Priority priority, base::Timestamp now) const;
  void correct(Pool pool, std::optional<int> said, base::Timestamp sent_at);
  void note_health(bool failed, std::uint64_t id, base::Timestamp now);

  RestConfig config_;
  base::Duration offset_;
  std::array<Window, kPools> windows_;
  std::array<std::deque<Waiting>, 4> lines_;
  std::map<std::uint64_t, Sent> in_flight_;
  std::deque<Sent> recent_;  // answered, sent in the last moments
  base::Timestamp paused_until_, banned_until_, open_until_;
  base::Timestamp last_exit_in_pause_, last_throttle_;
  int throttles_in_a_row_ = 0;
  std::deque<base::Timestamp> failures_;
  bool half_open_ = false;
  std::optional<std::uint64_t> probe_;
};

}  // namespace qtrader::binance
