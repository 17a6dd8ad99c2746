// StreamMessage and Subscriber: one message of a stream, built once, and who gets it.
//
// In the flow: MarketStreams and UserStreams publish, StreamSession (a socket) subscribes. The text is shared by all
// sockets; the wrapped form exists only if one of them wants it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/json.hpp"

namespace qtrader::exchange {

enum class StreamChannel : std::uint8_t { Market, User };

class StreamMessage {
 public:
  /// `event` is the payload's type ("e"), for filters and faults. stream and event must outlive the message.
  StreamMessage(StreamChannel channel, std::string_view stream, std::string_view event, std::string payload)
      : channel_(channel),
        stream_(stream),
        event_(event),
        plain_(std::make_shared<const std::string>(std::move(payload))) {}

  StreamChannel channel() const { return channel_; }
  std::string_view stream() const { return stream_; }
  std::string_view event() const { return event_; }
  /// combined: {"stream":…,"data":…} around the payload.
  const std::shared_ptr<const std::string>& text(bool combined) const {
    if (!combined) return plain_;
    if (!wrapped_) {
      std::string out = "{\"stream\":";
      out.reserve(plain_->size() + stream_.size() + 24);
      base::append_json_string(out, stream_);
      out += ",\"data\":";
      out += *plain_;
      out += '}';
      wrapped_ = std::make_shared<const std::string>(std::move(out));
    }
    return wrapped_;
  }

 private:
  StreamChannel channel_;
  std::string_view stream_, event_;
  std::shared_ptr<const std::string> plain_;
  mutable std::shared_ptr<const std::string> wrapped_;
};

class Subscriber {
 public:
  virtual ~Subscriber() = default;
  /// Must not add or remove subscriptions.
  virtual void deliver(const StreamMessage& message) = 0;
};

}  // namespace qtrader::exchange
