#include "edge/simvenue/order_rules.hpp"

#include <algorithm>

namespace qtrader::simvenue {

using domain::Order;
using domain::OrderType;
using domain::Price;
using domain::Quantity;
using domain::Side;
using domain::VenueReason;

namespace {

// Binance accepts callback rates of 0.1 % to 10 %.
constexpr double kMinCallbackBps = 10, kMaxCallbackBps = 1000;

bool legal_price(Price price, const domain::Instrument& instrument) {
  return price.is_positive() && price.raw() % instrument.tick_size.raw() == 0;
}

}  // namespace

VenueReason check_filters(const Order& order, const domain::Instrument& instrument) {
  const bool takes = order.type != OrderType::Limit;
  const Quantity most = takes ? instrument.max_market_quantity : instrument.max_quantity;
  if (!order.quantity.is_positive() || order.quantity.raw() % instrument.step_size.raw() != 0 ||
      order.quantity < instrument.min_quantity || (most.is_positive() && order.quantity > most))
    return VenueReason::LotSize;
  switch (order.type) {
    case OrderType::Market:
      break;
    case OrderType::Limit:
      if (!legal_price(order.limit_price, instrument)) return VenueReason::PriceFilter;
      if (below_min_notional(order, instrument, order.limit_price)) return VenueReason::MinNotional;
      break;
    case OrderType::StopMarket:
    case OrderType::TakeProfitMarket:
      if (!legal_price(order.trigger_price, instrument)) return VenueReason::PriceFilter;
      if (below_min_notional(order, instrument, order.trigger_price)) return VenueReason::MinNotional;
      break;
    case OrderType::TrailingStopMarket:
      if (!order.trigger_price.is_zero() && !legal_price(order.trigger_price, instrument))
        return VenueReason::PriceFilter;
      if (!(order.callback.value >= kMinCallbackBps && order.callback.value <= kMaxCallbackBps))
        return VenueReason::PriceFilter;
      break;
  }
  return VenueReason::None;
}

bool below_min_notional(const Order& order, const domain::Instrument& instrument, Price price) {
  return !order.reduce_only && price * order.quantity < instrument.min_notional;
}

bool fires_downward(const Order& order) {
  return (order.side == Side::Sell) == (order.type != OrderType::TakeProfitMarket);
}

Price trigger_level(const WorkingOrder& working, const domain::Instrument& instrument) {
  const Order& order = working.order;
  if (order.type != OrderType::TrailingStopMarket) return order.trigger_price;
  if (!working.active || working.extreme.is_zero()) return {};
  // To the tick nearer to the market: earlier is the pessimistic side.
  const domain::Ratio callback = order.callback.ratio(), one = domain::Ratio::from_int(1);
  return order.side == Side::Sell ? instrument.round_price(working.extreme * (one - callback), domain::Rounding::Up)
                                  : instrument.round_price(working.extreme * (one + callback), domain::Rounding::Down);
}

bool touched(const WorkingOrder& working, const domain::Instrument& instrument, Price price) {
  const Price level = trigger_level(working, instrument);
  if (level.is_zero()) return false;
  return fires_downward(working.order) ? price <= level : price >= level;
}

bool would_trigger(const Order& order, Price price) {
  if (order.type == OrderType::TrailingStopMarket) {  // activation lies on the profitable side
    if (order.trigger_price.is_zero()) return false;
    return order.side == Side::Sell ? price >= order.trigger_price : price <= order.trigger_price;
  }
  return fires_downward(order) ? price <= order.trigger_price : price >= order.trigger_price;
}

bool would_take(const Order& order, Price price) {
  return order.side == Side::Buy ? price <= order.limit_price : price >= order.limit_price;
}

bool traded_through(const Order& order, Price price) {
  return order.side == Side::Buy ? price < order.limit_price : price > order.limit_price;
}

void follow(WorkingOrder& working, Price price) {
  const Order& order = working.order;
  const bool sell = order.side == Side::Sell;
  if (!working.active && !order.trigger_price.is_zero()) {
    if (sell ? price < order.trigger_price : price > order.trigger_price) return;
  }
  const bool first = !working.active || working.extreme.is_zero();
  working.active = true;
  working.extreme = first ? price : sell ? std::max(working.extreme, price) : std::min(working.extreme, price);
}

Price worse(Side side, Price a, Price b) { return side == Side::Buy ? std::max(a, b) : std::min(a, b); }
Price better(Side side, Price a, Price b) { return side == Side::Buy ? std::min(a, b) : std::max(a, b); }

}  // namespace qtrader::simvenue
