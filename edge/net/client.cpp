#include "edge/net/client.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <unordered_set>

#include "edge/net/detail/connector.hpp"
#include "edge/net/detail/loop_impl.hpp"
#include "edge/net/detail/message.hpp"

namespace qtrader::net {
namespace {

using Clock = std::chrono::steady_clock;

/// A connection idle for longer is not trusted: something between the ends may have forgotten it without a word.
constexpr std::chrono::seconds kIdleLimit{60};

class Connection;

struct Call {
  HttpRequest request;
  HttpOptions options;
  std::function<void(HttpResult)> done;
  Timer timer;
  std::weak_ptr<Connection> connection;
  bool sent = false;
};

class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(Loop& on, Url base, ClientConfig with, std::shared_ptr<TlsContext> trust)
      : loop(on), url(std::move(base)), config(std::move(with)), tls_(std::move(trust)) {}

  void request(HttpRequest request, HttpOptions options, std::function<void(HttpResult)> done);
  void succeed(const std::shared_ptr<Call>& call, HttpResponse response);
  void fail(const std::shared_ptr<Call>& call, base::Errc code, const std::string& why);
  void forget(const std::shared_ptr<Connection>& connection) { connections_.erase(connection); }
  void pump();
  void shut();

  Loop& loop;
  const Url url;
  const ClientConfig config;

 private:
  std::size_t waiting() const { return urgent_.size() + ordinary_.size(); }
  std::shared_ptr<Call> next_call();
  std::shared_ptr<Connection> idle_connection();
  void connect();
  void on_connected(base::Result<std::unique_ptr<Stream>> stream);
  void on_timeout(const std::shared_ptr<Call>& call);
  void finish(const std::shared_ptr<Call>& call, HttpResult result);

  const std::shared_ptr<TlsContext> tls_;
  std::deque<std::shared_ptr<Call>> urgent_, ordinary_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::unordered_set<std::shared_ptr<Connector>> connecting_;
  bool shut_ = false;
};

/// One kept-alive connection. A read is always pending, so that the server's closing of an idle one is seen at once.
class Connection final : public StreamEvents, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Pool> pool, std::unique_ptr<Stream> stream)
      : pool_(std::move(pool)), stream_(std::move(stream)), parser_(pool_->config.max_body_bytes) {
    in_.resize(kReadBufferBytes);
  }

  bool idle() const { return !call_ && !closed_ && !writing_; }
  Clock::time_point idle_since() const { return idle_since_; }

  void begin(std::shared_ptr<Call> call);
  void read_more();
  void close();

 private:
  void on_handshake(error_code) override {}
  void on_read(error_code ec, std::size_t bytes) override;
  void on_written(error_code ec) override;
  void on_finished() override {}
  void handle_input();
  void answered(bool reusable);
  void lose(const std::string& why);

  const std::shared_ptr<Pool> pool_;
  const std::unique_ptr<Stream> stream_;
  ResponseParser parser_;
  std::shared_ptr<Call> call_;
  std::string in_, out_;
  std::size_t in_begin_ = 0, in_end_ = 0;
  bool writing_ = false, closed_ = false;
  Clock::time_point idle_since_ = Clock::now();
};

// --- Pool ------------------------------------------------------------------------------------------------------------

/// Why the request cannot be put on the wire; empty if it can.
std::string flaw(const HttpRequest& request) {
  const bool blank = request.target.find(' ') != std::string::npos || request.method.find(' ') != std::string::npos;
  if (request.method.empty() || blank || !is_field_text(request.method) || !is_field_text(request.target))
    return "method or target holds a blank or control character";
  if (request.target.empty() || request.target.front() != '/') return "expected a target that begins with '/'";
  for (const auto& [name, value] : request.headers)
    if (name.empty() || !is_field_text(name) || !is_field_text(value))
      return "header '" + name + "' holds a control character";
  return {};
}

void Pool::request(HttpRequest request, HttpOptions options, std::function<void(HttpResult)> done) {
  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  call->options = options;
  call->done = std::move(done);
  const std::string wrong = flaw(call->request);
  if (!wrong.empty()) return fail(call, base::Errc::InvalidArgument, wrong);
  if (waiting() >= config.max_waiting && !idle_connection())
    return fail(call, base::Errc::Unavailable, std::to_string(waiting()) + " requests are waiting already");
  call->timer = loop.after(options.timeout, [weak = weak_from_this(), call_weak = std::weak_ptr<Call>(call)] {
    const auto self = weak.lock();
    const auto late = call_weak.lock();
    if (self && late) self->on_timeout(late);
  });
  (options.urgent ? urgent_ : ordinary_).push_back(std::move(call));
  pump();
}

