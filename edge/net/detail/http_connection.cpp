#include "edge/net/detail/http_connection.hpp"

#include <algorithm>
#include <cstring>

#include "edge/net/detail/loop_impl.hpp"
#include "edge/net/detail/text.hpp"
#include "edge/net/detail/ws_session.hpp"

namespace qtrader::net {
namespace {

constexpr std::size_t kOutstanding = 256;          // answers one connection may owe before its requests wait
constexpr std::size_t kUnsentBytes = 1u << 20;     // answers not yet taken by the peer before its requests wait
constexpr std::size_t kKeptCapacity = 256u << 10;  // of the output buffer between answers
constexpr base::Duration kFinishWait = base::seconds(2);
constexpr base::Duration kHandshakeWait = base::seconds(10);

bool is_handshake(const HttpRequest& request) {
  return request.method == "GET" && has_token(header(request.headers, "Upgrade"), "websocket") &&
         has_token(header(request.headers, "Connection"), "upgrade");
}

}  // namespace

class Responder::Impl {
 public:
  Impl(std::weak_ptr<HttpConnection> connection, std::uint64_t request)
      : connection_(std::move(connection)), request_(request) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { send({500, {}, "the request was dropped without an answer"}); }

  void send(HttpResponse response) {
    if (answered_) return;
    answered_ = true;
    if (const auto connection = connection_.lock()) connection->answer(request_, std::move(response));
  }
  void abort() {
    if (answered_) return;
    answered_ = true;
    if (const auto connection = connection_.lock()) connection->cut();
  }

