// HTTP messages as plain values, shared by server and client.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qtrader::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Value of the first header of that name, compared without case; empty if absent.
std::string_view header(const Headers& headers, std::string_view name);

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, as on the wire
  Headers headers;
  std::string body;
};

struct HttpResponse {
  int status = 200;
  Headers headers;
  std::string body;
};

/// `a=1&b=x%20y` → pairs in order, percent-decoded ('+' is a space).
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);
/// RFC 3986: everything but unreserved characters is escaped.
std::string percent_encode(std::string_view text);
std::string percent_decode(std::string_view text);

}  // namespace qtrader::net
