#include "apps/live/market_setup.hpp"

#include <algorithm>

#include "edge/simvenue/synthetic_profiles.hpp"

namespace qtrader::apps {
namespace {

constexpr int kKnownProfiles = 20;
// A market that never existed begins at a date nobody can take for a recording of their own.
constexpr std::int64_t kSyntheticStartMs = 1'704'067'200'000;  // 2024-01-01

base::Error bad(base::Errc code, std::string what) { return {"market", code, std::move(what)}; }

std::int32_t decimals(std::int64_t raw) {
  std::int32_t places = 8;
  while (places > 0 && raw != 0 && raw % 10 == 0) {
    raw /= 10;
    --places;
  }
  return places;
}

base::Result<domain::Instrument> profile_of(const std::string& symbol) {
  const base::Rng rng(0);
  std::string names;
  for (int i = 0; i < kKnownProfiles; ++i) {
    auto profile = simvenue::symbol_profile(i, rng);
    if (profile.instrument.symbol == symbol) return profile.instrument;
    names += (names.empty() ? "" : ", ") + profile.instrument.symbol;
  }
  return bad(base::Errc::NotFound, symbol + ": no such synthetic symbol; there are " + names);
}

base::Result<MarketSetup> open_generated(const MarketChoice& choice) {
  MarketSetup out;
  out.synthetic = true;
  std::vector<std::string> symbols = choice.symbols;
  if (symbols.empty()) symbols = {"BTCUSDT", "ETHUSDT", "SOLUSDT"};
  for (const std::string& symbol : symbols) {
    QT_TRY(auto instrument, profile_of(symbol));
    out.instruments.push_back(std::move(instrument));
  }
  out.from = choice.from.value_or(base::Timestamp::from_unix_ms(kSyntheticStartMs) + choice.warmup);
  out.to = choice.to.value_or(base::Timestamp{INT64_MAX});
  QT_TRY(auto table, domain::InstrumentTable::create(out.instruments));
  const playback::SyntheticMarket market{symbols, choice.timeframe, out.from - choice.warmup, choice.to, choice.seed};
  const playback::BookModel model{.seed = choice.seed};
  out.data_hash = "synthetic:" + std::to_string(choice.seed) + (choice.scenario.empty() ? "" : ":" + choice.scenario);
  if (choice.scenario.empty()) {
    QT_TRY(out.source, playback::open_synthetic(market, table, model));
  } else {
    QT_TRY(out.source, playback::open_scenario(choice.scenario, market, table, model));
  }
  return out;
}

base::Result<MarketSetup> open_candles(const MarketChoice& choice) {
  MarketSetup out;
  QT_TRY(const auto catalog, history::Catalog::scan(choice.data));
  if (choice.symbols.empty()) return bad(base::Errc::InvalidArgument, "--data needs --symbols A,B,…");
  if (!choice.from || !choice.to) return bad(base::Errc::InvalidArgument, "--data needs --from and --to");
  out.from = *choice.from;
  out.to = *choice.to;
  for (const std::string& symbol : choice.symbols) {
    QT_TRY(auto instrument, catalog.instrument(symbol));
    out.instruments.push_back(std::move(instrument));
  }
  QT_TRY(auto table, domain::InstrumentTable::create(out.instruments));
  const history::Window window{out.from - choice.warmup, out.to};
  QT_TRY(out.data_hash, catalog.content_hash(choice.symbols, choice.timeframe, window));
  out.synthetic = catalog.synthetic();
  const playback::RecordedBars selection{choice.symbols, choice.timeframe, window, false};
  QT_TRY(out.source, playback::open_bars(catalog, selection, table, {.seed = choice.seed}));
  return out;
}

base::Result<MarketSetup> open_feed(const MarketChoice& choice) {
  MarketSetup out;
  if (choice.symbols.size() != 1)
    return bad(base::Errc::InvalidArgument, "--feed needs --symbols with exactly the symbol it was recorded for");
  QT_TRY(auto instrument, profile_of(choice.symbols.front()));
  out.instruments.push_back(std::move(instrument));
  QT_TRY(auto table, domain::InstrumentTable::create(out.instruments));
  QT_TRY(out.source, playback::open_recorded_feed(choice.feed, choice.symbols.front(), table));
  out.from = choice.from.value_or(out.source->begin());
  out.to = out.source->end();
  out.data_hash = "feed:" + choice.feed;
  return out;
}

}  // namespace

matching::ContractRules usual_rules(const domain::Instrument& instrument) {
  matching::ContractRules rules;
  rules.price_precision = decimals(instrument.tick_size.raw());
  rules.quantity_precision = decimals(instrument.step_size.raw());
  return rules;
}

base::Result<MarketSetup> open_market(const MarketChoice& choice) {
  const int named = !choice.data.empty() + !choice.feed.empty() + !choice.scenario.empty();
  if (named > 1) return bad(base::Errc::InvalidArgument, "--data, --feed and --scenario exclude each other");
  auto out = !choice.data.empty()   ? open_candles(choice)
             : !choice.feed.empty() ? open_feed(choice)
                                    : open_generated(choice);
  if (!out) return out;
  for (const auto& instrument : out->instruments) out->rules.push_back(usual_rules(instrument));
  return out;
}

}  // namespace qtrader::apps
