// qtrader exchange: the Binance-shaped exchange on one port, in front of recorded, scripted or synthetic markets.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "apps/live/market_setup.hpp"
#include "apps/qtrader/commands.hpp"
#include "edge/exchange/contract_rules.hpp"
#include "edge/exchange/server.hpp"
#include "edge/net/certificate.hpp"

namespace qtrader::apps {
namespace {

namespace fs = std::filesystem;
using base::Errc;

struct Options {
  std::string data, scenario, feed, timeframe = "5m", from, to, tls_cert, tls_key, tls_self_signed, duration;
  std::string address = "127.0.0.1", control_key = "control", exchange_info;
  std::vector<std::string> symbols, accounts;
  std::uint16_t port = 9001;
  double speed = 1;
  bool synthetic = false, lockstep = false, hedge = false, strict_routes = false, no_limits = false,
       market_time = false;
  std::uint64_t seed = 1;
};

constexpr std::int64_t kHistoryBars = 1'500;                   // of --data, before --from
constexpr base::Duration kSyntheticHistory = base::hours(24);  // played at once, so that klines are not empty

base::Error bad(Errc code, std::string what) { return {"exchange", code, std::move(what)}; }

/// KEY:SECRET:BALANCE.
base::Result<exchange::AccountConfig> parse_account(const std::string& text, bool hedge) {
  const auto wrong = [&](const std::string& why) {
    return bad(Errc::InvalidArgument, "--account " + text + ": " + why + "; expected key:secret:balance");
  };
  const auto last = text.rfind(':');
  const auto first = text.find(':');
  if (first == std::string::npos || first == last || first == 0) return wrong("not three parts");
  exchange::AccountConfig out;
  out.api_key = text.substr(0, first);
  out.secret = text.substr(first + 1, last - first - 1);
  const auto balance = domain::Money::parse(text.substr(last + 1));
  if (!balance || balance->is_negative()) return wrong("the balance is no positive decimal");
  if (out.secret.empty()) return wrong("the secret is empty");
  out.balance = *balance;
  out.hedge_mode = hedge;
  return out;
}

/// What the directory has of a symbol's candles; nothing if they are of other timeframes only.
std::optional<history::Window> coverage(const history::Catalog& catalog, const std::string& symbol,
                                        domain::Timeframe timeframe) {
  std::optional<history::Window> out;
  for (const auto& s : catalog.series()) {
    if (s.kind != history::SeriesKind::UsdmBars || s.symbol != symbol || s.timeframe != timeframe) continue;
    if (!out) out = history::Window{s.from, s.to};
    out->from = std::min(out->from, s.from);
    out->to = std::max(out->to, s.to);
  }
  return out;
}

/// Symbols and window of --data where the command line does not say: the symbols whose candles reach the newest day,
/// and the time all of them cover.
void complete_choice(const history::Catalog& catalog, MarketChoice& choice) {
  const bool all = choice.symbols.empty();
  base::Timestamp newest{INT64_MIN};
  for (const auto& symbol : all ? catalog.symbols(history::SeriesKind::UsdmBars) : choice.symbols)
    if (const auto c = coverage(catalog, symbol, choice.timeframe)) newest = std::max(newest, c->to);
  if (all)
    for (const auto& symbol : catalog.symbols(history::SeriesKind::UsdmBars))
      if (const auto c = coverage(catalog, symbol, choice.timeframe); c && newest - c->to < base::days(1))
        choice.symbols.push_back(symbol);
  history::Window common{{INT64_MIN}, {INT64_MAX}};
  for (const auto& symbol : choice.symbols) {
    const auto c = coverage(catalog, symbol, choice.timeframe);
    if (!c) return;  // open_market says what is missing
    common.from = std::max(common.from, c->from);
    common.to = std::min(common.to, c->to);
  }
  if (choice.symbols.empty() || common.from >= common.to) return;
  if (!choice.from) choice.from = common.from;
  if (!choice.to) choice.to = common.to;
}

/// Up to kHistoryBars before `from`, by symbol; fewer or none where the data begin later.
base::Result<std::vector<std::vector<domain::Bar>>> bars_before(const history::Catalog& catalog,
                                                                const MarketChoice& choice, base::Timestamp from) {
  std::vector<std::vector<domain::Bar>> out;
  const history::Window window{from - domain::duration(choice.timeframe) * kHistoryBars, from};
  for (const auto& symbol : choice.symbols) {
    auto& bars = out.emplace_back();
    if (catalog.select(history::SeriesKind::UsdmBars, symbol, choice.timeframe, window).empty()) continue;
    QT_TRY(const auto cursor, catalog.bars(symbol, choice.timeframe, window));
    for (;;) {
      QT_TRY(auto bar, cursor->next());
      if (!bar) break;
      bars.push_back(*bar);
    }
  }
  return out;
}

struct Prepared {
  MarketSetup market;
  std::vector<std::vector<domain::Bar>> history;
  exchange::ExchangeServerConfig config;
};

base::Result<std::string> read_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return bad(Errc::Io, file + ": cannot read");
  return std::string(std::istreambuf_iterator<char>(in), {});
}

base::Result<void> prepare_market(const Options& o, Prepared& p) {
  MarketChoice choice;
  choice.data = o.data;
  choice.feed = o.feed;
  choice.scenario = o.scenario;
  choice.symbols = o.symbols;
  choice.seed = o.seed;
  QT_TRY(choice.timeframe, domain::parse_timeframe(o.timeframe));
  if (o.synthetic && !(o.data + o.feed + o.scenario).empty())
    return bad(Errc::InvalidArgument, "--synthetic, --data, --feed and --scenario exclude each other");
  if (!o.from.empty()) {
    QT_TRY(choice.from, base::parse_timestamp(o.from));
  }
  if (!o.to.empty()) {
    QT_TRY(choice.to, base::parse_timestamp(o.to));
  }
  if (!o.data.empty()) {
    QT_TRY(const auto catalog, history::Catalog::scan(o.data));
    complete_choice(catalog, choice);
    QT_TRY(p.market, open_market(choice));
    QT_TRY(p.history, bars_before(catalog, choice, p.market.from));
  } else {
    if (o.feed.empty()) choice.warmup = kSyntheticHistory;
    QT_TRY(p.market, open_market(choice));
  }
  p.config.market.source = choice.timeframe;
  p.config.warm_up = p.market.from - p.market.source->begin();
  if (p.config.warm_up.ns < 0) p.config.warm_up = {};
  if (o.exchange_info.empty()) return {};
  QT_TRY(const std::string text, read_file(o.exchange_info));
  QT_TRY(const auto published, exchange::parse_contract_rules(text, o.exchange_info));
  for (std::size_t i = 0; i < p.market.instruments.size(); ++i)
    if (const auto it = published.find(p.market.instruments[i].symbol); it != published.end())
      p.market.rules[i] = it->second;
  return {};
}

base::Result<void> prepare_tls(const Options& o, exchange::ExchangeServerConfig& config) {
  if (o.tls_cert.empty() != o.tls_key.empty())
    return bad(Errc::InvalidArgument, "--tls-cert and --tls-key need each other");
  if (!o.tls_cert.empty() && !o.tls_self_signed.empty())
    return bad(Errc::InvalidArgument, "--tls-cert and --tls-self-signed exclude each other");
  if (!o.tls_cert.empty()) config.net.tls = net::ServerTls{o.tls_cert, o.tls_key};
  if (o.tls_self_signed.empty()) return {};
  const fs::path directory = o.tls_self_signed, certificate = directory / "exchange.pem",
                 key = directory / "exchange.key";
  std::error_code ec;
  fs::create_directories(directory, ec);
  if (ec) return bad(Errc::Io, directory.string() + ": cannot create: " + ec.message());
  if (!fs::exists(certificate, ec) || !fs::exists(key, ec))
    QT_TRY_VOID(net::write_self_signed(certificate, key, {"localhost", "127.0.0.1", "::1"}));
  config.net.tls = net::ServerTls{certificate.string(), key.string()};
  return {};
}

base::Result<Prepared> prepare(const Options& o) {
  Prepared p;
  auto& c = p.config;
  c.net.address = o.address;
  c.net.port = o.port;
  c.api.enforce_limits = !o.no_limits;
  c.matching.seed = o.seed;
  c.speed = o.speed;
  c.lockstep = o.lockstep;
  c.strict_routes = o.strict_routes;
  c.control_key = o.control_key;
  c.wall_clock = o.speed == 1 && !o.lockstep && !o.market_time;
  if (o.accounts.empty()) {
    c.accounts.emplace_back();
    c.accounts.back().hedge_mode = o.hedge;
  }
  for (const auto& text : o.accounts) {
    QT_TRY(auto account, parse_account(text, o.hedge));
    c.accounts.push_back(std::move(account));
  }
  QT_TRY_VOID(prepare_tls(o, c));
  QT_TRY_VOID(prepare_market(o, p));
  return p;
}

base::Result<void> serve(const Options& o) {
  base::Duration limit;
  if (!o.duration.empty()) {
    QT_TRY(limit, parse_duration(o.duration));
  }
  QT_TRY(auto p, prepare(o));
  QT_TRY(auto table, domain::InstrumentTable::create(p.market.instruments));
  net::Loop loop;
  const char* scheme = p.config.net.tls ? "https" : "http";
  QT_TRY(const auto server,
         exchange::ExchangeServer::start(loop, std::move(p.config), std::move(table), std::move(p.market.rules),
                                         std::move(p.market.source), std::move(p.history)));
  fmt::print("listening on {}://{}:{}\n", scheme, o.address, server->port());
  std::fflush(stdout);
  loop.on_terminate([&] { loop.stop(); });
  net::Timer end;
  if (limit.ns > 0) end = loop.after(limit, [&] { loop.stop(); });
  loop.run();
  return {};
}

}  // namespace

