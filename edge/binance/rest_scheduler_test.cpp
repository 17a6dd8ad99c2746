#include "edge/binance/rest_scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/base/rng.hpp"

namespace qtrader::binance {
namespace {

using base::milliseconds;
using base::seconds;
using Pool = RestScheduler::Pool;
using Refusal = RestScheduler::Refusal;
using Answer = RestScheduler::Answer;

constexpr base::Timestamp kStart = base::Timestamp::from_unix_ms(1'700'000'040'000);  // the start of a minute

class Scheduler : public ::testing::Test {
 protected:
  std::uint64_t submit(Priority priority, int weight, int orders = 0) {
    refused_ = scheduler_.submit({++id_, {weight, orders, orders, 0}, priority}, now_);
    return id_;
  }
  std::vector<std::uint64_t> send_all() {
    std::vector<std::uint64_t> out;
    while (const auto id = scheduler_.next(now_)) out.push_back(*id);
    return out;
  }
  /// Sends and answers at once.
  void answer_all(const Answer& answer = {}) {
    for (const auto id : send_all()) scheduler_.answered(id, answer, now_);
  }
  void fail(int times) {
    for (int i = 0; i < times; ++i) {
      submit(Priority::Exit, 0);
      Answer none;
      none.status = 0;
      answer_all(none);
    }
  }

  RestConfig config_{0.5, 0.2, 2'000, 1'000};
  RestScheduler scheduler_{config_};
  base::Timestamp now_ = kStart + seconds(5);
  std::uint64_t id_ = 0;
  std::vector<RestScheduler::Refused> refused_;
};

TEST_F(Scheduler, OrdinaryCallsLeaveTheReserveToExits) {
  for (int i = 0; i < 300; ++i) submit(Priority::Query, 5);
  EXPECT_EQ(send_all().size(), 192u);  // 960 of 2400 · 0.5 · 0.8
  submit(Priority::Entry, 1);
  EXPECT_TRUE(send_all().empty());
  for (int i = 0; i < 100; ++i) submit(Priority::Exit, 5);
  EXPECT_EQ(send_all().size(), 48u);  // up to 1200
  EXPECT_EQ(scheduler_.used(Pool::Weight, now_), 1'200);
  EXPECT_EQ(scheduler_.budget(Pool::Weight), 1'200);
}

TEST_F(Scheduler, OrderCountsAreBudgetedInBothWindows) {
  for (int i = 0; i < 400; ++i) submit(Priority::Entry, 0, 1);
  const auto first = send_all();
  EXPECT_EQ(first.size(), 120u);  // 300 · 0.5 · 0.8 in 10 s
  for (const auto id : first) scheduler_.answered(id, {}, now_);
  now_ = kStart + seconds(10) + RestScheduler::kRollDelay;
  EXPECT_EQ(send_all().size(), 120u);
}

TEST_F(Scheduler, AWindowsEndFreesTheBudgetExceptWhatIsStillUnderWay) {
  for (int i = 0; i < 300; ++i) submit(Priority::Query, 5);
  const auto sent = send_all();
  ASSERT_EQ(sent.size(), 192u);
  for (std::size_t i = 0; i < 100; ++i) scheduler_.answered(sent[i], {}, now_);
  EXPECT_EQ(scheduler_.wake_at(now_), now_ + seconds(5) + RestScheduler::kRollDelay);  // the 10 s window's end
  now_ = kStart + seconds(60) + RestScheduler::kRollDelay;
  EXPECT_EQ(scheduler_.used(Pool::Weight, now_), 92 * 5);
}

TEST_F(Scheduler, TheExchangesCountRaisesOursButNeverLowersIt) {
  submit(Priority::Query, 10);
  Answer answer;
  answer.used_weight = 900;
  answer_all(answer);
  EXPECT_EQ(scheduler_.used(Pool::Weight, now_), 900);
  answer.used_weight = 3;
  submit(Priority::Query, 10);
  answer_all(answer);
  EXPECT_EQ(scheduler_.used(Pool::Weight, now_), 910);
  // Others on this address have used our share: exits still go, short of the limit.
  answer.used_weight = 1'900;
  submit(Priority::Query, 10);
  answer_all(answer);
  submit(Priority::Query, 1);
  submit(Priority::Exit, 10);
  EXPECT_EQ(send_all().size(), 1u);
}

TEST_F(Scheduler, PriorityThenArrival) {
  const auto background = submit(Priority::Background, 1), query = submit(Priority::Query, 1),
             entry = submit(Priority::Entry, 1), exit = submit(Priority::Exit, 1), entry2 = submit(Priority::Entry, 1);
  EXPECT_EQ(send_all(), (std::vector<std::uint64_t>{exit, entry, entry2, query, background}));
}

TEST_F(Scheduler, TheLineIsBoundedAndTheLeastImportantGivesWay) {
  submit(Priority::Query, 960);
  ASSERT_EQ(send_all().size(), 1u);
  for (std::size_t i = 0; i < RestScheduler::kMaxWaiting; ++i) submit(Priority::Query, 1);
  EXPECT_TRUE(refused_.empty());
  const auto last = id_;
  submit(Priority::Background, 1);
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].id, id_);
  submit(Priority::Entry, 1);
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].id, last);
  EXPECT_EQ(refused_[0].why, Refusal::LineFull);
  EXPECT_EQ(scheduler_.waiting(), RestScheduler::kMaxWaiting);
}

