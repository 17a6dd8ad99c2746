// Small text helpers of HTTP: comparison without case, tokens of a list header, URLs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace qtrader::net {

bool same_text(std::string_view a, std::string_view b);
/// True if the comma-separated list holds the token, compared without case.
bool has_token(std::string_view list, std::string_view token);
/// No control characters: text that can stand in a request line or header field without ending it.
bool is_field_text(std::string_view text);

base::Error net_error(base::Errc code, std::string context);

struct Url {
  bool secure = false;
  std::string scheme, host;  // host without brackets
  std::uint16_t port = 0;
  std::string target = "/";
  std::string authority;  // as a Host header has it: the port is left out if it is the scheme's own
};
/// `http`, `https`, `ws` or `wss`. Error: InvalidArgument naming the URL.
base::Result<Url> parse_url(std::string_view text);

}  // namespace qtrader::net
