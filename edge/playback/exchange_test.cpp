// Played markets in the real exchange behind the real venue: what went in as bars comes out as bars, books and prices.
#include "edge/matching/exchange.hpp"

#include "edge/playback/playback_fixture.hpp"
#include "edge/simvenue/book_venue.hpp"
#include "edge/simvenue/synthetic.hpp"

namespace qtrader::playback::testing {
namespace {

using matching::BarTick;
using matching::TradeTick;

struct Played {
  domain::InstrumentTable instruments;
  std::unique_ptr<matching::Exchange> exchange;
  std::unique_ptr<simvenue::BookVenue> venue;

  explicit Played(domain::InstrumentTable table) : instruments(std::move(table)) {
    std::vector<matching::ContractRules> rules(instruments.size());
    for (auto& r : rules) r.price_precision = r.quantity_precision = 8;
    exchange = matching::Exchange::create({}, instruments, rules).value();
  }
  void start(Timestamp at) {
    exchange->advance_to(at);
    const auto account = exchange->open_account({});
    exchange->take_events();
    venue = std::make_unique<simvenue::BookVenue>(*exchange, account, simvenue::BookVenueConfig{{'s', 1}, 20, true});
  }
};

TEST(PlayedMarket, EveryScenarioComesOutOfTheVenueAsItsBars) {
  simvenue::SyntheticConfig config;
  config.to = Timestamp{} + base::hours(1);
  SyntheticMarket selection;
  selection.symbols = {"BTCUSDT", "ETHUSDT"};
  selection.from = at("2024-03-01T07:00");
  selection.to = at("2024-03-01T09:00");
  for (const std::string& name : scenario_names()) {
    SCOPED_TRACE(name);
    Played played(table(simvenue::SyntheticMarket::create(config)->instruments()));
    auto source = open_scenario(name, selection, played.instruments, {});
    ASSERT_TRUE(source) << source.error().message();
    played.start((*source)->begin());
    std::size_t bars = 0, heard = 0, tops = 0, fundings = 0;
    for (auto tick = (*source)->next(); tick && *tick; tick = (*source)->next()) {
      const Timestamp now = tick_time(**tick);
      played.venue->on(**tick);
      if (const auto* b = std::get_if<BarTick>(&**tick)) {
        ++bars;
        ASSERT_EQ(played.exchange->last_price(b->symbol), b->bar.close);
      }
      if (const auto* t = std::get_if<TradeTick>(&**tick)) {
        const auto top = played.exchange->top(t->symbol);
        ASSERT_LE(top.bid.price, t->price);
        ASSERT_GE(top.ask.price, t->price);
      }
      while (const auto e = played.venue->pop_due(now)) {
        heard += std::holds_alternative<domain::BarClosed>(e->event) ? 1 : 0;
        tops += std::holds_alternative<domain::BookTop>(e->event) ? 1 : 0;
        fundings += std::holds_alternative<domain::FundingRate>(e->event) ? 1 : 0;
      }
    }
    EXPECT_EQ(bars, 240U);
    EXPECT_EQ(heard, 238U);  // those of the last moment are still on their way
    EXPECT_GT(tops, 4000U);
    EXPECT_EQ(fundings, name == "funding_squeeze" ? 4U : 2U);
  }
}

TEST(PlayedMarket, TheRecordedSessionLeavesTheExchangeWithItsBook) {
  QT_NEEDS_SHARED_DATA();
  Played played(table({contract("BTCUSDT")}));
  const auto file = shared_data() / "feed/binance-usdm/BTCUSDT-rawfeed_20240808T235415-235959.jsonl-ts.zst";
  auto source = open_recorded_feed(file.string(), "BTCUSDT", played.instruments);
  ASSERT_TRUE(source) << source.error().message();
  played.start((*source)->begin());
  Book book;
  std::size_t bars = 0;
  for (auto tick = (*source)->next(); tick && *tick; tick = (*source)->next()) {
    book.apply(**tick);
    played.venue->on(**tick);
    while (const auto e = played.venue->pop_due(tick_time(**tick)))
      bars += std::holds_alternative<domain::BarClosed>(e->event) ? 1 : 0;
  }
  EXPECT_EQ(bars, 5U);
  const auto top = played.exchange->top({0});
  EXPECT_EQ(top.bid.price, book.bid());
  EXPECT_EQ(top.ask.price, book.ask());
  EXPECT_EQ(played.exchange->book({0}, 100'000).bids.size(), book.bids.size());
}

}  // namespace
}  // namespace qtrader::playback::testing
