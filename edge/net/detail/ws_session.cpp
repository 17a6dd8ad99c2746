#include "edge/net/detail/ws_session.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "edge/net/detail/loop_impl.hpp"

namespace qtrader::net {
namespace {

constexpr std::size_t kPadding = 64;  // readable bytes behind a text, all zero
constexpr std::size_t kFirstBuffer = 16u << 10, kSteadyBuffer = 256u << 10;
constexpr std::size_t kWriteBytes = 64u << 10;  // one write takes at least this much of a longer queue
constexpr std::size_t kItemOverhead = 16;       // so that empty messages fill the queue too
constexpr base::Duration kCloseWait = base::seconds(5);

enum CloseCode : unsigned { kNormal = 1000, kProtocol = 1002, kNotText = 1003, kNotUtf8 = 1007, kTooBig = 1009 };

std::string eof_text(error_code ec) {
  if (ec == asio::error::eof) return "the peer cut the connection";
  return "connection lost: " + ec.message();
}

class Handle final : public WebSocket {
 public:
  explicit Handle(std::shared_ptr<WsSession> session) : session_(std::move(session)) {}
  ~Handle() override { session_->release(); }
  void set_handlers(WebSocketHandlers handlers) override { session_->set_handlers(std::move(handlers)); }
  void send(std::shared_ptr<const std::string> text) override { session_->send(std::move(text)); }
  void ping(std::string_view payload) override { session_->ping(payload); }
  void close(std::string_view reason) override { session_->close(reason); }
  void abort() override { session_->abort(); }
  std::size_t queued_bytes() const override { return session_->queued_bytes(); }

