#include "edge/binance/user_stream.hpp"

#include "edge/binance/requests.hpp"

namespace qtrader::binance {
namespace {

constexpr base::Duration kKeepAlive = base::minutes(30);  // a key lives for 60
constexpr base::Duration kKeepAliveRetry = base::minutes(1);
constexpr int kNoListenKey = -1125;

StreamSocket::Config socket_config(const Surroundings& around) {
  StreamSocket::Config c;
  c.name = "user";
  c.stale_after = base::seconds(around.config.stale_after_s);
  c.renew_after = base::seconds(around.config.reconnect_after_s);
  c.expects_text = false;  // an account may be quiet for days
  c.frames_per_s = around.config.control_frames_per_s;
  c.seed = static_cast<std::uint64_t>(around.host.now().ns) ^ 0x75736572;
  return c;
}

}  // namespace

UserStream::UserStream(const Surroundings& around, Handlers handlers)
    : around_(around),
      handlers_(std::move(handlers)),
      rng_(static_cast<std::uint64_t>(around.host.now().ns)),
      socket_(around.host, socket_config(around),
              {[this](std::string_view text) { on_text(text); },
               [this] {
                 up_ = true;
                 backoff_.reset();
                 handlers_.on_up();
               },
               [this](std::string_view reason) {
                 go_down(reason);
                 obtain_key();  // perhaps it was the key: the old one would never be let in again
               }}) {}

void UserStream::start() {
  running_ = true;
  obtain_key();
}

void UserStream::stop() {
  running_ = up_ = false;
  keep_alive_ = nullptr;
  retry_ = nullptr;
  socket_.stop();
}

void UserStream::obtain_key() {
  if (!running_ || obtaining_) return;
  obtaining_ = true;
  retry_ = nullptr;
  ask<std::string>(around_, life_, requests::start_listen_key(), &parse_listen_key, [this](Answer<std::string> answer) {
    obtaining_ = false;
    if (!running_) return;
    if (const auto* key = std::get_if<std::string>(&answer)) return on_key(*key);
    const auto& failure = std::get<ApiFailure>(answer);
    if (failure.kind == FailureClass::Credentials) return;  // refused for good
    retry_ = around_.host.after(backoff_.next(rng_), [this] { obtain_key(); });
  });
}

void UserStream::on_key(const std::string& key) {
  const std::string url = around_.config.endpoints.stream + "/private/ws/" + key;
  keep_alive_ = around_.host.after(kKeepAlive, [this] { keep_alive(); });
  if (key_.empty()) {
    key_ = key;
    return socket_.start(url);
  }
  const bool changed = key != key_;
  key_ = key;
  if (changed) socket_.renew(url);  // else the socket is reconnecting by itself
  // The socket never went down, but its key had: what happened in between was not sent.
  if (socket_.up() && !up_) {
    up_ = true;
    handlers_.on_up();
  }
}

void UserStream::keep_alive() {
  ask<std::string>(around_, life_, requests::extend_listen_key(), &any_body, [this](Answer<std::string> answer) {
    if (!running_) return;
    const auto* failure = std::get_if<ApiFailure>(&answer);
    if (failure != nullptr && failure->kind == FailureClass::Credentials) return;
    if (failure != nullptr && failure->code == kNoListenKey) {
      go_down("listenKey unknown");
      return obtain_key();
    }
    keep_alive_ = around_.host.after(failure == nullptr ? kKeepAlive : kKeepAliveRetry, [this] { keep_alive(); });
  });
}

void UserStream::on_text(std::string_view text) {
  base::Result<UserMessage> message = parse_user(text);
  if (!message) return handlers_.on_unreadable(message.error());
  if (const auto* expired = std::get_if<ListenKeyExpired>(&*message)) {
    if (expired->listen_key != key_ && !expired->listen_key.empty()) return;  // of the key before
    go_down("listenKey expired");
    return obtain_key();
  }
  handlers_.on_message(*message);
}

void UserStream::go_down(std::string_view reason) {
  if (!up_) return;
  up_ = false;
  handlers_.on_down(reason);
}

}  // namespace qtrader::binance
