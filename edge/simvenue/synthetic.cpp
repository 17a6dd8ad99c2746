#include "edge/simvenue/synthetic.hpp"

#include <algorithm>
#include <cmath>

namespace qtrader::simvenue {

using domain::Bar;
using domain::Price;

namespace {

constexpr std::int32_t kMaxSymbols = 64;
constexpr double kLn2 = 0.69314718055994530942;
constexpr base::Duration kFundingInterval = base::hours(8);
constexpr std::size_t kKeptSettlements = 8;  // a one-day slot and the one before it have six
constexpr double kContinuity = 0.5826;       // −ζ(½)/√(2π): how far a continuous path exceeds its sampled extreme

base::Error invalid(std::string what) { return {"simvenue", base::Errc::InvalidArgument, std::move(what)}; }

double slot_minutes(const SyntheticConfig& c) { return domain::minutes(c.timeframe); }

}  // namespace

base::Result<SyntheticMarket> SyntheticMarket::create(SyntheticConfig config) {
  if (config.symbols < 1 || config.symbols > kMaxSymbols)
    return invalid("synthetic symbols " + std::to_string(config.symbols) + ": expected 1 to 64");
  const base::Duration slot = domain::duration(config.timeframe);
  if (config.from.ns % slot.ns != 0)
    return invalid("synthetic from " + base::format_timestamp(config.from) + ": expected the start of a " +
                   std::string(domain::to_string(config.timeframe)) + " bar");
  if (config.from + slot > config.to)
    return invalid("synthetic window " + base::format_timestamp(config.from) + " to " +
                   base::format_timestamp(config.to) + ": expected at least one bar");
  return SyntheticMarket(config);
}

SyntheticMarket::SyntheticMarket(SyntheticConfig config)
    : config_(config),
      slot_days_(slot_minutes(config) / 1440),
      factor_(base::Rng(config.seed).fork("synthetic"), slot_minutes(config)),
      slot_(config.from) {
  const base::Rng root = base::Rng(config.seed).fork("synthetic");
  for (std::int32_t i = 0; i < config.symbols; ++i) {
    SymbolProfile profile = symbol_profile(i, root);
    const base::Rng own = root.fork(profile.instrument.symbol);
    Path p{profile, ShockStream(own.fork("shocks"), slot_minutes(config)), own.fork("funding")};
    p.tick = profile.instrument.tick_size.to_double();
    p.tick_raw = profile.instrument.tick_size.raw();
    p.step = profile.instrument.step_size.to_double();
    p.deviation = profile.daily_volatility * std::sqrt(slot_days_);
    p.own_share = std::sqrt(1 - profile.correlation * profile.correlation);
    p.slot_turnover = profile.daily_turnover * slot_days_;
    p.price = profile.initial_price;
    instruments_.push_back(profile.instrument);
    paths_.push_back(std::move(p));
  }
  settle(slot_, slot_ + domain::duration(config.timeframe));
}

SyntheticMarket::Walk SyntheticMarket::walk(Path& path, const MarketSlot& market) const {
  const SymbolProfile& profile = path.profile;
  SubSteps own;
  path.own.draw(market.activity * path.own_share, own);
  // A year's half-life: weak enough not to be tradable, strong enough that decades stay within sane prices.
  const double pull = -path.level * slot_days_ * (kLn2 / 365);
  const double drift = (profile.correlation * profile.daily_volatility * market.drift + pull) / kSubSteps;
  Walk w{path.price, path.price, path.price, path.price};
  double squares = 0;
  for (int k = 0; k < kSubSteps; ++k) {
    const auto at = static_cast<std::size_t>(k);
    double x = path.deviation * (profile.correlation * market.shock[at] + own[at]) + drift;
    x = std::clamp(x, -0.2, 0.2);
    squares += x * x;
    w.close *= 1 + x + 0.5 * x * x;
    w.high = std::max(w.high, w.close);
    w.low = std::min(w.low, w.close);
    path.level += x;
    path.trend += x;
  }
  path.trend *= 1 - std::min(slot_days_, 1.0) * 0.5;
  const double step = std::sqrt(squares / kSubSteps);
  w.high *= 1 + kContinuity * step * 2 * path.own.rng().uniform();
  w.low *= 1 - std::min(kContinuity * step * 2 * path.own.rng().uniform(), 0.5);
  path.price = std::max(w.close, path.tick);
  return w;
}

Bar SyntheticMarket::bar(Path& path, const MarketSlot& market) const {
  const Walk w = walk(path, market);
  base::Rng& rng = path.own.rng();
  const double per_tick = 1 / path.tick;
  const auto price = [&](double ticks) {
    return Price::from_raw(std::max<std::int64_t>(static_cast<std::int64_t>(ticks), 1) * path.tick_raw);
  };
  // The last trade of a moment is at the bid or at the ask, one tick apart.
  const std::uint64_t sides = rng.next();
  const auto quoted = [&](double fair, bool ask) {
    return ask ? std::ceil(fair * per_tick) : std::floor(fair * per_tick);
  };
  Bar b;
  b.open_time = slot_;
  b.timeframe = config_.timeframe;
  b.open = price(quoted(w.open, (sides & 1) != 0));
  b.close = price(quoted(w.close, (sides & 2) != 0));
  b.high = std::max({price(std::ceil(w.high * per_tick)), b.open, b.close});
  b.low = std::min({price(std::floor(w.low * per_tick)), b.open, b.close});

  // Turnover rises with the hour, the regime and the size of this very move.
  const double range = (w.high - w.low) / w.open;
  const double move = std::min(range / (path.deviation * 1.6), 6.0);
  const double noise = 1 + 0.3 * near_normal(rng);
  const double turnover = path.slot_turnover * market.volume * (0.35 + 0.65 * move) * std::max(noise, 0.1);
  const double average = (w.open + w.high + w.low + w.close) / 4;
  b.volume = std::max(std::floor(turnover / average / path.step), 1.0) * path.step;
  b.quote_volume = b.volume * average;
  const double lean = range > 0 ? (w.close - w.open) / (w.high - w.low) : 0;
  const double share = std::clamp(0.5 + 0.12 * lean + 0.04 * near_normal(rng), 0.02, 0.98);
  b.taker_buy_base = std::floor(b.volume * share / path.step) * path.step;
  const double trade_size = 600 + path.slot_turnover / slot_days_ * 1e-7;
  b.trades = static_cast<std::uint32_t>(std::clamp(b.quote_volume / trade_size, 1.0, 4e9));
  b.columns = domain::kHasQuoteVolume | domain::kHasTrades | domain::kHasTakerBuy;
  return b;
}

bool SyntheticMarket::next(std::vector<Bar>& bars) {
  const base::Duration slot = domain::duration(config_.timeframe);
  if (slot_ + slot > config_.to) return false;
  const MarketSlot& market = factor_.next(slot_);
  bars.resize(paths_.size());
  for (std::size_t i = 0; i < paths_.size(); ++i) bars[i] = bar(paths_[i], market);
  slot_ = slot_ + slot;
  settle(slot_, slot_ + slot);
  return true;
}

/// Settlements with from ≤ time < until, out of what is known at from.
void SyntheticMarket::settle(base::Timestamp from, base::Timestamp until) {
  const std::int64_t every = kFundingInterval.ns;
  const std::int64_t first = from.ns + ((every - from.ns % every) % every);
  for (std::int64_t at = first; at < until.ns; at += every) {
    Settlement s;
    s.time = {at};
    for (std::size_t i = 0; i < paths_.size(); ++i)
      s.rates.push_back({domain::SymbolId{static_cast<std::uint16_t>(i)}, funding_rate(paths_[i]), s.time, 8});
    settlements_.push_back(std::move(s));
    if (settlements_.size() > kKeptSettlements) settlements_.pop_front();
  }
}

/// Binance's formula (binance-usdm.md 16): F = P + clamp(0.01 % − P, ±0.05 %), within ±0.3 %. The premium P follows the
/// last day's return and wanders.
domain::Ratio SyntheticMarket::funding_rate(Path& path) const {
  path.premium_noise = 0.7 * path.premium_noise + 0.00025 * near_normal(path.funding);
  const double premium = 0.0001 + 0.01 * path.trend + path.premium_noise;
  const double rate = premium + std::clamp(0.0001 - premium, -0.0005, 0.0005);
  return domain::Ratio::from_double(std::clamp(rate, -0.003, 0.003));
}

std::vector<domain::FundingRate> SyntheticMarket::funding_at(base::Timestamp time) const {
  for (const Settlement& s : settlements_)
    if (s.time == time) return s.rates;
  return {};
}

}  // namespace qtrader::simvenue
