#include "edge/net/server.hpp"

#include "edge/net/detail/http_connection.hpp"
#include "edge/net/detail/loop_impl.hpp"
#include "edge/net/detail/text.hpp"

namespace qtrader::net {
namespace {

constexpr std::size_t kTurnedAway = 64;  // connections beyond the limit that are told so; more are closed at once
constexpr base::Duration kAcceptPause = base::milliseconds(100);  // after running out of descriptors

std::string peer_text(const tcp::socket& socket) {
  error_code ec;
  asio::ip::address address = socket.remote_endpoint(ec).address();
  if (ec) return "unknown";
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address.to_string();
}

class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(std::shared_ptr<ServerCore> core, std::shared_ptr<TlsContext> tls)
      : core_(std::move(core)), tls_(std::move(tls)), acceptor_(core_->loop.impl().io) {}

  base::Result<void> listen() {
    const std::string place = core_->config.address + ":" + std::to_string(core_->config.port);
    error_code ec;
    const auto address = asio::ip::make_address(core_->config.address, ec);
    if (ec) return net_error(base::Errc::Io, "cannot listen on " + place + ": expected an IP address");
    const tcp::endpoint endpoint(address, core_->config.port);
    acceptor_.open(endpoint.protocol(), ec);
    if (!ec) acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor_.bind(endpoint, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) return net_error(base::Errc::Io, "cannot listen on " + place + ": " + ec.message());
    port_ = acceptor_.local_endpoint(ec).port();
    accept();
    return {};
  }

  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return core_->open; }

  void stop() {
    stopped_ = true;
    pause_.cancel();
    error_code ignored;
    acceptor_.close(ignored);
    const auto connections = core_->connections;
    for (const auto& connection : connections) connection->end();
  }

 private:
  void accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code ec, tcp::socket socket) {
      if (self->stopped_) return;
      if (!ec) self->take(std::move(socket));
      const bool exhausted = ec == asio::error::no_descriptors || ec == asio::error::no_buffer_space ||
                             ec == asio::error::no_memory || ec == boost::system::errc::too_many_files_open_in_system;
      if (!exhausted) return self->accept();
      self->pause_ = self->core_->loop.after(kAcceptPause, [weak = self->weak_from_this()] {
        if (const auto acceptor = weak.lock()) acceptor->accept();
      });
    });
  }

  void take(tcp::socket socket) {
    const std::size_t limit = core_->config.max_connections;
    if (core_->open >= limit + kTurnedAway) return;
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    ConnectionSetup setup;
    setup.peer = peer_text(socket);
    setup.turn_away = core_->open >= limit;
    ++core_->open;
    setup.slot = std::shared_ptr<void>(core_.get(), [core = core_](void*) { --core->open; });
    setup.stream = tls_ ? tls_->server_stream(std::move(socket)) : make_plain_stream(std::move(socket));
    std::make_shared<HttpConnection>(core_, std::move(setup))->start();
  }

  const std::shared_ptr<ServerCore> core_;
  const std::shared_ptr<TlsContext> tls_;
  tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  bool stopped_ = false;
  Timer pause_;
};

class Server final : public HttpServer {
 public:
  explicit Server(std::shared_ptr<Acceptor> acceptor) : acceptor_(std::move(acceptor)) {}
  ~Server() override { acceptor_->stop(); }
  std::uint16_t port() const override { return acceptor_->port(); }
  std::size_t connections() const override { return acceptor_->connections(); }

 private:
  const std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace

base::Result<std::unique_ptr<HttpServer>> HttpServer::start(Loop& loop, ServerConfig config, Handlers handlers) {
  std::shared_ptr<TlsContext> tls;
  if (config.tls) {
    QT_TRY(tls, TlsContext::server(config.tls->certificate_file, config.tls->key_file));
  }
  auto core = std::make_shared<ServerCore>(loop, std::move(config), std::move(handlers));
  auto acceptor = std::make_shared<Acceptor>(std::move(core), std::move(tls));
  QT_TRY_VOID(acceptor->listen());
  return std::unique_ptr<HttpServer>(std::make_unique<Server>(std::move(acceptor)));
}

}  // namespace qtrader::net
