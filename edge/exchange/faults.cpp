#include "edge/exchange/faults.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "edge/exchange/json_writer.hpp"

namespace qtrader::exchange {
namespace {

namespace json = boost::json;

constexpr std::array<std::pair<std::string_view, FaultType>, 16> kTypes = {
    {{"delay", FaultType::Delay},
     {"drop_before_execution", FaultType::DropBefore},
     {"drop_after_execution", FaultType::DropAfter},
     {"respond", FaultType::Respond},
     {"stream_duplicate", FaultType::StreamDuplicate},
     {"stream_reorder", FaultType::StreamReorder},
     {"stream_hold", FaultType::StreamHold},
     {"stream_drop", FaultType::StreamDrop},
     {"depth_gap", FaultType::DepthGap},
     {"ban", FaultType::Ban},
     {"clock_skew", FaultType::ClockSkew},
     {"disconnect", FaultType::Disconnect},
     {"listen_key_expire", FaultType::ListenKeyExpire},
     {"symbol_status", FaultType::SymbolStatus},
     {"filters", FaultType::Filters},
     {"liquidate", FaultType::Liquidate}}};

struct Answer {
  std::string_view kind;
  int status, code;
  std::string_view message;
};
/// The three meanings of 503, and the other server errors. docs/formats/exchange-control.md
constexpr std::array<Answer, 5> kAnswers = {
    {{"unknown", 503, -1000, "Unknown error, please check your request or try again later."},
     {"unavailable", 503, -1001, "Service Unavailable."},
     {"throttled", 503, -1008,
      "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."},
     {"internal", 500, -1001, "Internal error; unable to process your request. Please try again."},
     {"timeout", 408, -1007,
      "Timeout waiting for response from backend server. Send status unknown; execution status unknown."}}};

base::Error bad(std::size_t rule, const std::string& what) {
  return {"exchange", base::Errc::InvalidArgument, "fault rule " + std::to_string(rule) + ": " + what};
}

bool matches_name(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return true;
  if (pattern.back() == '*') return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

bool is_client_id(std::string_view name) {
  return name == "newClientOrderId" || name == "clientAlgoId" || name == "origClientOrderId" ||
         name == "clientalgoid" || name == "origclientorderid";
}

bool matches(const FaultMatch& m, const RequestFacts& r) {
  if (!m.stream.empty() || !m.event.empty()) return false;
  if (!m.method.empty() && m.method != r.method) return false;
  if (!matches_name(m.path, r.path)) return false;
  if (!m.contains.empty() && r.text.find(m.contains) == std::string_view::npos) return false;
  const auto any = [&](auto&& wanted) { return std::any_of(r.parameters.begin(), r.parameters.end(), wanted); };
  if (!m.symbol.empty() && !any([&](const auto& p) { return p.first == "symbol" && p.second == m.symbol; }))
    return false;
  return m.client_id.empty() ||
         any([&](const auto& p) { return is_client_id(p.first) && p.second.starts_with(m.client_id); });
}

bool same_symbol(std::string_view upper, std::string_view stream) {
  const auto at = stream.find('@');
  const std::string_view lower = stream.substr(0, at);
  return std::equal(upper.begin(), upper.end(), lower.begin(), lower.end(),
                    [](char u, char l) { return u == l || (u >= 'A' && u <= 'Z' && u - 'A' + 'a' == l); });
}

/// Reads the members of one rule; the first fault found is kept.
class RuleReader {
 public:
  RuleReader(const json::object& object, std::size_t index) : object_(object), index_(index) {}

  void text(std::string_view name, std::string& to) {
    const json::value* v = take(name);
    if (v == nullptr) return;
    if (!v->is_string()) return fail(name, "expected a string");
    to = std::string(v->get_string());
  }
  void integer(std::string_view name, std::int64_t& to, std::int64_t least) {
    const json::value* v = take(name);
    if (v == nullptr) return;
    if (!v->is_int64() || v->get_int64() < least)
      return fail(name, "expected an integer of at least " + std::to_string(least));
    to = v->get_int64();
  }
  template <class Fixed>
  void amount(std::string_view name, std::optional<Fixed>& to) {
    const json::value* v = take(name);
    if (v == nullptr) return;
    const auto parsed = Fixed::parse(v->is_string() ? std::string(v->get_string()) : json::serialize(*v));
    if (!parsed || !parsed->is_positive()) return fail(name, "expected a positive decimal");
    to = *parsed;
  }
  const json::value* take(std::string_view name) {
    const json::value* v = object_.if_contains(name);
    if (v != nullptr) used_.push_back(name);
    return v;
  }
  void fail(std::string_view name, const std::string& what) {
    if (!error_) error_ = bad(index_, std::string(name) + ": " + what);
  }
  /// Members nobody asked for are mistakes of the caller.
  std::optional<base::Error> finish() {
    for (const auto& member : object_)
      if (std::find(used_.begin(), used_.end(), std::string_view(member.key())) == used_.end())
        fail(member.key(), "unknown member");
    return error_;
  }

 private:
  const json::object& object_;
  std::size_t index_;
  std::vector<std::string_view> used_;
  std::optional<base::Error> error_;
};

void read_match(RuleReader& rule, FaultMatch& m, std::size_t index, std::optional<base::Error>& error) {
  const json::value* v = rule.take("match");
  if (v == nullptr) return;
  if (!v->is_object()) return rule.fail("match", "expected an object");
  RuleReader reader(v->get_object(), index);
  reader.text("method", m.method);
  reader.text("path", m.path);
  reader.text("symbol", m.symbol);
  reader.text("client_id", m.client_id);
  reader.text("contains", m.contains);
  reader.text("stream", m.stream);
  reader.text("event", m.event);
  error = reader.finish();
}

void read_answer(RuleReader& r, FaultRule& rule) {
  std::string kind = "unknown";
  r.text("kind", kind);
  const auto* known = std::find_if(kAnswers.begin(), kAnswers.end(), [&](const Answer& a) { return a.kind == kind; });
  if (known == kAnswers.end()) return r.fail("kind", "expected unknown, unavailable, throttled, internal or timeout");
  std::int64_t status = known->status, code = known->code;
  rule.message = known->message;
  r.integer("status", status, 400);
  r.integer("code", code, -100'000);
  r.text("msg", rule.message);
  rule.status = static_cast<int>(status);
  rule.code = static_cast<int>(code);
}

void read_when(RuleReader& r, FaultRule& rule) {
  std::string when = "before";
  r.text("when", when);
  if (when != "before" && when != "after") r.fail("when", "expected before or after");
  rule.after_execution = when == "after";
}

void read_parameters(RuleReader& r, FaultRule& rule) {
  switch (rule.type) {
    case FaultType::Delay:
      r.integer("ms", rule.ms, 1);
      if (rule.ms == 0) r.fail("ms", "missing");
      read_when(r, rule);
      break;
    case FaultType::Respond:
      read_answer(r, rule);
      read_when(r, rule);
      r.integer("seconds", rule.seconds, 0);
      break;
    case FaultType::StreamHold:
      r.integer("ms", rule.ms, 1);
      if (rule.ms == 0) r.fail("ms", "missing");
      break;
    case FaultType::Ban: {
      std::int64_t status = 418;
      r.integer("status", status, 400);
      if (status != 418 && status != 429) r.fail("status", "expected 418 or 429");
      rule.status = static_cast<int>(status);
      rule.seconds = 60;
      r.integer("seconds", rule.seconds, 1);
      break;
    }
    case FaultType::ClockSkew:
      r.integer("ms", rule.ms, -86'400'000);
      break;
    case FaultType::Disconnect:
      r.text("channel", rule.channel);
      if (rule.channel != "user" && rule.channel != "market" && rule.channel != "ws_api" && rule.channel != "all")
        r.fail("channel", "expected user, market, ws_api or all");
      break;
    case FaultType::SymbolStatus:
      r.text("status", rule.symbol_status);
      if (rule.symbol_status != "TRADING" && rule.symbol_status != "HALT" && rule.symbol_status != "CANCEL_ONLY" &&
          rule.symbol_status != "CLOSE")
        r.fail("status", "expected TRADING, HALT, CANCEL_ONLY or CLOSE");
      break;
    case FaultType::Filters:
      r.amount("tick_size", rule.tick_size);
      r.amount("step_size", rule.step_size);
      r.amount("min_quantity", rule.min_quantity);
      r.amount("min_notional", rule.min_notional);
      break;
    case FaultType::ListenKeyExpire:
    case FaultType::Liquidate:
      r.text("api_key", rule.api_key);
      break;
    default:
      break;
  }
  const bool needs_symbol =
      rule.type == FaultType::SymbolStatus || rule.type == FaultType::Filters || rule.type == FaultType::Liquidate;
  if (needs_symbol && rule.match.symbol.empty()) r.fail("match.symbol", "missing");
}

base::Result<FaultRule> parse_rule(const json::value& value, std::size_t index) {
  if (!value.is_object()) return bad(index, "expected an object");
  RuleReader reader(value.get_object(), index);
  FaultRule rule;
  std::string type;
  reader.text("type", type);
  const auto* known = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.first == type; });
  if (known == kTypes.end()) {
    std::string names;
    for (const auto& [name, t] : kTypes) names += (names.empty() ? "" : ", ") + std::string(name);
    return bad(index, "type: '" + type + "', expected one of " + names);
  }
  rule.type = known->second;
  std::optional<base::Error> in_match;
  read_match(reader, rule.match, index, in_match);
  if (in_match) return *in_match;
  reader.integer("count", rule.count, 0);
  reader.integer("after", rule.after, 0);
  read_parameters(reader, rule);
  if (const auto error = reader.finish()) return *error;
  return rule;
}

}  // namespace

std::string_view to_string(FaultType type) {
  for (const auto& [name, t] : kTypes)
    if (t == type) return name;
  return "?";
}

base::Result<std::vector<FaultRule>> parse_fault_rules(std::string_view text) {
  json::error_code failed;
  json::value parsed = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed) return base::Error{"exchange", base::Errc::InvalidArgument, "fault rules: not JSON: " + failed.message()};
  const json::value* list = &parsed;
  if (parsed.is_object())
    if (const json::value* inner = parsed.get_object().if_contains("rules")) list = inner;
  std::vector<FaultRule> out;
  if (!list->is_array()) {
    QT_TRY(auto rule, parse_rule(*list, 0));
    out.push_back(std::move(rule));
    return out;
  }
  for (std::size_t i = 0; i < list->get_array().size(); ++i) {
    QT_TRY(auto rule, parse_rule(list->get_array()[i], i));
    out.push_back(std::move(rule));
  }
  return out;
}

