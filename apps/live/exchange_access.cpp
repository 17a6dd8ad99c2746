#include "apps/live/exchange_access.hpp"

#include "edge/binance/messages_rest.hpp"

namespace qtrader::apps {

base::Result<binance::Endpoints> endpoints_of(const RunSpec& spec) {
  if (!spec.venue_url.empty()) return binance::endpoints_at(spec.venue_url, spec.ca_file);
  return spec.mode == Mode::Testnet ? binance::testnet_endpoints() : binance::live_endpoints();
}

base::Result<std::string> fetch(net::Loop& loop, binance::RestClient& rest, const std::string& path,
                                binance::Security security) {
  return wait_for<std::string>(loop, path.c_str(), [&](auto done) {
    binance::Call call;
    call.path = path;
    call.security = security;
    call.weight = 5;
    rest.call(std::move(call), [done, path](binance::ApiResult result) {
      if (const auto* failure = std::get_if<binance::ApiFailure>(&result))
        return done(base::Error{"run", base::Errc::Unavailable,
                                path + ": " + failure->message + " (" + std::to_string(failure->code) + ")"});
      done(std::get<std::string>(std::move(result)));
    });
  });
}

base::Result<std::unique_ptr<binance::RestClient>> open_rest(net::Loop& loop, const RunSpec& spec,
                                                             const binance::Endpoints& endpoints,
                                                             const std::shared_ptr<base::Timestamp>& clock) {
  binance::Credentials credentials;
  if (spec.mode != Mode::Paper) {
    QT_TRY(credentials, binance::load_credentials(spec.key_reference, spec.secret_reference));
  }
  const auto now = [clock] { return clock ? *clock : system::wall_now(); };
  binance::RestConfig config;
  config.enforce_budget = !clock;  // in lockstep a minute of the exchange's may hold hours of ours, or never end
  QT_TRY(auto rest, binance::RestClient::create(loop, endpoints, std::move(credentials), config, now));
  if (clock) {  // a lockstep exchange stands still: its time is ours from the first answer on
    QT_TRY(const std::string body, fetch(loop, *rest, "/fapi/v1/time", binance::Security::None));
    QT_TRY(*clock, binance::parse_server_time(body));
  }
  QT_TRY([[maybe_unused]] const int synced, wait_for<int>(loop, "time", [&](auto done) {
           rest->sync_time([done](base::Result<void> r) {
             if (r) return done(1);
             done(r.error());
           });
         }));
  return rest;
}

}  // namespace qtrader::apps
