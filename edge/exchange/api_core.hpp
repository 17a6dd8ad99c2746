// ApiCore: what REST and the WebSocket API have in common: the route table, limits, authentication.
//
// In the flow: api.cpp turns an HTTP request and api_frames.cpp a frame into a Call; both ask here first. The order of
// complaints is: limits, key, timestamp, signature, order limits, then the handler's own.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "edge/exchange/api.hpp"
#include "edge/exchange/api_call.hpp"
#include "edge/exchange/signature.hpp"

namespace qtrader::exchange {

/// An answer that is not the handler's success.
struct Failure {
  int status = 400;
  Refusal refusal;
  std::optional<Timestamp> retry_at;  // of 429 and 418
};

/// What proves who asks. Texts are decoded; payload is what the signature covers.
struct Credentials {
  std::optional<std::string> key;  // nothing: not sent
  std::optional<std::string> signature;
  std::string payload;
  const ApiKey* logged_on = nullptr;  // of a session: key and signature may be missing
  std::string_view peer;
};

struct ApiCore {
  ApiCore(Api::Rooms rooms, ApiConfig config);

  const Route* find_route(std::string_view method, std::string_view path) const;
  std::optional<Failure> charge(std::string_view peer, const Route& route, const Params& params);
  std::optional<Failure> charge_orders(const Route& route, const ApiKey& key);
  /// Key, timestamp, signature and permission as the route demands. key_out stays null on public routes.
  std::optional<Failure> authenticate(Security security, const Params& params, const Credentials& who,
                                      const ApiKey*& key_out);
  std::optional<Failure> check_time(const Params& params) const;
  Failure too_many(const LimitVerdict& verdict) const;

  net::HttpResponse handle(const net::HttpRequest& request, std::string_view peer);
  std::string handle_frame(std::string_view text, ApiSession& session);

  Api::Rooms rooms;
  ApiConfig config;
  RateLimits limits;
  SignatureVerifier verifier;
  ApiState state;
  std::unordered_map<std::string, const Route*> routes;  // by "METHOD path"; never iterated
};

/// HTTP status of a refusal by its code.
int status_of(const Refusal& refusal);
/// The address without its port.
std::string_view address_of(std::string_view peer);
/// First names sent twice in one place are refused by the exchange.
bool has_duplicates(const Params::Pairs& pairs);

}  // namespace qtrader::exchange
