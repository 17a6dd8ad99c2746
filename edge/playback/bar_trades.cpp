#include "edge/playback/bar_trades.hpp"

#include <algorithm>
#include <cmath>

namespace qtrader::playback {
namespace {

using domain::Price;
using domain::Quantity;
using domain::Side;

constexpr double kWander = 0.25;  // deviation of the bridge at its middle: this × ½ of the bar's range

struct Knot {
  std::size_t at = 0;
  Price price;
};
struct Limits {
  Price low, high;
};

Price on_grid(double raw, Price grid) {
  const double steps = std::round(raw / static_cast<double>(grid.raw()));
  return Price::from_raw(static_cast<std::int64_t>(steps) * grid.raw());
}

/// The volume in the groups it must be dealt out in: by taker side, or all in one.
struct Pool {
  std::int64_t raw = 0;
  std::vector<std::size_t> trades;
};
struct Volume {
  std::int64_t buy = 0, sell = 0;  // raw; all in buy if the sides are not known
  bool split = false;
  std::int64_t unit = 1;
  std::int64_t units() const { return buy / unit + sell / unit; }
  std::size_t sides() const { return (buy > 0 ? 1U : 0U) + (sell > 0 ? 1U : 0U); }
};

std::vector<Price> shortest_path(const Corners& c) {
  std::vector<Price> out;
  for (const Price p : {c.open, c.rising() ? c.low : c.high, c.rising() ? c.high : c.low, c.close})
    if (out.empty() || out.back() != p) out.push_back(p);
  return out;
}

Volume volume_of(const domain::Bar& bar, const domain::Instrument& instrument, std::size_t needed) {
  Volume v;
  v.buy = std::max<std::int64_t>(Quantity::from_double(bar.volume).raw(), 0);
  v.split = (bar.columns & domain::kHasTakerBuy) != 0;
  if (v.split) {
    const std::int64_t all = v.buy;
    v.buy = std::clamp<std::int64_t>(Quantity::from_double(bar.taker_buy_base).raw(), 0, all);
    v.sell = all - v.buy;
  }
  v.unit = instrument.step_size.raw();
  const auto tiny = [&](std::int64_t raw) { return raw > 0 && raw < v.unit; };
  const auto enough = static_cast<std::int64_t>(std::max(needed, v.sides()));
  if (tiny(v.buy) || tiny(v.sell) || v.units() < enough) v.unit = 1;
  return v;
}

std::vector<Side> sides_by_direction(const std::vector<Price>& path, base::Rng& rng) {
  std::vector<Side> out;
  Side side = rng.below(2) == 0 ? Side::Buy : Side::Sell;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (i > 0 && path[i] != path[i - 1])
      side = path[i] > path[i - 1] ? Side::Buy : Side::Sell;
    else if (rng.below(2) == 0)
      side = opposite(side);
    out.push_back(side);
  }
  return out;
}

/// Turns takers round until each side has as many trades as its volume can fill, and one if it has volume.
void balance(std::vector<Side>& sides, const Volume& v, base::Rng& rng) {
  const auto count = static_cast<std::int64_t>(sides.size());
  const std::int64_t most = std::min(count - (v.sell > 0 ? 1 : 0), v.buy / v.unit);
  const std::int64_t least = std::max<std::int64_t>(v.buy > 0 ? 1 : 0, count - v.sell / v.unit);
  std::int64_t buys = std::count(sides.begin(), sides.end(), Side::Buy);
  std::size_t at = rng.below(sides.size());
  for (; buys < least || buys > most; at = (at + 1) % sides.size()) {
    const Side wanted = buys < least ? Side::Buy : Side::Sell;
    if (sides[at] == wanted) continue;
    sides[at] = wanted;
    buys += wanted == Side::Buy ? 1 : -1;
  }
}

/// One unit each, the rest by random weights, what rounding leaves to the last.
void deal(const Pool& pool, std::int64_t unit, std::vector<PlannedTrade>& trades, base::Rng& rng) {
  if (pool.trades.empty()) return;
  std::vector<std::int64_t> weights;
  std::int64_t weight = 0;
  for (std::size_t i = 0; i < pool.trades.size(); ++i) {
    weights.push_back(1 + static_cast<std::int64_t>(rng.below(1000)));
    weight += weights.back();
  }
  const std::int64_t extra = pool.raw / unit - static_cast<std::int64_t>(pool.trades.size());
  std::int64_t left = pool.raw;
  for (std::size_t i = 0; i < pool.trades.size(); ++i) {
    const std::int64_t share = 1 + domain::mul_div(extra, weights[i], weight, domain::Rounding::Down);
    const std::int64_t raw = i + 1 == pool.trades.size() ? left : share * unit;
    trades[pool.trades[i]].quantity = Quantity::from_raw(raw);
    left -= raw;
  }
}

}  // namespace

