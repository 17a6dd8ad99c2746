#include "edge/net/detail/stream.hpp"

#include <boost/asio/write.hpp>

#include <array>

namespace qtrader::net {
namespace {

class PlainStream final : public Stream {
 public:
  explicit PlainStream(tcp::socket socket) : socket_(std::move(socket)) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
  }

  tcp::socket& socket() override { return socket_; }
  void handshake(StreamOwner owner) override {
    asio::post(socket_.get_executor(), [owner = std::move(owner)] { owner->on_handshake({}); });
  }
  void read(StreamOwner owner, char* data, std::size_t size) override {
    socket_.async_read_some(asio::buffer(data, size), [owner = std::move(owner)](error_code ec, std::size_t bytes) {
      owner->on_read(ec, bytes);
    });
  }
  std::size_t write_now(const char* data, std::size_t size, error_code& ec) override {
    const std::size_t written = socket_.write_some(asio::buffer(data, size), ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again) ec = {};
    return written;
  }
  void write(StreamOwner owner, const char* data, std::size_t size) override {
    asio::async_write(socket_, asio::buffer(data, size),
                      [owner = std::move(owner)](error_code ec, std::size_t) { owner->on_written(ec); });
  }
  void finish(StreamOwner owner) override {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    drain(std::move(owner));
  }
  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  void drain(StreamOwner owner) {
    socket_.async_read_some(asio::buffer(rest_), [this, owner = std::move(owner)](error_code ec, std::size_t) mutable {
      if (ec)
        owner->on_finished();
      else
        drain(std::move(owner));
    });
  }

  tcp::socket socket_;
  std::array<char, 1024> rest_;
};

}  // namespace

void Stream::cut() {
  error_code ignored;
  socket().set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

std::unique_ptr<Stream> make_plain_stream(tcp::socket socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

}  // namespace qtrader::net
