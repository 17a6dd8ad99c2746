// Networks behind the Model interface: the window, what refuses to be one, loading.
#include "core/models/network_model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/hash.hpp"
#include "core/models/network/testing.hpp"

namespace qtrader::models {
namespace {

using base::Errc;
using domain::Timeframe;
using features::Feature;
using features::FeatureVector;

constexpr auto kBar = domain::duration(Timeframe::M15);

ModelTraits traits_for(ModelKind kind) {
  return {.kind = kind, .schema_id = features::schema_id(Timeframe::M15), .temperature = 1.3};
}

std::unique_ptr<Model> load(const std::string& file, ModelTraits traits) {
  auto loaded = load_network(std::as_bytes(std::span(file)), std::move(traits));
  EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message());
  return std::move(loaded).value();
}

Errc code(const std::string& file, ModelTraits traits) {
  const auto loaded = load_network(std::as_bytes(std::span(file)), std::move(traits));
  EXPECT_FALSE(loaded.ok());
  return loaded.ok() ? Errc{} : loaded.error().code;
}

/// A symbol's bars, one of which a test may spoil.
struct Bars {
  explicit Bars(std::size_t count = kWindowBars + 5, std::uint64_t seed = 1) {
    base::Rng rng(seed);
    double close = 100;
    for (std::size_t i = 0; i < count; ++i) {
      FeatureVector v;
      v.bar_close = base::Timestamp{} + kBar * static_cast<std::int64_t>(i + 1);
      for (double& x : v.x) x = rng.normal();
      v.x[static_cast<std::size_t>(Feature::Rv20)] = 0.004;
      v.close = close *= 1 + 0.004 * rng.normal();
      v.valid = true;
      vectors.push_back(v);
    }
  }
  FeatureVector& ago(std::size_t age) { return vectors[vectors.size() - 1 - age]; }
  FeatureHistory history() const {
    FeatureHistory out(kWindowBars);
    for (const FeatureVector& v : vectors) out.push(v);
    return out;
  }
  Prediction ask(const Model& model) const {
    const FeatureHistory seen = history();
    return model.predict({vectors.back(), &seen});
  }
  std::vector<FeatureVector> vectors;
};

class EachNetwork : public ::testing::TestWithParam<ModelKind> {
 protected:
  static const std::string& file() {
    static const std::string nhits = testing::random_nhits(1).written();
    static const std::string patchtst = testing::random_patchtst(1).written();
    return GetParam() == ModelKind::NHits ? nhits : patchtst;
  }
  std::unique_ptr<Model> model() const { return load(file(), traits_for(GetParam())); }
};

TEST_P(EachNetwork, AnswersWithTheSoftmaxOfItsLogitsOverTheWindow) {
  const auto loaded = model();
  EXPECT_EQ(loaded->history_bars(), kWindowBars);
  EXPECT_EQ(loaded->traits().artifact_sha256, base::Sha256().update(std::as_bytes(std::span(file()))).finish_hex());
  const Bars bars;
  const Prediction out = bars.ask(*loaded);
  ASSERT_TRUE(out.valid) << out.why_invalid;
  EXPECT_EQ(out.model, GetParam());
  EXPECT_EQ(out.quantiles.has_value(), GetParam() == ModelKind::NHits);

  const TensorFile tensors = *parse_tensor_file(std::as_bytes(std::span(file())));
  const auto values = testing::values_of(tensors);
  NetworkWindow window;
  for (std::size_t t = 0; t < kWindowBars; ++t) {
    const FeatureVector& v = bars.vectors[bars.vectors.size() - kWindowBars + t];
    for (std::size_t f = 0; f < 64; ++f) {
      const double scale = values.at("normaliser.iqr")[f] / 1.349 + 1e-6;
      window.z[t][f] = static_cast<float>(std::clamp((v.x[f] - values.at("normaliser.median")[f]) / scale, -5.0, 5.0));
    }
    window.y[t] = static_cast<float>(std::clamp(std::log(v.close / bars.vectors.back().close) / 0.004, -50.0, 50.0));
  }
  EXPECT_EQ(window.y.back(), 0.0f);
  std::array<float, 3> logits{};
  if (GetParam() == ModelKind::NHits)
    logits = NHits::create(tensors)->forward(window).logits;
  else
    logits = PatchTst::create(tensors)->forward(window);
  double total = 0;
  for (const float l : logits) total += std::exp(l / 1.3);
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(out.p[c], std::exp(logits[c] / 1.3) / total, 1e-5);
}

TEST_P(EachNetwork, SaysWhyItCannotPredict) {
  const auto loaded = model();
  const auto why = [&](auto spoil) {
    Bars bars;
    spoil(bars);
    const Prediction out = bars.ask(*loaded);
    EXPECT_FALSE(out.valid);
    EXPECT_EQ(out.action, domain::Action::Hold);
    EXPECT_EQ(out.p, (std::array<double, 3>{}));
    return out.why_invalid;
  };
  EXPECT_EQ(why([](Bars& b) { b = Bars(kWindowBars - 1); }), "history is shorter than 120 bars");
  EXPECT_EQ(why([](Bars& b) { b.ago(0).valid = false; }), "feature vector is invalid");
  EXPECT_EQ(why([](Bars& b) { b.ago(119).valid = false; }), "a feature vector of the history is invalid");
  EXPECT_EQ(why([](Bars& b) { b.vectors.erase(b.vectors.end() - 60); }), "history has a gap");
  EXPECT_EQ(why([](Bars& b) { b.ago(7).x[3] = std::numeric_limits<double>::quiet_NaN(); }),
            "a feature of the history is not finite");
  EXPECT_EQ(why([](Bars& b) { b.ago(7).x[3] = 1e300; }), "a feature of the history is not finite");
  EXPECT_EQ(why([](Bars& b) { b.ago(7).close = 0; }), "a close of the history is not above 0");

  const Bars bars;
  EXPECT_EQ(loaded->predict({bars.vectors.back()}).why_invalid, "history is shorter than 120 bars");
  const FeatureHistory seen = bars.history();
  FeatureVector next = bars.vectors.back();
  next.bar_close = next.bar_close + kBar;
  EXPECT_EQ(loaded->predict({next, &seen}).why_invalid, "history does not end with this bar");
}

TEST_P(EachNetwork, ABarBeforeTheWindowDoesNotMatter) {
  const auto loaded = model();
  Bars bars;
  const Prediction before = bars.ask(*loaded);
  bars.ago(120).valid = false;
  bars.ago(120).x.fill(1e9);
  EXPECT_EQ(bars.ask(*loaded).p, before.p);
}

TEST_P(EachNetwork, ReadsItsTimeframeFromTheSchema) {
  ModelTraits hourly = traits_for(GetParam());
  hourly.schema_id = features::schema_id(Timeframe::H1);
  EXPECT_EQ(Bars().ask(*load(file(), hourly)).why_invalid, "history has a gap");
  ModelTraits unknown = traits_for(GetParam());
  unknown.schema_id = "";
  EXPECT_EQ(code(file(), unknown), Errc::SchemaMismatch);
}

TEST_P(EachNetwork, RefusesWhatIsNotItsFile) {
  ModelTraits other_hash = traits_for(GetParam());
  other_hash.artifact_sha256 = std::string(64, '0');
  EXPECT_EQ(code(file(), other_hash), Errc::Corrupt);
  ModelTraits other_kind = traits_for(GetParam() == ModelKind::NHits ? ModelKind::PatchTst : ModelKind::NHits);
  EXPECT_EQ(code(file(), other_kind), Errc::Unsupported);
  EXPECT_EQ(code(file(), traits_for(ModelKind::XGBoost)), Errc::InvalidArgument);
  ModelTraits cold = traits_for(GetParam());
  cold.temperature = 0;
  EXPECT_EQ(code(file(), cold), Errc::InvalidArgument);
  EXPECT_EQ(code(file().substr(0, file().size() - 1), traits_for(GetParam())), Errc::Corrupt);
}

INSTANTIATE_TEST_SUITE_P(Networks, EachNetwork, ::testing::Values(ModelKind::NHits, ModelKind::PatchTst),
                         [](const auto& kind) { return std::string(name(kind.param)); });

}  // namespace
}  // namespace qtrader::models
