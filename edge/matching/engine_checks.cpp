#include <algorithm>

#include "edge/matching/engine.hpp"

// Binance's checks of an order, in the order of binance-usdm.md 5.
namespace qtrader::matching {

using domain::Rounding;

namespace {

constexpr std::int64_t kGtdLead = 600'000, kGtdLatest = 253'402'300'799'000;
constexpr std::int32_t kFixedDecimals = 8;
// Where filters are disabled, these keep every sum and product of a client's numbers within fixed point.
constexpr std::int64_t kExposureBound = 20'000'000'000, kPriceBound = 1'000'000'000, kQuantityBound = 100'000'000;

bool legal_id_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == ':' ||
         c == '/' || c == '_' || c == '-';
}

bool is_market(const NewOrder& order) { return order.type == OrderType::Market; }

}  // namespace

bool within_precision(std::int64_t raw, std::int32_t decimals) {
  std::int64_t unit = 1;
  for (std::int32_t d = std::max(decimals, 0); d < kFixedDecimals; ++d) unit *= 10;
  return raw % unit == 0;
}

Verdict Engine::check_symbol(SymbolId symbol, const Account& account) const {
  const Market& market = market_of(symbol);
  switch (market.status) {
    case SymbolStatus::Trading:
      break;
    case SymbolStatus::Closed:
      return refuse(-4141);
    case SymbolStatus::CancelOnly:
      return refuse(-4140);
    case SymbolStatus::Halted:
      return refuse(-1122);
  }
  const Holding* h = account.find(symbol);
  const bool isolated = h != nullptr && h->mode == MarginMode::Isolated;
  const bool busy = isolated ? std::any_of(h->rows.begin(), h->rows.end(), [](auto& p) { return p.liquidating; })
                             : account.liquidating;
  if (busy) return refuse(-2023);
  return std::nullopt;
}

Verdict Engine::check_sides(const Draft& d) const {
  const PositionSide side = d.order.position_side;
  if (side > PositionSide::Short) return refuse(-4060);
  if ((side == PositionSide::Both) == d.account.hedge) return refuse(-4061);
  if (d.account.hedge && d.order.reduce_only) return refuse(-1106);
  return std::nullopt;
}

Verdict Engine::check_client_id(const Account& account, const std::string& id) const {
  if (id.empty()) return std::nullopt;
  if (id.size() > 36) return refuse(-4015, "Client order id length should not be more than 36 chars");
  if (!std::all_of(id.begin(), id.end(), legal_id_char)) return refuse(-4015);
  // The exchange's own prefixes: clients recognise forced closes by them.
  for (const std::string_view forced : {"autoclose-", "adl_autoclose", "settlement_autoclose-"})
    if (id.starts_with(forced)) return refuse(-4015);
  if (account.by_client.contains(id)) return refuse(-4116);
  return std::nullopt;
}

Verdict Engine::check_quantity(const Market& market, Quantity q, bool market_order) const {
  const domain::Instrument& i = instrument(market.symbol);
  const Quantity most = market_order && !i.max_market_quantity.is_zero() ? i.max_market_quantity : i.max_quantity;
  if (!q.is_positive()) return refuse(-4003);
  if (q < i.min_quantity) return refuse(-4004);
  if (q > (most.is_zero() ? Quantity::from_int(kQuantityBound) : most)) return refuse(-4005);
  if ((q - i.min_quantity).raw() % i.step_size.raw() != 0) return refuse(-4023);
  return std::nullopt;
}

Price Engine::highest_price(const Market& market) const {
  const Price bound = Price::from_int(kPriceBound), limit = market.rules.max_price;
  return limit.is_zero() ? bound : std::min(limit, bound);
}

Verdict Engine::check_price(const Market& market, Price p) const {
  const ContractRules& r = market.rules;
  if (!p.is_positive()) return refuse(-4001);
  if (p > highest_price(market)) return refuse(-4002);
  if (p < r.min_price) return refuse(-4013);
  if ((p - r.min_price).raw() % instrument(market.symbol).tick_size.raw() != 0) return refuse(-4014);
  return std::nullopt;
}

Verdict Engine::check_percent_price(const Market& market, Side side, Price p) const {
  if (market.mark.mark.is_zero()) return std::nullopt;
  const domain::Instrument& i = instrument(market.symbol);
  if (side == Side::Buy && market.rules.price_up.is_positive()) {
    const Price cap = market.mark.mark * market.rules.price_up;
    if (p > cap)
      return refuse(-4016, "Limit price can't be higher than " + i.round_price(cap, Rounding::Down).to_string() + ".");
  }
  if (side == Side::Sell && market.rules.price_down.is_positive()) {
    const Price floor = market.mark.mark * market.rules.price_down;
    if (p < floor)
      return refuse(-4024, "Limit price can't be lower than " + i.round_price(floor, Rounding::Up).to_string() + ".");
  }
  return std::nullopt;
}

