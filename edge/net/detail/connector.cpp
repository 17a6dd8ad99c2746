#include "edge/net/detail/connector.hpp"

#include <boost/asio/connect.hpp>

#include "edge/net/detail/loop_impl.hpp"

namespace qtrader::net {

Connector::Connector(Loop& loop, ConnectTarget target, Done done)
    : loop_(loop),
      target_(std::move(target)),
      done_(std::move(done)),
      resolver_(loop.impl().io),
      socket_(loop.impl().io) {}

void Connector::start() {
  timer_ = loop_.after(target_.timeout, [weak = weak_from_this()] {
    if (const auto self = weak.lock())
      self->fail("connect", "no connection within " + std::to_string(self->target_.timeout.seconds()) + " s");
  });
  error_code not_address;
  const auto address = asio::ip::make_address(target_.url.host, not_address);
  if (!not_address) {
    const tcp::endpoint endpoint(address, target_.url.port);
    return connect(tcp::resolver::results_type::create(endpoint, target_.url.host, std::to_string(target_.url.port)));
  }
  resolver_.async_resolve(target_.url.host, std::to_string(target_.url.port), tcp::resolver::numeric_service,
                          [self = shared_from_this()](error_code ec, const tcp::resolver::results_type& endpoints) {
                            if (self->over_) return;
                            if (ec) return self->fail("look-up", ec.message());
                            self->connect(endpoints);
                          });
}

void Connector::connect(const tcp::resolver::results_type& endpoints) {
  asio::async_connect(socket_, endpoints,
                      [self = shared_from_this()](error_code ec, const tcp::endpoint&) { self->on_connected(ec); });
}

void Connector::on_connected(error_code ec) {
  if (over_) return;
  if (ec) return fail("connect", ec.message());
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  if (!target_.tls) return complete(make_plain_stream(std::move(socket_)));
  auto stream = target_.tls->client_stream(std::move(socket_), target_.url.host);
  if (!stream) return complete(stream.error());
  stream_ = std::move(stream).value();
  stream_->handshake(shared_from_this());
}

void Connector::on_handshake(error_code ec) {
  if (over_) return;
  if (ec) return fail("TLS handshake", stream_->failure(ec));
  complete(std::move(stream_));
}

void Connector::fail(const std::string& stage, const std::string& why) {
  complete(net_error(base::Errc::Unavailable,
                     target_.url.scheme + "://" + target_.url.authority + ": " + stage + ": " + why));
}

void Connector::complete(base::Result<std::unique_ptr<Stream>> result) {
  if (over_) return;
  const auto self = shared_from_this();
  const Done done = std::move(done_);
  release();
  done(std::move(result));
}

void Connector::cancel() {
  if (over_) return;
  const auto self = weak_from_this().lock();
  const Done done = std::move(done_);
  release();
}

/// Every pending operation ends with an error and finds this over.
void Connector::release() {
  over_ = true;
  done_ = nullptr;
  timer_.cancel();
  if (loop_.impl().dying) return;
  resolver_.cancel();
  error_code ignored;
  socket_.close(ignored);
  if (stream_) stream_->close();
}

}  // namespace qtrader::net
