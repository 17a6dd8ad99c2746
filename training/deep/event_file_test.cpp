#include "training/deep/event_file.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/temp_dir.hpp"

namespace qtrader::training::deep {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

template <class T>
T number_at(const std::string& bytes, std::size_t at) {
  T out;
  std::memcpy(&out, bytes.data() + at, sizeof out);
  return out;
}

/// The data of each record of a TFRecord file, its framing and checksums verified.
std::vector<std::string> records(const std::string& file) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < file.size();) {
    const auto length = number_at<std::uint64_t>(file, at);
    EXPECT_EQ(number_at<std::uint32_t>(file, at + 8), masked_crc32c(file.substr(at, 8)));
    out.push_back(file.substr(at + 12, length));
    EXPECT_EQ(number_at<std::uint32_t>(file, at + 12 + length), masked_crc32c(out.back()));
    at += length + 16;
  }
  return out;
}

TEST(EventFile, MaskedChecksumIsTensorFlows) {
  // CRC-32C of 32 zero bytes is 0x8A9136AA (RFC 3720 B.4); the mask is rotate right 15, then add 0xA282EAD8
  // (tensorflow/core/lib/hash/crc32c.h).
  EXPECT_EQ(masked_crc32c(std::string(32, '\0')), ((0x8A9136AAU >> 15) | (0x8A9136AAU << 17)) + 0xA282EAD8U);
  // The eight length bytes every TFRecord of 24 bytes starts with, as TensorFlow writes them: 18 00 … 00 A3 7F 4B 22.
  EXPECT_EQ(masked_crc32c(std::string("\x18\0\0\0\0\0\0\0", 8)), 0x224B7FA3U);
}

TEST(EventFile, WritesVersionAndScalarsAsTensorBoardReadsThem) {
  const test::TempDir dir;
  double now = 1'600'000'000.5;
  auto file = EventFile::create(dir / "run", [&] { return now; });
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->path().filename(), "events.out.tfevents.1600000000.qtrader");
  now += 1;
  ASSERT_TRUE(file->scalar("loss/train", 300, 0.25));

  const auto read = records(content(file->path()));
  ASSERT_EQ(read.size(), 2U);
  const auto time_field = [](double seconds) {
    std::string out = "\x09";  // field 1, 64 bits
    const auto bits = std::bit_cast<std::uint64_t>(seconds);
    out.append(reinterpret_cast<const char*>(&bits), sizeof bits);
    return out;
  };
  EXPECT_EQ(read[0], time_field(1'600'000'000.5) + "\x1A\x0D" + "brain.Event:2");
  const std::string value = std::string("\x0A\x0Aloss/train\x15", 13) + std::string("\0\0\x80\x3E", 4);  // 0.25F
  const std::string summary = std::string("\x0A") + static_cast<char>(value.size()) + value;
  EXPECT_EQ(read[1], time_field(1'600'000'001.5) + std::string("\x10\xAC\x02", 3) + "\x2A" +
                         static_cast<char>(summary.size()) + summary);
}

TEST(EventFile, NamesTheDirectoryItCannotCreate) {
  const auto file = EventFile::create("/proc/nowhere", [] { return 0.0; });
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message().find("/proc/nowhere"), std::string::npos);
}

}  // namespace
}  // namespace qtrader::training::deep
