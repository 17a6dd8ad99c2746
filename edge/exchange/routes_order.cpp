// Handlers of the order endpoints: place, test, amend, cancel, query, batches, history.
#include <algorithm>

#include "edge/exchange/api_call.hpp"

namespace qtrader::exchange {

using matching::NewOrder;
using matching::OrderRef;
using matching::OrderType;
using matching::OrderView;
using matching::TimeInForce;

namespace {

const Refusal kInvalidSide{-1117, "Invalid side."};
const Refusal kInvalidType{-1116, "Invalid orderType."};
const Refusal kInvalidTimeInForce{-1115, "Invalid timeInForce."};
const Refusal kInvalidPositionSide{-4060, "Invalid position side."};
const Refusal kInvalidPriceMatch{-5037, "Invalid price match"};
const Refusal kInvalidSelfTrade{-5039, "Invalid self trade prevention mode"};
constexpr int kCarriedDecimals = 8;
const Refusal kPrecision{-1111, "Precision is over the maximum defined for this asset."};
const Refusal kNoSuchOrder{-2013, "Order does not exist."};
const Refusal kAlgoOnly{-4120,
                        "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."};

enum class ResponseType : std::uint8_t { Ack, Result };
std::optional<ResponseType> parse_response_type(std::string_view text) {
  if (text == "ACK") return ResponseType::Ack;
  if (text == "RESULT") return ResponseType::Result;
  return std::nullopt;
}

constexpr base::Duration kForgetUnfilled = base::days(3), kForgetAll = base::days(90);

/// Orders that Binance no longer shows: cancelled or expired without a fill after three days, all after ninety.
bool forgotten(const OrderView& o, Timestamp now) {
  if (matching::is_open(o.status)) return false;
  const bool unfilled = o.executed.is_zero() && o.status != matching::OrderStatus::Filled;
  return now - o.created > (unfilled ? kForgetUnfilled : kForgetAll);
}

void append_record(Call& call, const OrderView& order) {
  append_order(call.out, order, format_of(call.exchange(), order.request.symbol), {});
}

void append_ack(Call& call, const OrderView& order, OrderShape shape, bool as_accepted) {
  append_order(call.out, order, format_of(call.exchange(), order.request.symbol),
               {shape, call.config.ack_average_price, as_accepted});
}

// What each type must and must not carry. A price of zero is what some clients send for "none".
void check_combination(ParamReader& p, const NewOrder& order) {
  const bool matched = order.price_match != matching::PriceMatch::None;
  if (!p.has("quantity")) p.fail(refusals::missing("quantity"));
  if (order.type == OrderType::Limit) {
    if (!p.has("timeInForce")) p.fail(refusals::missing("timeInForce"));
    if (!p.has("price") && !matched) p.fail(refusals::missing("price"));
    if (matched && !order.price.is_zero()) p.fail(refusals::not_required("price"));
  } else {
    if (matched) p.fail({-5038, "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT"});
    if (!order.price.is_zero()) p.fail(refusals::not_required("price"));
    if (p.has("timeInForce")) p.fail(refusals::not_required("timeInForce"));
  }
  if (order.time_in_force == TimeInForce::Gtd && !p.has("goodTillDate")) p.fail(refusals::missing("goodTillDate"));
}

// reduceOnly is a question of its presence, not of its value, where positions have sides.
void check_reduce_only(Call& call, ParamReader& p) {
  if (p.has("reduceOnly") && call.exchange().account(call.account()).hedge_mode)
    p.fail(refusals::not_required("reduceOnly"));
}

// The exchange judges precision in its turn; here is caught only what fixed point could not carry to it.
void check_precision(ParamReader& p, Decimal price, Decimal quantity) {
  if (price.decimals > kCarriedDecimals || quantity.decimals > kCarriedDecimals) p.fail(kPrecision);
}

struct ParsedOrder {
  NewOrder order;
  ResponseType response = ResponseType::Ack;
};

ParsedOrder read_new_order(Call& call, ParamReader& p) {
  ParsedOrder parsed;
  NewOrder& order = parsed.order;
  if (!p.has("symbol")) p.fail(refusals::missing("symbol"));
  order.side = p.word("side", &parse_side, kInvalidSide);
  order.type = p.word("type", &parse_order_type, kInvalidType);
  order.position_side = p.word_or("positionSide", &parse_position_side, order.position_side, kInvalidPositionSide);
  order.time_in_force = p.word_or("timeInForce", &parse_time_in_force, order.time_in_force, kInvalidTimeInForce);
  const Decimal quantity = p.decimal_if("quantity").value_or(Decimal{});
  const Decimal price = p.decimal_if("price").value_or(Decimal{});
  order.quantity = domain::Quantity::from_raw(quantity.raw);
  order.price = domain::Price::from_raw(price.raw);
  order.reduce_only = p.boolean_or("reduceOnly", false);
  order.price_match = p.word_or("priceMatch", &parse_price_match, order.price_match, kInvalidPriceMatch);
  order.self_trade = p.word_or("selfTradePreventionMode", &parse_self_trade, order.self_trade, kInvalidSelfTrade);
  order.good_till_ms = p.integer_if("goodTillDate").value_or(0);
  parsed.response =
      p.word_or("newOrderRespType", &parse_response_type, ResponseType::Ack, {-1136, "Invalid newOrderRespType."});
  if (is_conditional(order.type)) return parsed;
  check_combination(p, order);
  order.symbol = p.symbol();
  check_reduce_only(call, p);
  order.client_id = p.text_or("newClientOrderId", "");
  check_client_id(p, order.client_id);
  check_precision(p, price, quantity);
  return parsed;
}

// The final state is told at once only where the order cannot rest.
bool final_at_once(const NewOrder& order) {
  return order.type == OrderType::Market || order.time_in_force == TimeInForce::Ioc ||
         order.time_in_force == TimeInForce::Fok;
}

OrderRef read_ref(ParamReader& p) {
  OrderRef ref;
  ref.symbol = p.symbol();
  ref.id = p.integer_if("orderId").value_or(0);
  ref.client_id = p.text_or("origClientOrderId", "");
  if (ref.id == 0 && ref.client_id.empty()) p.fail(refusals::either_missing("orderId", "origClientOrderId"));
  return ref;
}

// Where the algo service is off its orders are known to clients as orders, under numbers of their own range: the
// exchange counts the two kinds separately.
std::optional<matching::AlgoView> legacy_algo(Call& call, const OrderRef& ref) {
  if (call.config.algo_service || (ref.id != 0 && ref.id < kLegacyIds)) return std::nullopt;
  auto algo = call.exchange().algo(call.account(), ref.id != 0 ? ref.id - kLegacyIds : 0, ref.client_id);
  if (!algo || algo->request.symbol != ref.symbol) return std::nullopt;
  // A client id may have been used again since, for a plain order.
  if (ref.id == 0 && !matching::is_open(algo->status) && call.exchange().order(call.account(), ref))
    return std::nullopt;
  return algo;
}

std::vector<OrderView> legacy_orders(const std::vector<matching::AlgoView>& algos) {
  std::vector<OrderView> orders;
  for (const auto& algo : algos)
    if (algo.order_id == 0) orders.push_back(legacy_order(algo));
  return orders;
}

Answer test_order(Call& call) {
  ParamReader p = call.reader();
  const ParsedOrder parsed = read_new_order(call, p);
  if (p.failed()) return p.refusal();
  if (is_conditional(parsed.order.type)) return kAlgoOnly;
  const auto done = call.exchange().test(call.account(), parsed.order);
  if (!done) return done.refusal();
  OrderView view;
  view.account = call.account();
  view.request = parsed.order;
  view.original_type = parsed.order.type;
  view.created = view.updated = call.exchange().now();
  append_ack(call, view, OrderShape::Ack, true);
  return std::nullopt;
}

}  // namespace

Answer place_order(Call& call) {
  ParamReader p = call.reader();
  const ParsedOrder parsed = read_new_order(call, p);
  if (p.failed()) return p.refusal();
  if (is_conditional(parsed.order.type)) {
    if (call.config.algo_service) {
      p.symbol();
      return p.failed() ? p.refusal() : kAlgoOnly;
    }
    return place_legacy_conditional(call, parsed.order.type);
  }
  const auto placed = call.exchange().place(call.account(), parsed.order);
  if (!placed) return placed.refusal();
  const bool result = parsed.response == ResponseType::Result && final_at_once(parsed.order);
  append_ack(call, *placed, OrderShape::Ack, !result);
  return std::nullopt;
}

Answer amend_order(Call& call) {
  ParamReader p = call.reader();
  matching::AmendOrder amend;
  if (!p.has("symbol")) p.fail(refusals::missing("symbol"));
  amend.side = p.word("side", &parse_side, kInvalidSide);
  amend.price_match = p.word_or("priceMatch", &parse_price_match, amend.price_match, kInvalidPriceMatch);
  const Decimal quantity = p.decimal("quantity");
  const bool matched = amend.price_match != matching::PriceMatch::None;
  const Decimal price = matched ? p.decimal_if("price").value_or(Decimal{}) : p.decimal("price");
  if (matched && price.raw != 0) p.fail(refusals::not_required("price"));
  amend.quantity = domain::Quantity::from_raw(quantity.raw);
  amend.price = domain::Price::from_raw(price.raw);
  amend.modify_id = p.integer_if("modifyId").value_or(0);
  const bool reduce_only = p.boolean_or("reduceOnly", false);
  amend.ref = read_ref(p);
  check_precision(p, price, quantity);
  if (p.failed()) return p.refusal();
  if (reduce_only) {
    const auto known = call.exchange().order(call.account(), amend.ref);
    if (known && !known->request.reduce_only) return Refusal{-5047, "The original order is not a reduce-only order."};
  }
  const auto amended = call.exchange().amend(call.account(), amend);
  if (!amended) return amended.refusal();
  append_ack(call, *amended, OrderShape::Amend, false);
  return std::nullopt;
}

namespace {

Answer cancel_legacy(Call& call, const matching::AlgoView& algo) {
  OrderView view;
  if (algo.order_id == 0) {
    const auto cancelled = call.exchange().cancel_algo(call.account(), algo.id, "");
    if (!cancelled) return cancelled.refusal();
    view = legacy_order(*cancelled);
  } else {  // it has become an order
    const auto cancelled = call.exchange().cancel(call.account(), {algo.request.symbol, algo.order_id, ""});
    if (!cancelled) return cancelled.refusal();
    view = *cancelled;
    view.id = kLegacyIds + algo.id;
  }
  append_ack(call, view, OrderShape::Ack, false);
  return std::nullopt;
}

}  // namespace

Answer cancel_order(Call& call) {
  ParamReader p = call.reader();
  const OrderRef ref = read_ref(p);
  if (p.failed()) return p.refusal();
  if (const auto algo = legacy_algo(call, ref)) return cancel_legacy(call, *algo);
  const auto cancelled = call.exchange().cancel(call.account(), ref);
  if (!cancelled) return cancelled.refusal();
  append_ack(call, *cancelled, OrderShape::Ack, false);
  return std::nullopt;
}

namespace {

std::optional<OrderView> find_order(Call& call, const OrderRef& ref) {
  if (const auto algo = legacy_algo(call, ref)) {
    if (algo->order_id == 0) return legacy_order(*algo);
    auto order = call.exchange().order(call.account(), {ref.symbol, algo->order_id, ""});
    if (order) order->id = kLegacyIds + algo->id;
    return order;
  }
  return call.exchange().order(call.account(), ref);
}

}  // namespace

Answer query_order(Call& call) {
  ParamReader p = call.reader();
  const OrderRef ref = read_ref(p);
  if (p.failed()) return p.refusal();
  const auto order = find_order(call, ref);
  if (!order || forgotten(*order, call.exchange().now())) return kNoSuchOrder;
  append_record(call, *order);
  return std::nullopt;
}

namespace {

Answer query_open_order(Call& call) {
  ParamReader p = call.reader();
  const OrderRef ref = read_ref(p);
  if (p.failed()) return p.refusal();
  const auto order = find_order(call, ref);
  if (!order || !matching::is_open(order->status)) return kNoSuchOrder;
  append_record(call, *order);
  return std::nullopt;
}

Answer query_open_orders(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  if (p.failed()) return p.refusal();
  auto orders = call.exchange().open_orders(call.account(), symbol);
  if (!call.config.algo_service) {
    const auto waiting = legacy_orders(call.exchange().open_algos(call.account(), symbol));
    orders.insert(orders.end(), waiting.begin(), waiting.end());
  }
  append_list(call.out, orders, [&](const OrderView& order) { append_record(call, order); });
  return std::nullopt;
}

Answer query_all_orders(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  Window window = read_window(p, {}, call.now);
  const auto from_id = p.integer_if("orderId");
  if (p.failed()) return p.refusal();
  window.range.from_id = from_id.value_or(0);
  auto orders = call.exchange().orders(call.account(), symbol, window.range);
  if (!call.config.algo_service) {
    const auto conditional = legacy_orders(call.exchange().algos(call.account(), symbol, window.range));
    orders.insert(orders.end(), conditional.begin(), conditional.end());
    std::stable_sort(orders.begin(), orders.end(),
                     [](const OrderView& a, const OrderView& b) { return a.created < b.created; });
    if (orders.size() > window.range.limit) orders.resize(window.range.limit);
  }
  std::erase_if(orders, [&](const OrderView& order) {
    return forgotten(order, call.exchange().now()) || (!from_id && order.created < window.oldest);
  });
  append_list(call.out, orders, [&](const OrderView& order) { append_record(call, order); });
  return std::nullopt;
}

Answer cancel_all(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  if (p.failed()) return p.refusal();
  const auto done = call.exchange().cancel_all(call.account(), symbol);
  if (!done) return done.refusal();
  if (!call.config.algo_service) {
    const auto also = call.exchange().cancel_all_algo(call.account(), symbol);
    if (!also) return also.refusal();
  }
  append_success(call.out, "The operation of cancel all open order is done.");
  return std::nullopt;
}

Answer countdown_cancel_all(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const std::int64_t countdown = p.integer("countdownTime");
  if (countdown < 0) p.fail(refusals::not_valid("countdownTime"));
  if (p.failed()) return p.refusal();
  const auto done = call.exchange().set_countdown(call.account(), symbol, countdown);
  if (!done) return done.refusal();
  JsonWriter w(call.out);
  w.begin_object().field("symbol", call.exchange().instruments().name(symbol));
  w.field("countdownTime", std::to_string(countdown)).end_object();
  return std::nullopt;
}

// One element of a batch: its own parameters, its own answer or refusal inline.
void run_inline(Call& call, const Params& params, Handler handler) {
  const std::size_t before = call.out.size();
  Call element{call.rooms, call.config, call.state, params, call.key, call.now, call.out};
  if (const Answer refused = handler(element)) {
    call.out.resize(before);
    append_refusal(call.out, *refused);
  }
}

Answer run_batch(Call& call, Handler handler) {
  ParamReader p = call.reader();
  const std::string text = p.text("batchOrders");
  if (p.failed()) return p.refusal();
  const auto elements = split_json_array(text);
  if (!elements) return refusals::not_valid("batchOrders");
  if (elements->empty() || elements->size() > 5) return Refusal{-4082, "Invalid number of batch place orders."};
  std::vector<Params> orders;
  for (const auto& element : *elements) {
    auto params = params_of_json(element);
    if (!params) return refusals::not_valid("batchOrders");
    orders.push_back(std::move(*params));
  }
  append_list(call.out, orders, [&](const Params& params) { run_inline(call, params, handler); });
  return std::nullopt;
}

Answer place_batch(Call& call) { return run_batch(call, &place_order); }
Answer amend_batch(Call& call) { return run_batch(call, &amend_order); }

Answer cancel_batch(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const std::string ids = p.text_if_any({"orderIdList", "orderidlist"});
  const std::string names = p.text_if_any({"origClientOrderIdList", "origclientorderidlist"});
  if (ids.empty() && names.empty()) p.fail(refusals::either_missing("orderIdList", "origClientOrderIdList"));
  if (p.failed()) return p.refusal();
  const std::string_view parameter = ids.empty() ? "origClientOrderIdList" : "orderIdList";
  const auto list = split_json_array(ids.empty() ? names : ids);
  if (!list || list->empty() || list->size() > 10) return refusals::not_valid(parameter);
  append_list(call.out, *list, [&](const std::string& element) {
    Params params;
    params.add("symbol", call.exchange().instruments().name(symbol));
    params.add(ids.empty() ? "origClientOrderId" : "orderId", json_text(element));
    run_inline(call, params, &cancel_order);
  });
  return std::nullopt;
}

Answer query_amendments(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const auto id = p.integer_if("orderId");
  const std::string client_id = p.text_or("origClientOrderId", "");
  const Window window = read_window(p, {.limit = 50, .most = 100, .widest_hours = 90 * 24}, call.now);
  if (p.failed()) return p.refusal();
  matching::TimeRange range = window.range;
  const bool one = id || !client_id.empty();
  if (one) range.limit = std::size_t{1} << 20;  // the limit is of what is shown
  auto rows = call.exchange().amendments(call.account(), symbol, range);
  std::erase_if(rows, [&](const matching::AmendmentView& row) {
    return row.time < window.oldest || (id ? row.order_id != *id : one && row.client_id != client_id);
  });
  if (rows.size() > window.range.limit) rows.resize(window.range.limit);
  const SymbolFormat format = format_of(call.exchange(), symbol);
  append_list(call.out, rows, [&](const auto& row) { append_amendment(call.out, row, format); });
  return std::nullopt;
}

Answer query_user_trades(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol();
  const auto order_id = p.integer_if("orderId"), from_id = p.integer_if("fromId");
  const Window window = read_window(p, {}, call.now);
  if (from_id && (p.has("startTime") || p.has("endTime")))
    p.fail({-1128, "Combination of optional parameters invalid."});
  if (p.failed()) return p.refusal();
  matching::TimeRange range = window.range;
  range.from_id = from_id.value_or(0);
  auto rows = call.exchange().trades(call.account(), symbol, order_id.value_or(0), range);
  std::erase_if(rows,
                [&](const matching::UserTrade& row) { return !from_id && !order_id && row.time < window.oldest; });
  const SymbolFormat format = format_of(call.exchange(), symbol);
  append_list(call.out, rows, [&](const auto& row) { append_user_trade(call.out, row, format); });
  return std::nullopt;
}

Answer query_forced_orders(Call& call) {
  ParamReader p = call.reader();
  const auto symbol = p.symbol_if();
  const std::string kind = p.text_or("autoCloseType", "");
  if (!kind.empty() && kind != "LIQUIDATION" && kind != "ADL") p.fail(refusals::not_valid("autoCloseType"));
  const Window window = read_window(p, {.limit = 50, .most = 100, .widest_hours = 90 * 24}, call.now);
  if (p.failed()) return p.refusal();
  auto rows = call.exchange().forced_orders(call.account(), symbol, window.range);
  std::erase_if(rows, [&](const OrderView& row) {
    const bool adl = row.request.client_id.starts_with("adl_autoclose");
    return row.created < window.oldest || (!kind.empty() && adl != (kind == "ADL"));
  });
  append_list(call.out, rows, [&](const OrderView& row) { append_record(call, row); });
  return std::nullopt;
}

int one_or_forty(const Params& params) { return params.has("symbol") ? 1 : 40; }
int twenty_or_fifty(const Params& params) { return params.has("symbol") ? 20 : 50; }

constexpr RateLimits::OrderCost kOneOrder{1, 1}, kBatch{5, 1};

constexpr Route kRoutes[] = {
    {"POST", "/fapi/v1/order", Security::Trade, {0}, &place_order, kOneOrder},
    {"POST", "/fapi/v1/order/test", Security::Trade, {1}, &test_order},
    {"PUT", "/fapi/v1/order", Security::Trade, {0}, &amend_order, kOneOrder},
    {"DELETE", "/fapi/v1/order", Security::Trade, {1}, &cancel_order},
    {"GET", "/fapi/v1/order", Security::Signed, {1}, &query_order},
    {"GET", "/fapi/v1/openOrder", Security::Signed, {1}, &query_open_order},
    {"GET", "/fapi/v1/openOrders", Security::Signed, {0, &one_or_forty}, &query_open_orders},
    {"GET", "/fapi/v1/allOrders", Security::Signed, {5}, &query_all_orders},
    {"POST", "/fapi/v1/batchOrders", Security::Trade, {5}, &place_batch, kBatch},
    {"PUT", "/fapi/v1/batchOrders", Security::Trade, {5}, &amend_batch, kBatch},
    {"DELETE", "/fapi/v1/batchOrders", Security::Trade, {1}, &cancel_batch},
    {"DELETE", "/fapi/v1/allOpenOrders", Security::Trade, {1}, &cancel_all},
    {"POST", "/fapi/v1/countdownCancelAll", Security::Trade, {10}, &countdown_cancel_all},
    {"GET", "/fapi/v1/orderAmendment", Security::Signed, {1}, &query_amendments},
    {"GET", "/fapi/v1/userTrades", Security::Signed, {5}, &query_user_trades},
    {"GET", "/fapi/v1/forceOrders", Security::Signed, {0, &twenty_or_fifty}, &query_forced_orders},
};

}  // namespace

std::span<const Route> order_routes() { return kRoutes; }

}  // namespace qtrader::exchange
