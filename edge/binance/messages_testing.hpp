// Help for the tests of this room: recorded data, and JSON texts with one thing changed.
#pragma once

#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace qtrader::binance::testing {

namespace fs = std::filesystem;
namespace json = boost::json;

inline fs::path shared_data() { return fs::path(QT_SOURCE_DIR "/../shared/data"); }

// The recorded data is not part of the project; only in CI is its absence a failure.
#define QT_NEED_SHARED_DATA()                                                        \
  do {                                                                               \
    if (!fs::exists(shared_data())) {                                                \
      ASSERT_EQ(std::getenv("CI"), nullptr) << shared_data() << " is absent in CI";  \
      GTEST_SKIP() << "recorded data " << shared_data().string() << " is not there"; \
    }                                                                                \
  } while (false)

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// A Zstandard file, decompressed.
inline std::string read_zst(const fs::path& path) {
  const std::string packed = read_file(path);
  ZSTD_DStream* stream = ZSTD_createDStream();
  std::string out, piece(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  while (in.pos < in.size) {
    ZSTD_outBuffer to{piece.data(), piece.size(), 0};
    const std::size_t rc = ZSTD_decompressStream(stream, &to, &in);
    EXPECT_FALSE(ZSTD_isError(rc)) << path << ": " << ZSTD_getErrorName(rc);
    if (ZSTD_isError(rc)) break;
    out.append(piece.data(), to.pos);
  }
  ZSTD_freeDStream(stream);
  return out;
}

inline std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end != 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// What follows the separator in "<unix time>: <message>" or "<url> -> <unix time>: <body>".
inline std::string_view after(std::string_view line, std::string_view separator) {
  const auto at = line.find(separator);
  return at == std::string_view::npos ? std::string_view() : line.substr(at + separator.size());
}

/// The object (or first element of the array) that a path of member names leads to; "" is the root.
inline json::object& object_at(json::value& root, std::string_view path) {
  json::value* at = &root;
  while (true) {
    if (at->is_array()) {
      at = &at->as_array().at(0);
      continue;
    }
    if (path.empty()) return at->as_object();
    const auto dot = std::min(path.find('.'), path.size());
    at = &at->as_object().at(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
}

struct Change {
  std::string_view path, key;
};

inline std::string without(std::string_view text, const Change& change) {
  json::value root = json::parse(text);
  EXPECT_EQ(object_at(root, change.path).erase(change.key), 1u) << change.path << " " << change.key;
  return json::serialize(root);
}
inline std::string with(std::string_view text, const Change& change, json::value value) {
  json::value root = json::parse(text);
  object_at(root, change.path)[change.key] = std::move(value);
  return json::serialize(root);
}

/// Every field of the list, taken away or replaced by an object (an object: by a number), makes parse fail with an
/// error that names it.
template <class Parse>
void expect_required(std::string_view text, std::string_view path, const std::vector<std::string_view>& keys,
                     Parse parse) {
  ASSERT_TRUE(parse(std::string(text)).ok()) << parse(std::string(text)).error().message();
  for (const std::string_view key : keys) {
    json::value root = json::parse(text);
    const bool object = object_at(root, path).at(key).is_object();
    const json::value odd = object ? json::value(7) : json::value(json::object{{"odd", 1}});
    for (const std::string& broken : {without(text, {path, key}), with(text, {path, key}, odd)}) {
      const auto result = parse(broken);
      ASSERT_FALSE(result.ok()) << path << "." << key << " of " << broken;
      EXPECT_EQ(result.error().code, base::Errc::Corrupt);
      EXPECT_NE(result.error().context.find("'" + std::string(key) + "'"), std::string::npos)
          << key << ": " << result.error().context;
      EXPECT_NE(result.error().context.find("expected"), std::string::npos) << result.error().context;
    }
  }
}

}  // namespace qtrader::binance::testing
