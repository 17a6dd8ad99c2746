// The exchange without sockets: orders through matching, orders through the request side with signatures, book diffs,
// and the playback's market through exchange and venue.
#include "bench/bench.hpp"
#include "bench/contracts.hpp"
#include "edge/binance/rest_client.hpp"
#include "edge/exchange/api.hpp"
#include "edge/playback/market_source.hpp"
#include "edge/simvenue/book_venue.hpp"

namespace qtrader::bench {
namespace {

const base::Timestamp kStart = base::Timestamp::from_unix_ms(1'704'067'200'000);  // 2024-01-01
constexpr int kLevels = 1'000;

base::Result<std::unique_ptr<matching::Exchange>> open_exchange(const Contracts& c) {
  QT_TRY(auto table, domain::InstrumentTable::create(c.instruments));
  QT_TRY(auto exchange, matching::Exchange::create({}, std::move(table), c.rules));
  exchange->advance_to(kStart);
  exchange->on(book_around_50000(c.instruments[0], kLevels, kStart));
  exchange->on(mark_at_50000(kStart));
  exchange->take_events();
  return exchange;
}

base::Result<Figure> orders_in_matching(const Options& options) {
  const int pairs = options.quick ? 10'000 : 200'000;
  QT_TRY(const auto exchange, open_exchange(contracts(1)));
  const auto account = exchange->open_account({.balance = domain::Money::from_int(1'000'000)});
  matching::NewOrder order;
  order.quantity = domain::Quantity::parse("0.010").value();
  order.price = domain::Price::from_int(49'000);
  int refused = 0;
  const Repeated time = repeat(5, [&] {
    for (int i = 0; i < pairs; ++i) {
      const auto placed = exchange->place(account, order);
      keep(exchange->take_events());
      if (!placed || !exchange->cancel(account, {order.symbol, placed->id, {}})) ++refused;
      keep(exchange->take_events());
    }
  });
  if (refused > 0) return base::Error{"bench", base::Errc::Conflict, "the exchange refused a benchmark's order"};
  return Figure{"exchange.matching.orders",
                {{"requests_per_s", 2.0 * pairs / time.best}, {"requests_per_s_median", 2.0 * pairs / time.median}},
                "LIMIT placed far from the market, then cancelled; events taken after each"};
}

/// An Api in front of an exchange, as the server has it.
struct RequestSide {
  static base::Result<std::unique_ptr<RequestSide>> open() {
    const Contracts c = contracts(1);
    auto side = std::make_unique<RequestSide>();
    QT_TRY(side->exchange, open_exchange(c));
    QT_TRY(auto table, domain::InstrumentTable::create(c.instruments));
    side->market = std::make_unique<exchange::PublicMarket>(table, exchange::PublicMarket::Config{});
    side->keys.add({"demo", "demo", exchange::ApiKeyType::Hmac,
                    side->exchange->open_account({.balance = domain::Money::from_int(1'000'000)}), true});
    exchange::ApiConfig config;
    config.enforce_limits = false;
    side->api = std::make_unique<exchange::Api>(
        exchange::Api::Rooms{*side->exchange, *side->market, side->keys, side->listen_keys,
                             [raw = side->exchange.get()] { return raw->now(); }},
        config);
    return side;
  }
  int handle(const net::HttpRequest& request) {
    const auto response = api->handle(request, "127.0.0.1");
    for (const auto& event : exchange->take_events()) market->on(event);
    keep(response);
    return response.status;
  }

  std::unique_ptr<matching::Exchange> exchange;
  std::unique_ptr<exchange::PublicMarket> market;
  exchange::Keyring keys;
  exchange::ListenKeys listen_keys{1};
  std::unique_ptr<exchange::Api> api;
};

base::Result<net::HttpRequest> signed_request(std::string method, std::string query) {
  query += "&recvWindow=5000&timestamp=" + std::to_string(kStart.unix_ms());
  QT_TRY(const std::string signature, binance::sign({"demo", binance::Secret("demo"), {}}, query));
  return net::HttpRequest{std::move(method),
                          "/fapi/v1/order?" + query + "&signature=" + signature,
                          {{"Host", "127.0.0.1"}, {"X-MBX-APIKEY", "demo"}},
                          {}};
}

base::Result<Figure> orders_in_api(const Options& options) {
  const int pairs = options.quick ? 5'000 : 100'000;
  QT_TRY(const auto side, RequestSide::open());
  QT_TRY(const auto place, signed_request("POST",
                                          "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.010"
                                          "&price=49000&newClientOrderId=bench"));
  QT_TRY(const auto cancel, signed_request("DELETE", "symbol=BTCUSDT&origClientOrderId=bench"));
  int refused = 0;
  const Repeated time = repeat(5, [&] {
    for (int i = 0; i < pairs; ++i) refused += (side->handle(place) != 200) + (side->handle(cancel) != 200);
  });
  if (refused > 0) return base::Error{"bench", base::Errc::Conflict, "the Api refused a benchmark's order"};
  return Figure{"exchange.api.orders",
                {{"requests_per_s", 2.0 * pairs / time.best}, {"requests_per_s_median", 2.0 * pairs / time.median}},
                "POST and DELETE /fapi/v1/order with HMAC signatures, to the finished answer; no sockets"};
}

base::Result<Figure> book_diffs(const Options& options) {
  const int diffs = options.quick ? 20'000 : 500'000;
  constexpr int kWritten = 5;  // levels a side in each
  const Contracts c = contracts(1);
  QT_TRY(const auto exchange, open_exchange(c));
  base::Rng rng(1);
  std::vector<matching::BookDeltaTick> ticks(10'000);
  const std::int64_t middle = domain::Price::from_int(50'000).raw(), tick = c.instruments[0].tick_size.raw();
  for (auto& t : ticks) {
    t.time = kStart;
    for (int i = 0; i < kWritten; ++i) {
      const auto away = [&] { return static_cast<std::int64_t>(1 + rng.below(100)) * tick; };
      const auto size = [&] {
        return domain::Quantity::from_raw(static_cast<std::int64_t>(rng.below(5)) * 10'000'000);
      };
      t.bids.push_back({domain::Price::from_raw(middle - away()), size()});
      t.asks.push_back({domain::Price::from_raw(middle + away()), size()});
    }
  }
  const Repeated time = repeat(5, [&] {
    for (int i = 0; i < diffs; ++i) {
      exchange->on(ticks[static_cast<std::size_t>(i) % ticks.size()]);
      keep(exchange->take_events());
    }
  });
  return Figure{"exchange.matching.book",
                {{"updates_per_s", diffs / time.best}, {"levels_per_s", 2.0 * kWritten * diffs / time.best}},
                "diffs of 10 levels near the touch into a book of 1 000 a side; events taken after each"};
}

enum class Through : std::uint8_t { Source, Exchange, Venue };

struct Run {
  std::uint64_t ticks = 0, bars = 0, events = 0;
};
base::Result<Run> play(const Contracts& c, int bars, Through through) {
  QT_TRY(auto table, domain::InstrumentTable::create(c.instruments));
  const playback::SyntheticMarket market{c.symbols, domain::Timeframe::M5, kStart, kStart + base::minutes(5) * bars, 1};
  QT_TRY(const auto source, playback::open_synthetic(market, table, {}));
  QT_TRY(const auto exchange, matching::Exchange::create({}, table, c.rules));
  simvenue::BookVenue venue(*exchange, exchange->open_account({}), {});
  Run run;
  for (;;) {
    QT_TRY(const auto tick, source->next());
    if (!tick) return run;
    ++run.ticks;
    run.bars += std::holds_alternative<matching::BarTick>(*tick);
    if (through == Through::Source) continue;
    if (through == Through::Exchange) {
      exchange->on(*tick);
      run.events += exchange->take_events().size();
      continue;
    }
    venue.on(*tick);
    while (venue.pop_due(matching::time_of(*tick))) ++run.events;
  }
}

}  // namespace

base::Result<std::vector<Figure>> bench_exchange(const Options& options) {
  std::vector<Figure> out;
  for (const auto bench : {&orders_in_matching, &orders_in_api, &book_diffs}) {
    QT_TRY(auto figure, bench(options));
    out.push_back(std::move(figure));
  }
  return out;
}

base::Result<std::vector<Figure>> bench_playback(const Options& options) {
  const Contracts c = contracts(3);
  const int bars = options.quick ? 100 : 1'000;
  Figure figure{"playback.bars",
                {},
                "synthetic 5m bars of three symbols, 24 trades and 50 levels: made; through the "
                "exchange; through exchange and venue"};
  for (const auto& [through, name] : {std::pair{Through::Source, "source"}, std::pair{Through::Exchange, "exchange"},
                                      std::pair{Through::Venue, "venue"}}) {
    base::Result<Run> run = Run{};
    const Repeated time = repeat(3, [&] { run = play(c, bars, through); });
    QT_TRY_VOID(run);
    const std::string key = name;
    figure.values[key + "_ticks_per_s"] = static_cast<double>(run->ticks) / time.best;
    figure.values[key + "_us_per_bar"] = time.best * 1e6 / static_cast<double>(run->bars);
    figure.values["ticks_per_bar"] = static_cast<double>(run->ticks) / static_cast<double>(run->bars);
  }
  return std::vector<Figure>{std::move(figure)};
}

}  // namespace qtrader::bench
