#include "edge/store/model_registry.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "core/base/hash.hpp"

namespace qtrader::store {
namespace {

namespace fs = std::filesystem;

class ModelRegistryTest : public testing::Test {
 protected:
  ModelRegistryTest() {
    std::string pattern = (fs::temp_directory_path() / "qtrader-registry-XXXXXX").string();
    base_ = ::mkdtemp(pattern.data());
    root_ = base_ / "registry";
  }
  ~ModelRegistryTest() override { fs::remove_all(base_); }

  static ModelDraft draft(const std::string& weights, std::string type = "xgboost") {
    return {std::move(type), base::sha256_hex(weights).substr(0, 12), "{\"card\":1}", "weights.ubj", weights};
  }
  static void overwrite(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }

  static std::string contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  Stage stage_of(const ModelDraft& d) const { return read_history(root_, d.type)->stage_of(d.id); }

  base::Result<StageChange> make_active(const std::string& type, const std::string& id) const {
    return promote(root_, {type, id, Stage::ACTIVE}, kWhy);
  }

  inline static const Approval kWhy = {.by = "operator", .reason = "a test", .at = {}};
  fs::path base_, root_;
};

TEST_F(ModelRegistryTest, HandsBackWhatWasStoredWithItsHash) {
  const std::string weights("\x00\x01\xff tree", 8);
  const ModelDraft d = draft(weights);
  ASSERT_TRUE(store_model(root_, d));
  ASSERT_TRUE(make_active(d.type, d.id));
  const auto models = load_active_models(root_);
  ASSERT_TRUE(models) << models.error().message();
  ASSERT_EQ(models->size(), 1U);
  const StoredModel& m = (*models)[0];
  EXPECT_EQ(m.entry.type, "xgboost");
  EXPECT_EQ(m.entry.id, d.id);
  EXPECT_EQ(m.card_json, d.card_json);
  EXPECT_EQ(m.weights_file, "weights.ubj");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(m.weights.data()), m.weights.size()), weights);
  EXPECT_EQ(m.weights_sha256, base::sha256_hex(weights));
}

TEST_F(ModelRegistryTest, StoringAloneActivatesNothing) {
  ASSERT_TRUE(store_model(root_, draft("a")));
  EXPECT_TRUE(load_active_models(root_)->empty());
  EXPECT_EQ(list_models(root_)->size(), 1U);
}

TEST_F(ModelRegistryTest, ActiveMovesBetweenModelsOfAType) {
  const ModelDraft a = draft("a"), b = draft("b"), other = draft("c", "lightgbm");
  for (const ModelDraft& d : {a, b, other}) ASSERT_TRUE(store_model(root_, d));
  ASSERT_TRUE(make_active("xgboost", a.id));
  ASSERT_TRUE(make_active("lightgbm", other.id));
  ASSERT_TRUE(make_active("xgboost", b.id));
  const auto models = load_active_models(root_);
  ASSERT_EQ(models->size(), 2U);
  EXPECT_EQ((*models)[0].entry.type, "lightgbm");
  EXPECT_EQ((*models)[1].entry.id, b.id);
}

TEST_F(ModelRegistryTest, StoringTheSameIdKeepsTheFirst) {
  ModelDraft d = draft("a");
  ASSERT_TRUE(store_model(root_, d));
  d.card_json = "{\"card\":2}";
  ASSERT_TRUE(store_model(root_, d));
  EXPECT_EQ(load_model((*list_models(root_))[0])->card_json, "{\"card\":1}");
}

TEST_F(ModelRegistryTest, ChangedOrMissingFilesAreCorrupt) {
  const ModelDraft d = draft("good");
  const fs::path directory = *store_model(root_, d);
  const ModelEntry entry = (*list_models(root_))[0];
  overwrite(directory / "weights.ubj", "evil");
  EXPECT_EQ(load_model(entry).error().code, base::Errc::Corrupt);
  overwrite(directory / "weights.ubj", "good");
  EXPECT_TRUE(load_model(entry));
  overwrite(directory / "card.json", "{}");
  EXPECT_EQ(load_model(entry).error().code, base::Errc::Corrupt);
  fs::remove(directory / "card.json");
  EXPECT_EQ(load_model(entry).error().code, base::Errc::Corrupt);
  overwrite(directory / "SHA256SUMS", "nonsense\n");
  EXPECT_EQ(load_model(entry).error().code, base::Errc::Corrupt);
}

TEST_F(ModelRegistryTest, AHistoryThatIsNotWholeIsCorruptAndNotIgnored) {
  const ModelDraft a = draft("a");
  ASSERT_TRUE(store_model(root_, a));
  ASSERT_TRUE(make_active(a.type, a.id));
  const fs::path path = root_ / "xgboost" / "HISTORY";
  const std::string good = contents(path);
  for (const std::string& bad : {good.substr(0, good.size() - 1), good + "more\n", std::string(), "x" + good}) {
    overwrite(path, bad);
    EXPECT_EQ(load_active_models(root_).error().code, base::Errc::Corrupt) << bad;
    EXPECT_EQ(promote(root_, {a.type, a.id}, kWhy).error().code, base::Errc::Corrupt) << bad;
    EXPECT_EQ(contents(path), bad);
  }
  overwrite(path, good);
  EXPECT_EQ(load_active_models(root_)->size(), 1U);
  fs::remove_all(root_ / "xgboost" / a.id);
  const auto gone = load_active_models(root_);
  EXPECT_EQ(gone.error().code, base::Errc::Corrupt);
  EXPECT_NE(gone.error().context.find(a.id), std::string::npos);
}

