// HttpServer: HTTP/1.1 and WebSocket on one port, plain or TLS.
//
// Handlers run on the loop's thread. A responder may be kept and answered later (or never, to play a fault); keep-alive
// and pipelining are handled here. Limits: request bodies of max_body_bytes, connections of max_connections.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/result.hpp"
#include "edge/net/http.hpp"
#include "edge/net/loop.hpp"
#include "edge/net/websocket.hpp"

namespace qtrader::net {

struct ServerTls {
  std::string certificate_file, key_file;  // PEM
};

struct ServerConfig {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: the system chooses; see HttpServer::port
  std::optional<ServerTls> tls;
  std::size_t max_body_bytes = 1u << 20;
  std::size_t max_connections = 1'024;
  std::size_t max_queued_bytes = 8u << 20;           // per WebSocket, beyond which it is cut
  base::Duration idle_timeout = base::seconds(120);  // of an HTTP connection
};

/// Answers one request. Copies answer the same request; the first answer counts. Dropping all copies unanswered answers
/// 500.
class Responder {
 public:
  class Impl;
  explicit Responder(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  void send(HttpResponse response) const;
  /// Cuts the connection without an answer.
  void abort() const;

 private:
  std::shared_ptr<Impl> impl_;
};

class HttpServer {
 public:
  struct Handlers {
    std::function<void(const HttpRequest& request, std::string_view peer, Responder responder)> on_request;
    /// A WebSocket handshake: nullopt accepts it, a response refuses it.
    std::function<std::optional<HttpResponse>(const HttpRequest& request)> on_upgrade;
    std::function<void(const HttpRequest& request, std::string_view peer, std::shared_ptr<WebSocket> socket)> on_open;
  };
  /// Errors: Io naming address and port if it cannot listen; InvalidArgument for a bad certificate or key file.
  static base::Result<std::unique_ptr<HttpServer>> start(Loop& loop, ServerConfig config, Handlers handlers);
  virtual ~HttpServer() = default;
  virtual std::uint16_t port() const = 0;
  virtual std::size_t connections() const = 0;
};

}  // namespace qtrader::net