TEST_F(Scheduler, NobodyWaitsLongerThanTenSeconds) {
  submit(Priority::Query, 960);
  send_all();
  const auto id = submit(Priority::Query, 960);
  now_ = now_ + milliseconds(9'999);
  EXPECT_TRUE(scheduler_.refuse_overdue(now_).empty());
  EXPECT_EQ(scheduler_.wake_at(now_), now_ + milliseconds(1));
  now_ = now_ + milliseconds(1);
  const auto refused = scheduler_.refuse_overdue(now_);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].id, id);
  EXPECT_EQ(refused[0].why, Refusal::WaitedTooLong);
}

TEST_F(Scheduler, A429StopsAllButExitsForAsLongAsItSays) {
  submit(Priority::Query, 1);
  Answer answer;
  answer.status = 429;
  answer.throttled = true;
  answer.retry_after = seconds(7);
  answer_all(answer);
  submit(Priority::Query, 1);
  submit(Priority::Exit, 1);
  submit(Priority::Exit, 1);
  now_ = now_ + seconds(1);
  EXPECT_EQ(send_all().size(), 1u);  // one exit a second
  now_ = now_ + seconds(1);
  EXPECT_EQ(send_all().size(), 1u);
  now_ = now_ + milliseconds(4'999);
  EXPECT_TRUE(send_all().empty());
  now_ = now_ + milliseconds(1);
  EXPECT_EQ(send_all().size(), 1u);
}

TEST_F(Scheduler, WithoutRetryAfterThePauseDoubles) {
  Answer answer;
  answer.status = 429;
  answer.throttled = true;
  submit(Priority::Query, 1);
  for (const std::int64_t pause : {1, 2, 4, 8, 16, 32, 60, 60}) {
    answer_all(answer);
    submit(Priority::Query, 1);
    now_ = now_ + seconds(pause) - milliseconds(1);
    EXPECT_TRUE(send_all().empty()) << pause;
    now_ = now_ + milliseconds(1);
  }
}

TEST_F(Scheduler, A418StopsEverythingUntilTheStatedTime) {
  submit(Priority::Query, 1);
  Answer answer;
  answer.status = 418;
  answer.throttled = true;
  answer.banned_until = now_ + seconds(120);
  answer_all(answer);
  EXPECT_EQ(scheduler_.banned_until(now_), now_ + seconds(120));
  submit(Priority::Exit, 1);
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].why, Refusal::Banned);
  now_ = now_ + seconds(119);
  submit(Priority::Exit, 1);
  EXPECT_TRUE(refused_.empty());  // soon over: it may wait
  EXPECT_TRUE(send_all().empty());
  now_ = now_ + seconds(2);
  EXPECT_EQ(send_all().size(), 1u);
  EXPECT_FALSE(scheduler_.banned_until(now_));
}

