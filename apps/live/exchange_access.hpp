// ExchangeAccess: from a RunSpec to a signed, clock-synchronised REST client: shared by `qtrader run` and `qtrader
// doctor`.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "apps/live/run.hpp"
#include "edge/binance/rest_client.hpp"
#include "edge/system/process.hpp"

namespace qtrader::apps {

/// Binance's or the one named. Paper looks at the real market; its orders never leave this process.
base::Result<binance::Endpoints> endpoints_of(const RunSpec& spec);

/// clock is null but in lockstep: then it is set to the exchange's time. Errors: those of the credentials; Unavailable.
base::Result<std::unique_ptr<binance::RestClient>> open_rest(net::Loop& loop, const RunSpec& spec,
                                                             const binance::Endpoints& endpoints,
                                                             const std::shared_ptr<base::Timestamp>& clock);

/// Runs the loop until `start`'s callback has been called. Unavailable after 30 s, or when interrupted.
template <class T, class Start>
base::Result<T> wait_for(net::Loop& loop, const char* what, Start start) {
  constexpr double kLimitS = 30;
  // Owned by the callback, too: an answer that comes after the limit must find something to write to.
  auto result = std::make_shared<std::optional<base::Result<T>>>();
  start([result](base::Result<T> r) { *result = std::move(r); });
  const double give_up = system::steady_seconds() + kLimitS;
  while (!*result) {
    if (system::steady_seconds() > give_up || system::interrupted())
      return base::Error{"run", base::Errc::Unavailable, std::string(what) + ": the exchange does not answer"};
    loop.run_for(base::milliseconds(20));
  }
  return std::move(**result);
}

/// The body of a 2xx answer, or the failure as an error.
base::Result<std::string> fetch(net::Loop& loop, binance::RestClient& rest, const std::string& path,
                                binance::Security security);

}  // namespace qtrader::apps
