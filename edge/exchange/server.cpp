#include "edge/exchange/server.hpp"

#include <boost/json.hpp>
#include <chrono>

#include "edge/exchange/control.hpp"
#include "edge/exchange/pacer.hpp"
#include "edge/exchange/shifted_source.hpp"
#include "edge/exchange/sockets.hpp"

namespace qtrader::exchange {
namespace {

using base::Timestamp;
using net::HttpRequest;
using net::HttpResponse;
using net::Responder;

constexpr std::size_t kCongestedBytes = 1u << 20;
constexpr base::Duration kSweepEvery = base::seconds(5);
constexpr base::Duration kAdvanceSlice = base::milliseconds(50);
constexpr base::Duration kCongestedPause = base::milliseconds(2);

Timestamp steady_now() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
              .count()};
}

Timestamp wall_now() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

HttpResponse json_response(int status, std::string body) {
  return {status, {{"Content-Type", "application/json;charset=UTF-8"}}, std::move(body)};
}

std::string error_body(int code, std::string_view message) {
  std::string out = "{\"code\":" + std::to_string(code) + ",\"msg\":";
  base::append_json_string(out, message);
  return out + "}";
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

RequestFacts facts_of(const HttpRequest& request, std::string& text) {
  const auto mark = request.target.find('?');
  const std::string query = mark == std::string::npos ? std::string() : request.target.substr(mark + 1);
  text = query + (query.empty() || request.body.empty() ? "" : "&") + request.body;
  return {request.method, path_of(request.target), text, net::parse_query(text)};
}

/// Scalars of a WebSocket API frame's params, as a request's parameters.
RequestFacts facts_of_frame(std::string_view frame, std::string& method) {
  RequestFacts out{"WS", {}, frame, {}};
  boost::json::error_code failed;
  const auto parsed = boost::json::parse(boost::json::string_view(frame.data(), frame.size()), failed);
  if (failed || !parsed.is_object()) return out;
  if (const auto* m = parsed.get_object().if_contains("method"); m != nullptr && m->is_string())
    method = std::string(m->get_string());
  out.path = method;
  if (const auto* params = parsed.get_object().if_contains("params"); params != nullptr && params->is_object())
    for (const auto& p : params->get_object())
      out.parameters.emplace_back(
          p.key(), p.value().is_string() ? std::string(p.value().get_string()) : boost::json::serialize(p.value()));
  return out;
}

std::string frame_error(std::string_view frame, const FaultRule& rule) {
  boost::json::error_code failed;
  const auto parsed = boost::json::parse(boost::json::string_view(frame.data(), frame.size()), failed);
  boost::json::object out;
  out["id"] = !failed && parsed.is_object() && parsed.get_object().contains("id") ? parsed.get_object().at("id")
                                                                                  : boost::json::value(nullptr);
  out["status"] = rule.status;
  out["error"] = {{"code", rule.code}, {"msg", rule.message}};
  return boost::json::serialize(out);
}

/// What a request or frame can do; each is called at most once, in the order a fault leaves.
struct Call {
  std::function<void()> execute, answer, cut;
  std::function<void(const FaultRule&)> answer_with;
};

class Server final : public ExchangeServer {
 public:
  Server(net::Loop& loop, ExchangeServerConfig config, std::unique_ptr<World> world, base::Duration shift)
      : loop_(loop),
        config_(std::move(config)),
        shift_(shift),
        world_(std::move(world)),
        pacer_(*world_, {config_.speed, config_.lockstep, steady_now, [this] { return congested(); }}),
        sockets_(loop, *world_, faults_, socket_config()) {}

  base::Result<void> open() {
    QT_TRY_VOID(open_accounts());
    api_ = std::make_unique<Api>(Api::Rooms{world_->exchange(), world_->market(), keys_, world_->listen_keys(),
                                            [this] { return world_->now() + base::milliseconds(skew_ms_); }},
                                 config_.api);
    net::HttpServer::Handlers handlers;
    handlers.on_request = [this](const HttpRequest& r, std::string_view peer, Responder responder) {
      on_request(r, peer, std::move(responder));
    };
    handlers.on_upgrade = [this](const HttpRequest& r) { return on_upgrade(r); };
    handlers.on_open = [this](const HttpRequest& r, std::string_view peer, std::shared_ptr<net::WebSocket> socket) {
      on_open(r, peer, std::move(socket));
    };
    QT_TRY(http_, net::HttpServer::start(loop_, config_.net, std::move(handlers)));
    world_->drain();
    pacer_.start();
    run_slice();
    sweep();
    return {};
  }

  std::uint16_t port() const override { return http_->port(); }
  Timestamp now() const override { return world_->now(); }
  bool finished() const override { return world_->finished(); }
  base::Duration shift() const override { return shift_; }

 private:
  Sockets::Config socket_config() {
    Sockets::Config c;
    c.strict_routes = config_.strict_routes;
    // In lockstep frames are the barriers of every step, however fast those follow each other.
    c.limit_frames = config_.api.enforce_limits && !config_.lockstep;
    c.stream_latency_ms = config_.stream_latency_ms;
    c.steady = steady_now;
    c.on_api_frame = [this](const std::shared_ptr<Sockets::ApiSocket>& socket, std::string_view text) {
      on_api_frame(socket, text);
    };
    c.before_frame = [this] { pacer_.catch_up(); };
    return c;
  }

  base::Result<void> open_accounts() {
    if (config_.accounts.empty()) config_.accounts.emplace_back();
    for (const auto& a : config_.accounts) {
      if (keys_.find(a.api_key) != nullptr)
        return base::Error{"exchange", base::Errc::InvalidArgument, "API key '" + a.api_key + "' is given twice"};
      const auto id = world_->exchange().open_account({a.balance, a.hedge_mode, -1});
      keys_.add({a.api_key, a.secret, a.type, id, true});
      accounts_.push_back({a.api_key, id});
    }
    return {};
  }

  // Time.

  bool congested() const {
    // As fast as clients keep up: with nobody listening, nothing is played.
    if (config_.speed <= 0 && sockets_.stream_sockets() == 0) return true;
    return sockets_.most_queued_bytes() > kCongestedBytes;
  }

  void run_slice() {
    const auto wait = pacer_.slice();
    if (wait) slice_timer_ = loop_.after(*wait, [this] { run_slice(); });
  }

  void sweep() {
    sockets_.sweep();
    sweep_timer_ = loop_.after(kSweepEvery, [this] { sweep(); });
  }

  // Requests.

  void on_request(const HttpRequest& request, std::string_view peer, Responder responder) {
    if (path_of(request.target).starts_with("/control/")) return control(request, std::move(responder));
    ++requests_;
    pacer_.catch_up();
    if (auto refused = banned(peer)) return responder.send(std::move(*refused));
    std::string text;
    const RequestFault fault = faults_.empty() ? RequestFault{} : faults_.on_request(facts_of(request, text));
    if (!fault.any()) return responder.send(execute(request, peer));
    ++faults_applied_;
    auto answer = std::make_shared<HttpResponse>();
    Call call;
    call.execute = [this, request, peer = std::string(peer), answer] { *answer = execute(request, peer); };
    call.answer = [responder, answer] { responder.send(*answer); };
    call.cut = [responder] { responder.abort(); };
    call.answer_with = [responder](const FaultRule& rule) {
      auto response = json_response(rule.status, error_body(rule.code, rule.message));
      if (rule.seconds > 0) response.headers.emplace_back("Retry-After", std::to_string(rule.seconds));
      responder.send(std::move(response));
    };
    play(fault, std::move(call));
  }

  HttpResponse execute(const HttpRequest& request, std::string_view peer) {
    HttpResponse response = api_->handle(request, peer);
    world_->drain();
    return response;
  }

  void on_api_frame(const std::shared_ptr<Sockets::ApiSocket>& api, std::string_view text) {
    ++frames_;
    pacer_.catch_up();
    std::string method;
    const RequestFault fault = faults_.empty() ? RequestFault{} : faults_.on_request(facts_of_frame(text, method));
    if (!fault.any()) {
      std::string answer = api_->handle_frame(text, api->session);
      world_->drain();
      return api->socket->send(std::move(answer));
    }
    ++faults_applied_;
    auto answer = std::make_shared<std::string>();
    Call call;
    call.execute = [this, frame = std::string(text), api, answer] {
      *answer = api_->handle_frame(frame, api->session);
      world_->drain();
    };
    call.answer = [api, answer] { api->socket->send(*answer); };
    call.cut = [api] { api->socket->abort(); };
    call.answer_with = [api, frame = std::string(text)](const FaultRule& rule) {
      api->socket->send(frame_error(frame, rule));
    };
    play(fault, std::move(call));
  }

  void play(const RequestFault& fault, Call call) {
    if (fault.delay_before.ns > 0) {
      RequestFault rest = fault;
      rest.delay_before = {};
      sockets_.later().run(fault.delay_before, [this, rest, call = std::move(call)]() mutable {
        pacer_.catch_up();
        play(rest, std::move(call));
      });
      return;
    }
    if (fault.drop_before) return call.cut();
    if (fault.respond && !fault.respond->after_execution) return call.answer_with(*fault.respond);
    call.execute();
    const auto end = [fault, call] {
      if (fault.drop_after) return call.cut();
      if (fault.respond) return call.answer_with(*fault.respond);
      call.answer();
    };
    if (fault.delay_after.ns > 0) return sockets_.later().run(fault.delay_after, end);
    end();
  }

  std::optional<HttpResponse> banned(std::string_view peer) {
    if (!ban_ || (world_->now() >= ban_->until)) {
      ban_.reset();
      return std::nullopt;
    }
    const bool ip_ban = ban_->status == 418;
    const std::string text =
        ip_ban
            ? "Way too many requests; IP(" + std::string(peer) + ") banned until " +
                  std::to_string(ban_->until.unix_ms()) + ". Please use the websocket for live updates to avoid bans."
            : "Too many requests; current limit is " + std::to_string(config_.api.weight_1m) +
                  " requests per minute. Please use the websocket for live updates to avoid polling the API.";
    auto response = json_response(ban_->status, error_body(-1003, text));
    const std::int64_t left = (ban_->until - world_->now()).ns / 1'000'000'000 + 1;
    response.headers.emplace_back("Retry-After", std::to_string(left));
    return response;
  }

  // Sockets.

  std::optional<HttpResponse> on_upgrade(const HttpRequest& request) {
    if (auto refused = banned("unknown")) return refused;
    if (parse_socket_target(request.target)) return std::nullopt;
    return json_response(400, error_body(-1100, "No stream endpoint at " + request.target));
  }

  void on_open(const HttpRequest& request, std::string_view peer, std::shared_ptr<net::WebSocket> socket) {
    auto target = parse_socket_target(request.target);
    QT_CHECK(target.has_value(), "a socket was opened that the handshake refuses");
    pacer_.catch_up();
    if (!target->ws_api) return sockets_.open_stream(std::move(socket), std::move(*target));
    // The handshake itself has a weight, but the peer is only known once it is over.
    if (!api_->admit_handshake(peer)) return socket->close("Too many requests");
    ApiSession session;
    session.peer = std::string(peer);
    session.connected = world_->now() + base::milliseconds(skew_ms_);
    session.return_limits = target->return_rate_limits;
    sockets_.open_api(std::move(socket), std::move(session));
  }

  // Control.

  void control(const HttpRequest& request, Responder responder) {
    if (net::header(request.headers, "X-Control-Key") != config_.control_key)
      return responder.send(json_response(401, error_body(-2015, "X-Control-Key is missing or wrong")));
    const std::string_view path = path_of(request.target);
    if (path == "/control/state" && request.method == "GET") {
      pacer_.catch_up();
      return responder.send(json_response(200, control_state_json(*world_, accounts_, counters())));
    }
    if (path == "/control/advance" && request.method == "POST") return advance(request, std::move(responder));
    if (path == "/control/faults" && request.method == "POST") return responder.send(add_faults(request.body));
    if (path == "/control/faults" && request.method == "GET")
      return responder.send(json_response(200, faults_json(faults_)));
    if (path.starts_with("/control/faults") && request.method == "DELETE")
      return responder.send(delete_faults(path.substr(std::string_view("/control/faults").size())));
    responder.send(
        json_response(404, error_body(-1020, "no control endpoint " + request.method + " " + request.target)));
  }

  ServerCounters counters() const {
    ServerCounters c;
    c.speed = config_.speed;
    c.lockstep = config_.lockstep;
    c.requests = requests_;
    c.ws_api_frames = frames_;
    c.faults_applied = faults_applied_;
    c.stream_sockets = sockets_.stream_sockets();
    c.ws_api_sockets = sockets_.api_sockets();
    c.queued_bytes = sockets_.queued_bytes();
    c.clock_skew_ms = skew_ms_;
    c.shift_ms = shift_.ns / 1'000'000;
    return c;
  }

  void advance(const HttpRequest& request, Responder responder) {
    if (!config_.lockstep)
      return responder.send(json_response(409, error_body(-1020, "time runs by itself: start with --lockstep")));
    if (advancing_) return responder.send(json_response(409, error_body(-1020, "an advance is under way")));
    const auto asked = parse_advance(request.body, world_->now());
    if (!asked) return responder.send(json_response(400, error_body(-1130, asked.error().message())));
    advancing_ = Advancing{*asked, std::move(responder)};
    go_on_advancing();
  }

  /// In slices, so that sockets are written to and a slow one is waited for.
  void go_on_advancing() {
    const Timestamp begun = steady_now();
    auto& a = *advancing_;
    for (int steps = 1;; ++steps) {
      if (a.todo.ticks > 0 && world_->play_tick()) {
        --a.todo.ticks;
      } else if (!a.todo.until || !world_->step(*a.todo.until)) {
        break;
      }
      if (steps % 16 != 0) continue;
      const bool full = sockets_.most_queued_bytes() > kCongestedBytes;
      if (!full && steady_now() - begun < kAdvanceSlice) continue;
      advance_timer_ = loop_.after(full ? kCongestedPause : base::Duration{0}, [this] { go_on_advancing(); });
      return;
    }
    if (a.todo.until) world_->advance_to(*a.todo.until);
    const Responder responder = std::move(a.responder);
    advancing_.reset();
    responder.send(json_response(200, advance_json(*world_)));
  }

  HttpResponse add_faults(const std::string& body) {
    auto rules = parse_fault_rules(body);
    if (!rules) return json_response(400, error_body(-1130, rules.error().message()));
    pacer_.catch_up();
    std::string ids;
    for (auto& rule : *rules) {
      std::int64_t id = 0;
      if (is_act(rule.type)) {
        const auto done = act(rule);
        if (!done) return json_response(400, error_body(-1130, done.error().message()));
        ++faults_applied_;
      } else {
        id = faults_.add(std::move(rule));
      }
      ids += (ids.empty() ? "" : ",") + std::to_string(id);
    }
    return json_response(200, "{\"ids\":[" + ids + "]}");
  }

  base::Result<void> act(const FaultRule& rule) {
    switch (rule.type) {
      case FaultType::Ban:
        ban_ = Ban{rule.status, world_->now() + base::seconds(rule.seconds)};
        return {};
      case FaultType::ClockSkew:
        skew_ms_ = rule.ms;
        return {};
      case FaultType::Disconnect:
        sockets_.disconnect(rule.channel);
        return {};
      case FaultType::ListenKeyExpire:
        for (const auto& a : accounts_) {
          if (!rule.api_key.empty() && a.api_key != rule.api_key) continue;
          for (const auto& key : world_->users().keys(a.account)) world_->users().expire(key);
          world_->listen_keys().close(a.account);
        }
        return {};
      default:
        return act_on_exchange(rule, *world_, accounts_);
    }
  }

  HttpResponse delete_faults(std::string_view rest) {
    if (rest.empty()) {
      faults_.clear();
      ban_.reset();
      skew_ms_ = 0;
      return json_response(200, "{}");
    }
    std::int64_t id = 0;
    const auto [end, failed] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), id);
    if (failed != std::errc() || end != rest.data() + rest.size() || !faults_.erase(id))
      return json_response(404, error_body(-1020, "no fault rule " + std::string(rest.substr(1))));
    return json_response(200, "{}");
  }

  struct Ban {
    int status = 418;
    Timestamp until;  // exchange time
  };
  struct Advancing {
    Advance todo;
    Responder responder;
  };

  net::Loop& loop_;
  ExchangeServerConfig config_;
  base::Duration shift_;
  std::unique_ptr<World> world_;
  FaultPlan faults_;
  Pacer pacer_;
  Sockets sockets_;
  Keyring keys_;
  std::vector<NamedAccount> accounts_;
  std::unique_ptr<Api> api_;
  std::optional<Ban> ban_;
  std::int64_t skew_ms_ = 0;
  std::optional<Advancing> advancing_;
  std::uint64_t requests_ = 0, frames_ = 0, faults_applied_ = 0;
  net::Timer slice_timer_, sweep_timer_, advance_timer_;
  std::unique_ptr<net::HttpServer> http_;  // last: nothing calls in once the rest goes
};

}  // namespace

