// Hashes against published vectors, deterministic math against libm, randomness, time, containers, results.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/archive.hpp"
#include "core/base/det_math.hpp"
#include "core/base/hash.hpp"
#include "core/base/json.hpp"
#include "core/base/ring.hpp"
#include "core/base/rng.hpp"
#include "core/base/time.hpp"

namespace qtrader::base {
namespace {

TEST(Hash, PublishedVectors) {
  EXPECT_EQ(xxh64(as_bytes(""), 0), 0xEF46DB3751D8E999ULL);
  EXPECT_EQ(xxh64(as_bytes("abc"), 0), 0x44BC2CF5AD770999ULL);
  EXPECT_EQ(xxh64(as_bytes("Nobody inspects the spammish repetition"), 0), 0xFBCEA83C8A378BF1ULL);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Hash, CrcContinues) {
  const std::string text = "the quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(
        crc32c(as_bytes(std::string_view(text).substr(cut)), crc32c(as_bytes(std::string_view(text).substr(0, cut)))),
        crc32c(as_bytes(text)));
}

double ulps(double a, double b) {
  if (a == b) return 0;
  return std::abs(a - b) / (std::nextafter(std::abs(b), INFINITY) - std::abs(b));
}

TEST(DetMath, WithinTwoUlpOfLibm) {
  Rng rng(3);
  for (int i = 0; i < 200'000; ++i) {
    const double x = rng.uniform(-700, 700);
    EXPECT_LE(ulps(det::exp(x), std::exp(x)), 2) << x;
    const double y = det::exp(rng.uniform(-300, 300));
    EXPECT_LE(ulps(det::log(y), std::log(y)), 2) << y;
    const double near_one = rng.uniform(0.5, 2);
    EXPECT_LE(ulps(det::log(near_one), std::log(near_one)), 2) << near_one;
    const double t = rng.uniform(-3, 3);
    EXPECT_NEAR(det::sin_turns(t), std::sin(t * 2 * M_PI), 3e-15);
    EXPECT_NEAR(det::cos_turns(t), std::cos(t * 2 * M_PI), 3e-15);
    EXPECT_NEAR(det::tanh(t), std::tanh(t), 1e-12);
    EXPECT_NEAR(det::sigmoid(x), 1 / (1 + std::exp(-x)), 1e-15);
  }
}

TEST(DetMath, Edges) {
  EXPECT_EQ(det::exp(0), 1);
  EXPECT_EQ(det::exp(-1000), 0);
  EXPECT_TRUE(std::isinf(det::exp(1000)));
  EXPECT_EQ(det::log(1), 0);
  EXPECT_TRUE(std::isinf(det::log(0)));
  EXPECT_TRUE(std::isnan(det::log(-1)));
  EXPECT_GT(det::exp(-740), 0) << "subnormal results are kept";
}

TEST(Rng, ChildStreamsIgnoreHowMuchTheParentDrew) {
  Rng a(9), b(9);
  for (int i = 0; i < 100; ++i) a.next();
  EXPECT_EQ(a.fork("fill").next(), b.fork("fill").next());
  EXPECT_NE(a.fork("fill").next(), a.fork("fee").next());
}

TEST(Rng, MomentsAreRight) {
  Rng rng(1);
  double sum = 0, square = 0, fourth = 0, uniform = 0;
  constexpr int kDraws = 400'000;
  for (int i = 0; i < kDraws; ++i) {
    const double z = rng.normal();
    sum += z;
    square += z * z;
    fourth += z * z * z * z;
    uniform += rng.uniform();
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.01);
  EXPECT_NEAR(square / kDraws, 1, 0.01);
  EXPECT_NEAR(fourth / kDraws, 3, 0.1);
  EXPECT_NEAR(uniform / kDraws, 0.5, 0.003);
}

TEST(Rng, BelowIsUnbiased) {
  Rng rng(2);
  std::array<int, 6> seen{};
  for (int i = 0; i < 60'000; ++i) ++seen[rng.below(6)];
  for (const int n : seen) EXPECT_NEAR(n, 10'000, 400);
}

TEST(Time, CivilRoundTripOverFourCenturies) {
  for (std::int64_t day = -60'000; day < 90'000; day += 7) {
    const Timestamp ts{day * 86'400'000'000'000};
    EXPECT_EQ(from_civil(civil_date(ts)), ts);
    EXPECT_EQ(day_start(ts + hours(13)), ts);
  }
  EXPECT_EQ(weekday(from_civil({2026, 11, 23})), 0) << "a Monday";
}

TEST(Time, ParsesAndFormats) {
  EXPECT_EQ(format_timestamp(parse_timestamp("2025-10-10T21:15:30.5Z").value()), "2025-10-10T21:15:30.500Z");
  EXPECT_EQ(parse_timestamp("2025-10-10")->unix_ms(), 1'760'054'400'000);
  EXPECT_TRUE(parse_timestamp("2024-02-29"));
  for (const char* bad : {"2025-02-29", "2025-13-01", "25-01-01", "2025-01-01T25:00", "2025-01-01x", "yesterday", ""})
    EXPECT_FALSE(parse_timestamp(bad)) << bad;
}

TEST(Ring, NewestFirstAndBounded) {
  Ring<int> ring(3);
  for (int i = 1; i <= 5; ++i) ring.push(i);
  EXPECT_TRUE(ring.full());
  EXPECT_EQ(ring[0], 5);
  EXPECT_EQ(ring[2], 3);
  Ring<int> copy(3);
  ASSERT_TRUE(from_bytes(to_bytes(ring), copy));
  copy.push(6);
  EXPECT_EQ(copy[1], 5);
}

TEST(Archive, HostileSizesFailWithoutAllocating) {
  const Bytes huge = to_bytes(std::uint32_t{0xFFFFFFFF});
  std::vector<std::string> strings;
  std::vector<double> numbers;
  std::string text;
  EXPECT_FALSE(from_bytes(huge, strings));
  EXPECT_FALSE(from_bytes(huge, numbers));
  EXPECT_FALSE(from_bytes(huge, text));
}

TEST(Json, EscapesAndRefusesNonFinite) {
  EXPECT_EQ(to_json(std::string("a\"\\\n\x01")), "\"a\\\"\\\\\\n\\u0001\"");
  EXPECT_EQ(to_json(std::nan("")), "null");
  EXPECT_EQ(to_json(0.1), "0.1");
}

Result<int> half(int x) {
  if (x % 2 != 0) return Error{"test", Errc::InvalidArgument, std::to_string(x) + " is odd"};
  return x / 2;
}
Result<int> quarter(int x) {
  QT_TRY(const int h, half(x));
  return half(h);
}

TEST(Result, PropagatesTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message(), "test: invalid argument: 3 is odd");
}

TEST(ResultDeathTest, ReadingAMissingValueStopsTheProcess) { EXPECT_DEATH((void)quarter(6).value(), "3 is odd"); }

}  // namespace
}  // namespace qtrader::base