TEST_F(Scheduler, TheBreakerOpensAfterFiveFailuresProbesOnceAndLetsExitsThrough) {
  fail(4);
  EXPECT_FALSE(scheduler_.circuit_open(now_));
  fail(1);
  EXPECT_TRUE(scheduler_.circuit_open(now_));
  submit(Priority::Entry, 1);
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].why, Refusal::CircuitOpen);
  submit(Priority::Exit, 1);
  EXPECT_EQ(send_all().size(), 1u);
  now_ = now_ + seconds(30);
  const auto probe = submit(Priority::Entry, 1);
  submit(Priority::Entry, 1);
  EXPECT_EQ(send_all(), std::vector<std::uint64_t>{probe});
  Answer bad;
  bad.status = 502;
  scheduler_.answered(probe, bad, now_);
  EXPECT_TRUE(scheduler_.circuit_open(now_));
  EXPECT_EQ(scheduler_.refuse_overdue(now_).size(), 1u);
  now_ = now_ + seconds(30);
  submit(Priority::Entry, 1);
  submit(Priority::Entry, 1);
  answer_all();
  EXPECT_EQ(send_all().size(), 1u);  // the probe was good: the second follows
}

TEST_F(Scheduler, FailuresSpreadOverMoreThanThirtySecondsDoNotOpenIt) {
  for (int i = 0; i < 20; ++i) {
    fail(1);
    now_ = now_ + seconds(9);
  }
  EXPECT_FALSE(scheduler_.circuit_open(now_));
}

TEST_F(Scheduler, OneConnectionStaysFreeForExits) {
  RestConfig narrow = config_;
  narrow.max_connections = 2;
  scheduler_ = RestScheduler(narrow);
  submit(Priority::Query, 1);
  submit(Priority::Query, 1);
  EXPECT_EQ(send_all().size(), 1u);
  submit(Priority::Exit, 1);
  EXPECT_EQ(send_all().size(), 1u);
}

TEST_F(Scheduler, WithoutABudgetNothingWaitsForAMinuteThatNeverEnds) {
  RestConfig lockstep = config_;
  lockstep.enforce_budget = false;
  scheduler_ = RestScheduler(lockstep);
  for (int i = 0; i < 500; ++i) submit(Priority::Background, 40, 1);
  Answer counted;
  counted.used_weight = 20'000;
  EXPECT_EQ(send_all().size(), 500u);
  scheduler_.answered(1, counted, now_);
  submit(Priority::Query, 40);
  EXPECT_EQ(send_all().size(), 1u);
}

TEST_F(Scheduler, WindowsFollowTheExchangesClock) {
  scheduler_.set_clock_offset(seconds(50));  // there it is 5 s before a minute's end
  for (int i = 0; i < 300; ++i) submit(Priority::Query, 5);
  for (const auto id : send_all()) scheduler_.answered(id, {}, now_);
  now_ = now_ + seconds(5) + RestScheduler::kRollDelay;
  EXPECT_EQ(scheduler_.used(Pool::Weight, now_), 0);
}

/// A fake exchange: fixed windows by its own clock, 429 beyond a limit, and a ban for whoever goes on.
struct Exchange {
  int limit = 2'400, orders_limit = 300;
  std::int64_t minute = -1, ten = -1;
  int weight = 0, orders = 0, ignored = 0;
  bool banned = false;
  int refused = 0;

