// ByteSource: the decompressed bytes of a recorded file, streamed; bounded memory whatever the file's size.
//
// Plain files, Zstandard (.zst), gzip (.gz) and zip archives with one entry (.zip). First step of every text reader;
// it never interprets what it reads. A zip with a NAME.zip.CHECKSUM beside it is verified before its first byte is
// given.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "core/base/result.hpp"

namespace qtrader::history {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills `out` as far as it can; 0 only at the end. Errors: Corrupt (truncated, bad checksum), Io.
  virtual base::Result<std::size_t> read(std::span<char> out) = 0;
};

/// By the last extension of the name. Errors: NotFound, Io, Corrupt.
base::Result<std::unique_ptr<ByteSource>> open_bytes(const std::filesystem::path& file);

/// The whole decompressed content; Corrupt if it is longer than `limit` bytes.
base::Result<std::string> read_all(const std::filesystem::path& file, std::size_t limit);

/// SHA-256 of a file's own bytes, in hex. Errors: NotFound, Io.
base::Result<std::string> file_sha256(const std::filesystem::path& file);
/// Reads `<sha256>  <name>`, the form of data.binance.vision. Error: Corrupt naming `origin`.
base::Result<std::string> parse_checksum(std::string_view text, const std::string& origin);

}  // namespace qtrader::history
