#include "edge/playback/shaped_book.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/det_math.hpp"

namespace qtrader::playback {
namespace {

using domain::Price;
using domain::Quantity;
using domain::Side;
using matching::BookLevel;

constexpr double kDepthSpread = 0.6;  // σ of the logarithm of a level's depth

/// Finaliser of SplitMix64 (Steele et al. 2014): every bit of the key moves every bit of the draw.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

/// Sum of four 16-bit uniforms, to unit variance.
double near_normal(std::uint64_t bits) {
  double sum = 0;
  for (int i = 0; i < 4; ++i) sum += static_cast<double>(bits >> (16 * i) & 0xFFFF) / 65536.0;
  return (sum - 2) * std::sqrt(3.0);
}

bool ahead(Side side, Price a, Price b) { return side == Side::Buy ? a > b : a < b; }

/// What turns `shown` into `target`, both best first.
void difference(Side side, const std::vector<BookLevel>& shown, const std::vector<BookLevel>& target,
                std::vector<BookLevel>& out) {
  std::size_t s = 0;
  for (const BookLevel& t : target) {
    for (; s < shown.size() && ahead(side, shown[s].price, t.price); ++s) out.push_back({shown[s].price, {}});
    const bool same = s < shown.size() && shown[s].price == t.price;
    if (!same || shown[s].quantity != t.quantity) out.push_back(t);
    if (same) ++s;
  }
  for (; s < shown.size(); ++s) out.push_back({shown[s].price, {}});
}

}  // namespace

ShapedBook::Touch ShapedBook::touch(Price price, Side taker) const {
  Touch t;
  if (taker == Side::Buy) {
    t.ask = (price.raw() + tick_.raw() - 1) / tick_.raw();
    t.bid = t.ask - spread_;
  } else {
    t.bid = price.raw() / tick_.raw();
    t.ask = t.bid + spread_;
  }
  return t;
}

BookLevel ShapedBook::level(Side side, std::int64_t ticks) const {
  const std::uint64_t key = static_cast<std::uint64_t>(ticks) * 2 + (side == Side::Buy ? 0 : 1);
  const double z = near_normal(mix(terms_.seed ^ mix(key)));
  const double usdt = terms_.depth_usdt * base::det::exp(kDepthSpread * z - 0.5 * kDepthSpread * kDepthSpread);
  const Price price = Price::from_raw(ticks * tick_.raw());
  const double steps = std::floor(usdt / price.to_double() / step_.to_double());
  const double most = 9e18 / static_cast<double>(step_.raw());
  return {price, Quantity::from_raw(static_cast<std::int64_t>(std::clamp(steps, 1.0, most)) * step_.raw())};
}

ShapedBook::Levels ShapedBook::side(Side side, std::int64_t best, const Levels& shown) const {
  Levels out;
  const auto wanted = static_cast<std::size_t>(terms_.levels);
  out.reserve(wanted);
  const std::int64_t away = side == Side::Buy ? -1 : 1;
  std::size_t s = 0;
  const auto add = [&](std::int64_t ticks) {
    const Price price = Price::from_raw(ticks * tick_.raw());
    while (s < shown.size() && ahead(side, shown[s].price, price)) ++s;
    out.push_back(s < shown.size() && shown[s].price == price ? shown[s] : level(side, ticks));
  };
  // Nothing can be bid below one tick.
  if (best >= 1) add(best);
  std::int64_t at = side == Side::Buy ? (best - 1) / grid_ * grid_ : (best + grid_) / grid_ * grid_;
  for (; out.size() < wanted && at >= 1; at += away * grid_) add(at);
  return out;
}

void ShapedBook::rebuild(const BookTerms& terms, Price price, Side taker) {
  terms_ = terms;
  const double ticks = price.to_double() * terms.spread_bps / 1e4 / tick_.to_double();
  spread_ = std::max<std::int64_t>(1, std::llround(ticks));
  grid_ = std::max<std::int64_t>(1, spread_ / 2);
  const Touch t = touch(price, taker);
  bids_ = side(Side::Buy, t.bid, {});
  asks_ = side(Side::Sell, t.ask, {});
}

void ShapedBook::move(Price price, Side taker, std::vector<BookLevel>& bids, std::vector<BookLevel>& asks) {
  const Touch t = touch(price, taker);
  move_side(Side::Buy, t.bid, bids_, bids);
  move_side(Side::Sell, t.ask, asks_, asks);
}

/// A side is a function of its best price alone, so one whose best stays is left as it is.
void ShapedBook::move_side(Side of, std::int64_t best, Levels& shown, Levels& changes) const {
  if (!shown.empty() && shown.front().price.raw() == best * tick_.raw()) return;
  Levels next = side(of, best, shown);
  difference(of, shown, next, changes);
  shown = std::move(next);
}

}  // namespace qtrader::playback
