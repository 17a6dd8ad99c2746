#include "edge/exchange/api_call.hpp"

#include <algorithm>

namespace qtrader::exchange {

void append_success(std::string& out, std::string_view message) {
  JsonWriter(out).begin_object().field("code", 200).field("msg", message).end_object();
}

Timestamp time_of_ms(std::int64_t ms) {
  constexpr std::int64_t kMost = 4'000'000'000'000;  // year 2096: a century more or less still fits
  return Timestamp::from_unix_ms(std::clamp<std::int64_t>(ms, 0, kMost));
}

Window read_window(ParamReader& p, const WindowRules& rules, Timestamp now) {
  Window w;
  const auto from = p.integer_if("startTime"), to = p.integer_if("endTime");
  w.range.limit = p.limit(rules.limit, rules.most);
  const base::Duration width = base::hours(rules.widest_hours);
  if (from && to) {
    if (*from > *to) p.fail({-1023, "Start time is greater than end time."});
    if (time_of_ms(*to) - time_of_ms(*from) > width) p.fail(refusals::too_wide(rules.widest_hours));
  }
  const base::Duration rest_of_ms{999'999};
  if (from) w.range.from = time_of_ms(*from);
  if (to) w.range.to = time_of_ms(*to) + rest_of_ms;
  if (from && !to) w.range.to = *w.range.from + width;
  w.oldest = from ? *w.range.from : (to ? time_of_ms(*to) : now) - width;
  return w;
}

void check_client_id(ParamReader& p, std::string_view id) {
  const auto legal = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == ':' ||
           c == '/' || c == '_' || c == '-';
  };
  if (id.size() > 36) p.fail({-4015, "Client order id length should not be more than 36 chars"});
  if (!std::all_of(id.begin(), id.end(), legal)) p.fail({-4015, "Client order id is not valid."});
}

}  // namespace qtrader::exchange
