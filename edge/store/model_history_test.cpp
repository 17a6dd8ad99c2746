#include "edge/store/model_history.hpp"

#include <gtest/gtest.h>

namespace qtrader::store {
namespace {

using base::Errc;

const Approval kWhy = {.by = "operator", .reason = "beats the champion by 3 %", .at = {1'700'000'000'123'000'000}};

/// A history in which each of the models was promoted to ACTIVE in turn.
ModelHistory champions(const std::vector<std::string>& ids) {
  ModelHistory out("xgboost");
  for (const std::string& id : ids) EXPECT_TRUE(out.promote(id, Stage::ACTIVE, kWhy));
  return out;
}

TEST(ModelHistory, ReadsBackWhatItWrote) {
  ModelHistory history("xgboost");
  ASSERT_TRUE(history.promote("aaa", Stage::SHADOW, kWhy));
  ASSERT_TRUE(history.promote("aaa", Stage::ACTIVE, kWhy));
  ASSERT_TRUE(history.promote("bbb", Stage::ACTIVE, kWhy));
  ASSERT_TRUE(history.promote("ccc", Stage::SHADOW, kWhy));
  ASSERT_TRUE(history.roll_back(kWhy));
  const auto read = ModelHistory::parse("xgboost", history.text());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->text(), history.text());
  EXPECT_EQ(read->champion(), "aaa");
  EXPECT_EQ(read->stage_of("bbb"), Stage::RETIRED);
  EXPECT_EQ(read->stage_of("ccc"), Stage::SHADOW);
  EXPECT_EQ(read->stage_of("never promoted"), Stage::CANDIDATE);
  ASSERT_EQ(read->changes().size(), 5U);
  const StageChange& last = read->changes().back();
  EXPECT_EQ(last.model, "aaa");
  EXPECT_EQ(last.champion, "bbb");
  EXPECT_EQ(last.from, Stage::RETIRED);
  EXPECT_EQ(last.to, Stage::ACTIVE);
  EXPECT_EQ(last.by, kWhy.by);
  EXPECT_EQ(last.reason, kWhy.reason);
  EXPECT_EQ(last.at, kWhy.at);
}

TEST(ModelHistory, KeepsTheLastFiveChampionsForRollback) {
  ModelHistory history = champions({"a", "b", "c", "d", "e", "f", "g"});
  EXPECT_EQ(history.earlier_champions(), (std::vector<std::string>{"f", "e", "d", "c", "b"}));
  for (const char* expected : {"f", "e", "d", "c", "b"}) {
    ASSERT_TRUE(history.roll_back(kWhy));
    EXPECT_EQ(history.champion(), expected);
  }
  EXPECT_EQ(history.roll_back(kWhy).error().code, Errc::Conflict);
  EXPECT_EQ(history.stage_of("g"), Stage::RETIRED);
  EXPECT_TRUE(ModelHistory::parse("xgboost", history.text()));
}

TEST(ModelHistory, AModelThatWasRolledBackIsNotReturnedToLater) {
  ModelHistory history = champions({"a", "b"});
  ASSERT_TRUE(history.roll_back(kWhy));
  ASSERT_TRUE(history.promote("c", Stage::ACTIVE, kWhy));
  EXPECT_EQ(history.earlier_champions(), std::vector<std::string>{"a"});
}

TEST(ModelHistory, RefusesChangesThatNoStageAllows) {
  ModelHistory history = champions({"a", "b"});
  const std::string before = history.text();
  EXPECT_EQ(history.promote("a", Stage::ACTIVE, kWhy).error().code, Errc::Conflict);  // retired
  EXPECT_EQ(history.promote("b", Stage::ACTIVE, kWhy).error().code, Errc::Conflict);  // already
  EXPECT_EQ(history.promote("b", Stage::SHADOW, kWhy).error().code, Errc::Conflict);
  EXPECT_EQ(history.promote("c", Stage::RETIRED, kWhy).error().code, Errc::InvalidArgument);
  for (const Approval& bad : {Approval{"", "reason", {}}, Approval{"me", "", {}}, Approval{"me", "two\nlines", {}},
                              Approval{"me\tyou", "reason", {}}})
    EXPECT_EQ(history.promote("c", Stage::ACTIVE, bad).error().code, Errc::InvalidArgument);
  EXPECT_EQ(ModelHistory("xgboost").roll_back(kWhy).error().code, Errc::Conflict);
  EXPECT_EQ(history.text(), before);
}

TEST(ModelHistory, ReportsEveryDamageAndNeverGuesses) {
  const std::string good = champions({"aaa", "bbb", "ccc"}).text();
  ASSERT_TRUE(ModelHistory::parse("xgboost", good));
  const auto code = [](const std::string& text, const std::string& type = "xgboost") {
    const auto read = ModelHistory::parse(type, text);
    return read ? Errc::Unavailable : read.error().code;
  };
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_TRUE(code(bad) == Errc::Corrupt || code(bad) == Errc::Unsupported) << at;
  }
  for (std::size_t n = 0; n < good.size(); ++n) {
    if (n > 0 && good[n - 1] == '\n') continue;  // a shorter history is a history
    EXPECT_EQ(code(good.substr(0, n)), Errc::Corrupt) << n;
  }
  const std::size_t second = good.find('\n') + 1, third = good.find('\n', second) + 1;
  EXPECT_EQ(code(good.substr(0, second) + good.substr(third)), Errc::Corrupt);  // a line is gone
  EXPECT_EQ(code(good, "lightgbm"), Errc::Corrupt);                             // of another type
  EXPECT_EQ(code("qtrader-model-history/2\txgboost\n"), Errc::Unsupported);
}

}  // namespace
}  // namespace qtrader::store
