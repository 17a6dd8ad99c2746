#include "edge/net/detail/asio.hpp"

#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>

#include "edge/net/detail/stream.hpp"
#include "edge/net/detail/text.hpp"

namespace qtrader::net {
namespace {

using Ssl = asio::ssl::stream<tcp::socket>;

class TlsStream final : public Stream {
 public:
  TlsStream(tcp::socket socket, asio::ssl::context& context, Ssl::handshake_type role)
      : ssl_(std::move(socket), context), role_(role) {}

  SSL* handle() { return ssl_.native_handle(); }
  tcp::socket& socket() override { return ssl_.next_layer(); }
  void handshake(StreamOwner owner) override {
    ssl_.async_handshake(role_, [owner = std::move(owner)](error_code ec) { owner->on_handshake(ec); });
  }
  void read(StreamOwner owner, char* data, std::size_t size) override {
    ssl_.async_read_some(asio::buffer(data, size),
                         [owner = std::move(owner)](error_code ec, std::size_t bytes) { owner->on_read(ec, bytes); });
  }
  std::size_t write_now(const char*, std::size_t, error_code&) override { return 0; }
  void write(StreamOwner owner, const char* data, std::size_t size) override {
    asio::async_write(ssl_, asio::buffer(data, size),
                      [owner = std::move(owner)](error_code ec, std::size_t) { owner->on_written(ec); });
  }
  void finish(StreamOwner owner) override {
    ssl_.async_shutdown([this, owner = std::move(owner)](error_code) mutable {
      error_code ignored;
      socket().shutdown(tcp::socket::shutdown_send, ignored);
      drain(std::move(owner));
    });
  }
  void close() override {
    error_code ignored;
    socket().close(ignored);
  }
  std::string failure(error_code ec) const override {
    const long verdict = SSL_get_verify_result(const_cast<Ssl&>(ssl_).native_handle());
    if (verdict == X509_V_OK) return ec.message();
    return std::string("the certificate was refused: ") + X509_verify_cert_error_string(verdict);
  }

 private:
  void drain(StreamOwner owner) {
    socket().async_read_some(asio::buffer(rest_), [this, owner = std::move(owner)](error_code ec, std::size_t) mutable {
      if (ec)
        owner->on_finished();
      else
        drain(std::move(owner));
    });
  }

  Ssl ssl_;
  Ssl::handshake_type role_;
  std::array<char, 1024> rest_;
};

class Context final : public TlsContext {
 public:
  explicit Context(asio::ssl::context::method method) : context(method) {
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  }

  std::unique_ptr<Stream> server_stream(tcp::socket socket) override {
    return std::make_unique<TlsStream>(std::move(socket), context, Ssl::server);
  }
  base::Result<std::unique_ptr<Stream>> client_stream(tcp::socket socket, const std::string& host) override {
    auto stream = std::make_unique<TlsStream>(std::move(socket), context, Ssl::client);
    X509_VERIFY_PARAM* verify = SSL_get0_param(stream->handle());
    error_code not_address;
    asio::ip::make_address(host, not_address);
    bool ok = false;
    if (!not_address) {
      ok = X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str()) == 1;
    } else {
      X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      ok = X509_VERIFY_PARAM_set1_host(verify, host.c_str(), host.size()) == 1 &&
           SSL_ctrl(stream->handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    const_cast<char*>(host.c_str())) == 1;
    }
    if (!ok) return net_error(base::Errc::InvalidArgument, "host '" + host + "' cannot stand in a TLS handshake");
    return std::unique_ptr<Stream>(std::move(stream));
  }

  asio::ssl::context context;
};

}  // namespace

base::Result<std::shared_ptr<TlsContext>> TlsContext::server(const std::string& certificate, const std::string& key) {
  auto made = std::make_shared<Context>(asio::ssl::context::tls_server);
  error_code ec;
  made->context.use_certificate_chain_file(certificate, ec);
  if (ec) return net_error(base::Errc::InvalidArgument, "certificate file '" + certificate + "': " + ec.message());
  made->context.use_private_key_file(key, asio::ssl::context::pem, ec);
  if (ec) return net_error(base::Errc::InvalidArgument, "key file '" + key + "': " + ec.message());
  SSL_CTX_set_options(made->context.native_handle(), SSL_OP_NO_RENEGOTIATION);
  return std::shared_ptr<TlsContext>(std::move(made));
}

base::Result<std::shared_ptr<TlsContext>> TlsContext::client(const std::string& ca_file) {
  auto made = std::make_shared<Context>(asio::ssl::context::tls_client);
  error_code ec;
  made->context.set_default_verify_paths(ec);
  if (ec) return net_error(base::Errc::Io, "the system's certificate store: " + ec.message());
  if (!ca_file.empty()) made->context.load_verify_file(ca_file, ec);
  if (ec) return net_error(base::Errc::InvalidArgument, "CA file '" + ca_file + "': " + ec.message());
  made->context.set_verify_mode(asio::ssl::verify_peer, ec);
  if (ec) return net_error(base::Errc::Io, "TLS verification: " + ec.message());
  return std::shared_ptr<TlsContext>(std::move(made));
}

}  // namespace qtrader::net