 private:
  const std::shared_ptr<WsSession> session_;
};

}  // namespace

std::shared_ptr<WebSocket> make_websocket(Loop& loop, WsSetup setup) {
  auto session = std::make_shared<WsSession>(loop, std::move(setup));
  session->start();
  return std::make_shared<Handle>(std::move(session));
}

WsSession::WsSession(Loop& loop, WsSetup setup)
    : loop_(loop),
      stream_(std::move(setup.stream)),
      client_(setup.client),
      max_message_bytes_(setup.max_message_bytes),
      max_queued_bytes_(setup.max_queued_bytes),
      slot_(std::move(setup.slot)),
      in_(std::move(setup.early_in)),
      out_(std::move(setup.early_out)) {
  in_end_ = in_.size();
  in_.resize(std::max(in_end_, kFirstBuffer) + kPadding);
}

void WsSession::start() { flush(); }

void WsSession::set_handlers(WebSocketHandlers handlers) {
  if (told_) return;
  handlers_ = std::make_shared<WebSocketHandlers>(std::move(handlers));
  if (closed_)
    loop_.post([self = shared_from_this()] { self->tell_end(); });
  else
    begin_reading();
}

// --- input -----------------------------------------------------------------------------------------------------------

void WsSession::begin_reading() {
  if (reading_begun_) return;
  reading_begun_ = true;
  asio::post(loop_.impl().io, [self = shared_from_this()] {
    if (self->closed_) return;
    self->handle_input();
    self->read_more();
  });
}

void WsSession::read_more() {
  if (closed_ || finishing_ || close_received_) return;
  make_room();
  stream_->read(shared_from_this(), in_.data() + in_end_, in_.size() - kPadding - in_end_);
}

/// Space to read into: the bytes not yet handled move to the front, and a frame longer than the buffer enlarges it.
void WsSession::make_room() {
  if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
  const std::size_t capacity = in_.size() - kPadding;
  const std::size_t held = in_end_ - in_begin_;
  if (in_begin_ != 0 && (in_begin_ + in_wanted_ > capacity || capacity - in_end_ < capacity / 4)) {
    std::memmove(in_.data(), in_.data() + in_begin_, held);
    in_begin_ = 0;
    in_end_ = held;
  }
  const bool full = in_end_ == capacity;
  if (in_wanted_ > capacity || full)
    in_.resize(std::max(in_wanted_, full ? std::min(2 * capacity, capacity + kSteadyBuffer) : capacity) + kPadding);
}

void WsSession::on_read(error_code ec, std::size_t bytes) {
  if (closed_ || finishing_) return;
  if (ec) return end(eof_text(ec), false);
  const bool filled = bytes == in_.size() - kPadding - in_end_;
  in_end_ += bytes;
  handle_input();
  if (closed_) return;
  if (filled && in_begin_ == in_end_ && in_.size() < kSteadyBuffer) in_.resize(2 * (in_.size() - kPadding) + kPadding);
  read_more();
}

void WsSession::handle_input() {
  corked_ = true;
  while (!closed_ && !finishing_ && !close_received_ && handle_frame() == Step::Continue) {
  }
  corked_ = false;
  if (!closed_) flush();
}

WsSession::Step WsSession::handle_frame() {
  char* const at = in_.data() + in_begin_;
  const FrameHeader frame = parse_frame_header({at, in_end_ - in_begin_});
  in_wanted_ = frame.size == 0 ? 14 : 0;
  if (frame.size == 0) return Step::Stop;
  const bool control = static_cast<unsigned>(frame.opcode) >= 8;
  if (frame.reserved || frame.masked == client_ || (control && (!frame.fin || frame.length > kMaxControlPayload))) {
    refuse(kProtocol, "the peer sent a malformed frame");
    return Step::Stop;
  }
  if (frame.length > max_message_bytes_ - std::min(message_.size(), max_message_bytes_)) {
    refuse(kTooBig, "the peer sent a message of more than " + std::to_string(max_message_bytes_) + " bytes");
    return Step::Stop;
  }
  const auto length = static_cast<std::size_t>(frame.length);
  if (in_end_ - in_begin_ < frame.size + length) {
    in_wanted_ = frame.size + length;
    return Step::Stop;
  }
  in_begin_ += frame.size + length;
  char* const payload = at + frame.size;
  if (frame.masked) apply_mask(payload, length, frame.mask);
  return control ? handle_control(frame.opcode, {payload, length}) : handle_data(frame, payload);
}

WsSession::Step WsSession::handle_data(const FrameHeader& frame, char* payload) {
  const auto length = static_cast<std::size_t>(frame.length);
  if (frame.opcode == Opcode::Binary) {
    refuse(kNotText, "the peer sent a binary message; only text is spoken here");
    return Step::Stop;
  }
  const bool continues = frame.opcode == Opcode::Continuation;
  if (continues != in_message_ || (!continues && frame.opcode != Opcode::Text)) {
    refuse(kProtocol, "the peer sent a frame out of turn");
    return Step::Stop;
  }
  if (frame.fin && !continues) {
    if (!is_utf8({payload, length}))
      refuse(kNotUtf8, "the peer sent text that is not UTF-8");
    else
      deliver_in_place(payload, length);
    return Step::Continue;
  }
  in_message_ = !frame.fin;
  message_.append(payload, length);
  if (!frame.fin) return Step::Continue;
  std::string whole = std::move(message_);
  message_.clear();
  if (!is_utf8(whole)) {
    refuse(kNotUtf8, "the peer sent text that is not UTF-8");
    return Step::Stop;
  }
  const std::size_t size = whole.size();
  whole.append(kPadding, '\0');
  deliver({whole.data(), size});
  return Step::Continue;
}

/// The bytes behind the text may be the next frame's: they are set aside while the padding takes their place.
void WsSession::deliver_in_place(char* payload, std::size_t size) {
  std::array<char, kPadding> aside;
  std::memcpy(aside.data(), payload + size, kPadding);
  std::memset(payload + size, 0, kPadding);
  deliver({payload, size});
  std::memcpy(payload + size, aside.data(), kPadding);
}

void WsSession::deliver(std::string_view text) {
  const auto handlers = handlers_;  // the callback may replace or destroy them
  if (handlers && handlers->on_text) handlers->on_text(text);
}

WsSession::Step WsSession::handle_control(Opcode opcode, std::string_view payload) {
  const auto handlers = handlers_;
  switch (opcode) {
    case Opcode::Close:
      handle_close(payload);
      return Step::Stop;
    case Opcode::Ping:
      queue(Opcode::Pong, std::make_shared<const std::string>(payload));
      if (!closed_ && handlers && handlers->on_ping) handlers->on_ping(payload);
      return Step::Continue;
    case Opcode::Pong:
      if (handlers && handlers->on_pong) handlers->on_pong(payload);
      return Step::Continue;
    default:
      refuse(kProtocol, "the peer sent a frame of an unknown kind");
      return Step::Stop;
  }
}

void WsSession::handle_close(std::string_view payload) {
  close_received_ = true;
  unsigned code = 1005;  // "no code", which itself never stands on the wire
  if (payload.size() >= 2)
    code = static_cast<unsigned>(static_cast<unsigned char>(payload[0])) << 8 | static_cast<unsigned char>(payload[1]);
  if (end_reason_.empty()) {
    end_reason_ = "closed by the peer: " + std::to_string(code);
    if (payload.size() > 2) end_reason_.append(" ").append(payload.substr(2));
  }
  if (!close_queued_) {
    queue_.clear();  // the peer no longer listens
    queued_bytes_ = 0;
    queue_close(payload.size() >= 2 ? code : kNormal, {});
  }
  guard_closing();
}

// --- output ----------------------------------------------------------------------------------------------------------

void WsSession::send(std::shared_ptr<const std::string> text) {
  if (!close_queued_) queue(Opcode::Text, std::move(text));
}

void WsSession::ping(std::string_view payload) {
  if (close_queued_) return;
  queue(Opcode::Ping, std::make_shared<const std::string>(payload.substr(0, kMaxControlPayload)));
}

void WsSession::queue(Opcode opcode, std::shared_ptr<const std::string> payload) {
  if (closed_ || (close_queued_ && opcode != Opcode::Close)) return;
  const std::size_t bytes = payload->size() + kItemOverhead;
  if (queued_bytes() + bytes > max_queued_bytes_ && opcode != Opcode::Close) {
    end("cut: the peer reads too slowly, more than " + std::to_string(max_queued_bytes_) + " bytes are queued", true);
    return;
  }
  queued_bytes_ += bytes;
  queue_.push_back({opcode, std::move(payload)});
  if (writing_) return;
  if (queued_bytes_ >= kWriteBytes)
    flush();
  else
    schedule_flush();
}

void WsSession::queue_close(unsigned code, std::string_view reason) {
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  reason = reason.substr(0, kMaxControlPayload - 2);
  while (!is_utf8(reason)) reason.remove_suffix(1);  // ends a character cut in two
  payload.append(reason);
  queue(Opcode::Close, std::make_shared<const std::string>(std::move(payload)));
  close_queued_ = true;
}

void WsSession::schedule_flush() {
  if (corked_ || flush_posted_) return;
  flush_posted_ = true;
  asio::post(loop_.impl().io, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void WsSession::fill_out() {
  while (!queue_.empty() && out_.size() < kWriteBytes) {
    const Item& item = queue_.front();
    queued_bytes_ -= item.payload->size() + kItemOverhead;
    if (client_) {
      const MaskKey mask = make_mask();
      append_frame(out_, item.opcode, *item.payload, &mask);
    } else {
      append_frame(out_, item.opcode, *item.payload, nullptr);
    }
    queue_.pop_front();
  }
}

void WsSession::flush() {
  while (!writing_ && !closed_ && !finishing_) {
    fill_out();
    if (out_.empty()) break;
    error_code ec;
    out_sent_ += stream_->write_now(out_.data() + out_sent_, out_.size() - out_sent_, ec);
    if (ec) return end(eof_text(ec), false);
    if (out_sent_ < out_.size()) {
      writing_ = true;
      stream_->write(shared_from_this(), out_.data() + out_sent_, out_.size() - out_sent_);
      return;
    }
    out_sent_ = 0;
    if (out_.capacity() > 4 * kWriteBytes)
      out_ = {};
    else
      out_.clear();
  }
  finish_if_done();
}

void WsSession::on_written(error_code ec) {
  writing_ = false;
  out_.clear();
  out_sent_ = 0;
  if (closed_) return;
  if (ec) return end(eof_text(ec), false);
  flush();
}

// --- the end ---------------------------------------------------------------------------------------------------------

void WsSession::close(std::string_view reason) {
  if (closed_ || close_queued_) return;
  if (end_reason_.empty()) end_reason_ = "closed here";
  queue_close(kNormal, reason);
  guard_closing();
  begin_reading();  // the peer's answer
}

void WsSession::abort() { end("cut here", true); }

void WsSession::release() {
  handlers_.reset();
  if (loop_.impl().dying)
    closed_ = true;
  else
    close("");
}

/// Tells the peer why, and ends without waiting for its answer.
void WsSession::refuse(unsigned code, std::string why) {
  if (closed_) return;
  if (!close_queued_) queue_close(code, why);
  end_reason_ = std::move(why);
  close_received_ = true;
  guard_closing();
}

void WsSession::guard_closing() {
  if (closing_timer_.armed()) return;
  closing_timer_ = loop_.after(kCloseWait, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->end(self->end_reason_ + " (without a proper end)", true);
  });
}

/// Both sides have said that they close, and ours is on the wire. Called with no read pending: none is started once the
/// peer's word is here.
void WsSession::finish_if_done() {
  if (closed_ || finishing_ || corked_ || writing_ || !close_received_ || !close_queued_ || !queue_.empty()) return;
  finishing_ = true;
  stream_->finish(shared_from_this());
}

void WsSession::on_finished() { end(end_reason_, false); }

void WsSession::end(std::string reason, bool cut) {
  if (closed_) return;
  closed_ = true;
  end_reason_ = std::move(reason);
  closing_timer_.cancel();
  if (cut)
    stream_->cut();
  else
    stream_->close();
  queue_.clear();
  queued_bytes_ = 0;
  slot_.reset();
  if (loop_.impl().dying) return;
  asio::post(loop_.impl().io, [self = shared_from_this()] { self->tell_end(); });
}

void WsSession::tell_end() {
  const auto handlers = std::move(handlers_);
  if (!handlers || told_) return;
  told_ = true;
  if (handlers->on_close) handlers->on_close(end_reason_);
}

}  // namespace qtrader::net
