// Hashes: XXH64 for digests and checksums of our own files, CRC-32C for journal frames, SHA-256 for identities.
//
// Pure functions of bytes, the same on every machine. XXH64: Y. Collet, xxHash specification. CRC-32C: Castagnoli
// polynomial, RFC 3720 B.4. SHA-256: FIPS 180-4. None of these is a message authentication code.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace qtrader::base {

std::uint64_t xxh64(std::span<const std::byte> bytes, std::uint64_t seed);
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0);

class Sha256 {
 public:
  Sha256();
  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view text);
  std::array<std::byte, 32> finish();
  std::string finish_hex();

 private:
  void block(const std::byte* data);
  std::array<std::uint32_t, 8> state_;
  std::array<std::byte, 64> buffer_{};
  std::uint64_t length_ = 0;
};

std::string sha256_hex(std::string_view text);
/// Sixteen lower-case hexadecimal digits.
std::string hex64(std::uint64_t value);

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace qtrader::base