void Pool::pump() {
  while (!shut_ && waiting() != 0) {
    const auto connection = idle_connection();
    if (!connection) break;
    connection->begin(next_call());
  }
  while (!shut_ && connecting_.size() < waiting() &&
         connections_.size() + connecting_.size() < std::max<std::size_t>(config.max_connections, 1))
    connect();
}

std::shared_ptr<Call> Pool::next_call() {
  auto& line = urgent_.empty() ? ordinary_ : urgent_;
  auto call = std::move(line.front());
  line.pop_front();
  return call;
}

/// The one used last: the others may then grow old.
std::shared_ptr<Connection> Pool::idle_connection() {
  std::shared_ptr<Connection> best;
  std::vector<std::shared_ptr<Connection>> old;
  const auto now = Clock::now();
  for (const auto& connection : connections_) {
    if (!connection->idle()) continue;
    if (now - connection->idle_since() > kIdleLimit)
      old.push_back(connection);
    else if (!best || connection->idle_since() > best->idle_since())
      best = connection;
  }
  for (const auto& connection : old) connection->close();
  return best;
}

void Pool::connect() {
  // The connector is its own key: it is let go of when it has called back.
  auto key = std::make_shared<std::weak_ptr<Connector>>();
  auto connector =
      std::make_shared<Connector>(loop, ConnectTarget{url, tls_, config.connect_timeout},
                                  [weak = weak_from_this(), key](base::Result<std::unique_ptr<Stream>> stream) {
                                    const auto self = weak.lock();
                                    if (!self) return;
                                    self->connecting_.erase(key->lock());
                                    self->on_connected(std::move(stream));
                                  });
  *key = connector;
  connecting_.insert(connector);
  connector->start();
}

void Pool::on_connected(base::Result<std::unique_ptr<Stream>> stream) {
  if (shut_) return;
  if (stream) {
    auto connection = std::make_shared<Connection>(shared_from_this(), std::move(stream).value());
    connections_.insert(connection);
    connection->read_more();
  } else if (waiting() != 0) {
    fail(next_call(), base::Errc::Unavailable, stream.error().context);
  }
  pump();
}

void Pool::on_timeout(const std::shared_ptr<Call>& call) {
  const std::string why = "no answer within " + std::to_string(call->options.timeout.seconds()) + " s";
  std::erase(urgent_, call);
  std::erase(ordinary_, call);
  fail(call, base::Errc::Unavailable, why);
  if (const auto connection = call->connection.lock()) connection->close();
  pump();
}

void Pool::succeed(const std::shared_ptr<Call>& call, HttpResponse response) { finish(call, std::move(response)); }

/// Posted: a failure may be found while the caller is still inside request().
void Pool::fail(const std::shared_ptr<Call>& call, base::Errc code, const std::string& why) {
  call->timer.cancel();
  if (shut_ || loop.impl().dying) return;
  // A query may hold a signature: it is left out.
  const std::string path = call->request.target.substr(0, call->request.target.find('?'));
  base::Error error = net_error(code, call->request.method + " " + url.authority + path + ": " + why);
  loop.post([self = shared_from_this(), call, failure = HttpFailure{std::move(error), call->sent}] {
    self->finish(call, failure);
  });
}

void Pool::finish(const std::shared_ptr<Call>& call, HttpResult result) {
  if (shut_ || !call->done) return;
  call->timer.cancel();
  const auto done = std::move(call->done);
  call->done = nullptr;
  done(std::move(result));
}

void Pool::shut() {
  shut_ = true;
  const auto self = shared_from_this();
  const auto urgent = std::move(urgent_), ordinary = std::move(ordinary_);
  const auto connecting = std::move(connecting_);
  const auto connections = connections_;
  for (const auto& connector : connecting) connector->cancel();
  for (const auto& connection : connections) connection->close();
}

// --- Connection ------------------------------------------------------------------------------------------------------

