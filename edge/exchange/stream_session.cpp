#include "edge/exchange/stream_session.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace qtrader::exchange {
namespace {

namespace json = boost::json;

constexpr std::size_t kFramesPerSecond = 10;
constexpr base::Duration kPingEvery = base::minutes(3), kPongWithin = base::minutes(10), kLife = base::hours(24);

enum class FrameError : std::uint8_t { UnknownProperty = 0, WrongType = 1, InvalidRequest = 2, InvalidJson = 3 };

std::string error(FrameError code, std::string_view text, const json::value& id) {
  json::object out;
  out["error"] = {{"code", static_cast<int>(code)}, {"msg", text}};
  if (code != FrameError::InvalidJson) out["id"] = id;
  return json::serialize(out);
}

std::string result(json::value value, const json::value& id) {
  json::object out;
  out["result"] = std::move(value);
  out["id"] = id;
  return json::serialize(out);
}

/// Strings of params; nothing if it is no array of strings.
std::optional<std::vector<std::string>> names_of(const json::object& frame) {
  const json::value* params = frame.if_contains("params");
  if (params == nullptr || !params->is_array()) return std::nullopt;
  std::vector<std::string> out;
  for (const auto& p : params->get_array()) {
    if (!p.is_string()) return std::nullopt;
    out.emplace_back(p.get_string());
  }
  return out;
}

}  // namespace

StreamSession::StreamSession(Rooms& rooms, std::shared_ptr<net::WebSocket> socket, SocketTarget target, Timestamp wall)
    : rooms_(rooms), socket_(std::move(socket)), target_(std::move(target)), combined_(target_.combined), life_(wall) {
  for (const auto& name : target_.streams) subscribe(name);
  if (!target_.listen_key.empty()) subscribe(target_.listen_key);
}

StreamSession::~StreamSession() {
  for (const auto& name : names_) {
    rooms_.market.unsubscribe(name, *this);
    rooms_.users.unsubscribe(name, *this);
  }
}

bool StreamSession::routed_here(StreamRoute route) const {
  if (target_.route == StreamRoute::Any) return !rooms_.strict_routes || route == StreamRoute::Public;
  return target_.route == route;
}

bool StreamSession::subscribe(const std::string& name) {
  if (std::find(names_.begin(), names_.end(), name) != names_.end()) return true;
  if (names_.size() >= kMaxStreams) return false;
  names_.push_back(name);
  if (const auto account = rooms_.account_of(name)) {
    if (!routed_here(StreamRoute::Private)) return true;
    rooms_.users.subscribe(name, *account, *this);
    ++user_streams_;
    return true;
  }
  const auto route = rooms_.market.route_of(name);
  if (route && routed_here(*route)) rooms_.market.subscribe(name, *this);
  return true;
}

void StreamSession::unsubscribe(const std::string& name) {
  if (std::erase(names_, name) == 0) return;
  rooms_.market.unsubscribe(name, *this);
  if (rooms_.account_of(name) && user_streams_ > 0) --user_streams_;
  rooms_.users.unsubscribe(name, *this);
}

void StreamSession::deliver(const StreamMessage& message) {
  if (message.channel() == StreamChannel::User && !target_.events.empty() &&
      std::find(target_.events.begin(), target_.events.end(), message.event()) == target_.events.end())
    return;
  if (rooms_.emit)
    rooms_.emit(*this, message);
  else
    send(message);
}

void StreamSession::send(const StreamMessage& message) { socket_->send(message.text(combined_)); }

SocketLife::Need SocketLife::check(Timestamp wall) {
  if (wall - opened_ >= kLife || wall - last_pong_ >= kPongWithin) return Need::Drop;
  if (wall - last_ping_ < kPingEvery) return Need::Nothing;
  last_ping_ = wall;
  return Need::Ping;
}

bool StreamSession::on_text(std::string_view text, Timestamp wall) {
  while (!frames_.empty() && wall - frames_.front() >= base::seconds(1)) frames_.pop_front();
  frames_.push_back(wall);
  if (frames_.size() > kFramesPerSecond) {
    if (rooms_.limit_frames) return false;
    frames_.pop_front();
  }
  socket_->send(answer(text));
  return true;
}

std::string StreamSession::answer(std::string_view text) {
  json::error_code failed;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed) return error(FrameError::InvalidJson, "Invalid JSON: " + failed.message(), nullptr);
  if (!parsed.is_object()) return error(FrameError::InvalidRequest, "Invalid request: expected an object", nullptr);
  const json::object& frame = parsed.get_object();
  const json::value id = frame.contains("id") ? frame.at("id") : json::value(nullptr);
  const json::value* method_value = frame.if_contains("method");
  const std::string method =
      method_value != nullptr && method_value->is_string() ? std::string(method_value->get_string()) : std::string();

  if (method == "LIST_SUBSCRIPTIONS") return result(json::value_from(names_), id);
  if (method == "SUBSCRIBE" || method == "UNSUBSCRIBE") {
    const auto names = names_of(frame);
    if (!names) return error(FrameError::InvalidRequest, "Invalid request: params must be an array of strings", id);
    for (const auto& name : *names) {
      if (method == "UNSUBSCRIBE")
        unsubscribe(name);
      else if (!subscribe(name))
        return error(FrameError::InvalidRequest, "Invalid request: more than 1024 streams on a connection", id);
    }
    return result(nullptr, id);
  }
  if (method == "SET_PROPERTY" || method == "GET_PROPERTY") {
    const json::value* params = frame.if_contains("params");
    if (params == nullptr || !params->is_array() || params->get_array().empty())
      return error(FrameError::InvalidRequest, "Invalid request: params must be an array", id);
    const json::array& p = params->get_array();
    if (!p[0].is_string() || p[0].get_string() != "combined")
      return error(FrameError::UnknownProperty, "Unknown property", id);
    if (method == "GET_PROPERTY") return result(combined_, id);
    if (p.size() < 2 || !p[1].is_bool())
      return error(FrameError::WrongType, "Invalid value type: expected Boolean", id);
    combined_ = p[1].get_bool();
    return result(nullptr, id);
  }
  return error(FrameError::InvalidRequest,
               "Invalid request: unknown variant `" + method +
                   "`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, "
                   "`GET_PROPERTY`",
               id);
}

}  // namespace qtrader::exchange
