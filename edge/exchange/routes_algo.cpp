// Handlers of the algo service: conditional orders.
#include <algorithm>

#include "edge/exchange/api_call.hpp"

namespace qtrader::exchange {

using matching::AlgoView;
using matching::NewAlgoOrder;
using matching::OrderType;

namespace {

constexpr std::int64_t kPercent = 100;
constexpr int kCarriedDecimals = 8;
// Percent: from 0.1 up to 20 (10 before October 2026).
constexpr std::int64_t kLeastCallback = domain::kFixedScale / 10, kMostCallback = 20 * domain::kFixedScale;

/// The same order, asked for through the algo service or, before it existed, through /order.
struct Spelling {
  std::string_view client_id, trigger;
};
constexpr Spelling kAlgoService{"clientAlgoId", "triggerPrice"}, kOrderService{"newClientOrderId", "stopPrice"};

// What each type must and must not carry.
void check_combination(ParamReader& p, const NewAlgoOrder& order, const Spelling& spelling) {
  const bool trailing = order.type == OrderType::TrailingStopMarket;
  const bool may_close_all = order.type == OrderType::StopMarket || order.type == OrderType::TakeProfitMarket;
  const bool matched = order.price_match != matching::PriceMatch::None;
  if (trailing && !p.has("callbackRate")) p.fail(refusals::missing("callbackRate"));
  if (!trailing && !p.has(spelling.trigger)) p.fail(refusals::missing(spelling.trigger));
  if (has_limit_price(order.type)) {
    if (!p.has("price") && !matched) p.fail(refusals::missing("price"));
    if (matched && !order.price.is_zero()) p.fail(refusals::not_required("price"));
  } else {
    if (matched) p.fail({-5038, "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT"});
    if (!order.price.is_zero()) p.fail(refusals::not_required("price"));
  }
  if (order.time_in_force == matching::TimeInForce::Gtd && !p.has("goodTillDate"))
    p.fail(refusals::missing("goodTillDate"));
  if (!order.close_position) {
    if (!p.has("quantity")) p.fail(refusals::missing("quantity"));
    return;
  }
  if (!may_close_all)
    p.fail(
        {-4136, "Target strategy invalid for orderType " + std::string(wire_name(order.type)) + ",closePosition true"});
  if (!order.quantity.is_zero()) p.fail({-4137, "Quantity must be zero with closePosition equals true"});
  if (p.has("reduceOnly")) p.fail(refusals::not_required("reduceOnly"));
}

// Numbers with more decimals than fixed point carries cannot be judged by the exchange any more.
template <class Number>
Number number_if(ParamReader& p, std::string_view name) {
  const Decimal d = p.decimal_if(name).value_or(Decimal{});
  if (d.decimals > kCarriedDecimals) p.fail({-1111, "Precision is over the maximum defined for this asset."});
  return Number::from_raw(d.raw);
}

NewAlgoOrder read_algo(Call& call, ParamReader& p, const Spelling& spelling) {
  NewAlgoOrder order;
  if (!p.has("symbol")) p.fail(refusals::missing("symbol"));
  order.side = p.word("side", &parse_side, {-1117, "Invalid side."});
  order.type = p.word("type", &parse_order_type, {-1116, "Invalid orderType."});
  if (!p.failed() && !is_conditional(order.type)) p.fail({-1116, "Invalid orderType."});
  order.position_side =
      p.word_or("positionSide", &parse_position_side, order.position_side, {-4060, "Invalid position side."});
  order.time_in_force =
      p.word_or("timeInForce", &parse_time_in_force, order.time_in_force, {-1115, "Invalid timeInForce."});
  order.quantity = number_if<domain::Quantity>(p, "quantity");
  order.price = number_if<domain::Price>(p, "price");
  order.trigger_price = number_if<domain::Price>(p, spelling.trigger);
  order.activate_price = number_if<domain::Price>(p, p.has("activatePrice") ? "activatePrice" : "activationPrice");
  const auto callback = p.decimal_if("callbackRate");
  if (callback) order.callback = domain::Ratio::from_raw(callback->raw / kPercent);
  order.working =
      p.word_or("workingType", &parse_working_type, order.working, {-4031, "Invalid parameter working type"});
  order.price_match = p.word_or("priceMatch", &parse_price_match, order.price_match, {-5037, "Invalid price match"});
  order.close_position = p.boolean_or("closePosition", false);
  order.price_protect = p.boolean_or("priceProtect", false);
  order.reduce_only = p.boolean_or("reduceOnly", false);
  order.self_trade = p.word_or("selfTradePreventionMode", &parse_self_trade, order.self_trade,
                               {-5039, "Invalid self trade prevention mode"});
  order.good_till_ms = p.integer_if("goodTillDate").value_or(0);
  check_combination(p, order, spelling);
  order.symbol = p.symbol();
  if (p.has("reduceOnly") && call.exchange().account(call.account()).hedge_mode)
    p.fail(refusals::not_required("reduceOnly"));
  order.client_id = p.text_or(spelling.client_id, "");
  check_client_id(p, order.client_id);
  if (order.type == OrderType::TrailingStopMarket && callback &&
      (callback->raw < kLeastCallback || callback->raw > kMostCallback))
    p.fail({-2007, "Invalid callback rate"});
  return order;
}

void append_row(Call& call, const AlgoView& algo, AlgoShape shape) {
  append_algo(call.out, algo, format_of(call.exchange(), algo.request.symbol), shape);
}

struct AlgoRef {
  std::int64_t id = 0;
  std::string client_id;
};
AlgoRef read_algo_ref(ParamReader& p) {
  AlgoRef ref{p.integer_if_any({"algoId", "algoid"}).value_or(0), p.text_if_any({"clientAlgoId", "clientalgoid"})};
  if (ref.id == 0 && ref.client_id.empty()) p.fail(refusals::either_missing("algoId", "clientAlgoId"));
  return ref;
}

}  // namespace

Answer place_algo(Call& call) {
  ParamReader p = call.reader();
  const std::string kind = p.text("algoType");
  if (!kind.empty() && kind != "CONDITIONAL") p.fail(refusals::not_valid("algoType"));
  const NewAlgoOrder order = read_algo(call, p, kAlgoService);
  if (p.failed()) return p.refusal();
  const auto placed = call.exchange().place_algo(call.account(), order);
  if (!placed) return placed.refusal();
  append_row(call, *placed, AlgoShape::Ack);
  return std::nullopt;
}

matching::OrderView legacy_order(const AlgoView& algo) {
  matching::OrderView order = order_of_algo(algo);
  order.id += kLegacyIds;
  return order;
}

Answer place_legacy_conditional(Call& call, OrderType type) {
  ParamReader p = call.reader();
  // Before the algo service a STOP or TAKE_PROFIT had to say its time in force; the others reported GTC.
  if (has_limit_price(type) && !p.has("timeInForce")) p.fail(refusals::missing("timeInForce"));
  const NewAlgoOrder order = read_algo(call, p, kOrderService);
  if (p.failed()) return p.refusal();
  const auto placed = call.exchange().place_algo(call.account(), order);
  if (!placed) return placed.refusal();
  append_order(call.out, legacy_order(*placed), format_of(call.exchange(), order.symbol),
               {OrderShape::Ack, call.config.ack_average_price, false});
  return std::nullopt;
}

Answer cancel_algo(Call& call) {
  ParamReader p = call.reader();
  const AlgoRef ref = read_algo_ref(p);
  if (p.failed()) return p.refusal();
  const auto cancelled = call.exchange().cancel_algo(call.account(), ref.id, ref.client_id);
  if (!cancelled) return cancelled.refusal();
  JsonWriter w(call.out);
  w.begin_object().field("algoId", cancelled->id).field("clientAlgoId", cancelled->request.client_id);
  w.field("code", "200").field("msg", "success").end_object();
  return std::nullopt;
}

namespace {

Answer query_algo(Call& call) {
  ParamReader p = call.reader();
  const AlgoRef ref = read_algo_ref(p);
  if (p.failed()) return p.refusal();
  const auto algo = call.exchange().algo(call.account(), ref.id, ref.client_id);
  if (!algo) return Refusal{-2013, "Order does not exist."};
  append_row(call, *algo, AlgoShape::Record);
  return std::nullopt;
}

Answer cancel_all_algos(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  if (p.failed()) return p.refusal();
  const auto done = call.exchange().cancel_all_algo(call.account(), symbol);
  if (!done) return done.refusal();
  append_success(call.out, "The operation of cancel all open order is done.");
  return std::nullopt;
}

Answer query_open_algos(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  const auto id = p.integer_if_any({"algoId", "algoid"});
  const std::string kind = p.text_or("algoType", "CONDITIONAL");
  if (p.failed()) return p.refusal();
  auto rows = call.exchange().open_algos(call.account(), symbol);
  std::erase_if(rows, [&](const AlgoView& row) { return (id && row.id != *id) || kind != "CONDITIONAL"; });
  append_list(call.out, rows, [&](const AlgoView& row) { append_row(call, row, AlgoShape::ListRow); });
  return std::nullopt;
}

Answer query_all_algos(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const auto id = p.integer_if_any({"algoId", "algoid"});
  const Window window = read_window(p, {}, call.now);
  if (p.failed()) return p.refusal();
  matching::TimeRange range = window.range;
  range.from_id = id.value_or(0);
  auto rows = call.exchange().algos(call.account(), symbol, range);
  std::erase_if(rows, [&](const AlgoView& row) { return !id && row.created < window.oldest; });
  append_list(call.out, rows, [&](const AlgoView& row) { append_row(call, row, AlgoShape::ListRow); });
  return std::nullopt;
}

int one_or_forty(const Params& params) { return params.has("symbol") ? 1 : 40; }

constexpr RateLimits::OrderCost kOneOrder{1, 1};

constexpr Route kRoutes[] = {
    {"POST", "/fapi/v1/algoOrder", Security::Trade, {0}, &place_algo, kOneOrder},
    {"GET", "/fapi/v1/algoOrder", Security::Signed, {1}, &query_algo},
    {"DELETE", "/fapi/v1/algoOrder", Security::Trade, {1}, &cancel_algo},
    {"DELETE", "/fapi/v1/algoOpenOrders", Security::Trade, {1}, &cancel_all_algos},
    {"GET", "/fapi/v1/openAlgoOrders", Security::Signed, {0, &one_or_forty}, &query_open_algos},
    {"GET", "/fapi/v1/allAlgoOrders", Security::Signed, {5}, &query_all_algos},
};

}  // namespace

std::span<const Route> algo_routes() { return kRoutes; }

}  // namespace qtrader::exchange