TEST_F(ModelRegistryTest, PromotionGoesThroughTheStagesAndRollbackReturns) {
  const ModelDraft a = draft("a"), b = draft("b");
  for (const ModelDraft& d : {a, b}) ASSERT_TRUE(store_model(root_, d));
  ASSERT_TRUE(promote(root_, {a.type, a.id, Stage::SHADOW}, kWhy));
  EXPECT_EQ(stage_of(a), Stage::SHADOW);
  EXPECT_TRUE(load_active_models(root_)->empty());
  ASSERT_TRUE(promote(root_, {a.type, a.id}, kWhy));
  const auto change = promote(root_, {b.type, b.id}, kWhy);
  ASSERT_TRUE(change) << change.error().message();
  EXPECT_EQ(change->champion, a.id);
  EXPECT_EQ(stage_of(a), Stage::RETIRED);
  EXPECT_EQ(promote(root_, {a.type, a.id}, kWhy).error().code, base::Errc::Conflict);
  const auto back = roll_back(root_, "xgboost", kWhy);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->model, a.id);
  EXPECT_EQ(stage_of(a), Stage::ACTIVE);
  EXPECT_EQ(stage_of(b), Stage::RETIRED);
  EXPECT_EQ(roll_back(root_, "xgboost", kWhy).error().code, base::Errc::Conflict);
  EXPECT_EQ(roll_back(root_, "lightgbm", kWhy).error().code, base::Errc::NotFound);
  EXPECT_EQ(read_history(root_, "xgboost")->changes().size(), 4U);
}

TEST_F(ModelRegistryTest, AModelWhoseFilesChangedIsNeitherPromotedNorReturnedTo) {
  const ModelDraft a = draft("a"), b = draft("b");
  const fs::path directory = *store_model(root_, a);
  ASSERT_TRUE(store_model(root_, b));
  overwrite(directory / "weights.ubj", "evil");
  EXPECT_EQ(promote(root_, {a.type, a.id}, kWhy).error().code, base::Errc::Corrupt);
  EXPECT_EQ(make_active(a.type, a.id).error().code, base::Errc::Corrupt);
  EXPECT_FALSE(fs::exists(root_ / "xgboost" / "HISTORY"));
  overwrite(directory / "weights.ubj", "a");
  ASSERT_TRUE(make_active(a.type, a.id));
  ASSERT_TRUE(make_active(b.type, b.id));
  overwrite(directory / "weights.ubj", "evil");
  EXPECT_EQ(roll_back(root_, "xgboost", kWhy).error().code, base::Errc::Corrupt);
  EXPECT_EQ(stage_of(b), Stage::ACTIVE);
}

TEST_F(ModelRegistryTest, TheActiveModelIsNotPromotedAgain) {
  const ModelDraft a = draft("a");
  ASSERT_TRUE(store_model(root_, a));
  ASSERT_TRUE(make_active(a.type, a.id));
  EXPECT_EQ(make_active(a.type, a.id).error().code, base::Errc::Conflict);
  EXPECT_EQ(read_history(root_, a.type)->changes().size(), 1U);
}

TEST_F(ModelRegistryTest, ProcessesThatPromoteAtOnceLeaveOneChampionAndAWholeHistory) {
  constexpr int kProcesses = 8;
  std::vector<ModelDraft> drafts;
  for (int i = 0; i < kProcesses; ++i) {
    drafts.push_back(draft("model " + std::to_string(i)));
    ASSERT_TRUE(store_model(root_, drafts.back()));
  }
  std::vector<pid_t> children;
  for (const ModelDraft& d : drafts) {
    children.push_back(::fork());
    if (children.back() == 0) ::_exit(promote(root_, {d.type, d.id}, kWhy) ? 0 : 1);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  const auto history = read_history(root_, "xgboost");
  ASSERT_TRUE(history) << history.error().message();
  EXPECT_EQ(history->changes().size(), static_cast<std::size_t>(kProcesses));
  EXPECT_EQ(load_active_models(root_)->size(), 1U);
}

TEST_F(ModelRegistryTest, SaysWhatIsThereWhenAnIdIsNot) {
  const ModelDraft d = draft("a");
  ASSERT_TRUE(store_model(root_, d));
  const auto result = make_active("xgboost", "ffffffffffff");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::Errc::NotFound);
  EXPECT_NE(result.error().context.find(d.id), std::string::npos);
  EXPECT_EQ(list_models(base_ / "nowhere").error().code, base::Errc::NotFound);
}

TEST_F(ModelRegistryTest, RefusesNamesThatLeaveTheRegistryAndFilesInItsPlace) {
  ModelDraft d = draft("a");
  d.type = "../x";
  EXPECT_EQ(store_model(root_, d).error().code, base::Errc::InvalidArgument);
  d = draft("a");
  d.weights_file = ".hidden";
  EXPECT_EQ(store_model(root_, d).error().code, base::Errc::InvalidArgument);
  overwrite(base_ / "file", "x");
  EXPECT_EQ(prepare_registry(base_ / "file").error().code, base::Errc::Conflict);
  EXPECT_TRUE(prepare_registry(root_));
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(ModelRegistryTest, AFullDiskLeavesNothingBehind) {
  ASSERT_TRUE(prepare_registry(root_));
  const pid_t child = ::fork();
  if (child == 0) {  // a file-size limit stands in for the full disk: write() fails half-way
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto result = store_model(root_, draft(std::string(5000, 'w')));
    ::_exit(!result && result.error().code == base::Errc::NoSpace ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(list_models(root_)->empty());
  EXPECT_TRUE(fs::is_empty(root_ / "xgboost"));
}

}  // namespace
}  // namespace qtrader::store