std::vector<Price> bar_path(const Corners& c, std::size_t count, Price grid, base::Rng& rng) {
  QT_CHECK(count >= 4, "a bar's path has at least four prices");
  const std::size_t first = 1 + rng.below(count - 3);
  const std::size_t second = first + 1 + rng.below(count - 2 - first);
  const bool up = c.rising();
  const std::array<Knot, 4> knots{
      {{0, c.open}, {first, up ? c.low : c.high}, {second, up ? c.high : c.low}, {count - 1, c.close}}};
  std::vector<Price> path(count);
  const double range = static_cast<double>((c.high - c.low).raw());
  for (std::size_t leg = 0; leg + 1 < knots.size(); ++leg) {
    const Knot a = knots[leg], b = knots[leg + 1];
    Limits limits{c.low, c.high};
    // Before the first extreme the second is not touched, unless the bar opened there.
    if (leg == 0 && up) limits.high = std::max(c.open, c.high - grid);
    if (leg == 0 && !up) limits.low = std::min(c.open, c.low + grid);
    path[a.at] = a.price;
    path[b.at] = b.price;
    for (std::size_t i = a.at + 1; i < b.at; ++i) {
      const double t = static_cast<double>(i - a.at) / static_cast<double>(b.at - a.at);
      const double straight =
          static_cast<double>(a.price.raw()) + t * static_cast<double>(b.price.raw() - a.price.raw());
      const Price drawn = on_grid(straight + kWander * range * std::sqrt(t * (1 - t)) * rng.normal(), grid);
      path[i] = std::clamp(drawn, limits.low, std::max(limits.low, limits.high));
    }
  }
  return path;
}

std::vector<PlannedTrade> plan_trades(const domain::Bar& bar, const domain::Instrument& instrument, std::size_t count,
                                      base::Rng& rng) {
  const Corners corners = corners_of(bar);
  std::vector<Price> path = shortest_path(corners);
  const Volume volume = volume_of(bar, instrument, path.size());
  const std::size_t needed = std::max(path.size(), volume.sides());
  if (volume.units() < static_cast<std::int64_t>(needed) || volume.units() == 0) return {};
  const auto trades = std::max(needed, std::min(count, static_cast<std::size_t>(volume.units())));
  if (trades >= 4)
    path = bar_path(corners, trades, instrument.tick_size, rng);
  else
    path.resize(trades, path.back());

  std::vector<Side> sides = sides_by_direction(path, rng);
  if (volume.split) balance(sides, volume, rng);
  std::vector<PlannedTrade> out;
  Pool buys{volume.buy, {}}, sells{volume.sell, {}};
  for (std::size_t i = 0; i < path.size(); ++i) {
    out.push_back({path[i], {}, sides[i]});
    (volume.split && sides[i] == Side::Sell ? sells : buys).trades.push_back(i);
  }
  deal(buys, volume.unit, out, rng);
  deal(sells, volume.unit, out, rng);
  return out;
}

}  // namespace qtrader::playback