void add_exchange_command(CLI::App& app, int& status) {
  auto* c = app.add_subcommand("exchange", "A Binance-USD-M-shaped exchange on one port: REST, streams, WebSocket API");
  auto o = std::make_shared<Options>();
  c->add_option("--port", o->port, "0: the system chooses")->default_val(9001);
  c->add_option("--address", o->address, "IP address to listen on")->default_val("127.0.0.1");
  c->add_option("--data", o->data, "Play recorded candles of this directory");
  c->add_option("--scenario", o->scenario, "Play a named scenario");
  c->add_option("--feed", o->feed, "Play a recorded websocket session (needs --symbols with its symbol)");
  c->add_flag("--synthetic", o->synthetic, "Play a synthetic market (the default)");
  c->add_option("--symbols", o->symbols,
                "A,B,… (default: BTCUSDT,ETHUSDT,SOLUSDT, or those of --data that reach its newest day)")
      ->delimiter(',');
  c->add_option("--timeframe", o->timeframe, "Of the bars played")->default_val("5m");
  c->add_option("--from", o->from, "First moment of the market, UTC");
  c->add_option("--to", o->to, "End of the market, exclusive");
  c->add_option("--speed", o->speed, "1 is real time; 0: as fast as clients keep up")
      ->default_val(1)
      ->check(CLI::NonNegativeNumber);
  c->add_flag("--lockstep", o->lockstep, "Time moves only by POST /control/advance");
  c->add_flag("--market-time", o->market_time, "Keep the market's own dates at speed 1 instead of today's");
  c->add_option("--seed", o->seed, "Of books, synthetic markets and ids")->default_val(1);
  c->add_option("--exchange-info", o->exchange_info, "Body of GET /fapi/v1/exchangeInfo to take price filters from");
  c->add_option("--account", o->accounts, "key:secret:balance; repeatable (default demo:demo:10000)");
  c->add_flag("--hedge", o->hedge, "Accounts start in hedge mode");
  c->add_flag("--strict-routes", o->strict_routes, "Unrouted sockets deliver public streams only");
  c->add_flag("--no-limits", o->no_limits, "Count weights, orders and control frames, but never refuse");
  c->add_option("--control-key", o->control_key, "Expected in X-Control-Key on /control/*")->default_val("control");
  c->add_option("--tls-cert", o->tls_cert, "PEM certificate");
  c->add_option("--tls-key", o->tls_key, "PEM key");
  c->add_option("--tls-self-signed", o->tls_self_signed, "Directory for a certificate of its own (exchange.pem)");
  c->add_option("--duration", o->duration, "Stop after, in wall time: 90s, 15m, 24h");
  c->callback([o, &status] {
    const auto done = serve(*o);
    if (!done) status = report_error(done.error());
  });
}

}  // namespace qtrader::apps
