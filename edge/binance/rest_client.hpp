// RestClient: signed and unsigned calls of the USD-M REST API, within its limits.
//
// Signs (HMAC, RSA, Ed25519), keeps the server's clock (median of 5, minus half the round trip), books every call's
// weight against a budget of half the exchange's limit with 20 % of it reserved for what reduces exposure, waits out
// 429 and 418, and tells by error class what an answer means. It never decides to repeat an order: that is the venue
// adapter's, which asks the exchange first.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/time.hpp"
#include "edge/binance/endpoints.hpp"
#include "edge/net/client.hpp"

namespace qtrader::binance {

enum class Security : std::uint8_t { None, Key, Signed };
/// Exit: reduces exposure or protects; may use the reserve and goes before everything else.
enum class Priority : std::uint8_t { Exit, Entry, Query, Background };

struct Call {
  std::string method = "GET";
  std::string path;                                             // "/fapi/v1/order"
  std::vector<std::pair<std::string, std::string>> parameters;  // unencoded; timestamp and recvWindow are added
  Security security = Security::None;
  int weight = 1;
  int orders = 0;  // of the ORDERS limiters
  Priority priority = Priority::Query;
  base::Duration timeout = base::seconds(5);
};

/// What an answer that is not 2xx, or no answer, means.
enum class FailureClass : std::uint8_t {
  Rejected,     // a definite no: code and message say why
  NotExecuted,  // definitely nothing happened and trying again later may help (503 unavailable, -1008, not sent)
  Unknown,      // may or may not have been executed: ask before anything else
  Throttled,    // 429, 418, -1003, -1015, or refused here to stay within the budget: not executed
  Clock,        // -1021, -5028 after one resync and retry
  Credentials,  // -2014, -2015, -1022: never retried, the trader must halt
};
struct ApiFailure {
  FailureClass kind = FailureClass::Rejected;
  int http_status = 0;  // 0: no answer
  int code = 0;         // Binance's; 0: none
  std::string message;
};
using ApiResult = std::variant<std::string, ApiFailure>;  // body of a 2xx answer

struct RestConfig {
  double budget_share = 0.5;  // of the exchange's limits
  double exit_reserve = 0.2;  // of the budget, for Priority::Exit alone
  std::int64_t recv_window_ms = 2'000;
  std::size_t max_connections = 4;
  bool enforce_budget = true;  // false: counts, but never waits; for an exchange whose minutes end only at our word
};

struct RestStatistics {
  std::uint64_t calls = 0, throttled_here = 0, answers_429 = 0, answers_418 = 0;
  int used_weight_1m = 0, weight_budget_1m = 0;
  base::Duration clock_offset;  // server − ours
};

class RestClient {
 public:
  /// clock gives our wall time. Errors: InvalidArgument (endpoints, key material).
  static base::Result<std::unique_ptr<RestClient>> create(net::Loop& loop, Endpoints endpoints, Credentials credentials,
                                                          RestConfig config, std::function<base::Timestamp()> clock);
  virtual ~RestClient() = default;
  /// Exactly one callback, on the loop. Waits in line while the budget is used up (entries and queries; at most 1 000
  /// waiting and 10 s each, then Throttled); exits use the reserve.
  virtual void call(Call call, std::function<void(ApiResult)> done) = 0;
  /// Measures the clock: five rounds of /fapi/v1/time.
  virtual void sync_time(std::function<void(base::Result<void>)> done) = 0;
  virtual base::Timestamp server_now() const = 0;
  /// The limits of exchangeInfo's rateLimits; before that the documented ones.
  virtual void set_limits(int weight_1m, int orders_10s, int orders_1m) = 0;
  /// All REST is closed until then (418), by the exchange's clock (server_now); nothing if it is open.
  virtual std::optional<base::Timestamp> banned_until() const = 0;
  virtual RestStatistics statistics() const = 0;
};

/// The signature of a payload, as it goes into the URL (hex, or base64 percent-encoded).
base::Result<std::string> sign(const Credentials& credentials, std::string_view payload);

}  // namespace qtrader::binance