base::Result<std::unique_ptr<ExchangeServer>> ExchangeServer::start(
    net::Loop& loop, ExchangeServerConfig config, domain::InstrumentTable instruments,
    std::vector<matching::ContractRules> rules, std::unique_ptr<playback::MarketSource> source,
    std::vector<std::vector<domain::Bar>> market_history) {
  if (config.speed < 0)
    return base::Error{"exchange", base::Errc::InvalidArgument,
                       "speed " + std::to_string(config.speed) + ": expected 0 or more"};
  base::Duration shift;
  Timestamp opening = source->begin() + config.warm_up;
  if (config.wall_clock) {
    const Timestamp wall = wall_now();
    shift = wall_clock_shift(opening, source->end(), wall);
    source = std::make_unique<ShiftedSource>(std::move(source), shift);
    for (auto& bars : market_history)
      for (auto& bar : bars) bar.open_time = bar.open_time + shift;
    opening = wall;
  }
  World::Config wc;
  wc.matching = config.matching;
  wc.market = config.market;
  wc.keys_expire = config.speed == 1 && !config.lockstep;
  QT_TRY(auto world,
         World::create(wc, {std::move(instruments), std::move(rules), std::move(source), std::move(market_history)}));
  world->advance_to(opening);
  if (config.wall_clock) world->advance_to(wall_now());  // what the warm-up took
  auto server = std::make_unique<Server>(loop, std::move(config), std::move(world), shift);
  QT_TRY_VOID(server->open());
  return std::unique_ptr<ExchangeServer>(std::move(server));
}

}  // namespace qtrader::exchange
