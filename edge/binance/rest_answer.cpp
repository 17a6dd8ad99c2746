#include "edge/binance/rest_answer.hpp"

#include <charconv>

#include "edge/binance/messages_rest.hpp"

namespace qtrader::binance {
namespace {

constexpr base::Duration kShortestBan = base::minutes(2);

std::optional<std::int64_t> leading_number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && out >= 0 ? std::optional(out) : std::nullopt;
}

std::optional<int> count_header(const net::HttpResponse& response, std::string_view name) {
  const auto value = leading_number(net::header(response.headers, name));
  return value && *value < 1'000'000 ? std::optional(static_cast<int>(*value)) : std::nullopt;
}

FailureClass class_of_code(int code, FailureClass otherwise) {
  switch (code) {
    case -1003:
    case -1015:
      return FailureClass::Throttled;
    case -1008:
      return FailureClass::NotExecuted;
    case -1021:
    case -5028:
      return FailureClass::Clock;
    case -1002:
    case -1022:
    case -2014:
    case -2015:
    case -2017:
      return FailureClass::Credentials;
    // An order of this client id exists: ours of an earlier try, so what became of it must be asked.
    case -4116:
    case -1000:
    case -1001:
    case -1006:
    case -1007:
      return FailureClass::Unknown;
    default:
      return otherwise;
  }
}

/// A 503 has three meanings, told apart by its text; this one says that nothing was executed.
bool unavailable(int status, std::string_view message) {
  return status == 503 && message.find("Service Unavailable") != std::string_view::npos;
}

FailureClass class_of_status(int status, std::string_view message) {
  if (status == 429 || status == 418 || status == 403) return FailureClass::Throttled;  // 403: the firewall's limit
  if (status == 401) return FailureClass::Credentials;
  if (status == 408) return FailureClass::Unknown;
  if (unavailable(status, message)) return FailureClass::NotExecuted;
  if (status >= 500) return FailureClass::Unknown;
  return FailureClass::Rejected;
}

}  // namespace

std::optional<ApiFailure> failure_of(const net::HttpResponse& response) {
  if (response.status >= 200 && response.status < 300) return std::nullopt;
  ApiFailure out;
  out.http_status = response.status;
  if (const auto body = parse_error_body(response.body)) {
    out.code = body->code;
    out.message = body->message;
  } else {
    out.message = response.body.substr(0, 200);
  }
  out.kind = class_of_status(response.status, out.message);
  // The firewall, the limiter and a bad key speak by status, whatever code comes with them; so does a closed service.
  const bool by_status = response.status == 429 || response.status == 418 || response.status == 401 ||
                         unavailable(response.status, out.message);
  if (!by_status && out.code != 0) out.kind = class_of_code(out.code, out.kind);
  return out;
}

ApiFailure failure_of(const net::HttpFailure& failure) {
  return {failure.sent ? FailureClass::Unknown : FailureClass::NotExecuted, 0, 0, failure.error.message()};
}

RestScheduler::Answer limits_of(const net::HttpResponse& response, base::Timestamp now) {
  RestScheduler::Answer out;
  out.status = response.status;
  out.used_weight = count_header(response, "X-MBX-USED-WEIGHT-1M");
  out.used_orders_10s = count_header(response, "X-MBX-ORDER-COUNT-10S");
  out.used_orders_1m = count_header(response, "X-MBX-ORDER-COUNT-1M");
  const auto failure = failure_of(response);
  if (!failure || failure->kind != FailureClass::Throttled) return out;
  out.throttled = true;
  // Anything beyond three days, the longest ban, is not a number of seconds to believe.
  if (const auto s = leading_number(net::header(response.headers, "Retry-After")); s && *s <= 4 * 86'400)
    out.retry_after = base::seconds(*s);
  constexpr std::string_view kNotice = "banned until ";
  const auto at = failure->message.find(kNotice);
  const auto until = at == std::string::npos
                         ? std::nullopt
                         : leading_number(std::string_view(failure->message).substr(at + kNotice.size()));
  if (until && *until > now.unix_ms() && *until < (now + base::days(4)).unix_ms())
    out.banned_until = base::Timestamp::from_unix_ms(*until);
  else if (response.status == 418)
    out.banned_until = now + out.retry_after.value_or(kShortestBan);
  return out;
}

}  // namespace qtrader::binance
