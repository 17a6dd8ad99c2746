#include "edge/net/detail/text.hpp"

#include <algorithm>
#include <charconv>

namespace qtrader::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

base::Error bad_url(std::string_view url, std::string_view why) {
  return net_error(base::Errc::InvalidArgument, "URL '" + std::string(url) + "': " + std::string(why));
}

}  // namespace

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (same_text(trim(list.substr(0, end)), token)) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

bool is_field_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 32 && byte != 127) || c == '\t';
  });
}

base::Error net_error(base::Errc code, std::string context) {
  return {"net", code, std::move(context), code == base::Errc::Unavailable};
}

base::Result<Url> parse_url(std::string_view text) {
  Url url;
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos) return bad_url(text, "expected scheme://host");
  for (const char c : text.substr(0, mark)) url.scheme.push_back(lower(c));
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "ws" && url.scheme != "wss")
    return bad_url(text, "expected http, https, ws or wss");
  if (!is_field_text(text) || text.find(' ') != std::string_view::npos) return bad_url(text, "holds a blank");
  url.secure = url.scheme == "https" || url.scheme == "wss";
  std::string_view rest = text.substr(mark + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, path);
  if (path < rest.size()) url.target = (rest[path] == '?' ? "/" : "") + std::string(rest.substr(path));
  if (authority.find('@') != std::string_view::npos) return bad_url(text, "user names are not supported");

  const std::uint16_t own_port = url.secure ? 443 : 80;
  url.port = own_port;
  const bool bracketed = !authority.empty() && authority.front() == '[';
  const std::size_t close = bracketed ? authority.find(']') : 0;
  if (close == std::string_view::npos) return bad_url(text, "expected ']' after the address");
  const std::size_t colon = authority.find(':', close);
  url.host = bracketed ? authority.substr(1, close - 1) : authority.substr(0, colon);
  if (url.host.empty()) return bad_url(text, "names no host");
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port == 0)
      return bad_url(text, "expected a port of 1..65535");
  }
  url.authority = bracketed ? "[" + url.host + "]" : url.host;
  if (url.port != own_port) url.authority += ":" + std::to_string(url.port);
  return url;
}

}  // namespace qtrader::net
