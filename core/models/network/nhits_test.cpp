#include "core/models/network/nhits.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/models/network/testing.hpp"

namespace qtrader::models {
namespace {

using testing::random_nhits;
using testing::random_window;
using testing::WeightFile;
using Series = std::vector<double>;

/// The network in plain double precision, written from docs/formats/network-weights.md alone.
class Reference {
 public:
  explicit Reference(const TensorFile& file) : w_(testing::values_of(file)) {}

  struct Answer {
    Series logits;
    std::vector<Series> forecast;  // [step][quantile], sorted
  };

  Answer forward(const NetworkWindow& window) const {
    Series x(window.y.begin(), window.y.end()), hidden;
    std::vector<Series> forecast(8, Series(3, 0.0));
    for (int s = 0; s < 3; ++s) {
      for (int b = 0; b < 2; ++b) {
        const std::string prefix = "stack" + std::to_string(s) + ".block" + std::to_string(b) + ".";
        const int pool = kPool[s], steps = 120 / pool;
        Series in;
        for (int j = 0; j < steps; ++j) in.push_back(*std::max_element(&x[j * pool], &x[j * pool] + pool));
        for (int c = 0; c < 4; ++c) {
          const Series mixture = mix(window, c);
          for (int j = 0; j < steps; ++j)
            in.push_back(std::accumulate(&mixture[j * pool], &mixture[j * pool] + pool, 0.0) / pool);
        }
        in.insert(in.end(), window.z[119].begin(), window.z[119].end());
        const Series h1 = relu(linear(prefix + "mlp1", in)), h2 = relu(linear(prefix + "mlp2", h1));
        hidden.insert(hidden.end(), h2.begin(), h2.end());
        const Series back = interpolate(linear(prefix + "backcast", h2), 120);
        for (std::size_t t = 0; t < 120; ++t) x[t] -= back[t];
        const Series knots = linear(prefix + "forecast", h2);
        for (std::size_t q = 0; q < 3; ++q) {
          Series of_quantile;
          for (std::size_t k = 0; k < knots.size() / 3; ++k) of_quantile.push_back(knots[k * 3 + q]);
          const Series steps_of = interpolate(of_quantile, 8);
          for (std::size_t t = 0; t < 8; ++t) forecast[t][q] += steps_of[t];
        }
      }
    }
    for (Series& step : forecast) std::ranges::sort(step);
    Series logits = linear("classes", hidden);
    const Series& direct = w_.at("linear.weight");
    for (std::size_t i = 0; i < direct.size(); ++i) logits[i / 64] += direct[i] * window.z[119][i % 64];
    return {logits, forecast};
  }

 private:
  static constexpr int kPool[] = {8, 4, 1};

  Series linear(const std::string& name, const Series& in) const {
    const Series& w = w_.at(name + ".weight");
    Series out = w_.at(name + ".bias");
    for (std::size_t o = 0; o < out.size(); ++o) {
      for (std::size_t i = 0; i < in.size(); ++i) out[o] += w[o * in.size() + i] * in[i];
    }
    return out;
  }
  Series mix(const NetworkWindow& window, int channel) const {
    Series out;
    for (const auto& row : window.z)
      out.push_back(linear("exogenous", Series(row.begin(), row.end()))[static_cast<std::size_t>(channel)]);
    return out;
  }
  static Series relu(Series x) {
    for (double& v : x) v = std::max(v, 0.0);
    return x;
  }
  static Series interpolate(const Series& knots, int steps) {
    Series out;
    const double n = static_cast<double>(knots.size());
    for (int i = 0; i < steps; ++i) {
      const double p = std::clamp((i + 0.5) * n / steps - 0.5, 0.0, n - 1);
      const double left = std::floor(p), right = std::min(left + 1, n - 1);
      out.push_back(knots[static_cast<std::size_t>(left)] * (1 - (p - left)) +
                    knots[static_cast<std::size_t>(right)] * (p - left));
    }
    return out;
  }

  std::map<std::string, Series> w_;
};

void expect_near(double ours, double expected, const std::string& what) {
  EXPECT_NEAR(ours, expected, 1e-5 * std::max(1.0, std::abs(expected))) << what;
}

NHits load(const WeightFile& weights, const Kernels& kernels = best_kernels()) {
  auto made = NHits::create(weights.file, kernels);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message());
  return std::move(made).value();
}

TEST(NHits, AgreesWithThePlainFormulas) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const WeightFile weights = random_nhits(seed);
    const NHits ours = load(weights);
    const Reference reference(weights.file);
    for (std::uint64_t w = 0; w < 3; ++w) {
      const NetworkWindow window = random_window(100 * seed + w);
      const NHits::Output out = ours.forward(window);
      const Reference::Answer expected = reference.forward(window);
      for (std::size_t c = 0; c < 3; ++c) expect_near(out.logits[c], expected.logits[c], "class " + std::to_string(c));
      for (std::size_t t = 0; t < 8; ++t) {
        for (std::size_t q = 0; q < 3; ++q)
          expect_near(out.quantiles[t][q], expected.forecast[t][q], "step " + std::to_string(t));
      }
    }
  }
}

