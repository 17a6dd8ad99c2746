// The life of a model as an operator sees it: trained, listed, compared, promoted or refused, rolled back, and asked
// why it decided as it did. Trains on recorded candles once, small; what must be refused is made from that.
#include "core/base/hash.hpp"
#include "tests/e2e/program.hpp"

namespace qtrader::e2e {
namespace {

namespace json = boost::json;

/// One registry for all tests of this file, which each copies: LightGBM twice (two seeds), XGBoost once.
class Model : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!fs::is_directory(recorded_data())) return;
    shared_ = new TempDir();
    TempDir scratch;
    for (const auto& [models, seed] : {std::pair("xgboost,lightgbm", "5"), {"lightgbm", "6"}}) {
      const auto r =
          Program(scratch).run({"train", "--data", recorded_data().string(), "--symbols", "BTCUSDT,ETHUSDT", "--from",
                                "2025-08-01", "--to", "2025-09-15", "--timeframe", "15m", "--models", models, "--out",
                                (*shared_ / "registry").string(), "--seed", seed, "--activate", "never"});
      ASSERT_EQ(r.status, 0) << r.err;
    }
  }
  static void TearDownTestSuite() { delete shared_; }

  void SetUp() override {
    QT_NEED_RECORDED_DATA();
    fs::copy(*shared_ / "registry", registry_, fs::copy_options::recursive);
  }
  Outcome model(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "model");
    arguments.insert(arguments.end(), {"--registry", registry_.string()});
    return program_.run(arguments);
  }
  json::value model_json(std::vector<std::string> arguments) {
    arguments.push_back("--json");
    const auto r = model(arguments);
    EXPECT_EQ(r.status, 0) << r.err;
    return json::parse(r.out);
  }
  Outcome promote(const std::string& id, const std::string& to = "active") {
    return model({"promote", id, "--reason", "because", "--by", "me", "--to", to});
  }
  std::vector<std::string> ids(const std::string& type) const {
    std::vector<std::string> out;
    for (const auto& e : fs::directory_iterator(registry_ / type))
      if (e.is_directory()) out.push_back(e.path().filename().string());
    std::ranges::sort(out);
    return out;
  }
  std::string stage_of(const std::string& id) { return std::string(model_json({"show", id}).at("stage").as_string()); }
  /// Stores a changed card under the id that the change gives it, as a trainer with such data or features would have.
  std::string reseal(const fs::path& directory, const std::string& from, const std::string& to) {
    std::string card = read_file(directory / "card.json");
    EXPECT_NE(card.find(from), std::string::npos) << from;
    card.replace(card.find(from), from.size(), to);
    const auto value = json::parse(card);
    std::string timeless = card;
    for (const auto& [member, blank] :
         {std::pair("model_id", ""), {"version", ""}, {"trained_at", "1970-01-01T00:00:00.000Z"}}) {
      const std::string stated = std::string(value.at(member).as_string());
      const std::string opening = std::string("\"") + member + "\":\"";
      timeless.replace(timeless.find(opening + stated), opening.size() + stated.size(), opening + blank);
    }
    const std::string id = base::sha256_hex(timeless).substr(0, 12);
    const fs::path target = directory.parent_path() / id;
    fs::copy(directory, target);
    std::ofstream(target / "card.json", std::ios::binary) << card;
    write_sums(target);
    return id;
  }
  static void write_sums(const fs::path& directory) {
    std::string sums;
    for (const auto& e : fs::directory_iterator(directory))
      if (e.path().filename() != "SHA256SUMS")
        sums += base::sha256_hex(read_file(e.path())) + "  " + e.path().filename().string() + "\n";
    std::ofstream(directory / "SHA256SUMS", std::ios::binary) << sums;
  }
  static void expect_refused(const Outcome& r, const std::string& reason) {
    EXPECT_EQ(r.status, 1) << r.out << r.err;
    EXPECT_NE(r.err.find(reason), std::string::npos) << r.err;
  }

  static TempDir* shared_;
  TempDir dir_;
  fs::path registry_ = dir_ / "registry";
  Program program_{dir_};
};
TempDir* Model::shared_ = nullptr;