 private:
  const std::weak_ptr<HttpConnection> connection_;
  const std::uint64_t request_;
  bool answered_ = false;
};

void Responder::send(HttpResponse response) const { impl_->send(std::move(response)); }
void Responder::abort() const { impl_->abort(); }

HttpConnection::HttpConnection(std::shared_ptr<ServerCore> core, ConnectionSetup setup)
    : core_(std::move(core)),
      stream_(std::move(setup.stream)),
      peer_(std::move(setup.peer)),
      slot_(std::move(setup.slot)),
      turn_away_(setup.turn_away),
      parser_(core_->config.max_body_bytes) {}

void HttpConnection::start() {
  core_->connections.insert(shared_from_this());
  watch_idle(kHandshakeWait);
  stream_->handshake(shared_from_this());
}

void HttpConnection::on_handshake(error_code ec) {
  if (closed_) return;
  if (ec) return close();
  watch_idle(core_->config.idle_timeout);
  active_ = Clock::now();
  if (turn_away_) {
    answer_last(503);
    release_answers();
    flush();
    return;
  }
  in_.resize(kReadBufferBytes);
  read_more();
}

// --- requests --------------------------------------------------------------------------------------------------------

bool HttpConnection::may_take_more() const {
  return !closed_ && !finishing_ && !last_taken_ && !upgrade_wanted_ && slots_.size() < kOutstanding &&
         out_.size() < kUnsentBytes && sending_.size() < kUnsentBytes;
}

void HttpConnection::read_more() {
  if (reading_ || peer_ended_ || !may_take_more()) return;
  if (in_begin_ != 0) {
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  reading_ = true;
  stream_->read(shared_from_this(), in_.data() + in_end_, in_.size() - in_end_);
}

void HttpConnection::on_read(error_code ec, std::size_t bytes) {
  reading_ = false;
  if (closed_ || finishing_) return;
  active_ = Clock::now();
  if (ec == asio::error::eof) {
    peer_ended_ = true;  // it may still wait for answers
    if (slots_.empty() && out_.empty()) close();
    return;
  }
  if (ec) return close();
  in_end_ += bytes;
  handle_input();
  if (!closed_) read_more();
}

/// Takes requests until more bytes are needed or too much is outstanding.
void HttpConnection::handle_input() {
  bool more = true;
  while (more && in_begin_ != in_end_ && may_take_more()) {
    corked_ = true;
    do {
      more = take_request();
      if (!closed_) release_answers();
    } while (more && in_begin_ != in_end_ && may_take_more());
    corked_ = false;
    if (!closed_) flush();
  }
}

/// False if nothing more can be made of the bytes at hand.
bool HttpConnection::take_request() {
  std::size_t used = 0;
  const ParseState state = parser_.take({in_.data() + in_begin_, in_end_ - in_begin_}, used);
  in_begin_ += used;
  if (state == ParseState::Done) {
    continue_sent_ = false;
    return handle_request();
  }
  if (state == ParseState::Bad) {
    answer_last(parser_.refusal());
  } else if (parser_.header_done() && parser_.framing().expects_continue && !continue_sent_ && slots_.empty()) {
    out_.append("HTTP/1.1 100 Continue\r\n\r\n");
    continue_sent_ = true;
  }
  return false;
}

/// Hands a complete request out. False if none may follow now.
bool HttpConnection::handle_request() {
  if (is_handshake(parser_.request())) {
    upgrade_wanted_ = true;
    return false;
  }
  const Framing& framing = parser_.framing();
  last_taken_ = !framing.keep_alive;
  slots_.push_back({{}, {framing.keep_alive, framing.http10, parser_.request().method == "HEAD"}});
  const std::uint64_t number = first_request_ + slots_.size() - 1;
  Responder responder(std::make_shared<Responder::Impl>(weak_from_this(), number));
  if (core_->handlers.on_request)
    core_->handlers.on_request(parser_.request(), peer_, std::move(responder));
  else
    responder.send({404, {}, {}});
  if (closed_) return false;
  parser_.next();
  return true;
}

void HttpConnection::answer_last(int status) {
  last_taken_ = true;
  slots_.push_back({HttpResponse{status, {}, {}}, {false, false, false}});
}

// --- answers ---------------------------------------------------------------------------------------------------------

void HttpConnection::answer(std::uint64_t request, HttpResponse response) {
  if (closed_ || finishing_ || core_->loop.impl().dying || request < first_request_) return;
  slots_[static_cast<std::size_t>(request - first_request_)].answer = std::move(response);
  if (corked_ || request != first_request_) return;
  release_answers();
  flush();
  if (closed_ || upgrade_wanted_ || finishing_) return;
  if (in_begin_ == in_end_ || !may_take_more()) return read_more();
  // Requests that had to wait are already here. Not handled from inside the caller's answer.
  asio::post(core_->loop.impl().io, [self = shared_from_this()] {
    if (self->closed_ || self->finishing_ || self->reading_) return;
    self->handle_input();
    if (!self->closed_) self->read_more();
  });
}

/// Moves the answers that are due, in order, to the output.
void HttpConnection::release_answers() {
  while (!slots_.empty() && slots_.front().answer) {
    append_response(out_, *slots_.front().answer, slots_.front().style);
    slots_.pop_front();
    ++first_request_;
  }
}

void HttpConnection::flush() {
  while (!writing_ && !closed_ && !finishing_ && !out_.empty()) {
    sending_.swap(out_);
    error_code ec;
    const std::size_t sent = stream_->write_now(sending_.data(), sending_.size(), ec);
    if (ec) return close();
    if (sent < sending_.size()) {
      writing_ = true;
      stream_->write(shared_from_this(), sending_.data() + sent, sending_.size() - sent);
      return;
    }
    sent_all();
  }
  if (writing_ || closed_ || finishing_ || !slots_.empty()) return;
  if (upgrade_wanted_) return post_upgrade();
  if (!last_taken_ && !peer_ended_) return;
  // No read is pending here: none is started after the last request.
  finishing_ = true;
  watch_idle(kFinishWait);
  stream_->finish(shared_from_this());
}

void HttpConnection::sent_all() {
  active_ = Clock::now();
  if (sending_.capacity() > kKeptCapacity)
    sending_ = {};
  else
    sending_.clear();
}

void HttpConnection::on_written(error_code ec) {
  writing_ = false;
  if (closed_) return;
  if (ec) return close();
  sent_all();
  flush();
  if (closed_ || finishing_) return;
  if (!reading_ && in_begin_ != in_end_ && may_take_more()) handle_input();
  if (!closed_) read_more();
}

// --- WebSocket -------------------------------------------------------------------------------------------------------

/// Earlier requests are answered and on the wire. Posted, because this may be inside the call that answered the last.
void HttpConnection::post_upgrade() {
  if (upgrade_posted_) return;
  upgrade_posted_ = true;
  asio::post(core_->loop.impl().io, [self = shared_from_this()] {
    self->upgrade_posted_ = false;
    if (!self->closed_) self->handle_upgrade();
  });
}

void HttpConnection::handle_upgrade() {
  const HttpRequest& request = parser_.request();
  const std::string_view key = header(request.headers, "Sec-WebSocket-Key");
  std::optional<HttpResponse> refusal;
  if (header(request.headers, "Sec-WebSocket-Version") != "13")
    refusal = HttpResponse{426, {{"Sec-WebSocket-Version", "13"}}, "expected Sec-WebSocket-Version 13"};
  else if (key.empty() || !request.body.empty() || parser_.framing().http10)
    refusal = HttpResponse{400, {}, "not a WebSocket handshake"};
  else if (!core_->handlers.on_open)
    refusal = HttpResponse{404, {}, {}};
  else if (core_->handlers.on_upgrade)
    refusal = core_->handlers.on_upgrade(request);
  if (closed_) return;
  if (!refusal) return become_websocket(accept_key(key));

  upgrade_wanted_ = false;
  const Framing& framing = parser_.framing();
  last_taken_ = !framing.keep_alive;
  slots_.push_back({std::move(refusal), {framing.keep_alive, framing.http10, false}});
  parser_.next();
  release_answers();
  flush();
  if (!closed_) handle_input();
  if (!closed_) read_more();
}

void HttpConnection::become_websocket(std::string accepted) {
  const auto self = shared_from_this();
  WsSetup setup;
  append_response(setup.early_out,
                  {101, {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", accepted}}, {}},
                  {});
  setup.early_in.assign(in_, in_begin_, in_end_ - in_begin_);
  setup.stream = std::move(stream_);
  setup.max_message_bytes = core_->config.max_body_bytes;
  setup.max_queued_bytes = core_->config.max_queued_bytes;
  setup.slot = std::move(slot_);
  close();
  core_->handlers.on_open(parser_.request(), peer_, make_websocket(core_->loop, std::move(setup)));
}

// --- the end ---------------------------------------------------------------------------------------------------------

void HttpConnection::watch_idle(base::Duration wait) {
  idle_timer_ = core_->loop.after(wait, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->check_idle();
  });
}

/// The timer is set once per idle period, not per request: when it is due, this looks at how long ago something was.
void HttpConnection::check_idle() {
  if (finishing_ || in_.empty()) return close();  // the end or the handshake took too long
  const base::Duration limit = core_->config.idle_timeout;
  const bool owes_answer = !slots_.empty() && !peer_ended_ && !writing_;
  const base::Duration idle{std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - active_).count()};
  if (!owes_answer && idle >= limit) return close();
  watch_idle(owes_answer ? limit : limit - idle);
}

void HttpConnection::cut() {
  if (closed_) return;
  if (!core_->loop.impl().dying) stream_->cut();
  close();
}

void HttpConnection::close() {
  if (closed_) return;
  const auto self = shared_from_this();
  closed_ = true;
  idle_timer_.cancel();
  if (stream_ && !core_->loop.impl().dying) stream_->close();
  slot_.reset();
  slots_.clear();
  core_->connections.erase(self);
}

}  // namespace qtrader::net
