// Connector: from a host's name to an open stream: look-up, TCP, TLS with the certificate verified, within one
// deadline.
#pragma once

#include "edge/net/detail/stream.hpp"

#include <functional>
#include <memory>
#include <string>

#include "edge/net/detail/text.hpp"
#include "edge/net/loop.hpp"

namespace qtrader::net {

struct ConnectTarget {
  Url url;
  std::shared_ptr<TlsContext> tls;  // null: plain
  base::Duration timeout;
};

class Connector final : public StreamEvents, public std::enable_shared_from_this<Connector> {
 public:
  using Done = std::function<void(base::Result<std::unique_ptr<Stream>>)>;
  Connector(Loop& loop, ConnectTarget target, Done done);
  /// done is called from the loop, unless cancel() comes first.
  void start();
  void cancel();

 private:
  void connect(const tcp::resolver::results_type& endpoints);
  void on_connected(error_code ec);
  void on_handshake(error_code ec) override;
  void on_read(error_code, std::size_t) override {}
  void on_written(error_code) override {}
  void on_finished() override {}
  void fail(const std::string& stage, const std::string& why);
  void complete(base::Result<std::unique_ptr<Stream>> result);
  void release();

  Loop& loop_;
  const ConnectTarget target_;
  Done done_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  std::unique_ptr<Stream> stream_;
  Timer timer_;
  bool over_ = false;
};

}  // namespace qtrader::net
