#include "edge/exchange/api_core.hpp"

#include <algorithm>
#include <charconv>

namespace qtrader::exchange {
namespace {

constexpr std::int64_t kDefaultReceiveWindowMs = 5'000, kToleratedLeadMs = 1'000;

bool well_formed_key(std::string_view key) {
  return !key.empty() && key.size() <= 128 && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::optional<std::int64_t> integer_of(const std::string* text) {
  if (text == nullptr || text->empty()) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

Failure refused(Refusal refusal) {
  const int status = status_of(refusal);
  return {status, std::move(refusal), std::nullopt};
}

std::string window_name(base::Duration window) {
  if (window == base::minutes(1)) return "minute";
  if (window == base::minutes(5)) return "5 minutes";
  return "10 seconds";
}

RateLimits::Config limits_of(const ApiConfig& config) {
  RateLimits::Config limits;
  limits.weight_1m = config.weight_1m;
  limits.orders_10s = config.orders_10s;
  limits.orders_1m = config.orders_1m;
  limits.enforce = config.enforce_limits;
  return limits;
}

}  // namespace

int status_of(const Refusal& refusal) {
  switch (refusal.code) {
    case -2014:
    case -2015:
      return 401;
    case -1003:
    case -1015:
      return 429;
    case -1007:
      return 408;
    case -1008:
      return 503;
    case -5000:
      return 404;
    default:
      return 400;
  }
}

std::string_view address_of(std::string_view peer) {
  if (peer.starts_with('[')) return peer.substr(0, peer.find(']') + 1);  // [::1]:80
  const std::size_t colon = peer.find(':');
  const bool one = colon != std::string_view::npos && peer.find(':', colon + 1) == std::string_view::npos;
  return one ? peer.substr(0, colon) : peer;
}

bool has_duplicates(const Params::Pairs& pairs) {
  for (std::size_t i = 1; i < pairs.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (pairs[i].first == pairs[j].first) return true;
  return false;
}

ApiCore::ApiCore(Api::Rooms r, ApiConfig c) : rooms(std::move(r)), config(c), limits(limits_of(c)) {
  state.opened = rooms.exchange.now();
  for (const auto table :
       {market_routes(), statistics_routes(), order_routes(), algo_routes(), account_routes(), frame_routes()})
    for (const Route& route : table) {
      const bool added = routes.emplace(std::string(route.method) + ' ' + std::string(route.path), &route).second;
      QT_CHECK(added, "two routes of one name");
    }
}

const Route* ApiCore::find_route(std::string_view method, std::string_view path) const {
  std::string name;
  name.reserve(method.size() + 1 + path.size());
  name.append(method).append(1, ' ').append(path);
  const auto it = routes.find(name);
  return it == routes.end() ? nullptr : it->second;
}

Failure ApiCore::too_many(const LimitVerdict& verdict) const {
  if (verdict.kind == LimitVerdict::Kind::Banned)
    return {418,
            {-1003, "Way too many requests; IP banned until " + std::to_string(verdict.until.unix_ms()) +
                        ". Please use the websocket for live updates to avoid bans."},
            verdict.until};
  return {429,
          {-1003, "Too many requests; current limit is " + std::to_string(verdict.limit) + " requests per " +
                      window_name(verdict.window) +
                      ". Please use the websocket for live updates to avoid polling the API."},
          verdict.until};
}

std::optional<Failure> ApiCore::charge(std::string_view peer, const Route& route, const Params& params) {
  const int weight = route.weight.of != nullptr ? route.weight.of(params) : route.weight.fixed;
  const LimitVerdict verdict = limits.charge(peer, route.pool, weight, rooms.now());
  if (verdict.kind == LimitVerdict::Kind::Allowed) return std::nullopt;
  return too_many(verdict);
}

std::optional<Failure> ApiCore::charge_orders(const Route& route, const ApiKey& key) {
  if (route.orders.per_10s == 0) return std::nullopt;
  const LimitVerdict verdict = limits.charge_orders(key.account, route.orders, rooms.now());
  if (verdict.kind == LimitVerdict::Kind::Allowed) return std::nullopt;
  return Failure{429,
                 {-1015, "Too many new orders; current limit is " + std::to_string(verdict.limit) + " orders per " +
                             window_name(verdict.window) + "."},
                 verdict.until};
}

std::optional<Failure> ApiCore::check_time(const Params& params) const {
  const auto sent = integer_of(params.find("timestamp"));
  if (!sent) return refused(refusals::missing("timestamp"));
  std::int64_t window = kDefaultReceiveWindowMs;
  if (params.has("recvWindow")) {
    const auto given = integer_of(params.find("recvWindow"));
    if (!given || *given < 0) return refused(refusals::not_valid("recvWindow"));
    window = *given;
  }
  const std::int64_t now = rooms.now().unix_ms();
  // now and sent may be far apart, but no sane difference overflows: sent is compared, not subtracted, first.
  if (*sent >= now + kToleratedLeadMs)
    return refused({-1021, "Timestamp for this request was 1000ms ahead of the server's time."});
  if (*sent < 0 || now - *sent > window)
    return refused({-1021, "Timestamp for this request is outside of the recvWindow."});
  return std::nullopt;
}

std::optional<Failure> ApiCore::authenticate(Security security, const Params& params, const Credentials& who,
                                             const ApiKey*& key_out) {
  key_out = nullptr;
  if (security == Security::None) return std::nullopt;
  const Refusal stranger{-2015, "Invalid API-key, IP, or permissions for action, request ip: " + std::string(who.peer)};
  const bool by_session = who.logged_on != nullptr && !who.signature && (!who.key || *who.key == who.logged_on->key);
  const ApiKey* key = who.logged_on;
  if (!by_session && (security != Security::Key || who.key || key == nullptr)) {
    if (!who.key || !well_formed_key(*who.key)) return refused({-2014, "API-key format invalid."});
    key = rooms.keys.find(*who.key);
    if (key == nullptr) return refused(stranger);
  }
  if (security == Security::Trade && !key->can_trade) return refused(stranger);
  if (security != Security::Key) {
    if (!params.has("timestamp")) return refused(refusals::missing("timestamp"));
    if (!by_session && (!who.signature || who.signature->empty())) return refused(refusals::missing("signature"));
    if (auto late = check_time(params)) return late;
    if (!by_session && !verifier.verify(*key, who.payload, *who.signature))
      return refused({-1022, "Signature for this request is not valid."});
  }
  key_out = key;
  return std::nullopt;
}

}  // namespace qtrader::exchange
