// The WebSocket API: frames to calls, answers to frames, and sessions that are logged on.
#include <algorithm>

#include "edge/exchange/api_core.hpp"

namespace qtrader::exchange {
namespace {

constexpr int kSessionWeight = 2;

/// What a frame asks.
struct Frame {
  std::string id = "null";  // raw JSON, echoed
  std::string method;
  Params params;
};

std::optional<Frame> parse_frame(std::string_view text) {
  const auto members = split_json_object(text);
  if (!members) return std::nullopt;
  Frame frame;
  for (const auto& [name, value] : *members) {
    if (name == "id") frame.id = value;
    if (name == "method") frame.method = json_text(value);
    if (name == "params" && value != "null") {
      auto params = params_of_json(value);
      if (!params) return std::nullopt;
      frame.params = std::move(*params);
    }
  }
  return frame;
}

/// All parameters but the signature, sorted by name: what a WebSocket API signature covers.
std::string signed_text(const Params& params) {
  Params::Pairs sorted = params.pairs();
  std::sort(sorted.begin(), sorted.end());
  std::string text;
  for (const auto& [name, value] : sorted) {
    if (name == "signature") continue;
    if (!text.empty()) text.push_back('&');
    text.append(name).append(1, '=').append(value);
  }
  return text;
}

Credentials credentials_of(const Params& params, const ApiSession& session, std::string_view peer) {
  Credentials who;
  who.peer = peer;
  who.logged_on = session.logged_on;
  if (const auto* key = params.find("apiKey")) who.key = *key;
  if (const auto* signature = params.find("signature")) {
    who.signature = *signature;
    who.payload = signed_text(params);
  }
  return who;
}

void write_time(JsonWriter& w, std::string_view name, Timestamp time, bool known) {
  w.key(name);
  known ? w.value(time) : w.null();
}

void append_session(std::string& out, const ApiSession& session, Timestamp now) {
  const bool on = session.logged_on != nullptr;
  JsonWriter w(out);
  w.begin_object().key("apiKey");
  on ? w.value(session.logged_on->key) : w.null();
  write_time(w, "authorizedSince", session.authorised, on);
  w.field("connectedSince", session.connected).field("returnRateLimits", session.return_limits);
  w.field("serverTime", now).end_object();
}

bool is_session_method(std::string_view method) {
  return method == "session.logon" || method == "session.status" || method == "session.logout";
}

/// Runs one frame; keeps what the answer's envelope needs.
class FrameRun {
 public:
  FrameRun(ApiCore& api, ApiSession& session)
      : api_(api), session_(session), peer_(address_of(session.peer)), now_(api.rooms.now()) {}

  std::string run(std::string_view text) {
    auto frame = parse_frame(text);
    if (!frame) {
      failure_ = {400, {-1013, "INVALID_MESSAGE."}, std::nullopt};
      return envelope("null");
    }
    show_limits_ = session_.return_limits;
    if (const auto* wanted = frame->params.find("returnRateLimits")) show_limits_ = *wanted != "false";
    failure_ = is_session_method(frame->method) ? session_method(*frame) : method(*frame);
    return envelope(frame->id);
  }

 private:
  std::optional<Failure> method(const Frame& frame) {
    const Route* route = api_.find_route("WS", frame.method);
    static constexpr Route kUnknown{"", "", Security::None, {1}, nullptr};
    if (auto failure = api_.charge(peer_, route != nullptr ? *route : kUnknown, frame.params)) return failure;
    if (route == nullptr) return Failure{400, {-1020, "This operation is not supported."}, std::nullopt};
    const Credentials who = credentials_of(frame.params, session_, peer_);
    if (auto failure = api_.authenticate(route->security, frame.params, who, key_)) return failure;
    counts_orders_ = key_ != nullptr && route->orders.per_10s != 0;
    if (counts_orders_)
      if (auto failure = api_.charge_orders(*route, *key_)) return failure;
    Call call{api_.rooms, api_.config, api_.state, frame.params, key_, now_, result_};
    if (auto refusal = route->handler(call)) return Failure{status_of(*refusal), *refusal, std::nullopt};
    return std::nullopt;
  }

  std::optional<Failure> session_method(const Frame& frame) {
    static constexpr Route kSession{"", "", Security::None, {kSessionWeight}, nullptr};
    if (auto failure = api_.charge(peer_, kSession, frame.params)) return failure;
    if (frame.method == "session.logon") {
      Credentials who = credentials_of(frame.params, session_, peer_);
      who.logged_on = nullptr;
      const ApiKey* key = nullptr;
      if (auto failure = api_.authenticate(Security::Signed, frame.params, who, key)) return failure;
      if (key->type != ApiKeyType::Ed25519)  // only these may log on
        return Failure{400, {-1020, "This operation is not supported."}, std::nullopt};
      session_.logged_on = key;
      session_.authorised = now_;
    } else if (frame.method == "session.logout") {
      session_.logged_on = nullptr;
      session_.authorised = {};
    }
    append_session(result_, session_, now_);
    return std::nullopt;
  }

  std::string envelope(std::string_view id) {
    std::string out;
    out.reserve(result_.size() + 512);
    JsonWriter w(out);
    w.begin_object().key("id").raw(id).field("status", failure_ ? failure_->status : 200);
    if (failure_)
      write_error(w);
    else
      w.key("result").raw(result_);
    if (show_limits_) write_limits(w);
    w.end_object();
    return out;
  }

  void write_error(JsonWriter& w) {
    w.key("error").begin_object().field("code", failure_->refusal.code).field("msg", failure_->refusal.message);
    if (failure_->retry_at) {
      w.key("data").begin_object().field("serverTime", now_).field("retryAfter", *failure_->retry_at);
      w.end_object();
    }
    w.end_object();
  }

  struct Limiter {
    std::string_view type, interval;
    int number, limit, count;
  };
  static void write_limiter(JsonWriter& w, const Limiter& l) {
    w.begin_object().field("rateLimitType", l.type).field("interval", l.interval).field("intervalNum", l.number);
    w.field("limit", l.limit).field("count", l.count).end_object();
  }

  void write_limits(JsonWriter& w) {
    w.key("rateLimits").begin_array();
    if (counts_orders_) {
      const auto used = api_.limits.used_orders(key_->account, now_);
      write_limiter(w, {"ORDERS", "SECOND", 10, api_.config.orders_10s, used.per_10s});
      write_limiter(w, {"ORDERS", "MINUTE", 1, api_.config.orders_1m, used.per_1m});
    }
    write_limiter(w, {"REQUEST_WEIGHT", "MINUTE", 1, api_.config.weight_1m, api_.limits.used_weight(peer_, now_)});
    w.end_array();
  }

  ApiCore& api_;
  ApiSession& session_;
  std::string_view peer_;
  Timestamp now_;
  const ApiKey* key_ = nullptr;
  std::string result_;
  std::optional<Failure> failure_;
  bool show_limits_ = true, counts_orders_ = false;
};

}  // namespace

std::string ApiCore::handle_frame(std::string_view text, ApiSession& session) {
  return FrameRun(*this, session).run(text);
}

}  // namespace qtrader::exchange
