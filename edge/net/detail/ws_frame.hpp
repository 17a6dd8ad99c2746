// WebSocket frames (RFC 6455) as bytes: headers, masking, UTF-8, the handshake's key. No sockets, no state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace qtrader::net {

enum class Opcode : std::uint8_t { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };
using MaskKey = std::array<unsigned char, 4>;

inline constexpr std::size_t kMaxControlPayload = 125;

struct FrameHeader {
  bool fin = false, reserved = false, masked = false;
  Opcode opcode = Opcode::Text;
  std::uint64_t length = 0;
  MaskKey mask{};
  std::size_t size = 0;  // of the header itself; 0: more bytes are needed
};
FrameHeader parse_frame_header(std::string_view bytes);

/// Unmasked if mask is null.
void append_frame(std::string& out, Opcode opcode, std::string_view payload, const MaskKey* mask);
void apply_mask(char* data, std::size_t size, const MaskKey& mask);
bool is_utf8(std::string_view text);

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string accept_key(std::string_view key);
/// A new Sec-WebSocket-Key.
std::string make_key();
/// A mask nobody can predict.
MaskKey make_mask();

}  // namespace qtrader::net
