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

  fs::path base_, root_;
};

TEST_F(ModelRegistryTest, HandsBackWhatWasStoredWithItsHash) {
  const std::string weights("\x00\x01\xff tree", 8);
  const ModelDraft d = draft(weights);
  ASSERT_TRUE(store_model(root_, d));
  ASSERT_TRUE(set_active(root_, d.type, d.id));
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
  ASSERT_TRUE(set_active(root_, "xgboost", a.id));
  ASSERT_TRUE(set_active(root_, "lightgbm", other.id));
  ASSERT_TRUE(set_active(root_, "xgboost", b.id));
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

TEST_F(ModelRegistryTest, ActiveThatNamesNoModelIsCorruptAndNotIgnored) {
  ASSERT_TRUE(store_model(root_, draft("a")));
  overwrite(root_ / "xgboost" / "ACTIVE", "0123456789ab\n");
  EXPECT_EQ(load_active_models(root_).error().code, base::Errc::Corrupt);
  overwrite(root_ / "xgboost" / "ACTIVE", "../../etc\n");
  EXPECT_EQ(load_active_models(root_).error().code, base::Errc::Corrupt);
}

TEST_F(ModelRegistryTest, SaysWhatIsThereWhenAnIdIsNot) {
  const ModelDraft d = draft("a");
  ASSERT_TRUE(store_model(root_, d));
  const auto result = set_active(root_, "xgboost", "ffffffffffff");
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