void Connection::begin(std::shared_ptr<Call> call) {
  call_ = std::move(call);
  call_->connection = weak_from_this();
  parser_.next(call_->request.method == "HEAD");
  out_.clear();
  append_request(out_, call_->request, pool_->url.authority);
  error_code ec;
  const std::size_t written = stream_->write_now(out_.data(), out_.size(), ec);
  call_->sent = written != 0;
  if (ec) return lose(ec.message());
  if (written == out_.size()) return;
  call_->sent = true;
  writing_ = true;
  stream_->write(shared_from_this(), out_.data() + written, out_.size() - written);
}

void Connection::on_written(error_code ec) {
  writing_ = false;
  if (closed_) return;
  if (ec) return lose(ec.message());
  if (!call_) pool_->pump();
}

void Connection::read_more() {
  if (closed_) return;
  if (in_begin_ != 0) {
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  stream_->read(shared_from_this(), in_.data() + in_end_, in_.size() - in_end_);
}

void Connection::on_read(error_code ec, std::size_t bytes) {
  if (closed_) return;
  if (ec) {
    if (ec == asio::error::eof && call_ && parser_.take_end() == ParseState::Done) return answered(false);
    return lose(ec == asio::error::eof ? "the server closed the connection without an answer" : ec.message());
  }
  in_end_ += bytes;
  handle_input();
  read_more();
}

void Connection::handle_input() {
  while (!closed_ && in_begin_ != in_end_) {
    if (!call_) return close();  // nothing was asked
    std::size_t used = 0;
    const ParseState state = parser_.take({in_.data() + in_begin_, in_end_ - in_begin_}, used);
    in_begin_ += used;
    if (state == ParseState::More) return;
    if (state == ParseState::Bad) return lose("malformed answer: " + parser_.why_bad());
    const int status = parser_.response().status;
    if (status >= 100 && status < 200 && status != 101)
      parser_.next(call_->request.method == "HEAD");  // the answer itself follows
    else
      return answered(parser_.framing().keep_alive && in_begin_ == in_end_);
  }
}

/// The connection serves the next request before the caller hears of this answer: its callback may do anything.
void Connection::answered(bool reusable) {
  const auto self = shared_from_this();
  const auto call = std::move(call_);
  call_.reset();
  HttpResponse response = std::move(parser_.response());
  idle_since_ = Clock::now();
  if (!reusable || writing_) close();
  pool_->pump();
  pool_->succeed(call, std::move(response));
}

void Connection::lose(const std::string& why) {
  const auto self = shared_from_this();
  const auto call = std::move(call_);
  call_.reset();
  close();
  if (call) pool_->fail(call, base::Errc::Unavailable, why);
  if (!pool_->loop.impl().dying) pool_->loop.post([pool = pool_] { pool->pump(); });
}

void Connection::close() {
  if (closed_) return;
  const auto self = shared_from_this();
  closed_ = true;
  call_.reset();
  if (!pool_->loop.impl().dying) stream_->close();
  pool_->forget(self);
}

class Client final : public HttpClient {
 public:
  Client(std::shared_ptr<Pool> pool, std::string base_url) : pool_(std::move(pool)), base_url_(std::move(base_url)) {}
  ~Client() override { pool_->shut(); }
  void request(HttpRequest request, HttpOptions options, std::function<void(HttpResult)> done) override {
    pool_->request(std::move(request), options, std::move(done));
  }
  const std::string& base_url() const override { return base_url_; }

 private:
  const std::shared_ptr<Pool> pool_;
  const std::string base_url_;
};

}  // namespace

base::Result<std::unique_ptr<HttpClient>> HttpClient::create(Loop& loop, std::string base_url, ClientConfig config) {
  QT_TRY(Url url, parse_url(base_url));
  if ((url.scheme != "http" && url.scheme != "https") || url.target != "/")
    return net_error(base::Errc::InvalidArgument, "URL '" + base_url + "': expected http(s)://host[:port] and no path");
  std::shared_ptr<TlsContext> tls;
  if (url.secure) {
    QT_TRY(tls, TlsContext::client(config.ca_file));
  }
  auto pool = std::make_shared<Pool>(loop, std::move(url), std::move(config), std::move(tls));
  return std::unique_ptr<HttpClient>(std::make_unique<Client>(std::move(pool), std::move(base_url)));
}

}  // namespace qtrader::net