std::int64_t FaultPlan::add(FaultRule rule) {
  rule.id = ++last_id_;
  rules_.push_back(std::move(rule));
  return last_id_;
}

bool FaultPlan::erase(std::int64_t id) {
  return std::erase_if(rules_, [&](const FaultRule& r) { return r.id == id; }) > 0;
}

bool FaultPlan::fires(FaultRule& rule) {
  if (++rule.seen <= rule.after) return false;
  if (rule.count != 0 && rule.applied >= rule.count) return false;
  ++rule.applied;
  return true;
}

void FaultPlan::drop_spent() {
  std::erase_if(rules_, [](const FaultRule& r) { return !is_act(r.type) && r.count != 0 && r.applied >= r.count; });
}

RequestFault FaultPlan::on_request(const RequestFacts& request) {
  RequestFault out;
  for (auto& rule : rules_) {
    if (rule.type > FaultType::Respond || !matches(rule.match, request) || !fires(rule)) continue;
    switch (rule.type) {
      case FaultType::Delay:
        (rule.after_execution ? out.delay_after : out.delay_before) = base::milliseconds(rule.ms);
        break;
      case FaultType::DropBefore:
        out.drop_before = true;
        break;
      case FaultType::DropAfter:
        out.drop_after = true;
        break;
      default:
        out.respond = rule;
        break;
    }
  }
  drop_spent();
  return out;
}