TEST_F(Model, ListsShowsAndCompares) {
  const auto rows = model_json({"ls"}).as_array();
  ASSERT_EQ(rows.size(), 3U);
  for (const auto& row : rows) {
    EXPECT_EQ(row.at("stage").as_string(), "CANDIDATE");
    EXPECT_GT(row.at("log_loss").as_double(), 0.5);
    EXPECT_GT(row.at("prior_log_loss").as_double(), 0.5);
    EXPECT_GT(row.at("logistic_log_loss").as_double(), 0.5);
    EXPECT_EQ(row.at("fault").as_string(), "");
  }
  const auto lightgbm = ids("lightgbm");
  const auto shown = model_json({"show", lightgbm[0].substr(0, 8)});
  EXPECT_EQ(shown.at("id").as_string(), lightgbm[0]);
  EXPECT_TRUE(shown.at("identity_verified").as_bool());
  EXPECT_EQ(shown.at("weights_sha256"), shown.at("card").at("sha256"));
  const auto text = model({"show", "lightgbm/" + lightgbm[0]});
  EXPECT_EQ(text.status, 0) << text.err;
  for (const char* part : {"lineage", "data ", "seed", "schema", "test.log_loss", "num_leaves", "never promoted"})
    EXPECT_NE(text.out.find(part), std::string::npos) << part << "\n" << text.out;

  const auto seeds = model_json({"compare", lightgbm[0], lightgbm[1]});
  EXPECT_TRUE(seeds.at("same_test_rows").as_bool());
  bool seed_differs = false;
  for (const auto& d : seeds.at("differences").as_array()) {
    EXPECT_NE(d.at("what").as_string(), "data hash");
    seed_differs |= d.at("what").as_string() == "seed";
  }
  EXPECT_TRUE(seed_differs);
  const std::string other = reseal(registry_ / "lightgbm" / lightgbm[0], "\"horizon_bars\":4", "\"horizon_bars\":8");
  EXPECT_FALSE(model_json({"compare", lightgbm[0], other}).at("same_test_rows").as_bool());
  EXPECT_NE(model({"compare", lightgbm[0], other}).out.find("WARNING"), std::string::npos);
}

TEST_F(Model, PromotesThroughTheStagesAndRollsBack) {
  const auto lightgbm = ids("lightgbm");
  const std::string a = lightgbm[0], b = lightgbm[1];
  ASSERT_EQ(promote(a, "shadow").status, 0);
  EXPECT_EQ(stage_of(a), "SHADOW");
  ASSERT_EQ(promote(a).status, 0);
  const auto second = promote(b);
  ASSERT_EQ(second.status, 0) << second.err;
  EXPECT_NE(second.out.find("lightgbm/" + a + "  ACTIVE -> RETIRED"), std::string::npos) << second.out;
  EXPECT_EQ(stage_of(b), "ACTIVE");
  EXPECT_EQ(stage_of(ids("xgboost")[0]), "CANDIDATE");
  expect_refused(promote(b), "ACTIVE");
  expect_refused(promote(a), "RETIRED");

  ASSERT_EQ(model({"rollback", "lightgbm", "--reason", "worse live"}).status, 0);
  EXPECT_EQ(stage_of(a), "ACTIVE");
  EXPECT_EQ(stage_of(b), "RETIRED");
  expect_refused(model({"rollback", "lightgbm", "--reason", "again"}), "no earlier champion");
  const auto history = model_json({"show", b}).at("history").as_array();
  ASSERT_EQ(history.size(), 2U);  // its promotion, and the return to the one before
  EXPECT_EQ(history[0].at("by").as_string(), "me");
  EXPECT_EQ(history[0].at("reason").as_string(), "because");
  EXPECT_EQ(history[0].at("champion").as_string(), a);
  EXPECT_EQ(history[1].at("reason").as_string(), "worse live");
}

TEST_F(Model, RefusesToPromoteWhatMustNotDecide) {
  const fs::path good = registry_ / "lightgbm" / ids("lightgbm")[0];
  expect_refused(promote(reseal(good, "\"synthetic\":false", "\"synthetic\":true")), "synthetic data");
  const std::string schema(json::parse(read_file(good / "card.json")).at("schema_id").as_string());
  const std::string other = reseal(good, schema, std::string(64, '0'));
  expect_refused(promote(other), "schema");
  expect_refused(promote(other, "shadow"), "schema");
  expect_refused(promote(reseal(good, "\"temperature\":", "\"temperature_\":")), "temperature");

  // A card edited in place, sums and all, is no longer what the id says.
  std::string card = read_file(good / "card.json");
  card.replace(card.find("\"seed\":"), 7, "\"seed\":1");
  std::ofstream(good / "card.json", std::ios::binary) << card;
  expect_refused(promote(good.filename().string()), "SHA-256");
  write_sums(good);
  expect_refused(promote(good.filename().string()), "not what its id says");
  EXPECT_FALSE(fs::exists(registry_ / "lightgbm" / "HISTORY"));
}

TEST_F(Model, RefusesAModelOfASyntheticMarket) {
  const std::string market = (dir_ / "market").string(), trained = (dir_ / "trained").string();
  ASSERT_EQ(program_.run({"data", "synthetic", "--out", market, "--symbols", "4", "--days", "60"}).status, 0);
  const auto fitted = program_.run(
      {"train", "--data", market, "--timeframe", "15m", "--models", "lightgbm", "--out", trained, "--seed", "1"});
  ASSERT_EQ(fitted.status, 0) << fitted.err;
  registry_ = trained;
  const auto rows = model_json({"ls"}).as_array();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_TRUE(rows[0].at("synthetic").as_bool());
  expect_refused(promote(ids("lightgbm")[0]), "synthetic data");
}

