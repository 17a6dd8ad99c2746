#include "edge/exchange/api.hpp"

#include "edge/exchange/api_core.hpp"

namespace qtrader::exchange {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr int kHandshakeWeight = 5;

/// The raw text without its `signature` pair; the pair's value goes to `signature`, undecoded.
std::string without_signature(std::string_view raw, std::optional<std::string>& signature) {
  constexpr std::string_view kName = "signature=";
  std::size_t at = 0;
  while ((at = raw.find(kName, at)) != std::string_view::npos && at != 0 && raw[at - 1] != '&') at += kName.size();
  if (at == std::string_view::npos) return std::string(raw);
  const std::size_t end = std::min(raw.find('&', at), raw.size());
  if (!signature) signature = net::percent_decode(raw.substr(at + kName.size(), end - at - kName.size()));
  std::string rest(raw.substr(0, at));
  if (end < raw.size())
    rest.append(raw.substr(end + 1));
  else if (!rest.empty())
    rest.pop_back();  // the '&' before it
  return rest;
}

net::HttpResponse respond(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

net::HttpResponse respond(const Failure& failure, Timestamp now) {
  std::string body;
  append_refusal(body, failure.refusal);
  net::HttpResponse response = respond(failure.status, std::move(body));
  if (failure.retry_at) {
    const std::int64_t seconds = ((*failure.retry_at - now).ns + kNsPerSecond - 1) / kNsPerSecond;
    response.headers.emplace_back("Retry-After", std::to_string(std::max<std::int64_t>(1, seconds)));
  }
  return response;
}

/// One REST request, split.
struct Parsed {
  std::string_view path, query;
  Params params;
  bool duplicates = false;
};

Parsed parse_request(const net::HttpRequest& request) {
  Parsed parsed;
  const std::string_view target = request.target;
  const std::size_t mark = target.find('?');
  parsed.path = target.substr(0, mark);
  if (mark != std::string_view::npos) parsed.query = target.substr(mark + 1);
  Params::Pairs query = net::parse_query(parsed.query);
  parsed.duplicates = has_duplicates(query);
  parsed.params.add_missing(std::move(query));
  // Some clients say application/json whatever they send; a JSON body carries no parameters here.
  if (request.method != "GET" && !request.body.empty() && request.body.front() != '{') {
    Params::Pairs body = net::parse_query(request.body);
    parsed.duplicates = parsed.duplicates || has_duplicates(body);
    parsed.params.add_missing(std::move(body));
  }
  return parsed;
}

Credentials credentials_of(const net::HttpRequest& request, const Parsed& parsed, std::string_view peer) {
  Credentials who;
  who.peer = peer;
  if (const auto key = net::header(request.headers, "X-MBX-APIKEY"); !key.empty()) who.key = std::string(key);
  who.payload = without_signature(parsed.query, who.signature);
  who.payload += without_signature(request.body, who.signature);
  return who;
}

}  // namespace

net::HttpResponse ApiCore::handle(const net::HttpRequest& request, std::string_view raw_peer) {
  const std::string_view peer = address_of(raw_peer);
  const Timestamp now = rooms.now();
  const Parsed parsed = parse_request(request);
  static constexpr Route kUnknown{"", "", Security::None, {1}, nullptr};
  const Route* known = request.method == "WS" ? nullptr : find_route(request.method, parsed.path);
  const Route& route = known != nullptr ? *known : kUnknown;
  const ApiKey* key = nullptr;

  const auto answer = [&]() -> net::HttpResponse {
    if (auto failure = charge(peer, route, parsed.params)) return respond(*failure, now);
    if (known == nullptr)
      return respond({404,
                      {-5000, "Path " + std::string(parsed.path) + ", Method " + request.method + " is invalid"},
                      std::nullopt},
                     now);
    if (route.security != Security::None)
      if (auto failure = authenticate(route.security, parsed.params, credentials_of(request, parsed, peer), key))
        return respond(*failure, now);
    if (key != nullptr)
      if (auto failure = charge_orders(route, *key)) return respond(*failure, now);
    if (parsed.duplicates) return respond({400, {-1101, "Duplicate values for a parameter detected."}, {}}, now);
    std::string body;
    Call call{rooms, config, state, parsed.params, key, now, body};
    if (auto refusal = route.handler(call)) return respond({status_of(*refusal), *refusal, std::nullopt}, now);
    return respond(200, std::move(body));
  };

  net::HttpResponse response = answer();
  if (route.pool == Pool::Weight && known != nullptr)
    response.headers.emplace_back("X-MBX-USED-WEIGHT-1M", std::to_string(limits.used_weight(peer, now)));
  if (key != nullptr && route.orders.per_10s != 0) {
    const auto used = limits.used_orders(key->account, now);
    response.headers.emplace_back("X-MBX-ORDER-COUNT-10S", std::to_string(used.per_10s));
    response.headers.emplace_back("X-MBX-ORDER-COUNT-1M", std::to_string(used.per_1m));
  }
  return response;
}

struct Api::Impl : ApiCore {
  using ApiCore::ApiCore;
};

Api::Api(Rooms rooms, ApiConfig config) : impl_(std::make_unique<Impl>(std::move(rooms), config)) {}
Api::~Api() = default;

net::HttpResponse Api::handle(const net::HttpRequest& request, std::string_view peer) {
  return impl_->handle(request, peer);
}

std::string Api::handle_frame(std::string_view text, ApiSession& session) { return impl_->handle_frame(text, session); }

bool Api::admit_handshake(std::string_view peer) {
  const auto verdict = impl_->limits.charge(address_of(peer), Pool::Weight, kHandshakeWeight, impl_->rooms.now());
  return verdict.kind == LimitVerdict::Kind::Allowed;
}

void Api::ban(std::string_view peer, base::Timestamp until) { impl_->limits.ban(address_of(peer), until); }

}  // namespace qtrader::exchange
