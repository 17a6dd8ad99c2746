// HttpClient and WebSocket connect: the client's ends, plain or TLS by the URL's scheme.
//
// HttpClient keeps connections to one host alive and pipelines nothing: each request has a connection to itself, at
// most max_connections of them; more requests wait in order. Callbacks run on the loop's thread, exactly once.
// Certificates are verified against the system's store or `ca_file`, with the host name; there is no way to switch that
// off.
#pragma once

#include <variant>

#include "core/base/result.hpp"
#include "edge/net/http.hpp"
#include "edge/net/loop.hpp"
#include "edge/net/websocket.hpp"

namespace qtrader::net {

struct ClientConfig {
  std::string ca_file;  // PEM, in addition to the system's store; empty: none
  std::size_t max_connections = 4;
  std::size_t max_waiting = 1'000;  // beyond: Unavailable at once
  std::size_t max_body_bytes = 64u << 20;
  base::Duration connect_timeout = base::seconds(2);
};

struct HttpOptions {
  base::Duration timeout = base::seconds(5);  // from the call to the last byte of the answer
  bool urgent = false;                        // before all waiting requests that are not
};

/// How a request failed to get an answer. `sent` tells whether any byte of it may have reached the peer: if not, trying
/// again is safe.
struct HttpFailure {
  base::Error error;
  bool sent = false;
};
using HttpResult = std::variant<HttpResponse, HttpFailure>;

class HttpClient {
 public:
  /// base_url: scheme and authority, "https://fapi.binance.com". Errors: InvalidArgument.
  static base::Result<std::unique_ptr<HttpClient>> create(Loop& loop, std::string base_url, ClientConfig config);
  virtual ~HttpClient() = default;
  virtual void request(HttpRequest request, HttpOptions options, std::function<void(HttpResult)> done) = 0;
  virtual const std::string& base_url() const = 0;
};

/// Opens a WebSocket; done gets it with no handlers set (messages wait until set_handlers), or why it failed. The
/// returned handle cancels the attempt when destroyed before done was called.
class WebSocketAttempt {
 public:
  virtual ~WebSocketAttempt() = default;
};
[[nodiscard]] std::unique_ptr<WebSocketAttempt> connect_websocket(
    Loop& loop, const std::string& url, ClientConfig config,
    std::function<void(base::Result<std::shared_ptr<WebSocket>>)> done);

}  // namespace qtrader::net