MessageFault FaultPlan::on_message(std::string_view stream, std::string_view event) {
  MessageFault out;
  for (auto& rule : rules_) {
    if (rule.type < FaultType::StreamDuplicate || rule.type > FaultType::StreamDrop) continue;
    const auto& m = rule.match;
    if (!matches_name(m.stream, stream) || (!m.event.empty() && m.event != event)) continue;
    if (!m.symbol.empty() && !same_symbol(m.symbol, stream)) continue;
    if (!fires(rule)) continue;
    if (rule.type == FaultType::StreamDuplicate) out.duplicate = true;
    if (rule.type == FaultType::StreamReorder) out.reorder = true;
    if (rule.type == FaultType::StreamDrop) out.drop = true;
    if (rule.type == FaultType::StreamHold) out.hold = base::milliseconds(rule.ms);
  }
  drop_spent();
  return out;
}

bool FaultPlan::lose_depth(std::string_view symbol) {
  bool lose = false;
  for (auto& rule : rules_)
    if (rule.type == FaultType::DepthGap && (rule.match.symbol.empty() || rule.match.symbol == symbol) && fires(rule))
      lose = true;
  drop_spent();
  return lose;
}

std::string faults_json(const FaultPlan& plan) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("rules").begin_array();
  for (const auto& r : plan.rules()) {
    w.begin_object().field("id", r.id).field("type", to_string(r.type)).field("count", r.count).field("after", r.after);
    w.field("seen", r.seen).field("applied", r.applied).end_object();
  }
  w.end_array().end_object();
  return out;
}

}  // namespace qtrader::exchange
