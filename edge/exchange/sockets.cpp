#include "edge/exchange/sockets.hpp"

#include <algorithm>

namespace qtrader::exchange {

void Later::run(base::Duration delay, std::function<void()> work) {
  const auto id = ++next_;
  timers_[id] = loop_.after(delay, [this, id, work = std::move(work)] {
    timers_.erase(id);
    work();
  });
}

Sockets::Sockets(net::Loop& loop, World& world, FaultPlan& faults, Config config)
    : loop_(loop),
      world_(world),
      faults_(faults),
      config_(std::move(config)),
      rooms_{world.streams(),
             world.users(),
             [this](const std::string& key) { return world_.listen_keys().account_of(key, world_.now()); },
             [this](StreamSession& session, const StreamMessage& message) { emit(session, message); },
             config_.strict_routes,
             config_.limit_frames},
      later_(loop) {
  world_.streams().set_depth_fault([this](SymbolId symbol) {
    return !faults_.empty() && faults_.lose_depth(world_.exchange().instruments().name(symbol));
  });
}

void Sockets::remove_later(std::uint64_t id) {
  loop_.post([this, id, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    if (const auto it = streams_.find(id); it != streams_.end()) {
      ids_.erase(it->second.session.get());
      streams_.erase(it);
    }
    apis_.erase(id);
  });
}

void Sockets::open_stream(std::shared_ptr<net::WebSocket> socket, SocketTarget target) {
  const auto id = ++next_;
  auto& entry = streams_[id];
  // The session subscribes while it is made: its messages need an entry to go through.
  entry.session = std::make_unique<StreamSession>(rooms_, socket, std::move(target), config_.steady());
  ids_[entry.session.get()] = id;
  net::WebSocketHandlers handlers;
  handlers.on_text = [this, id](std::string_view text) {
    const auto it = streams_.find(id);
    if (it == streams_.end()) return;
    if (config_.before_frame) config_.before_frame();
    if (!it->second.session->on_text(text, config_.steady()))
      it->second.session->socket()->close("too many control frames");
  };
  handlers.on_pong = [this, id](std::string_view) {
    if (const auto it = streams_.find(id); it != streams_.end()) it->second.session->life().on_pong(config_.steady());
  };
  handlers.on_close = [this, id](std::string_view) { remove_later(id); };
  socket->set_handlers(std::move(handlers));
}

void Sockets::open_api(std::shared_ptr<net::WebSocket> socket, ApiSession session) {
  const auto id = ++next_;
  apis_[id] = std::make_shared<ApiSocket>(ApiSocket{socket, std::move(session), SocketLife(config_.steady())});
  net::WebSocketHandlers handlers;
  handlers.on_text = [this, id](std::string_view text) {
    if (const auto it = apis_.find(id); it != apis_.end()) config_.on_api_frame(it->second, text);
  };
  handlers.on_pong = [this, id](std::string_view) {
    if (const auto it = apis_.find(id); it != apis_.end()) it->second->life.on_pong(config_.steady());
  };
  handlers.on_close = [this, id](std::string_view) { remove_later(id); };
  socket->set_handlers(std::move(handlers));
}

void Sockets::put(StreamSession& session, const std::shared_ptr<const std::string>& text, const MessageFault& fault) {
  const auto id = ids_.find(&session);
  if (id == ids_.end()) return session.socket()->send(text);
  auto& entry = streams_.at(id->second);
  if (fault.reorder && !entry.swapped) {
    entry.swapped = text;
    return;
  }
  session.socket()->send(text);
  if (fault.duplicate) session.socket()->send(text);
  if (const auto late = std::exchange(entry.swapped, nullptr)) session.socket()->send(late);
}

void Sockets::emit(StreamSession& session, const StreamMessage& message) {
  MessageFault fault;
  if (!faults_.empty()) fault = faults_.on_message(message.stream(), message.event());
  if (fault.drop) return;
  base::Duration hold = fault.hold;
  if (message.channel() == StreamChannel::User) hold = hold + base::milliseconds(config_.stream_latency_ms);
  const auto& text = message.text(session.combined());
  if (hold.ns == 0) return put(session, text, fault);
  later_.run(hold, [this, &session, weak = std::weak_ptr(session.socket()), text, fault] {
    // The session lives as long as its entry, the entry no longer than its socket.
    if (!weak.expired() && ids_.contains(&session)) put(session, text, fault);
  });
}

void Sockets::disconnect(std::string_view channel) {
  for (auto& [id, entry] : streams_) {
    const bool chosen = channel == "all" || (channel == "user" && entry.session->has_user_stream()) ||
                        (channel == "market" && entry.session->has_market_stream());
    if (!chosen) continue;
    entry.session->socket()->abort();
    remove_later(id);
  }
  if (channel != "all" && channel != "ws_api") return;
  for (auto& [id, api] : apis_) {
    api->socket->abort();
    remove_later(id);
  }
}

void Sockets::sweep() {
  const auto now = config_.steady();
  const std::string payload = std::to_string(world_.now().unix_ms());
  const auto look = [&](SocketLife& life, net::WebSocket& socket) {
    switch (life.check(now)) {
      case SocketLife::Need::Ping:
        socket.ping(payload);
        break;
      case SocketLife::Need::Drop:
        socket.close("connection lifetime is over");
        break;
      case SocketLife::Need::Nothing:
        break;
    }
  };
  for (auto& [id, entry] : streams_) look(entry.session->life(), *entry.session->socket());
  for (auto& [id, api] : apis_) look(api->life, *api->socket);
}

std::size_t Sockets::queued_bytes() const {
  std::size_t sum = 0;
  for (const auto& [id, entry] : streams_) sum += entry.session->socket()->queued_bytes();
  for (const auto& [id, api] : apis_) sum += api->socket->queued_bytes();
  return sum;
}

std::size_t Sockets::most_queued_bytes() const {
  std::size_t most = 0;
  for (const auto& [id, entry] : streams_) most = std::max(most, entry.session->socket()->queued_bytes());
  for (const auto& [id, api] : apis_) most = std::max(most, api->socket->queued_bytes());
  return most;
}

}  // namespace qtrader::exchange
