#include "edge/net/detail/ws_frame.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstring>

#include "core/base/check.hpp"

namespace qtrader::net {
namespace {

void random_bytes(unsigned char* to, std::size_t size) {
  QT_CHECK(RAND_bytes(to, static_cast<int>(size)) == 1, "OpenSSL has no randomness");
}

std::string base64(const unsigned char* data, std::size_t size) {
  std::string out((size + 2) / 3 * 4 + 1, '\0');
  const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), data, static_cast<int>(size));
  out.resize(static_cast<std::size_t>(written));
  return out;
}

bool is_tail(std::string_view text, std::size_t at, unsigned low = 0x80, unsigned high = 0xBF) {
  if (at >= text.size()) return false;
  const auto byte = static_cast<unsigned char>(text[at]);
  return byte >= low && byte <= high;
}

/// Bytes of the well-formed sequence (RFC 3629) at that place; 0 if there is none.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return is_tail(text, at + 1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80, high = lead == 0xED ? 0x9F : 0xBF;
    return is_tail(text, at + 1, low, high) && is_tail(text, at + 2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xF4 ? 0x8F : 0xBF;
    return is_tail(text, at + 1, low, high) && is_tail(text, at + 2) && is_tail(text, at + 3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

FrameHeader parse_frame_header(std::string_view bytes) {
  FrameHeader header;
  if (bytes.size() < 2) return header;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  header.fin = (byte(0) & 0x80) != 0;
  header.reserved = (byte(0) & 0x70) != 0;
  header.opcode = static_cast<Opcode>(byte(0) & 0x0F);
  header.masked = (byte(1) & 0x80) != 0;
  const unsigned code = byte(1) & 0x7F;
  const std::size_t length_bytes = code == 126 ? 2 : code == 127 ? 8 : 0;
  const std::size_t size = 2 + length_bytes + (header.masked ? 4 : 0);
  if (bytes.size() < size) return header;
  header.length = length_bytes == 0 ? code : 0;
  for (std::size_t i = 0; i < length_bytes; ++i) header.length = header.length << 8 | byte(2 + i);
  if (header.masked) std::memcpy(header.mask.data(), bytes.data() + 2 + length_bytes, 4);
  header.size = size;
  return header;
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload, const MaskKey* mask) {
  char head[14];
  std::size_t size = 2;
  head[0] = static_cast<char>(0x80 | static_cast<unsigned>(opcode));
  const std::size_t length_bytes = payload.size() < 126 ? 0 : payload.size() < 65'536 ? 2 : 8;
  const std::size_t code = length_bytes == 0 ? payload.size() : length_bytes == 2 ? 126 : 127;
  head[1] = static_cast<char>((mask ? 0x80 : 0) | code);
  for (std::size_t i = 0; i < length_bytes; ++i)
    head[size++] = static_cast<char>(payload.size() >> (8 * (length_bytes - 1 - i)) & 0xFF);
  if (mask) {
    std::memcpy(head + size, mask->data(), 4);
    size += 4;
  }
  out.append(head, size);
  const std::size_t begin = out.size();
  out.append(payload);
  if (mask) apply_mask(out.data() + begin, payload.size(), *mask);
}

void apply_mask(char* data, std::size_t size, const MaskKey& mask) {
  std::uint32_t one = 0;
  std::memcpy(&one, mask.data(), 4);
  const std::uint64_t two = static_cast<std::uint64_t>(one) << 32 | one;
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + i, 8);
    word ^= two;
    std::memcpy(data + i, &word, 8);
  }
  for (; i < size; ++i) data[i] = static_cast<char>(static_cast<unsigned char>(data[i]) ^ mask[i & 3]);
}

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    if (i + 8 <= text.size()) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + i, 8);
      if ((word & 0x8080808080808080u) == 0) {
        i += 8;
        continue;
      }
    }
    const std::size_t length = sequence_length(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string accept_key(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  QT_CHECK(EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr) == 1, "OpenSSL has no SHA-1");
  return base64(digest, size);
}

std::string make_key() {
  unsigned char bytes[16];
  random_bytes(bytes, sizeof bytes);
  return base64(bytes, sizeof bytes);
}

MaskKey make_mask() {
  // Drawn in bulk: a call to OpenSSL for every message would cost more than the message.
  thread_local std::array<unsigned char, 4'096> pool;
  thread_local std::size_t used = pool.size();
  if (used == pool.size()) {
    random_bytes(pool.data(), pool.size());
    used = 0;
  }
  MaskKey mask;
  std::memcpy(mask.data(), pool.data() + used, 4);
  used += 4;
  return mask;
}

}  // namespace qtrader::net
