#include "edge/net/loop.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "edge/net/testing.hpp"

namespace qtrader::net {
namespace {

TEST(Loop, run_for_tells_whether_anything_was_handled) {
  Loop loop;
  EXPECT_FALSE(loop.run_for(base::Duration{}));
  EXPECT_FALSE(loop.run_for(base::milliseconds(1)));
  int called = 0;
  loop.post([&] { ++called; });
  EXPECT_TRUE(loop.run_for(base::Duration{}));
  EXPECT_EQ(called, 1);
  EXPECT_FALSE(loop.stopped());
}

TEST(Loop, run_for_returns_once_something_was_handled) {
  Loop loop;
  bool called = false;
  const Timer timer = loop.after(base::milliseconds(1), [&] { called = true; });
  while (!called) EXPECT_TRUE(loop.run_for(base::hours(10)));  // would hang rather than fail
}

TEST(Loop, posts_keep_their_order) {
  Loop loop;
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) loop.post([&order, i] { order.push_back(i); });
  while (loop.run_for(base::Duration{})) {
  }
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Loop, another_thread_may_post) {
  Loop loop;
  int called = 0;
  std::thread thread([&] {
    for (int i = 0; i < 1'000; ++i) loop.post([&] { ++called; });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  thread.join();
  EXPECT_EQ(called, 1'000);
  EXPECT_TRUE(loop.stopped());
  EXPECT_FALSE(loop.run_for(base::milliseconds(1)));
}

TEST(Loop, loop_that_is_never_idle_still_returns) {
  Loop loop;
  std::function<void()> again = [&] { loop.post(again); };
  again();
  EXPECT_TRUE(loop.run_for(base::hours(1)));
}

TEST(Timer, cancelled_or_destroyed_timers_do_not_fire) {
  Loop loop;
  int fired = 0;
  Timer cancelled = loop.after(base::milliseconds(1), [&] { ++fired; });
  EXPECT_TRUE(cancelled.armed());
  cancelled.cancel();
  EXPECT_FALSE(cancelled.armed());
  {
    const Timer destroyed = loop.after(base::milliseconds(1), [&] { ++fired; });
  }
  Timer replaced = loop.after(base::milliseconds(1), [&] { ++fired; });
  replaced = loop.after(base::milliseconds(2), [&] { fired += 100; });
  ASSERT_TRUE(test::run_until(loop, [&] { return fired >= 100; }));
  test::run_a_while(loop, 10);
  EXPECT_EQ(fired, 100);
  EXPECT_FALSE(replaced.armed());
}

TEST(Timer, one_that_is_due_can_still_be_cancelled) {
  Loop loop;
  int fired = 0;
  Timer second;
  const Timer first = loop.after(base::Duration{}, [&] {
    ++fired;
    second.cancel();
  });
  second = loop.after(base::Duration{}, [&] { ++fired; });
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  test::run_a_while(loop, 10);
  EXPECT_EQ(fired, 1);
}

TEST(Timer, work_may_rearm_or_destroy_its_own_timer) {
  Loop loop;
  int fired = 0;
  Timer timer;
  std::function<void()> tick = [&] {
    timer = {};
    if (++fired < 5) timer = loop.after(base::Duration{}, tick);
  };
  timer = loop.after(base::Duration{}, tick);
  ASSERT_TRUE(test::run_until(loop, [&] { return fired == 5; }));
}

TEST(Loop, signals_are_work) {
  Loop loop;
  int asked = 0;
  loop.on_terminate([&] { ++asked; });
  std::raise(SIGTERM);
  ASSERT_TRUE(test::run_until(loop, [&] { return asked == 1; }));
  std::raise(SIGINT);
  ASSERT_TRUE(test::run_until(loop, [&] { return asked == 2; }));
}

}  // namespace
}  // namespace qtrader::net
