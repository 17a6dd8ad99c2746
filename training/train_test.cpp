#include "training/train.hpp"
#include "training/fit.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "core/base/rng.hpp"
#include "edge/history/bar_store.hpp"
#include "edge/store/model_registry.hpp"

namespace qtrader::training {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Timestamp;

constexpr Timestamp kStart{base::days(20'000).ns};
constexpr int kDays = 75;

/// Bars that drift up for three hours and down for the next three: clear to a tree, hidden from a linear model.
void write_symbol(const fs::path& directory, const std::string& symbol, std::uint64_t seed, bool synthetic) {
  auto writer = *history::BarStoreWriter::create(
      directory, {.symbol = symbol, .synthetic = synthetic, .source = "test"}, domain::Timeframe::M15);
  base::Rng rng(seed);
  double price = 100;
  for (int i = 0; i < kDays * 96; ++i) {
    domain::Bar b;
    b.timeframe = domain::Timeframe::M15;
    b.open_time = kStart + base::minutes(15 * i);
    b.open = domain::Price::from_double(price);
    price *= std::exp((i / 12 % 2 == 0 ? 0.0015 : -0.0015) + 0.003 * rng.normal());
    b.close = domain::Price::from_double(price);
    b.high = std::max(b.open, b.close);
    b.low = std::min(b.open, b.close);
    b.volume = 100 + rng.uniform();
    ASSERT_TRUE(writer.append(b));
  }
  ASSERT_TRUE(writer.commit());
}

class TrainTest : public testing::Test {
 protected:
  TrainTest() {
    std::string pattern = (fs::temp_directory_path() / "qtrader-train-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    fs::create_directories(root_ / "data");
  }
  ~TrainTest() override { fs::remove_all(root_); }

  void write(bool synthetic = true) {
    for (int s = 0; s < 3; ++s)
      write_symbol(root_ / "data", std::string(1, static_cast<char>('A' + s)) + "AAUSDT",
                   10 + static_cast<std::uint64_t>(s), synthetic);
  }
  TrainOptions options() const {
    TrainOptions out;
    out.data = root_ / "data";
    out.registry = root_ / "registry";
    out.universe.lookback_days = 70;
    out.universe.warmup_bars = 300;
    out.models = {models::ModelKind::XGBoost, models::ModelKind::LightGBM};
    out.fit.threads = 1;
    out.trained_at = kStart + base::days(100);
    out.code_version = "test";
    return out;
  }
  fs::path root_;
};

TEST_F(TrainTest, FitsStoresAndActivatesModelsThatBeatTheBaselines) {
  write(false);
  const auto report = train(options(), {});
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->symbols, (std::vector<std::string>{"AAAUSDT", "BAAUSDT", "CAAUSDT"}));
  EXPECT_GE((report->validation.first - report->train.last).ns, base::minutes(15 * 124).ns);
  EXPECT_GE((report->test.first - report->validation.last).ns, base::minutes(15 * 124).ns);
  const auto stored = store::load_active_models(root_ / "registry");
  ASSERT_TRUE(stored) << stored.error().message();
  EXPECT_EQ(stored->size(), 2U);
  for (const ModelReport& m : report->models) {
    EXPECT_LT(m.test.log_loss, report->prior_test.log_loss - 0.02) << m.model;
    EXPECT_LT(m.test.log_loss, report->logistic_test.log_loss) << m.model;
    ASSERT_TRUE(m.against_logistic);
    EXPECT_NEAR(m.against_logistic->gain, report->logistic_test.log_loss - m.test.log_loss, 1e-9);
    EXPECT_TRUE(m.active) << m.why_inactive << ", p " << m.against_logistic->p_better << " of "
                          << m.against_logistic->days << " days";
  }
  for (const store::StoredModel& m : *stored) {
    const auto card = models::parse_card(m.card_json);
    ASSERT_TRUE(card) << card.error().message();
    EXPECT_EQ(card->sha256, m.weights_sha256);
    EXPECT_EQ(card->model_id, m.entry.type + "-" + m.entry.id);
    EXPECT_EQ(card->version, version_of(options().trained_at));
    EXPECT_EQ(card->schema_id, features::schema_id(domain::Timeframe::M15));
    EXPECT_EQ(card->n_rows, report->train.rows);
    EXPECT_LE(card->metrics.at("serving.max_abs_difference"), 1e-6);
    const auto load = m.entry.type == "xgboost" ? models::load_xgboost : models::load_lightgbm;
    EXPECT_TRUE(load(m.weights, models::traits_of(*card)));
  }
}

TEST_F(TrainTest, TheSameSeedGivesTheSameArtefactAndCardButForTheClock) {
  write();
  TrainOptions first = options(), second = options();
  second.registry = root_ / "again";
  second.trained_at = first.trained_at + base::days(1);
  const auto a = train(first, {}), b = train(second, {});
  ASSERT_TRUE(a && b);
  const auto in_a = *store::list_models(first.registry), in_b = *store::list_models(second.registry);
  ASSERT_EQ(in_a.size(), 2U);
  ASSERT_EQ(in_b.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(in_a[i].id, in_b[i].id);
    const auto x = *store::load_model(in_a[i]), y = *store::load_model(in_b[i]);
    EXPECT_EQ(x.weights, y.weights);
    std::string text = y.card_json;
    for (const auto& [from, to] :
         {std::pair(base::format_timestamp(second.trained_at), base::format_timestamp(first.trained_at)),
          {version_of(second.trained_at), version_of(first.trained_at)}})
      text.replace(text.find(from), from.size(), to);
    EXPECT_EQ(x.card_json, text);
  }
  TrainOptions other = options();
  other.seed = 2;
  const auto c = train(other, {});
  ASSERT_TRUE(c);
  EXPECT_NE(c->models[0].id, a->models[0].id);
}

TEST_F(TrainTest, ANetworkIsFittedStoredAndServedLikeTheTrees) {
  write();
  TrainOptions o = options();
  o.models = {models::ModelKind::NHits};
  o.fit.nhits = {3, 2048, 512};
  o.scratch = root_ / "scratch";
  o.unix_seconds = [] { return 1.6e9; };
  const auto report = train(o, {});
  ASSERT_TRUE(report) << report.error().message();
  const ModelReport& m = report->models[0];
  EXPECT_LT(m.test.log_loss, report->prior_test.log_loss);
  EXPECT_LT(m.test.rows, report->test.rows + 1);
  EXPECT_GT(m.test.rows, report->test.rows - 3 * 120);
  const auto listed = *store::list_models(o.registry);
  ASSERT_EQ(listed.size(), 1U);
  const auto stored = store::load_model(listed[0]);
  ASSERT_TRUE(stored) << stored.error().message();
  EXPECT_EQ(stored->weights_file, "weights.safetensors");
  EXPECT_NE(stored->card_json.find("\"libtorch 1."), std::string::npos);
  const auto card = models::parse_card(stored->card_json);
  ASSERT_TRUE(card) << card.error().message();
  EXPECT_LE(card->metrics.at("serving.max_abs_difference"), 1e-5);
  EXPECT_EQ(card->hyper_parameters.at("epochs"), "3");
  EXPECT_TRUE(models::load_network(stored->weights, models::traits_of(*card)));
  ASSERT_FALSE(fs::is_empty(o.scratch));
  for (const auto& entry : fs::recursive_directory_iterator(o.scratch))
    EXPECT_NE(entry.path().filename(), "checkpoint") << "is of no use after the fit";

  o.fit.nhits.epochs = 0;
  EXPECT_EQ(train(o, {}).error().code, Errc::InvalidArgument);
}

TEST_F(TrainTest, ANetworkGoesOnFromLogisticRegression) {
  write();
  TrainOptions o = options();
  o.models = {models::ModelKind::NHits};
  o.fit.nhits = {1, 256, 512};  // one step
  const auto report = train(o, {});
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_LT(report->logistic_test.log_loss, report->prior_test.log_loss - 0.05);
  EXPECT_NEAR(report->models[0].test.log_loss, report->logistic_test.log_loss, 0.01);
}

TEST_F(TrainTest, SyntheticDataIsNeverActivated) {
  write();
  TrainOptions o = options();
  o.models = {models::ModelKind::LightGBM};
  for (const Activation activation : {Activation::Better, Activation::Always}) {
    o.activation = activation;
    const auto report = train(o, {});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->synthetic);
    EXPECT_FALSE(report->models[0].active);
    EXPECT_EQ(report->models[0].why_inactive, "trained on synthetic data");
    EXPECT_TRUE(report->models[0].against_prior) << "judged all the same";
    EXPECT_TRUE(store::load_active_models(o.registry)->empty());
  }
}

TEST_F(TrainTest, BadRequestsNameWhatIsWrongAndWriteNothing) {
  write();
  const auto error = [&](auto change) {
    TrainOptions o = options();
    change(o);
    const auto result = train(o, {});
    EXPECT_FALSE(result);
    return result ? base::Error{} : result.error();
  };
  const base::Error unknown = error([](TrainOptions& o) { o.universe.symbols = {"NOPEUSDT"}; });
  EXPECT_EQ(unknown.code, Errc::NotFound);
  EXPECT_NE(unknown.context.find("NOPEUSDT"), std::string::npos);
  EXPECT_NE(unknown.context.find("AAAUSDT"), std::string::npos);
  const base::Error few = error([](TrainOptions& o) { o.universe.warmup_bars = kDays * 96 - 800; });
  EXPECT_EQ(few.code, Errc::InvalidArgument);
  const base::Error none = error([](TrainOptions& o) { o.universe.warmup_bars = 100'000; });
  EXPECT_NE(none.context.find("warming_up"), std::string::npos);
  EXPECT_EQ(error([](TrainOptions& o) { o.data = "/nowhere"; }).code, Errc::NotFound);
  EXPECT_EQ(error([](TrainOptions& o) { o.models = {models::ModelKind::XGBoost, models::ModelKind::XGBoost}; }).code,
            Errc::InvalidArgument);
  EXPECT_EQ(error([](TrainOptions& o) { o.models.clear(); }).code, Errc::InvalidArgument);
  EXPECT_EQ(error([](TrainOptions& o) { o.fit.threads = 0; }).code, Errc::InvalidArgument);
  EXPECT_EQ(error([](TrainOptions& o) { o.labels.horizon_bars = 0; }).code, Errc::InvalidArgument);
  EXPECT_EQ(error([](TrainOptions& o) {
              o.universe.from = kStart;
              o.universe.to = kStart;
            }).code,
            Errc::InvalidArgument);
  EXPECT_TRUE(store::list_models(root_ / "registry")->empty());
  EXPECT_EQ(error([&](TrainOptions& o) {
              o.registry = root_ / "untouched";
              o.universe.symbols = {"NOPEUSDT"};
            }).code,
            Errc::NotFound);
  EXPECT_FALSE(fs::exists(root_ / "untouched"));
  std::ofstream(root_ / "file") << "x";
  EXPECT_EQ(error([&](TrainOptions& o) { o.registry = root_ / "file"; }).code, Errc::Conflict);
}

TEST_F(TrainTest, CancellingWritesNothing) {
  write();
  const auto result =
      train(options(), [](std::string_view stage, std::uint64_t, std::uint64_t) { return stage != "xgboost"; });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::Interrupted);
  EXPECT_TRUE(fs::is_empty(root_ / "registry"));
}

TEST(Trainable, NamesWhatThisBuildCanFit) {
  EXPECT_EQ(*parse_trainable("xgboost"), models::ModelKind::XGBoost);
  EXPECT_EQ(*parse_trainable("lightgbm"), models::ModelKind::LightGBM);
  EXPECT_EQ(parse_trainable("catboost").error().code, Errc::InvalidArgument);
}

TEST(Universe, FillsInWhatIsLeftOpen) {
  std::string pattern = (fs::temp_directory_path() / "qtrader-universe-XXXXXX").string();
  const fs::path root = ::mkdtemp(pattern.data());
  write_symbol(root, "AAAUSDT", 1, true);
  write_symbol(root, "BAAUSDT", 2, true);
  const auto catalog = *history::Catalog::scan(root);
  const auto all = choose_universe(catalog, {.lookback_days = 10});
  ASSERT_TRUE(all) << all.error().message();
  EXPECT_EQ(all->symbols.size(), 2U);
  EXPECT_EQ(all->base, domain::Timeframe::M15);
  EXPECT_EQ(all->rows.to, kStart + base::days(kDays));
  EXPECT_EQ(all->rows.from, kStart + base::days(kDays - 10));
  EXPECT_EQ(all->bars.from, all->rows.from - base::minutes(15 * 800));
  const auto longer = choose_universe(catalog, {.symbols = {"BAA/USDT:USDT"}, .lookback_days = 1000});
  ASSERT_TRUE(longer) << longer.error().message();
  EXPECT_EQ(longer->symbols, std::vector<std::string>{"BAAUSDT"});
  EXPECT_EQ(longer->rows.from, kStart);  // no more than there is
  EXPECT_FALSE(choose_universe(catalog, {.lookback_days = 0}));
  EXPECT_FALSE(choose_universe(catalog, {.from = kStart - base::days(60)}));
  EXPECT_FALSE(choose_universe(catalog, {.primary = domain::Timeframe::M5}));
  fs::remove_all(root);
}

}  // namespace
}  // namespace qtrader::training