Price Engine::reference_price(const Market& market) const {
  if (!market.mark.mark.is_zero()) return market.mark.mark;
  return market.last;
}

Verdict Engine::check_notional(const Draft& d, Price price, int code) const {
  const auto notional = bounded_notional(price, d.order.quantity);
  if (!notional) return refuse(-4005);
  if (d.exempt_from_minimum || price.is_zero() || *notional >= d.instrument.min_notional) return std::nullopt;
  return refuse(code, "Order's notional must be no smaller than " + d.instrument.min_notional.to_string() +
                          " (unless you choose reduce only).");
}

Verdict Engine::check_numbers(Draft& d) const {
  const NewOrder& o = d.order;
  if (!within_precision(o.quantity.raw(), d.market.rules.quantity_precision)) return refuse(-1111);
  if (!is_market(o) && !within_precision(o.price.raw(), d.market.rules.price_precision)) return refuse(-1111);
  // closePosition takes the position as it is, whatever the largest order.
  if (!d.close_position)
    if (auto v = check_quantity(d.market, o.quantity, is_market(o))) return v;
  if (!is_market(o)) {
    if (auto v = check_price(d.market, o.price)) return v;
    if (auto v = check_percent_price(d.market, o.side, o.price)) return v;
  }
  return check_notional(d, is_market(o) ? reference_price(d.market) : o.price, -4164);
}

bool Engine::may_close_only(const Account& account, const NewOrder& o) const {
  if (!account.hedge) return o.reduce_only;
  return (o.position_side == PositionSide::Long) == (o.side == Side::Sell);
}

Verdict Engine::check_reduction(Draft& d) const {
  if (!d.closes) return std::nullopt;
  NewOrder& o = d.order;
  const Quantity position = d.account.closable(d.holding, o.side, o.position_side);
  if (position.is_zero()) return refuse(-2022);
  if (d.account.hedge) return o.quantity > position ? Verdict(refuse(-2022)) : std::nullopt;
  // Opening orders of the same side that would trade first and take the whole position leave nothing to reduce.
  // Binance does not publish when -4118 is given; refusing is the pessimistic reading.
  Quantity before;
  for (const auto& [id, other] : d.account.open) {
    const NewOrder& r = other.view.request;
    const bool first = r.symbol == o.symbol && r.side == o.side && !other.closes && !is_market(o) &&
                       (o.side == Side::Sell ? r.price <= o.price : r.price >= o.price);
    if (first) before += other.remaining();
  }
  if (before >= position) return refuse(-4118);
  o.quantity = std::min(o.quantity, position);
  return std::nullopt;
}

Price Engine::assumed_price(const Draft& d) const {
  const Level* bid = d.market.book.best(Side::Buy);
  const Level* ask = d.market.book.best(Side::Sell);
  const Price mark = d.market.mark.mark;
  if (d.order.side == Side::Buy) {
    if (!is_market(d.order)) return d.order.price;
    return ask != nullptr ? ask->price * Ratio::from_raw(100'050'000) : reference_price(d.market);
  }
  // Binance gives the best bid, or the last price and a little where there is none; the largest is the safe one.
  Price price = std::max(d.order.price, mark);
  if (bid != nullptr) return std::max(price, bid->price);
  return std::max(price, d.market.last * Ratio::from_raw(100'150'000));
}

Verdict Engine::check_margin(const Draft& d) const {
  if (d.closes) return std::nullopt;
  const Holding& h = d.holding;
  const bool buy = d.order.side == Side::Buy;
  const Price price = assumed_price(d);
  const auto bounded = bounded_notional(price, d.order.quantity);
  if (!bounded) return refuse(-2027);
  const Money buys = h.open_buys + (buy ? *bounded : Money{}), sells = h.open_sells + (buy ? Money{} : *bounded);
  const Money before = d.account.exposure(h, h.open_buys, h.open_sells), after = d.account.exposure(h, buys, sells);
  const Money position = d.account.exposure(h, Money{}, Money{});
  if (after <= before && after <= position) return std::nullopt;  // whatever trades, the position does not grow
  if (after > std::min(max_notional(d.instrument, h.leverage), Money::from_int(kExposureBound))) return refuse(-2027);
  Money needed = d.account.order_margin(h, buys, sells) - h.order_margin;
  const Level* bid = d.market.book.best(Side::Buy);
  const Price sold_at = is_market(d.order) && bid != nullptr ? bid->price : d.order.price;
  const Price worse = buy ? price - h.mark : h.mark - sold_at;
  if (!h.mark.is_zero() && worse.is_positive() && (buy || !sold_at.is_zero())) needed += worse * d.order.quantity;
  needed += domain::multiply(*bounded, d.instrument.taker_fee, Rounding::Up);
  if (needed > d.account.free_margin()) return refuse(-2019);
  return std::nullopt;
}

