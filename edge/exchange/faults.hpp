// FaultPlan: which requests and which messages go wrong, and how. Rules come from the control endpoint.
//
// In the flow: the server asks it about every request and every message to a socket, and does what it answers; what
// happens at once (a disconnect, a halt) is an act, done by the server when the rule arrives. Deciding only: it touches
// no socket, no exchange, no clock. docs/formats/exchange-control.md documents the JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/domain/money.hpp"

namespace qtrader::exchange {

enum class FaultType : std::uint8_t {
  // Of requests.
  Delay,
  DropBefore,
  DropAfter,
  Respond,
  // Of messages to sockets.
  StreamDuplicate,
  StreamReorder,
  StreamHold,
  StreamDrop,
  DepthGap,
  // Acts.
  Ban,
  ClockSkew,
  Disconnect,
  ListenKeyExpire,
  SymbolStatus,
  Filters,
  Liquidate
};

/// What a rule applies to; an empty field matches everything.
struct FaultMatch {
  std::string method;     // GET, POST, …; WS for the WebSocket API
  std::string path;       // exact, or a prefix ending in `*`; the method's name for the WebSocket API
  std::string symbol;     // of the request's parameters, or of the stream
  std::string client_id;  // prefix of any client id among the parameters
  std::string contains;   // in query or body
  std::string stream;     // stream name: exact, or a prefix ending in `*`
  std::string event;      // payload type, "ORDER_TRADE_UPDATE"
};

struct FaultRule {
  std::int64_t id = 0;
  FaultType type = FaultType::Delay;
  FaultMatch match;
  std::int64_t count = 1, after = 0;  // times it applies, 0: until deleted; matches skipped first
  // Parameters, by type.
  std::int64_t ms = 0;           // Delay, StreamHold, ClockSkew
  bool after_execution = false;  // Delay, Respond
  int status = 503;              // Respond; Ban: 418 or 429
  int code = 0;                  // Respond: error code of the body
  std::string message;
  std::int64_t seconds = 0;     // Ban, Retry-After of Respond
  std::string channel = "all";  // Disconnect: user, market, ws_api, all
  std::string api_key;          // ListenKeyExpire, Liquidate; empty: every account
  std::string symbol_status;    // SymbolStatus: TRADING, HALT, CANCEL_ONLY, CLOSE
  std::optional<domain::Price> tick_size;
  std::optional<domain::Quantity> step_size, min_quantity;
  std::optional<domain::Money> min_notional;
  std::int64_t seen = 0, applied = 0;
};

constexpr bool is_act(FaultType type) { return type >= FaultType::Ban; }

/// A request as rules see it.
struct RequestFacts {
  std::string_view method, path;
  std::string_view text;  // query and body
  std::vector<std::pair<std::string, std::string>> parameters;
};
/// What to do with one request, or with one message.
struct RequestFault {
  base::Duration delay_before, delay_after;
  bool drop_before = false, drop_after = false;
  std::optional<FaultRule> respond;
  bool any() const {
    return delay_before.ns > 0 || delay_after.ns > 0 || drop_before || drop_after || respond.has_value();
  }
};
struct MessageFault {
  bool drop = false, duplicate = false, reorder = false;
  base::Duration hold;
};

/// Rules of a POST body: one rule, an array, or {"rules":[…]}. Errors: InvalidArgument naming rule and field.
base::Result<std::vector<FaultRule>> parse_fault_rules(std::string_view json);

class FaultPlan {
 public:
  /// Gives the rule its id.
  std::int64_t add(FaultRule rule);
  void clear() { rules_.clear(); }
  bool erase(std::int64_t id);
  const std::vector<FaultRule>& rules() const { return rules_; }
  bool empty() const { return rules_.empty(); }

  RequestFault on_request(const RequestFacts& request);
  MessageFault on_message(std::string_view stream, std::string_view event);
  bool lose_depth(std::string_view symbol);

 private:
  bool fires(FaultRule& rule);
  void drop_spent();
  std::vector<FaultRule> rules_;
  std::int64_t last_id_ = 0;
};

/// The rules with how often they matched and applied.
std::string faults_json(const FaultPlan& plan);
std::string_view to_string(FaultType type);

}  // namespace qtrader::exchange
