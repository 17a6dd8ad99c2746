#include "edge/net/client.hpp"
#include "edge/net/detail/connector.hpp"
#include "edge/net/detail/loop_impl.hpp"
#include "edge/net/detail/message.hpp"
#include "edge/net/detail/ws_session.hpp"

namespace qtrader::net {
namespace {

constexpr std::size_t kMaxQueuedBytes = 8u << 20;
constexpr std::size_t kMaxRefusalBytes = 64u << 10;  // of a body that says why the handshake was refused
constexpr std::size_t kShownRefusal = 200;

using Done = std::function<void(base::Result<std::shared_ptr<WebSocket>>)>;

class Attempt final : public StreamEvents, public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Loop& loop, std::string url, ClientConfig config, Done done)
      : loop_(loop), url_text_(std::move(url)), config_(std::move(config)), done_(std::move(done)) {}

  void start() {
    auto url = parse_url(url_text_);
    if (url && url->scheme != "ws" && url->scheme != "wss")
      url = net_error(base::Errc::InvalidArgument, "URL '" + url_text_ + "': expected ws:// or wss://");
    if (!url) return fail_later(url.error());
    url_ = std::move(url).value();
    std::shared_ptr<TlsContext> tls;
    if (url_.secure) {
      auto trust = TlsContext::client(config_.ca_file);
      if (!trust) return fail_later(trust.error());
      tls = std::move(trust).value();
    }
    connector_ = std::make_shared<Connector>(loop_, ConnectTarget{url_, std::move(tls), config_.connect_timeout},
                                             [weak = weak_from_this()](base::Result<std::unique_ptr<Stream>> stream) {
                                               if (const auto self = weak.lock()) self->on_stream(std::move(stream));
                                             });
    connector_->start();
  }

  void cancel() {
    const Done dropped = std::move(done_);
    release();
  }

 private:
  void on_stream(base::Result<std::unique_ptr<Stream>> stream) {
    if (over_) return;
    if (!stream) return complete(stream.error());
    stream_ = std::move(stream).value();
    timer_ = loop_.after(config_.connect_timeout, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->fail("no answer to the WebSocket handshake");
    });
    key_ = make_key();
    const HttpRequest request{"GET",
                              url_.target,
                              {{"Upgrade", "websocket"},
                               {"Connection", "Upgrade"},
                               {"Sec-WebSocket-Key", key_},
                               {"Sec-WebSocket-Version", "13"}},
                              {}};
    append_request(out_, request, url_.authority);
    in_.resize(kReadBufferBytes);
    stream_->write(shared_from_this(), out_.data(), out_.size());
  }

  void on_handshake(error_code) override {}
  void on_finished() override {}
  void on_written(error_code ec) override {
    if (over_) return;
    if (ec) return fail(ec.message());
    read_more();
  }

  void read_more() { stream_->read(shared_from_this(), in_.data() + in_end_, in_.size() - in_end_); }

  void on_read(error_code ec, std::size_t bytes) override {
    if (over_) return;
    if (ec == asio::error::eof && parser_.take_end() == ParseState::Done) return refused();
    if (ec) return fail(ec.message());
    in_end_ += bytes;
    std::size_t used = 0;
    const ParseState state = parser_.take({in_.data(), in_end_}, used);
    in_.erase(0, used);
    in_end_ -= used;
    if (state == ParseState::Bad) return fail("malformed answer: " + parser_.why_bad());
    if (state == ParseState::More) {
      in_.resize(kReadBufferBytes);
      return read_more();
    }
    if (parser_.response().status != 101) return refused();
    const Headers& headers = parser_.response().headers;
    if (header(headers, "Sec-WebSocket-Accept") != accept_key(key_) ||
        !same_text(header(headers, "Upgrade"), "websocket") || !has_token(header(headers, "Connection"), "upgrade"))
      return fail("the server's answer is not a WebSocket handshake's");
    if (!header(headers, "Sec-WebSocket-Extensions").empty()) return fail("the server chose an extension unasked");
    accepted();
  }

  void accepted() {
    in_.resize(in_end_);
    WsSetup setup;
    setup.stream = std::move(stream_);
    setup.client = true;
    setup.max_message_bytes = config_.max_body_bytes;
    setup.max_queued_bytes = kMaxQueuedBytes;
    setup.early_in = std::move(in_);
    complete(make_websocket(loop_, std::move(setup)));
  }

  void refused() {
    const HttpResponse& response = parser_.response();
    fail("refused with status " + std::to_string(response.status) + ": " + response.body.substr(0, kShownRefusal));
  }

  void fail(const std::string& why) {
    complete(net_error(base::Errc::Unavailable, url_.scheme + "://" + url_.authority + ": WebSocket: " + why));
  }

  void fail_later(base::Error error) {
    loop_.post([weak = weak_from_this(), error = std::move(error)] {
      if (const auto self = weak.lock()) self->complete(error);
    });
  }

  void complete(base::Result<std::shared_ptr<WebSocket>> result) {
    if (over_) return;
    const auto self = shared_from_this();
    const Done done = std::move(done_);
    release();
    done(std::move(result));
  }

  void release() {
    if (over_) return;
    over_ = true;
    done_ = nullptr;
    timer_.cancel();
    if (connector_) connector_->cancel();
    if (stream_ && !loop_.impl().dying) stream_->close();
  }

  Loop& loop_;
  const std::string url_text_;
  const ClientConfig config_;
  Done done_;
  Url url_;
  std::shared_ptr<Connector> connector_;
  std::unique_ptr<Stream> stream_;
  ResponseParser parser_{kMaxRefusalBytes};
  std::string key_, out_, in_;
  std::size_t in_end_ = 0;
  Timer timer_;
  bool over_ = false;
};

class AttemptHandle final : public WebSocketAttempt {
 public:
  explicit AttemptHandle(std::shared_ptr<Attempt> attempt) : attempt_(std::move(attempt)) {}
  ~AttemptHandle() override { attempt_->cancel(); }

 private:
  const std::shared_ptr<Attempt> attempt_;
};

}  // namespace

std::unique_ptr<WebSocketAttempt> connect_websocket(Loop& loop, const std::string& url, ClientConfig config,
                                                    Done done) {
  auto attempt = std::make_shared<Attempt>(loop, url, std::move(config), std::move(done));
  attempt->start();
  return std::make_unique<AttemptHandle>(std::move(attempt));
}

}  // namespace qtrader::net
