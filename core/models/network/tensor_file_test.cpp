#include "core/models/network/tensor_file.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/rng.hpp"

namespace qtrader::models {
namespace {

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

/// A file with a header written by hand.
std::string file_of(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out + header + std::string(data_bytes, '\0');
}

std::string why(const std::string& file) {
  const auto parsed = parse_tensor_file(bytes(file));
  return parsed.ok() ? "" : parsed.error().message();
}

struct Sample {
  std::vector<float> a = {1, -2.5f, 3, 4, 5, 6};
  std::vector<std::uint16_t> b = {to_bf16(1.5f), to_bf16(-7)};
  std::string written() const {
    TensorFile file;
    file.metadata = {{"format", "test"}, {"config", R"({"name":"a \"quoted\" text"})"}};
    file.tensors.push_back({"a", TensorType::F32, {2, 3}, std::as_bytes(std::span(a))});
    file.tensors.push_back({"b", TensorType::BF16, {2}, std::as_bytes(std::span(b))});
    return write_tensor_file(file);
  }
};

TEST(TensorFile, ReadsWhatItWrites) {
  const Sample sample;
  const std::string text = sample.written();
  const auto file = parse_tensor_file(bytes(text));
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->metadata.at("format"), "test");
  EXPECT_EQ(file->metadata.at("config"), R"({"name":"a \"quoted\" text"})");
  const Tensor* const a = file->find("a");
  const Tensor* const b = file->find("b");
  ASSERT_TRUE(a != nullptr && b != nullptr);
  EXPECT_EQ(a->shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(b->type, TensorType::BF16);
  EXPECT_EQ(std::memcmp(a->data.data(), sample.a.data(), 24), 0);
  EXPECT_EQ(std::memcmp(b->data.data(), sample.b.data(), 4), 0);
  EXPECT_EQ(file->find("c"), nullptr);
  EXPECT_EQ((a->data.data() - bytes(text).data()) % 8, 0);
  EXPECT_EQ(write_tensor_file(*file), text);
}

TEST(TensorFile, NamesTheTensorThatIsWrong) {
  const std::string fine = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  EXPECT_EQ(why(file_of("{" + fine + "}", 8)), "");
  const auto second = [&](const std::string& entry, std::size_t data_bytes) {
    return why(file_of("{" + fine + ",\"b\":" + entry + "}", data_bytes));
  };
  EXPECT_NE(second(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})", 8).find("'b' overlaps"), std::string::npos);
  EXPECT_NE(second(R"({"dtype":"F32","shape":[1],"data_offsets":[12,16]})", 16).find("'b' leaves a hole"),
            std::string::npos);
  EXPECT_NE(second(R"({"dtype":"F32","shape":[1],"data_offsets":[8,12]})", 8).find("'b' lies at 8 to 12 of 8"),
            std::string::npos);
  EXPECT_NE(second(R"({"dtype":"F32","shape":[3],"data_offsets":[8,16]})", 16).find("'b' has 8 bytes"),
            std::string::npos);
  EXPECT_NE(second(R"({"dtype":"F64","shape":[1],"data_offsets":[8,16]})", 16).find("'b' holds F64"),
            std::string::npos);
  EXPECT_NE(second(R"({"dtype":"F32","shape":[-1],"data_offsets":[8,16]})", 16).find("'b' has no valid shape"),
            std::string::npos);
  EXPECT_NE(second(R"({"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[8,8]})", 8)
                .find("'b' has no valid shape"),
            std::string::npos);
  EXPECT_NE(second(R"({"dtype":"F32","shape":[1],"data_offsets":[12,8]})", 16).find("'b' lies at"), std::string::npos);
  EXPECT_NE(second(R"(7)", 8).find("'b' has no dtype"), std::string::npos);
  EXPECT_NE(why(file_of("{" + fine + "}", 12)).find("after the last"), std::string::npos);
  EXPECT_NE(why(file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                        R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                        8))
                .find("'a' appears twice"),
            std::string::npos);
  EXPECT_NE(why(file_of(R"({"__metadata__":{"format":7}})", 0)).find("format is not a string"), std::string::npos);
}

TEST(TensorFile, RefusesEveryTruncation) {
  const std::string whole = Sample{}.written();
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_NE(why(whole.substr(0, n)), "") << n;
}

TEST(TensorFile, NeverReadsBeyondACorruptedFile) {
  const std::string whole = Sample{}.written();
  base::Rng rng(11);
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (std::uint64_t i = 1 + rng.below(3); i > 0; --i)
      text[rng.below(text.size())] = static_cast<char>(static_cast<unsigned char>(rng.below(256)));
    const auto file = parse_tensor_file(bytes(text));
    if (!file.ok()) continue;
    ++accepted;
    for (const Tensor& t : file->tensors) {
      ASSERT_GE(t.data.data(), bytes(text).data());
      ASSERT_LE(t.data.data() + t.data.size(), bytes(text).data() + text.size());
    }
  }
  EXPECT_GT(accepted, 0u);  // the damage that hit only values, names or spaces
}

TEST(Bf16, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(to_bf16(1.0f), 0x3F80);
  EXPECT_EQ(to_bf16(1.0f + 1.0f / 256), 0x3F80) << "a tie goes to the even one";
  EXPECT_EQ(to_bf16(1.0f + 3.0f / 256), 0x3F82);
  EXPECT_EQ(to_bf16(std::nextafter(1.0f + 1.0f / 256, 2.0f)), 0x3F81);
  EXPECT_EQ(to_bf16(-0.0f), 0x8000);
  EXPECT_EQ(from_bf16(to_bf16(std::numeric_limits<float>::max())), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::numeric_limits<float>::quiet_NaN()))));
  base::Rng rng(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto x = static_cast<float>(rng.normal());
    EXPECT_LE(std::abs(from_bf16(to_bf16(x)) - x), std::abs(x) / 256);
    EXPECT_EQ(to_bf16(from_bf16(to_bf16(x))), to_bf16(x));
  }
}

}  // namespace
}  // namespace qtrader::models
