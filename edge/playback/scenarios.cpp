// Named scenarios: the synthetic market bent into shape: prices, volume, book and funding, bar by bar.
//
// A price p becomes p0·exp(f(ln p/p0) + s(t)): p0 is the symbol's first open, f spreads or bounds the market's own
// moves, s is the scenario's story, a function of the time since the start. Each story comes round again, so that an
// endless market keeps telling it. Everything else (paths, books, marks) is made from the bent bars as from any others.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/det_math.hpp"
#include "edge/playback/bar_source.hpp"

namespace qtrader::playback {
namespace {

using base::Duration;
using base::Timestamp;
using domain::Price;

/// What happens to one bar. Offsets are logarithmic.
struct Effect {
  double open = 0, close = 0;              // s(t) at the bar's ends
  double low_factor = 1, high_factor = 1;  // how far the bar reaches within, of its open
  double volume = 1, depth = 1, spread = 1;
};
struct Span {
  double from = 0, to = 0;  // minutes since the start
};
struct Scenario {
  const char* name;
  double volatility = 1;  // factor of the market's own log moves
  double bound = 8;       // they stay within ±bound
  Effect always;
  Effect (*story)(Span) = nullptr;
  bool funding_squeeze = false;
};

constexpr double kHour = 60, kDay = 1440;

/// 0 → 1 → 0, once in a period.
double triangle(double at, double period) {
  const double phase = at / period - std::floor(at / period);
  return phase < 0.5 ? 2 * phase : 2 - 2 * phase;
}

Effect trend(Span t) {  // half a percent an hour for a day, and back
  constexpr double kAmplitude = 0.12;
  Effect e;
  e.open = kAmplitude * triangle(t.from, 2 * kDay);
  e.close = kAmplitude * triangle(t.to, 2 * kDay);
  return e;
}

Effect whipsaw(Span t) {  // between −2 % and +2 %, there and back in eight minutes
  constexpr double kAmplitude = 0.02, kPeriod = 8;
  const auto at = [](double minutes) { return kAmplitude * (2 * triangle(minutes + kPeriod / 4, kPeriod) - 1); };
  Effect e;
  e.open = at(t.from);
  e.close = at(t.to);
  if (t.to - t.from >= kPeriod / 2) {
    e.high_factor = 1 + kAmplitude;
    e.low_factor = 1 - kAmplitude;
  }
  e.volume = 2;
  return e;
}

Effect gap(Span t) {  // after half an hour, and every two hours: 3 % up, then as much down, between two bars
  constexpr double kJump = 0.03, kFirst = 30, kEvery = 2 * kHour;
  const auto jumps = [](double minutes) {
    return static_cast<std::int64_t>(std::floor((minutes - kFirst) / kEvery)) + 1;
  };
  const auto at = [](std::int64_t n) { return n % 2 == 0 ? 0.0 : kJump; };
  Effect e;
  e.open = e.close = at(std::max<std::int64_t>(jumps(t.from), 0));
  return e;
}

// After half an hour and every six hours: 12 % down within a minute, a third of it back at once, as much again within a
// quarter of an hour, the rest hours later.
constexpr double kCrashFirst = 30, kCrashEvery = 6 * kHour, kCrashLow = 0.88, kCrashDry = 15;

double since_crash(double minutes) {
  return minutes < kCrashFirst
             ? -1
             : minutes - kCrashFirst - kCrashEvery * std::floor((minutes - kCrashFirst) / kCrashEvery);
}
double crash_offset(double minutes) {
  const double bottom = base::det::log(0.92), rebound = base::det::log(0.95);
  const double u = since_crash(minutes);
  if (u < 0) return 0;
  if (u < 1) return bottom * u;
  if (u < kCrashDry) return bottom + (rebound - bottom) * (u - 1) / (kCrashDry - 1);
  if (u < kCrashEvery / 2) return rebound;
  return rebound * (kCrashEvery - u) / (kCrashEvery / 2);
}

Effect flash_crash(Span t) {
  Effect e;
  e.open = crash_offset(t.from);
  e.close = crash_offset(t.to);
  const double begun = since_crash(t.from);
  const double next = begun < 0 ? kCrashFirst - t.from : begun == 0 ? 0 : kCrashEvery - begun;
  const bool crashes = next < t.to - t.from;
  if (crashes) e.low_factor = kCrashLow;
  if (crashes || (begun >= 0 && begun < kCrashDry)) {
    e.depth = 0.1;
    e.spread = 8;
    e.volume = crashes ? 8 : 3;
  }
  return e;
}

Effect always(double volume, double depth, double spread) {
  Effect e;
  e.volume = volume;
  e.depth = depth;
  e.spread = spread;
  return e;
}

const std::array<Scenario, 9>& scenarios() {
  static const std::array<Scenario, 9> all{{
      {.name = "calm", .volatility = 0.3, .always = always(0.6, 2, 0.5)},
      {.name = "trend", .volatility = 0.6, .always = {}, .story = trend},
      {.name = "range", .bound = 0.015, .always = {}},
      {.name = "flash_crash", .always = {}, .story = flash_crash},
      {.name = "gap", .always = {}, .story = gap},
      {.name = "volatility", .volatility = 5, .always = always(3, 0.5, 2)},
      {.name = "liquidity_drought", .always = always(0.2, 0.05, 10)},
      {.name = "funding_squeeze", .always = {}, .funding_squeeze = true},
      {.name = "whipsaw", .volatility = 1.5, .always = {}, .story = whipsaw},
  }};
  return all;
}

/// ±0.75 % every hour, the sign held for four: a rate at its cap is settled hourly (binance-usdm.md 16).
domain::Ratio squeezed_rate(Timestamp settlement) {
  const std::int64_t block = settlement.ns / base::hours(4).ns;
  return domain::Ratio::from_raw(block % 2 == 0 ? 750'000 : -750'000);
}

class ScenarioFeed final : public BarFeed {
 public:
  ScenarioFeed(const Scenario& scenario, std::unique_ptr<BarFeed> market, const domain::InstrumentTable& instruments)
      : scenario_(scenario), market_(std::move(market)), instruments_(instruments), anchors_(instruments.size()) {}

