// Timers and the sequencer: order, journaling before dispatch, digests.
#include <gtest/gtest.h>

#include "core/kernel/sequencer.hpp"
#include "core/kernel/timers.hpp"

namespace qtrader::kernel {
namespace {

using base::Timestamp;

TEST(Timers, FireInOrderOfDueThenArming) {
  Timers timers;
  const auto late = timers.arm({20}, domain::TimerTag::Scan, 1);
  const auto first = timers.arm({10}, domain::TimerTag::FillWait, 2);
  const auto second = timers.arm({10}, domain::TimerTag::StopConfirm, 3);
  EXPECT_FALSE(timers.peek_due({9}));
  EXPECT_EQ(timers.peek_due({10})->id, first);
  EXPECT_TRUE(timers.consume(first));
  EXPECT_FALSE(timers.consume(first)) << "fires once";
  EXPECT_EQ(timers.peek_due({30})->id, second);
  timers.disarm(second);
  EXPECT_EQ(timers.next_due(), Timestamp{20});
  timers.disarm(late);
  EXPECT_EQ(timers.size(), 0U);
}

TEST(Timers, IdsAreNeverReusedAfterASnapshot) {
  Timers a;
  const auto x = a.arm({5}, domain::TimerTag::Scan, 0);
  a.disarm(x);
  Timers b;
  ASSERT_TRUE(base::from_bytes(base::to_bytes(a), b));
  EXPECT_NE(b.arm({5}, domain::TimerTag::Scan, 0), x);
}

class MemoryJournal final : public Journal {
 public:
  base::Result<void> append(const Frame& frame) override {
    if (full) return base::Error{"test", base::Errc::NoSpace, "full"};
    frames.push_back({frame.kind, frame.seq, frame.ts, {}});
    return {};
  }
  base::Result<void> sync() override { return {}; }
  std::vector<Frame> frames;
  bool full = false;
};

TEST(Sequencer, NumbersWithoutGapsAndTimeNeverRunsBack) {
  MemoryJournal journal;
  Sequencer s(&journal);
  Envelope a{0, {100}, domain::RunEnding{}}, b{0, {50}, domain::RunEnding{}};
  ASSERT_TRUE(s.admit(a) && s.admit(b));
  EXPECT_EQ(a.seq, 1U);
  EXPECT_EQ(b.seq, 2U);
  EXPECT_EQ(b.ts_recv, Timestamp{100});
  EXPECT_EQ(journal.frames.size(), 2U);
}

TEST(Sequencer, NothingIsHandledThatCouldNotBeJournaled) {
  MemoryJournal journal;
  journal.full = true;
  Sequencer s(&journal);
  Envelope envelope{0, {1}, domain::RunEnding{}};
  const auto refused = s.admit(envelope);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::NoSpace);
}

TEST(Sequencer, DigestDependsOnEveryFrameAndTheirOrder) {
  const auto run = [](std::vector<std::int64_t> times, bool output) {
    Sequencer s(nullptr);
    for (const auto t : times) {
      Envelope envelope{0, {t}, domain::RunEnding{{t}}};
      EXPECT_TRUE(s.admit(envelope));
      if (output) (void)s.emit(domain::StateDigest{1});
    }
    return s.digest();
  };
  EXPECT_EQ(run({1, 2, 3}, true), run({1, 2, 3}, true));
  EXPECT_NE(run({1, 2, 3}, true), run({1, 2, 3}, false));
  EXPECT_NE(run({1, 2, 3}, true), run({1, 2, 4}, true));
  EXPECT_NE(run({1, 2}, true), run({2, 1}, true));
}

}  // namespace
}  // namespace qtrader::kernel