TEST_F(Model, DamageIsReportedAndNeverGuessedAt) {
  const auto lightgbm = ids("lightgbm");
  ASSERT_EQ(promote(lightgbm[0]).status, 0);
  std::ofstream(registry_ / "xgboost" / ids("xgboost")[0] / "card.json", std::ios::app) << " ";
  const auto listed = model({"ls"});
  EXPECT_EQ(listed.status, 1);
  EXPECT_NE(listed.out.find("SHA-256"), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("ACTIVE"), std::string::npos) << listed.out;  // the others are still shown

  const fs::path history = registry_ / "lightgbm" / "HISTORY";
  std::string text = read_file(history);
  text.replace(text.find("because"), 7, "BECAUSE");
  std::ofstream(history, std::ios::binary) << text;
  for (const auto& r : {model({"ls"}), promote(lightgbm[1]), model({"rollback", "lightgbm", "--reason", "x"})}) {
    EXPECT_EQ(r.status, 1);
    EXPECT_NE(r.err.find("corrupt"), std::string::npos) << r.err;
  }
  EXPECT_EQ(read_file(history), text);
}

TEST_F(Model, WrongRequestsSayWhatWasExpected) {
  const auto unknown = model({"show", "zzzz"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_NE(unknown.err.find(ids("xgboost")[0]), std::string::npos) << unknown.err;
  const auto several = model({"show", "lightgbm/"});
  EXPECT_EQ(several.status, 2);
  EXPECT_NE(several.err.find(ids("lightgbm")[1]), std::string::npos) << several.err;
  const std::string id = ids("xgboost")[0];
  EXPECT_EQ(model({"promote", id}).status, 2);  // no reason
  EXPECT_EQ(model({"promote", id, "--reason", "two\nlines"}).status, 2);
  EXPECT_EQ(model({"promote", id, "--reason", "x", "--to", "retired"}).status, 2);
  EXPECT_EQ(model({"rollback", "catboost", "--reason", "x"}).status, 2);
  registry_ = dir_ / "nowhere";
  EXPECT_EQ(model({"ls"}).status, 2);
}

TEST_F(Model, ExplainsATradeDownToTheFeaturesAndTheData) {
  std::ofstream(dir_ / "c.toml") << "[engine.ensemble]\nmin_confidence = 0.35\nrequire_positive_ev = false\n"
                                    "min_margin = 0.0\nmin_consensus = 1\n";
  const std::string out = (dir_ / "out").string();
  const auto traded = program_.run({"backtest",
                                    "--data",
                                    recorded_data().string(),
                                    "--symbols",
                                    "BTCUSDT,ETHUSDT",
                                    "--from",
                                    "2025-09-20",
                                    "--to",
                                    "2025-09-28",
                                    "--timeframe",
                                    "15m",
                                    "--strategy",
                                    "ai",
                                    "--registry",
                                    registry_.string(),
                                    "--config",
                                    (dir_ / "c.toml").string(),
                                    "--out",
                                    out,
                                    "--seed",
                                    "2"});
  ASSERT_EQ(traded.status, 0) << traded.err;
  const auto text = program_.run({"explain", out, "1"});
  ASSERT_EQ(text.status, 0) << text.err;
  for (const char* part : {"TreeSHAP", "the tree models together", "weights", "schema"})
    EXPECT_NE(text.out.find(part), std::string::npos) << part << "\n" << text.out;

  const auto machine = program_.run({"explain", out, "1", "--json"});
  ASSERT_EQ(machine.status, 0) << machine.err;
  const auto e = json::parse(machine.out);
  for (const auto& m : e.at("models").as_array()) {
    EXPECT_EQ(m.at("fault").as_string(), "");
    const auto card = model_json({"show", std::string(m.at("id").as_string())}).at("card");
    EXPECT_EQ(m.at("data_hash"), card.at("training").at("data_hash"));
    EXPECT_EQ(m.at("schema_id"), card.at("schema_id"));
  }
  const auto& decisions = e.at("attributions").as_array();
  ASSERT_FALSE(decisions.empty());
  for (const auto& d : decisions) {
    ASSERT_EQ(d.at("votes").as_array().size(), 2U);
    for (const auto& vote : d.at("votes").as_array()) {
      EXPECT_EQ(vote.at("why_none").as_string(), "");
      EXPECT_EQ(vote.at("version").as_string().size(), 12U);
      ASSERT_EQ(vote.at("top").as_array().size(), 5U);
      EXPECT_NE(vote.at("top").at(0).at("contribution").to_number<double>(), 0);
    }
    EXPECT_EQ(d.at("together").as_array().size(), 5U);
  }

  // Without the models beside the journal the rest is still told, and so is what is missing.
  fs::remove_all(dir_ / "out" / "journal" / "models");
  const auto without = program_.run({"explain", out, "1"});
  EXPECT_EQ(without.status, 0) << without.err;
  EXPECT_NE(without.out.find("not beside the journal"), std::string::npos) << without.out;
}

}  // namespace
}  // namespace qtrader::e2e
