#include "core/execution/wire_id.hpp"

#include <charconv>

#include "core/base/check.hpp"

namespace qtrader::execution {
namespace {

constexpr int kInstanceDigits = 6, kTradeDigits = 10;
constexpr std::string_view kHex = "0123456789abcdef";

void append_hex(std::string& out, std::uint64_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += kHex[value >> shift & 0xF];
}

template <class T>
bool read(std::string_view text, T& value, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string format_wire_id(const WireIdentity& identity, domain::ClientOrderId order, int n) {
  QT_CHECK(order.trade().value >> 4 * kTradeDigits == 0, "trade number needs more than 40 bits");
  QT_CHECK(identity.instance >> 4 * kInstanceDigits == 0, "instance needs more than 24 bits");
  std::string out = "qt-";
  out += identity.env;
  out += '-';
  append_hex(out, identity.instance, kInstanceDigits);
  append_hex(out, order.trade().value, kTradeDigits);
  return out + '-' + std::to_string(order.leg()) + '-' + std::to_string(n);
}

std::optional<domain::ClientOrderId> parse_wire_id(const WireIdentity& identity, std::string_view text) {
  constexpr std::size_t kHead = 5, kIds = kInstanceDigits + kTradeDigits;
  if (text.size() < kHead + kIds + 4 || text.substr(0, 3) != "qt-" || text[3] != identity.env || text[4] != '-')
    return std::nullopt;
  std::uint32_t instance = 0;
  std::uint64_t trade = 0;
  unsigned leg = 0, n = 0;
  if (!read(text.substr(kHead, kInstanceDigits), instance, 16) || instance != identity.instance) return std::nullopt;
  if (!read(text.substr(kHead + kInstanceDigits, kTradeDigits), trade, 16)) return std::nullopt;
  std::string_view rest = text.substr(kHead + kIds);
  const std::size_t dash = rest.find('-', 1);
  if (rest[0] != '-' || dash == std::string_view::npos) return std::nullopt;
  if (!read(rest.substr(1, dash - 1), leg, 10) || leg > 255 || !read(rest.substr(dash + 1), n, 10)) return std::nullopt;
  return domain::ClientOrderId::make({trade}, static_cast<std::uint8_t>(leg));
}

}  // namespace qtrader::execution
