#include "edge/binance/local_book.hpp"

#include <gtest/gtest.h>

#include <map>

#include "core/base/rng.hpp"
#include "edge/binance/messages_testing.hpp"

namespace qtrader::binance {
namespace {

using namespace testing;
using Applied = LocalBook::Applied;

Level level(std::int64_t price, std::int64_t quantity) {
  return {domain::Price::from_int(price), domain::Quantity::from_int(quantity)};
}

DepthUpdate diff(std::int64_t first, std::int64_t last, std::int64_t previous, std::vector<Level> bids = {},
                 std::vector<Level> asks = {}) {
  DepthUpdate d;
  d.first_update_id = first;
  d.last_update_id = last;
  d.previous_update_id = previous;
  d.bids = std::move(bids);
  d.asks = std::move(asks);
  return d;
}

DepthSnapshot snapshot(std::int64_t last) {
  DepthSnapshot s;
  s.last_update_id = last;
  s.bids = {level(99, 1), level(98, 2), level(90, 10)};
  s.asks = {level(101, 1), level(102, 2), level(110, 10)};
  return s;
}

TEST(LocalBook, FollowsTheExchangesRules) {
  LocalBook book;
  EXPECT_TRUE(book.needs_snapshot());
  EXPECT_FALSE(book.top());
  EXPECT_EQ(book.apply(diff(90, 95, 80, {level(97, 7)})), Applied::Buffered);   // older than the snapshot: dropped
  EXPECT_EQ(book.apply(diff(96, 105, 95, {level(99, 5)})), Applied::Buffered);  // U ≤ 100 ≤ u
  EXPECT_EQ(book.apply(diff(106, 110, 105, {level(98, 0)})), Applied::Buffered);
  ASSERT_TRUE(book.apply_snapshot(snapshot(100)));
  EXPECT_EQ(book.last_update_id(), 110);
  EXPECT_EQ(book.top()->bid, level(99, 5));
  EXPECT_EQ(book.top()->ask, level(101, 1));
  EXPECT_EQ(book.bids(5), (std::vector<Level>{level(99, 5), level(90, 10)}));
  EXPECT_EQ(book.asks(2), (std::vector<Level>{level(101, 1), level(102, 2)}));
  EXPECT_EQ(book.apply(diff(111, 120, 110, {}, {level(101, 0), level(100, 3), level(500, 0)})), Applied::Applied);
  EXPECT_EQ(book.top()->ask, level(100, 3));
  EXPECT_EQ(book.gaps(), 0u);
}

TEST(LocalBook, AGapMakesItUnusableUntilTheNextSnapshot) {
  LocalBook book;
  ASSERT_TRUE(book.apply_snapshot(snapshot(100)));
  EXPECT_EQ(book.apply(diff(99, 101, 98)), Applied::Applied);
  EXPECT_EQ(book.apply(diff(120, 130, 119, {level(1, 1)})), Applied::Gap);
  EXPECT_TRUE(book.needs_snapshot());
  EXPECT_FALSE(book.top());
  EXPECT_TRUE(book.bids(10).empty());
  EXPECT_EQ(book.gaps(), 1u);
  EXPECT_EQ(book.apply(diff(131, 140, 130, {level(2, 1)})), Applied::Buffered);
  EXPECT_FALSE(book.apply_snapshot(snapshot(110)));  // older than what is buffered
  EXPECT_TRUE(book.needs_snapshot());
  ASSERT_TRUE(book.apply_snapshot(snapshot(125)));
  EXPECT_EQ(book.last_update_id(), 140);
  EXPECT_EQ(book.bid_levels(), 5u);
}

TEST(LocalBook, ABreakWhileWaitingThrowsAwayWhatCameBefore) {
  LocalBook book;
  EXPECT_EQ(book.apply(diff(1, 10, 0)), Applied::Buffered);
  EXPECT_EQ(book.apply(diff(21, 30, 20)), Applied::Buffered);
  EXPECT_FALSE(book.apply_snapshot(snapshot(5)));
  EXPECT_TRUE(book.apply_snapshot(snapshot(25)));
}

TEST(LocalBook, StaleDiffsAfterTheSnapshotAreIgnored) {
  LocalBook book;
  ASSERT_TRUE(book.apply_snapshot(snapshot(100)));
  EXPECT_EQ(book.apply(diff(80, 90, 79, {level(99, 0)})), Applied::Stale);
  EXPECT_EQ(book.top()->bid, level(99, 1));
  EXPECT_EQ(book.apply(diff(95, 100, 90, {level(99, 4)})), Applied::Applied);
  EXPECT_EQ(book.top()->bid, level(99, 4));
}

TEST(LocalBook, DepthWithinBasisPointsInQuoteCurrency) {
  LocalBook book;
  ASSERT_TRUE(book.apply_snapshot(snapshot(100)));  // mid 100
  EXPECT_EQ(book.depth_within({100}).bid, domain::Money::from_int(99));
  EXPECT_EQ(book.depth_within({100}).ask, domain::Money::from_int(101));
  EXPECT_EQ(book.depth_within({200}).bid, domain::Money::from_int(99 + 196));
  EXPECT_EQ(book.depth_within({99}).bid, domain::Money{});
  EXPECT_EQ(book.depth_within({5'000}).ask, domain::Money::from_int(101 + 204 + 1'100));
}

TEST(LocalBook, EqualsAMapOnRandomChanges) {
  base::Rng rng(11);
  LocalBook book;
  ASSERT_TRUE(book.apply_snapshot({100, {}, {}, {}, {}}));
  std::map<std::int64_t, std::int64_t> bids, asks;
  std::int64_t id = 100;
  for (int i = 0; i < 5'000; ++i) {
    DepthUpdate d = diff(id + 1, id + 3, id);
    id += 3;
    for (auto* side : {&bids, &asks}) {
      for (std::uint64_t k = rng.below(6); k > 0; --k) {
        const auto price = static_cast<std::int64_t>(rng.below(60)) + (side == &asks ? 61 : 1);
        const auto quantity = static_cast<std::int64_t>(rng.below(3));
        (side == &bids ? d.bids : d.asks).push_back(level(price, quantity));
        if (quantity == 0)
          side->erase(price);
        else
          (*side)[price] = quantity;
      }
    }
    ASSERT_EQ(book.apply(d), Applied::Applied);
    std::vector<Level> expected_bids, expected_asks;
    for (auto at = bids.rbegin(); at != bids.rend(); ++at) expected_bids.push_back(level(at->first, at->second));
    for (const auto& [price, quantity] : asks) expected_asks.push_back(level(price, quantity));
    ASSERT_EQ(book.bids(1'000), expected_bids);
    ASSERT_EQ(book.asks(1'000), expected_asks);
  }
}

TEST(LocalBook, TheBufferIsBounded) {
  LocalBook book;
  for (std::int64_t i = 1; i <= 20'000; ++i) book.apply(diff(i, i, i - 1));
  EXPECT_FALSE(book.apply_snapshot(snapshot(5)));  // its successor fell out
  EXPECT_TRUE(book.apply_snapshot(snapshot(20'000 - 10)));
}

class RecordedBook : public ::testing::Test {
 protected:
  void SetUp() override {
    QT_NEED_SHARED_DATA();
    text_ = read_zst(shared_data() / "feed/binance-usdm/BTCUSDT-rawfeed_20240808T235415-235959.jsonl-ts.zst");
    for (const auto line : lines(text_)) messages_.push_back(after(line, " "));
    ASSERT_EQ(messages_.size(), 93'954u);
  }
  std::string text_;
  std::vector<std::string_view> messages_;
};

TEST_F(RecordedBook, TheRecordedChainIsUnbrokenAndAgreesWithTheRecordedTops) {
  LocalBook book;
  // The best prices after each diff, and those the exchange published, by update id.
  std::map<std::int64_t, LocalBook::Top> ours;
  std::map<std::int64_t, BookTicker> theirs;
  std::size_t diffs = 0, snapshots = 0;
  for (const auto text : messages_) {
    if (text.find("\"e\":") == std::string_view::npos) {
      const auto s = parse_depth(text);
      ASSERT_TRUE(s.ok()) << s.error().message();
      ASSERT_TRUE(book.apply_snapshot(*s));
      ++snapshots;
      continue;
    }
    const auto message = parse_market_copy(text);
    ASSERT_TRUE(message.ok()) << message.error().message();
    if (const auto* ticker = std::get_if<BookTicker>(&*message)) theirs.emplace(ticker->update_id, *ticker);
    const auto* d = std::get_if<DepthUpdate>(&*message);
    if (d == nullptr) continue;
    ++diffs;
    const Applied applied = book.apply(*d);
    ASSERT_NE(applied, Applied::Gap) << text.substr(0, 200);
    if (!book.usable()) continue;
    const auto top = book.top();
    ASSERT_TRUE(top);
    ASSERT_LT(top->bid.price, top->ask.price);
    ours.emplace(book.last_update_id(), *top);
  }
  EXPECT_EQ(snapshots, 1u);
  EXPECT_EQ(diffs, 6'551u);
  EXPECT_EQ(book.gaps(), 0u);
  EXPECT_GT(ours.size(), 6'500u);
  std::size_t compared = 0;
  for (const auto& [id, top] : ours) {
    const auto found = theirs.find(id);
    if (found == theirs.end()) continue;
    EXPECT_EQ(top.bid, found->second.bid) << id;
    EXPECT_EQ(top.ask, found->second.ask) << id;
    ++compared;
  }
  EXPECT_GT(compared, 100u);
}

TEST_F(RecordedBook, EveryRemovedDiffIsNoticed) {
  std::vector<DepthUpdate> diffs;
  DepthSnapshot first;
  for (const auto text : messages_) {
    if (text.find("\"e\":") == std::string_view::npos) first = *parse_depth(text);
    if (text.find("\"depthUpdate\"") == std::string_view::npos) continue;
    diffs.push_back(std::get<DepthUpdate>(*parse_market_copy(text)));
  }
  for (std::size_t missing = 20; missing < diffs.size(); missing += 97) {
    LocalBook book;
    Applied last = Applied::Applied;
    for (std::size_t i = 0; i <= std::min(missing + 1, diffs.size() - 1); ++i)
      if (i != missing) last = book.apply(diffs[i]);
    ASSERT_EQ(last, Applied::Buffered);
    LocalBook synced;
    ASSERT_TRUE(synced.apply_snapshot(first));
    for (std::size_t i = 0; i <= std::min(missing + 1, diffs.size() - 1); ++i)
      if (i != missing) last = synced.apply(diffs[i]);
    if (missing + 1 < diffs.size()) {
      EXPECT_EQ(last, Applied::Gap) << missing;
      EXPECT_FALSE(synced.usable());
    }
  }
}

}  // namespace
}  // namespace qtrader::binance
