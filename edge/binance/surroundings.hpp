// Surroundings: what every part of the gateway is given: the host, the REST client, the run's instruments, the settings
// and the one way out for events. And ask(): a call whose answer is parsed before anyone looks at it.
//
// An answer of 2xx that cannot be read counts as Unknown: something was done, but not what can be relied on. Refused
// credentials are told to whoever watches the link, once for all callers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "edge/binance/gateway.hpp"
#include "edge/binance/host.hpp"

namespace qtrader::binance {

struct Surroundings {
  Host& host;
  RestClient& rest;
  const domain::InstrumentTable& instruments;
  const GatewayConfig& config;
  Gateway::Sink sink;
  std::function<void(const ApiFailure&)> on_credentials;
  std::shared_ptr<std::size_t> in_flight = std::make_shared<std::size_t>(0);  // calls of ask() without an answer

  base::Timestamp server_now() const { return rest.server_now(); }
};

template <class T>
using Answer = std::variant<T, ApiFailure>;

template <class T>
void ask(const Surroundings& around, const Lifeline& life, Call call, base::Result<T> (*parse)(std::string_view),
         std::function<void(Answer<T>)> done) {
  std::string what = call.method + " " + call.path;
  ++*around.in_flight;
  auto read = [&around, parse, done = std::move(done), what = std::move(what)](ApiResult result) {
    if (auto* failure = std::get_if<ApiFailure>(&result)) {
      if (failure->kind == FailureClass::Credentials && around.on_credentials) around.on_credentials(*failure);
      return done(std::move(*failure));
    }
    base::Result<T> parsed = parse(std::get<std::string>(result));
    if (!parsed) return done(ApiFailure{FailureClass::Unknown, 200, 0, what + ": " + parsed.error().message()});
    done(std::move(*parsed));
  };
  around.rest.call(std::move(call),
                   [in_flight = around.in_flight, read = life.guard(std::move(read))](ApiResult result) mutable {
                     --*in_flight;
                     read(std::move(result));
                   });
}

/// For calls whose body does not matter.
inline base::Result<std::string> any_body(std::string_view body) { return std::string(body); }

}  // namespace qtrader::binance
