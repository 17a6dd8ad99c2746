// Stream: one TCP connection, plain or TLS, as its owner sees it: bytes in, bytes out, an end.
//
// The owner is told what happened through StreamEvents, on the loop's thread and never from inside a call. A started
// operation keeps its owner alive. At most one read and one write at a time. close() lets pending operations end with
// an error.
#pragma once

#include "edge/net/detail/asio.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace qtrader::net {

class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  virtual void on_handshake(error_code ec) = 0;
  virtual void on_read(error_code ec, std::size_t bytes) = 0;
  virtual void on_written(error_code ec) = 0;
  /// The peer has ended its side too (or failed) after finish().
  virtual void on_finished() = 0;
};
using StreamOwner = std::shared_ptr<StreamEvents>;

class Stream {
 public:
  virtual ~Stream() = default;
  virtual tcp::socket& socket() = 0;
  virtual void handshake(StreamOwner owner) = 0;
  virtual void read(StreamOwner owner, char* data, std::size_t size) = 0;
  /// Writes what can be written at once without an event; 0 if nothing can.
  virtual std::size_t write_now(const char* data, std::size_t size, error_code& ec) = 0;
  /// Writes everything, then on_written. The data stays where it is until then.
  virtual void write(StreamOwner owner, const char* data, std::size_t size) = 0;
  /// Ends this side and throws away what the peer still sends until it ends its own, so that the last bytes written are
  /// not lost to a reset. Not while a read or write is pending.
  virtual void finish(StreamOwner owner) = 0;
  virtual void close() = 0;
  /// Closes with a reset: nothing more is delivered, in either direction.
  void cut();
  /// Why a handshake failed, for people.
  virtual std::string failure(error_code ec) const { return ec.message(); }
};

std::unique_ptr<Stream> make_plain_stream(tcp::socket socket);

/// Certificates and trust for TLS streams, server's or client's.
class TlsContext {
 public:
  virtual ~TlsContext() = default;
  /// Errors: InvalidArgument naming the file.
  static base::Result<std::shared_ptr<TlsContext>> server(const std::string& certificate, const std::string& key);
  static base::Result<std::shared_ptr<TlsContext>> client(const std::string& ca_file);
  virtual std::unique_ptr<Stream> server_stream(tcp::socket socket) = 0;
  /// The peer's certificate must be for `host`, a name or an address.
  virtual base::Result<std::unique_ptr<Stream>> client_stream(tcp::socket socket, const std::string& host) = 0;
};

}  // namespace qtrader::net
