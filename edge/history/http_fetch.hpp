// HttpFetch: GET with retries, back-off and resumption. The only place of this room that talks to a network.
//
// HTTPS with certificate checks; plain HTTP only for a base address that says so. Redirects are not followed. One
// connection, one thread; blocking.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace qtrader::history {

struct HttpOptions {
  int attempts = 5;                                  // in all, per request
  base::Duration backoff = base::milliseconds(500);  // before the second attempt, then doubled, at most 30 s
  base::Duration stall = base::seconds(30);          // give up an attempt that moves nothing for so long
};

class HttpFetch {
 public:
  /// `keep_going` is asked during transfers and waits; false ends the request with Interrupted.
  static base::Result<HttpFetch> create(HttpOptions options, std::function<bool()> keep_going);

  /// The body; nothing for 404. Errors: Unavailable after the last attempt, Io for other answers than 200, Interrupted.
  base::Result<std::optional<std::string>> text(const std::string& url);
  /// Writes the body to `part`, going on where an earlier attempt stopped if the server supports ranges. False for 404.
  /// On NoSpace the part is removed, on other errors kept for the next time.
  base::Result<bool> file(const std::string& url, const std::filesystem::path& part);
  /// Bytes received over the life of this object.
  std::uint64_t bytes() const;

  HttpFetch(HttpFetch&&) noexcept;
  HttpFetch& operator=(HttpFetch&&) noexcept;
  ~HttpFetch();

 private:
  struct Impl;
  explicit HttpFetch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qtrader::history