  Answer handle(const RestScheduler::Cost& cost, base::Timestamp at, bool ours) {
    turn(at);
    weight += cost[0];
    orders += cost[1];
    Answer answer;
    answer.used_weight = weight;
    answer.used_orders_10s = orders;
    if (weight <= limit && orders <= orders_limit) return answer;
    ++refused;
    if (ours && ++ignored > 20) banned = true;
    answer.status = banned ? 418 : 429;
    answer.throttled = true;
    return answer;
  }
  void turn(base::Timestamp at) {
    if (const auto m = at.ns / seconds(60).ns; m != minute) minute = m, weight = 0, ignored = 0;
    if (const auto t = at.ns / seconds(10).ns; t != ten) ten = t, orders = 0;
  }
};

struct Setting {
  std::uint64_t seed = 0;
  int others_percent = 0;  // of the limit, used by somebody else on our address per minute
  double share = 0.5;
  std::size_t connections = 1'000;
};

/// Ten minutes of bursts in false time. Returns the exchange as it ended.
Exchange burst(const Setting& setting) {
  base::Rng rng(setting.seed);
  RestConfig config;
  config.budget_share = setting.share;
  config.max_connections = setting.connections;
  RestScheduler scheduler(config);
  Exchange exchange;
  const base::Duration offset = milliseconds(static_cast<std::int64_t>(rng.below(120'000)));
  scheduler.set_clock_offset(offset + milliseconds(static_cast<std::int64_t>(rng.below(200)) - 100));
  struct Flight {
    std::uint64_t id = 0;
    Answer answer;
    bool arrived = false;
  };
  std::multimap<std::int64_t, Flight> events;  // by our time in ms: an arrival there, then the answer here
  std::map<std::uint64_t, RestScheduler::Cost> costs;
  std::uint64_t id = 0;
  const std::int64_t begin = kStart.unix_ms();
  for (std::int64_t ms = begin; ms < begin + 600'000; ms += 5) {
    const auto now = base::Timestamp::from_unix_ms(ms);
    if (setting.others_percent > 0 && ms % 1'000 == 0)
      exchange.handle({exchange.limit * setting.others_percent / 6'000, 0, 0, 0}, now + offset, false);
    if (rng.below(400) == 0)  // a burst
      for (std::uint64_t n = rng.below(250); n > 0; --n) {
        const RestScheduler::Cost cost = {static_cast<int>(rng.below(40)), static_cast<int>(rng.below(2)), 0, 0};
        costs[++id] = cost;
        scheduler.submit({id, cost, static_cast<Priority>(rng.below(4))}, now);
      }
    while (!events.empty() && events.begin()->first <= ms) {
      Flight flight = events.begin()->second;
      events.erase(events.begin());
      if (flight.arrived) {
        scheduler.answered(flight.id, flight.answer, now);
        continue;
      }
      flight.answer = exchange.handle(costs.at(flight.id), now + offset, true);
      flight.arrived = true;
      events.emplace(ms + 1 + static_cast<std::int64_t>(rng.below(400)), flight);
    }
    scheduler.refuse_overdue(now);
    while (const auto next = scheduler.next(now))
      events.emplace(ms + 1 + static_cast<std::int64_t>(rng.below(400)), Flight{*next, {}, false});
  }
  return exchange;
}

TEST(SchedulerProperty, BurstsNeverBreakALimit) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(burst({seed, 0, 0.5}).refused, 0) << seed;
    EXPECT_EQ(burst({seed, 0, 1.0}).refused, 0) << seed;
  }
}

TEST(SchedulerProperty, NeverBannedHoweverMuchOthersUse) {
  int throttled = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    for (const int others : {30, 60, 90, 105}) {
      const Exchange end = burst({seed, others, 0.5, 4});
      // The others' refusals are theirs; what counts toward the ban here is how many calls of ours ran into a 429.
      EXPECT_FALSE(end.banned) << seed << " " << others;
      throttled += end.refused;
    }
  EXPECT_GT(throttled, 0);  // the hard cases were met
}

}  // namespace
}  // namespace qtrader::binance
