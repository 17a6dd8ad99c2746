#include "edge/binance/stream_socket.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace qtrader::binance {
namespace {

// Long enough that a message the old connection still gets and the new one does not yet cannot be lost.
constexpr base::Duration kOverlap = base::seconds(5);
// Silence is noticed within a third of stale_after.
constexpr int kTicksToStale = 3;

std::string list_subscriptions(std::uint64_t id) {
  return R"({"method":"LIST_SUBSCRIPTIONS","id":)" + std::to_string(id) + "}";
}

}  // namespace

StreamSocket::StreamSocket(Host& host, Config config, Handlers handlers)
    : host_(host), config_(std::move(config)), handlers_(std::move(handlers)), rng_(config_.seed) {}

void StreamSocket::start(std::string url) {
  url_ = std::move(url);
  running_ = true;
  open();
  if (!tick_) tick_ = host_.after({config_.stale_after.ns / kTicksToStale}, [this] { tick(); });
}

void StreamSocket::renew(std::string url) {
  url_ = std::move(url);
  if (!running_) return;
  attempt_ = nullptr;  // it may have the old URL
  open();
}

void StreamSocket::stop() {
  running_ = false;
  retry_ = nullptr;
  tick_ = nullptr;
  overlap_ = nullptr;
  attempt_ = nullptr;
  while (!links_.empty()) retire(links_.size() - 1);
}

void StreamSocket::open() {
  retry_ = nullptr;
  if (attempt_ || !running_) return;
  attempt_ = host_.connect(url_, life_.guard([this](Host::SocketResult result) { on_open(std::move(result)); }));
}

void StreamSocket::on_open(Host::SocketResult result) {
  if (attempt_) host_.post([old = std::shared_ptr<net::WebSocketAttempt>(std::move(attempt_))] {});
  attempt_ = nullptr;
  if (!running_) return;
  if (!result) return retry();
  const bool first = links_.empty();
  Link link;
  link.id = ++connections_;
  link.socket = std::move(*result);
  links_.push_back(link);
  net::WebSocketHandlers handlers;
  handlers.on_text = [this, id = link.id](std::string_view text) { on_text(id, text); };
  handlers.on_ping = handlers.on_pong = [this, id = link.id](std::string_view) {
    Link* alive = find(id);
    if (alive != nullptr && !config_.expects_text) alive->quiet_ticks = 0;
  };
  handlers.on_close = [this, id = link.id](std::string_view reason) { on_close(id, reason); };
  if (first) {
    if (handlers_.on_up) handlers_.on_up();
  } else {
    overlap_ = host_.after(kOverlap, [this] {
      while (links_.size() > 1) retire(0);
    });
  }
  // Last: messages that came with the handshake are delivered from here, and the reader must be ready.
  if (Link* open = find(link.id)) open->socket->set_handlers(std::move(handlers));
}

void StreamSocket::on_text(std::uint64_t link, std::string_view text) {
  Link* from = find(link);
  if (from == nullptr) return;
  from->quiet_ticks = 0;
  backoff_.reset();
  if (!control_reply(text)) handlers_.on_text(text);
}

void StreamSocket::on_close(std::uint64_t link, std::string_view reason) {
  if (find(link) != nullptr) lose(link, reason);
}

void StreamSocket::lose(std::uint64_t link, std::string_view reason) {
  const std::string why(reason);
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (links_[i].id != link) continue;
    retire(i);
    break;
  }
  if (!running_ || !links_.empty()) return;
  retry();
  if (handlers_.on_down) handlers_.on_down(why);
}

void StreamSocket::retry() {
  if (!running_ || attempt_ || retry_) return;
  retry_ = host_.after(backoff_.next(rng_), [this] {
    retry_ = nullptr;
    open();
  });
}

void StreamSocket::tick() {
  const base::Duration step{config_.stale_after.ns / kTicksToStale};
  tick_ = host_.after(step, [this] { tick(); });
  std::vector<std::uint64_t> stale;
  for (Link& link : links_) {
    link.age = link.age + step;
    if (++link.quiet_ticks > kTicksToStale) {
      stale.push_back(link.id);
    } else if (!config_.expects_text) {
      link.socket->ping("");
    }
  }
  const bool renew_now = links_.size() == 1 && stale.empty() && links_[0].age >= config_.renew_after;
  if (renew_now && !attempt_ && !retry_) open();
  for (const std::uint64_t id : stale)
    lose(id, "silent for " + std::to_string(config_.stale_after.ns / 1'000'000'000) + " s");
}

void StreamSocket::retire(std::size_t index) {
  // Released after this turn of the loop: we may be inside one of its callbacks.
  std::shared_ptr<net::WebSocket> socket = std::move(links_[index].socket);
  const std::uint64_t id = links_[index].id;
  links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(index));
  socket->close("done");
  host_.post([socket] {});
  drop_waits(id);
  if (links_.empty()) send_barrier();
}

void StreamSocket::barrier(std::function<void()> done) {
  if (links_.empty()) return done();
  barriers_.push_back(std::move(done));
  send_barrier();
}

void StreamSocket::send_barrier() {
  if (barriers_.empty()) return;
  if (!links_.empty() && config_.frames_per_s > 0 && spent_.size() >= static_cast<std::size_t>(config_.frames_per_s))
    return;  // until one of them is a second old
  auto all = std::make_shared<std::function<void()>>([waiting = std::exchange(barriers_, {})] {
    for (const auto& done : waiting) done();
  });
  if (links_.empty()) return host_.post([all] { (*all)(); });
  if (config_.frames_per_s > 0)
    spent_.push_back(host_.after(base::seconds(1), [this] {
      spent_.pop_front();
      send_barrier();
    }));
  for (const Link& link : links_) {
    const std::uint64_t id = next_request_++;
    waits_[id] = {link.id, all};
    link.socket->send(list_subscriptions(id));
  }
}

// Stream messages open with "stream" (combined) or "e" (raw), arrays with '['; everything else answers a request.
bool StreamSocket::control_reply(std::string_view text) {
  if (!text.starts_with("{\"result\"") && !text.starts_with("{\"id\"") && !text.starts_with("{\"error\"")) return false;
  boost::system::error_code error;
  const boost::json::value reply = boost::json::parse(boost::json::string_view(text.data(), text.size()), error);
  if (error || !reply.is_object()) return false;
  const boost::json::value* id = reply.as_object().if_contains("id");
  if (id == nullptr || !id->is_number()) return true;
  const auto wait = waits_.find(id->to_number<std::uint64_t>(error));
  if (wait == waits_.end()) return true;
  const auto done = std::move(wait->second.done);
  waits_.erase(wait);
  if (done.use_count() == 1) (*done)();
  return true;
}

void StreamSocket::drop_waits(std::uint64_t link) {
  std::vector<std::shared_ptr<std::function<void()>>> over;
  for (auto it = waits_.begin(); it != waits_.end();) {
    if (it->second.link == link) {
      over.push_back(std::move(it->second.done));
      it = waits_.erase(it);
    } else {
      ++it;
    }
  }
  for (auto& done : over) {
    if (done.use_count() == 1) host_.post([done] { (*done)(); });
  }
}

StreamSocket::Link* StreamSocket::find(std::uint64_t link) {
  const auto it = std::find_if(links_.begin(), links_.end(), [&](const Link& l) { return l.id == link; });
  return it == links_.end() ? nullptr : &*it;
}

}  // namespace qtrader::binance