  base::Result<bool> next(BarSlot& slot) override {
    QT_TRY(const bool more, market_->next(slot));
    if (!more) return false;
    for (SlotBar& bar : slot.bars) bend(bar, slot);
    if (scenario_.funding_squeeze) squeeze(slot);
    return true;
  }
  bool has_funding(domain::SymbolId symbol) const override { return market_->has_funding(symbol); }
  Timestamp begin() const override { return market_->begin(); }
  Timestamp end() const override { return market_->end(); }

 private:
  void bend(SlotBar& slot_bar, const BarSlot& slot);
  void squeeze(BarSlot& slot) const;

  const Scenario& scenario_;
  std::unique_ptr<BarFeed> market_;
  domain::InstrumentTable instruments_;
  std::vector<double> anchors_;  // first opens, by symbol id
};

void ScenarioFeed::bend(SlotBar& slot_bar, const BarSlot& slot) {
  domain::Bar& b = slot_bar.bar;
  const auto minutes = [&](Timestamp t) { return (t - begin()).seconds() / 60; };
  const Effect e = scenario_.story != nullptr ? scenario_.story({minutes(slot.open), minutes(slot.close)}) : Effect{};
  double& anchor = anchors_[slot_bar.symbol.value];
  if (anchor == 0) anchor = b.open.to_double();
  const auto bent = [&](Price p, double offset) {
    const double own = scenario_.volatility * base::det::log(p.to_double() / anchor);
    return anchor * base::det::exp(scenario_.bound * base::det::tanh(own / scenario_.bound) + offset);
  };
  const double open = bent(b.open, e.open), close = bent(b.close, e.close);
  const double high = std::max({open, close, bent(b.high, std::max(e.open, e.close)), open * e.high_factor});
  const double low = std::min({open, close, bent(b.low, std::min(e.open, e.close)), open * e.low_factor});
  b.open = Price::from_double(open);
  b.close = Price::from_double(close);
  b.high = Price::from_double(high);
  b.low = Price::from_double(low);
  const double volume = scenario_.always.volume * e.volume;
  b.volume *= volume;
  b.taker_buy_base *= volume;
  b.trades = static_cast<std::uint32_t>(std::clamp(b.trades * volume, 1.0, 4e9));
  fit_to_instrument(b, instruments_[slot_bar.symbol]);
  b.quote_volume = b.volume * (b.open.to_double() + b.high.to_double() + b.low.to_double() + b.close.to_double()) / 4;
  slot_bar.depth = scenario_.always.depth * e.depth;
  slot_bar.spread = scenario_.always.spread * e.spread;
}

void ScenarioFeed::squeeze(BarSlot& slot) const {
  slot.funding.clear();
  const std::int64_t hour = base::hours(1).ns;
  for (std::int64_t at = (slot.open.ns + hour - 1) / hour * hour; at < slot.close.ns; at += hour)
    for (const SlotBar& bar : slot.bars) slot.funding.push_back({bar.symbol, squeezed_rate({at}), {at}, 1});
  for (SlotBar& bar : slot.bars) bar.funding_estimate = squeezed_rate({(slot.open.ns / hour + 1) * hour});
}

}  // namespace

std::vector<std::string> scenario_names() {
  std::vector<std::string> out;
  for (const Scenario& s : scenarios()) out.emplace_back(s.name);
  return out;
}

base::Result<std::unique_ptr<MarketSource>> open_scenario(const std::string& name, const SyntheticMarket& selection,
                                                          const domain::InstrumentTable& instruments, BookModel model) {
  const auto& all = scenarios();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Scenario& s) { return name == s.name; });
  if (found == all.end()) {
    std::string names;
    for (const Scenario& s : all) names += (names.empty() ? "" : ", ") + std::string(s.name);
    return base::Error{"playback", base::Errc::NotFound, "no scenario " + name + "; there are " + names};
  }
  QT_TRY(auto market, synthetic_bar_feed(selection, instruments));
  return BarSource::create(std::make_unique<ScenarioFeed>(*found, std::move(market), instruments), instruments, model);
}

}  // namespace qtrader::playback
