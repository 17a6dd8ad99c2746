// Call, Route: one request on its way through the Api, and the table that says which handler answers it.
//
// In the flow: api.cpp (REST) and api_frames.cpp (WebSocket API) check key, signature and limits, build a Call and run
// the handler of its Route; the routes_*.cpp files hold the handlers by theme. A handler appends the answer's JSON to
// out, or returns the refusal. It never sees sockets, headers or signatures.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "edge/exchange/api.hpp"
#include "edge/exchange/params.hpp"
#include "edge/exchange/rate_limits.hpp"
#include "edge/exchange/render.hpp"

namespace qtrader::exchange {

/// What a request must carry. Key is a header only; Signed adds timestamp and signature; Trade also the key's
/// permission.
enum class Security : std::uint8_t { None, Key, Signed, Trade };

/// What the Api itself remembers of accounts.
struct ApiState {
  base::Timestamp opened;  // when this exchange started
  std::map<matching::AccountId, bool> fee_burn;
};

struct Call {
  const Api::Rooms& rooms;
  const ApiConfig& config;
  ApiState& state;
  const Params& params;
  const ApiKey* key;  // null on public routes
  base::Timestamp now;
  std::string& out;

  matching::Exchange& exchange() const { return rooms.exchange; }
  matching::AccountId account() const { return key->account; }
  ParamReader reader() const { return ParamReader(params, rooms.exchange); }
};

/// Nothing: out holds the answer.
using Answer = std::optional<Refusal>;
using Handler = Answer (*)(Call& call);

struct Weight {
  int fixed = 1;
  int (*of)(const Params& params) = nullptr;  // instead of fixed
};

struct Route {
  std::string_view method, path;  // of WebSocket API methods: "WS" and the method's name
  Security security = Security::None;
  Weight weight;
  Handler handler = nullptr;
  RateLimits::OrderCost orders = {};
  Pool pool = Pool::Weight;
};

// The tables; together they are every route.
std::span<const Route> market_routes();
std::span<const Route> statistics_routes();
std::span<const Route> order_routes();
std::span<const Route> algo_routes();
std::span<const Route> account_routes();
std::span<const Route> frame_routes();  // WebSocket API methods that a handler can answer

// Helpers of several handler files.

/// The answer of setters.
void append_success(std::string& out, std::string_view message = "success");
/// Milliseconds of a client, clamped to 1970 … 2096, so that windows around them can be reckoned.
Timestamp time_of_ms(std::int64_t ms);
/// startTime, endTime and limit of history queries.
struct WindowRules {
  std::size_t limit = 500, most = 1'000;
  std::int64_t widest_hours = 7 * 24;  // and the default width
};
/// endTime is inclusive to its last nanosecond. With one end the other follows from the width; with none, the range is
/// open and `oldest` says what is too old to show. Complains with -1023, -1127, -1130.
struct Window {
  matching::TimeRange range;
  Timestamp oldest;
};
Window read_window(ParamReader& p, const WindowRules& rules, Timestamp now);
/// A place where a list of objects goes: `[a,b,…]`.
template <class List, class Append>
void append_list(std::string& out, const List& list, Append append) {
  out.push_back('[');
  bool first = true;
  for (const auto& item : list) {
    if (!first) out.push_back(',');
    first = false;
    append(item);
  }
  out.push_back(']');
}
/// -4015 unless the id is empty or `^[\.A-Z\:/a-z0-9_-]{1,36}$`.
void check_client_id(ParamReader& p, std::string_view id);

// Order handlers that the batch and WebSocket methods share.
Answer place_order(Call& call);
Answer amend_order(Call& call);
Answer cancel_order(Call& call);
Answer query_order(Call& call);
Answer place_algo(Call& call);
Answer cancel_algo(Call& call);
/// Order numbers of conditional orders where the algo service is off: above those of plain orders, below 2^53.
inline constexpr std::int64_t kLegacyIds = std::int64_t{1} << 52;
/// The conditional order as such an order.
matching::OrderView legacy_order(const matching::AlgoView& algo);
/// A conditional type on an order endpoint, where the algo service is off.
Answer place_legacy_conditional(Call& call, matching::OrderType type);

}  // namespace qtrader::exchange