TEST(NHits, SortsTheQuantilesOfEachStep) {
  const NHits ours = load(random_nhits(5));
  for (const auto& step : ours.forward(random_window(6)).quantiles) EXPECT_TRUE(std::ranges::is_sorted(step));
}

TEST(NHits, GivesTheSameBitsWithEveryKernel) {
  if (avx512_kernels() == nullptr) GTEST_SKIP() << "this processor has no AVX-512";
  const WeightFile weights = random_nhits(7);
  const NHits narrow = load(weights, avx2_kernels()), wide = load(weights, *avx512_kernels());
  for (std::uint64_t w = 0; w < 20; ++w) {
    const NetworkWindow window = random_window(w);
    const NHits::Output a = narrow.forward(window), b = wide.forward(window);
    ASSERT_EQ(std::memcmp(&a, &b, sizeof a), 0) << "window " << w;
  }
}

TEST(NHits, AnswersTheSameHoweverOftenItIsAsked) {
  const NHits ours = load(random_nhits(8));
  const NetworkWindow window = random_window(9);
  const NHits::Output first = ours.forward(window);
  ours.forward(random_window(10));
  const NHits::Output again = ours.forward(window);
  EXPECT_EQ(std::memcmp(&first, &again, sizeof first), 0);
}

std::string why(const TensorFile& file) {
  const auto made = NHits::create(file);
  return made.ok() ? "" : made.error().message();
}

TEST(NHits, NamesWhatIsWrongWithAFile) {
  const WeightFile fine = random_nhits(1);
  EXPECT_EQ(why(fine.file), "");
  const auto changed = [&](auto change) {
    TensorFile file = fine.file;
    change(file);
    return why(file);
  };
  const auto expect = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(changed([](TensorFile& f) { std::erase_if(f.tensors, [](auto& t) { return t.name == "classes.bias"; }); }),
         "'classes.bias' is missing");
  expect(changed([](TensorFile& f) { f.tensors.push_back({"more", TensorType::F32, {0}, {}}); }), "'more' is unknown");
  expect(changed([](TensorFile& f) { f.metadata["architecture"] = "patchtst"; }), "architecture is 'patchtst'");
  expect(changed([](TensorFile& f) { f.metadata["format"] = "qtrader-network-1"; }), "format is 'qtrader-network-1'");
  expect(changed([](TensorFile& f) { f.metadata.erase("config"); }), "'config' is missing");
  const auto config = [](const std::string& from, const std::string& to) {
    return [=](TensorFile& f) {
      std::string& text = f.metadata["config"];
      text.replace(text.find(from), from.size(), to);
    };
  };
  expect(changed(config("\"hidden\":256", "\"hidden\":512")), "config 'hidden' is 512");
  expect(changed(config("[8,4,1]", "[8,4,2]")), "config 'kernels' is");
  expect(changed(config("\"steps\":120,", "")), "config has no number 'steps'");
  const auto at = [](TensorFile& f, const std::string& name) -> Tensor& {
    return *std::ranges::find(f.tensors, name, &Tensor::name);
  };
  expect(changed([&](TensorFile& f) { at(f, "stack1.block0.mlp2.bias").shape = {128, 2}; }),
         "'stack1.block0.mlp2.bias' has shape [128,2], expected [256]");
  expect(changed([&](TensorFile& f) { at(f, "stack0.block1.mlp2.weight").type = TensorType::F32; }),
         "'stack0.block1.mlp2.weight' is F32, expected BF16");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> spoilt(3, nan);
  expect(changed([&](TensorFile& f) { at(f, "classes.bias").data = std::as_bytes(std::span(spoilt)); }),
         "'classes.bias' has a value that is not finite");
}

TEST(NHits, SurvivesADamagedHeader) {
  std::string text = random_nhits(1).written();
  std::uint64_t header = 0;
  std::memcpy(&header, text.data(), sizeof header);
  base::Rng rng(12);
  std::size_t refused = 0;
  for (int round = 0; round < 1'000; ++round) {
    const std::size_t at = 8 + rng.below(header);
    const char before = std::exchange(text[at], static_cast<char>(static_cast<unsigned char>(32 + rng.below(96))));
    const auto parsed = parse_tensor_file(std::as_bytes(std::span(text)));
    refused += parsed.ok() && NHits::create(*parsed).ok() ? 0 : 1;
    text[at] = before;
  }
  EXPECT_GT(refused, 900u) << "what is left changed a space, or put back what was there";
}

}  // namespace
}  // namespace qtrader::models