Price Engine::market_limit(const Market& market, Side side) const {
  const Price reference = reference_price(market);
  const Ratio bound = market.rules.market_take_bound;
  if (reference.is_zero() || bound.is_zero())
    return side == Side::Buy ? Price::from_raw(INT64_MAX) : Price::from_raw(1);
  const Ratio one = Ratio::from_int(1);
  return reference * (side == Side::Buy ? one + bound : one - std::min(bound, one));
}

/// What a FOK order could take now: a closing maker counts with what its position leaves it.
Quantity Engine::takeable(const Draft& d, Price limit) const {
  const Side maker_side = domain::opposite(d.order.side);
  std::map<std::pair<AccountId, PositionSide>, Quantity> passed;
  Quantity sum;
  for (const auto& [at, level] : d.market.book.ladder(maker_side)) {
    if (d.order.side == Side::Buy ? level.price > limit : level.price < limit) break;
    sum += level.others;
    for (const Order* o = level.head; o != nullptr; o = o->after) {
      Quantity& before = passed[{o->view.account, o->view.request.position_side}];
      Quantity amount = o->remaining();
      if (o->closes) amount = std::clamp(closable(*o) - before, Quantity{}, amount);
      before += amount;
      sum += amount;
    }
    if (sum >= d.order.quantity) break;
  }
  return sum;
}

Verdict Engine::check_book(const Draft& d) const {
  const NewOrder& o = d.order;
  const Level* best = d.market.book.best(domain::opposite(o.side));
  if (is_market(o)) {
    if (best == nullptr) return refuse(-2020);
    const Price limit = market_limit(d.market, o.side);
    const bool beyond = o.side == Side::Buy ? best->price > limit : best->price < limit;
    if (beyond || check_percent_price(d.market, o.side, best->price)) return refuse(-4131);
    return std::nullopt;
  }
  const bool takes = best != nullptr && (o.side == Side::Buy ? best->price <= o.price : best->price >= o.price);
  if (o.time_in_force == TimeInForce::Gtx && takes) return refuse(-5022);
  if (o.time_in_force == TimeInForce::Fok && takeable(d, o.price) < o.quantity) return refuse(-5021);
  return std::nullopt;
}

Verdict Engine::resolve_price_match(Draft& d) const {
  NewOrder& o = d.order;
  if (o.price_match == PriceMatch::None) return std::nullopt;
  if (o.type != OrderType::Limit) return refuse(-5038);
  if (!o.price.is_zero()) return refuse(-1106, "Parameter 'price' sent when not required.");
  constexpr std::size_t kDepth[] = {0, 1, 5, 10, 20, 1, 5, 10, 20};
  const bool opponent = o.price_match < PriceMatch::Queue;
  const Level* level =
      d.market.book.nth(opponent ? domain::opposite(o.side) : o.side, kDepth[static_cast<std::size_t>(o.price_match)]);
  if (level == nullptr) return refuse(-5041);
  o.price = level->price;
  return std::nullopt;
}

Verdict Engine::judge(Draft& d) {
  if (auto v = check_symbol(d.order.symbol, d.account)) return v;
  if (auto v = check_sides(d)) return v;
  if (auto v = check_client_id(d.account, d.order.client_id)) return v;
  if (d.order.price_match != PriceMatch::None && d.order.type != OrderType::Limit) return refuse(-5038);
  if (d.order.time_in_force == TimeInForce::Gtd && !is_market(d.order)) {
    d.order.good_till_ms = d.order.good_till_ms / 1000 * 1000;
    if (d.order.good_till_ms <= now.unix_ms() + (d.origin == nullptr ? kGtdLead : 0) ||
        d.order.good_till_ms >= kGtdLatest)
      return refuse(-5040);
  }
  if (auto v = resolve_price_match(d)) return v;
  if (auto v = check_numbers(d)) return v;
  if (d.holding.open_orders >= d.market.rules.max_orders && d.market.rules.max_orders > 0) return refuse(-2025);
  if (auto v = check_reduction(d)) return v;
  if (auto v = check_margin(d)) return v;
  return check_book(d);
}

}  // namespace qtrader::matching
