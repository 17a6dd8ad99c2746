// TraderRig: a whole trader (core, journal, world, gateway) and the exchange it trades on, over sockets, on one loop.
//
// The exchange plays a scripted market in lockstep; the trader wishes one long entry at a known bar. Time is the rig's:
// while something is amiss (a fault lasts, an answer is awaited, a stream is away) the exchange's time passes no faster
// than the wall's, so that the gateway's own waits mean what they say; else as fast as it goes. After every step the
// rig looks at the account as the exchange holds it: what is open, and what protects it.
#pragma once

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <map>
#include <set>

#include "apps/live/gateway_world.hpp"
#include "core/execution/wire_id.hpp"
#include "edge/exchange/server.hpp"
#include "tests/exchange/harness.hpp"
#include "tests/exchange/market_script.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::wire {

namespace fs = std::filesystem;
namespace json = boost::json;

inline const base::Timestamp kDecision = kStart + base::hours(6);  // close of the bar the entry is decided on
inline constexpr base::Duration kBefore = base::seconds(3), kScriptLength = base::seconds(150);
inline constexpr double kPrice = 50'000;
inline constexpr base::Duration kStep = base::milliseconds(200);

/// Wishes one long entry, at kDecision.
class OneEntry final : public fund::Strategy {
 public:
  std::string_view name() const override { return "one_entry"; }
  void on_primary_bar(domain::SymbolId, const domain::Bar&) override {}
  domain::Signal evaluate(const fund::StrategyInput& input) override {
    domain::Signal signal;
    signal.symbol = input.symbol;
    signal.source = "one_entry";
    const bool now = input.symbol == kBtc && input.market.last_primary->close_time() == kDecision;
    signal.action = now ? domain::Action::Buy : domain::Action::Hold;
    if (!now) signal.hold_reason = domain::HoldReason::NoSetup;
    return signal;
  }
  void archive(base::Writer&) override {}
  void archive(base::Reader&) override {}
};

/// Twelve hours of minutes that swing by 0.15 %, up to the minute that is being made when the script begins.
inline std::vector<domain::Bar> minutes_before(double price) {
  std::vector<domain::Bar> out;
  for (base::Timestamp at = kDecision - base::hours(4); at + base::minutes(1) < kDecision; at = at + base::minutes(1)) {
    domain::Bar b;
    b.timeframe = domain::Timeframe::M1;
    b.open_time = at;
    b.open = b.close = px(price);
    b.high = px(price * 1.0015);
    b.low = px(price * 0.9985);
    b.volume = 10;
    out.push_back(b);
  }
  return out;
}

/// Where the price is, a second at a time: flat; beyond one R from the 50th second after the decision on.
inline double price_at(base::Timestamp at) { return at < kDecision + base::seconds(50) ? kPrice : kPrice + 350; }

/// A deep book takes the entry at once; a thin one (0.02 a level, 10 bps apart) makes it rest and wait for prints.
inline matching::BookSnapshotTick book_around(double bid, bool thin, base::Timestamp at) {
  const double stir = at.ns / 1'000'000'000 % 2 == 0 ? 0.001 : 0;  // a book that never changes is never sent
  if (!thin) return book_at(kBtc, bid, 0.1, 5 + stir, at);
  matching::BookSnapshotTick out{kBtc, {}, {}, at};
  for (int i = 0; i < 12; ++i) {
    out.bids.push_back({px(bid - i * 50), qty(0.02 + stir)});
    out.asks.push_back({px(bid + 0.1 + i * 50), qty(0.02)});
  }
  return out;
}

inline std::vector<matching::MarketTick> fault_script(bool thin) {
  std::vector<matching::MarketTick> out;
  for (base::Timestamp at = kDecision - kBefore; at < kDecision + kScriptLength; at = at + base::seconds(1)) {
    const double price = price_at(at);
    out.push_back(book_around(price, thin, at));
    out.push_back(matching::MarkTick{kBtc, px(price), px(price), {}, kStart + base::hours(24), at});
    out.push_back(matching::TradeTick{kBtc, px(price), qty(0.01), Side::Sell, at});
    out.push_back(book_at(kEth, 3'000, 0.01, 5, at));
    out.push_back(matching::MarkTick{kEth, px(3'000), px(3'000), {}, kStart + base::hours(24), at});
    out.push_back(matching::TradeTick{kEth, px(3'000), qty(0.01), Side::Sell, at});
  }
  return out;
}

/// Between core and gateway: sees every command, and can keep one and all after it back, or swallow them: the moment a
/// fault strikes, or the trader dies.
class Turnstile final : public execution::Venue {
 public:
  using Wanted = std::function<bool(const execution::Command&)>;
  explicit Turnstile(execution::Venue& behind) : behind_(behind) {}

  /// The next command that fits is held until let_through(). Called once.
  void hold_at(Wanted wanted) { wanted_ = std::move(wanted); }
  bool holding() const { return !held_.empty(); }
  void let_through() {
    wanted_ = nullptr;
    for (auto& command : std::exchange(held_, {})) EXPECT_TRUE(execution::carry(command, behind_).ok());
  }

  base::Result<void> submit(const risk::Approved<domain::Order>& order) override {
    return take(execution::SubmitOrder{order});
  }
  base::Result<void> cancel(domain::ClientOrderId order, domain::SymbolId symbol) override {
    return take(execution::CancelOrder{order, symbol});
  }
  base::Result<void> set_leverage(domain::SymbolId s, domain::Leverage l, domain::MarginMode m) override {
    return take(execution::SetLeverage{s, l, m});
  }
  base::Result<void> query(domain::ClientOrderId order, domain::SymbolId symbol) override {
    return take(execution::QueryOrder{order, symbol});
  }
  base::Result<void> request_snapshot() override { return take(execution::RequestSnapshot{}); }
  base::Result<void> cancel_foreign(const execution::CancelForeign& order) override { return take(order); }

 private:
  base::Result<void> take(execution::Command command) {
    if (held_.empty() && !(wanted_ && wanted_(command))) return execution::carry(command, behind_);
    held_.push_back(std::move(command));
    return {};
  }
  execution::Venue& behind_;
  Wanted wanted_;
  std::vector<execution::Command> held_;
};

/// What the exchange holds of the account.
struct AtVenue {
  double position = 0, stops = 0, wallet = 0;
  std::string position_text = "0", wallet_text;
  std::size_t orders = 0, conditional = 0;
  std::uint64_t faults_applied = 0;
  bool covered() const { return std::abs(position) <= stops + 1e-9; }
};

inline constexpr const char* kApiKey = "key-of-the-rig";
inline constexpr const char* kSecret = "secret-that-must-not-be-written-down";

struct RigOptions {
  bool thin_book = false;
  bool probe_stop = false;  // the canary at the start
};

class TraderRig final : public apps::SessionObserver {
 public:
  explicit TraderRig(RigOptions options = {}) : options_(options) {
    exchange::ExchangeServerConfig config;
    config.accounts.push_back({.api_key = kApiKey, .secret = kSecret});
    config.lockstep = true;
    config.api.enforce_limits = false;
    config.market.source = domain::Timeframe::M1;
    server_ = take(exchange::ExchangeServer::start(loop_, config, contracts(), rules(),
                                                   std::make_unique<ScriptedSource>(fault_script(options.thin_book)),
                                                   {minutes_before(kPrice), minutes_before(3'000)}));
    url_ = "http://127.0.0.1:" + std::to_string(server_->port());
    control_ = take(net::HttpClient::create(loop_, url_, {}));
    auditor_ = make_rest([this] { return server_->now(); });
    state_ = scratch_ / "state-1";
  }
  ~TraderRig() override { drop(); }

  // The trader.

  /// Makes it, connects it, and waits until it may trade. Wall seconds that took.
  double start() {
    const auto begun = std::chrono::steady_clock::now();
    clock_ = std::make_shared<base::Timestamp>(server_->now());
    apps::RunHeader header;
    header.engine = engine_config();
    header.instruments = contracts().all();
    header.mode = "testnet";
    header.instance = 0xFA017;
    apps::HostOptions options;
    options.strategy = [] { return std::make_unique<OneEntry>(); };
    host_ = take(apps::CoreHost::open(take(apps::StateDir::open(state_)), header, {}, options));
    host_->set_observer(this);
    apps::GatewayWorldConfig config;
    config.warmup_bars = 30;
    config.probe_stop = options_.probe_stop;
    config.lockstep = apps::Lockstep{"control", clock_, kStep, base::milliseconds(100)};
    world_ = std::make_unique<apps::GatewayWorld>(loop_, *host_, config);
    world_->set_control(take(net::HttpClient::create(loop_, url_, {})));
    binance::GatewayConfig gateway;
    gateway.endpoints = take(binance::endpoints_at(url_, {}));
    gateway.identity = {'t', host_->header().instance};
    gateway.base = domain::Timeframe::M1;
    gateway.control_frames_per_s = 0;
    gateway.countdown_s = 86'400;
    gateway.stale_after_s = 3'600;
    auto made = take(binance::Gateway::create(loop_, make_rest([clock = clock_] { return *clock; }), contracts(),
                                              gateway, [this](domain::Event e) {
                                                if (!dead_) world_->on_event(std::move(e));
                                              }));
    gateway_ = made.get();
    check(world_->attach(std::move(made), rules()));
    turnstile_ = std::make_unique<Turnstile>(*gateway_);
    host_->set_venue(turnstile_.get());
    dead_ = false;
    check(world_->start());
    for (int i = 0; i < 200 && !trading_ready(); ++i) step();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  }
  bool trading_ready() const {
    const auto& p = host_->core().entry_permission();
    return p.required && p.link_ready && p.reconciled;
  }
  /// As a crash leaves it: what was synced to the journal stays, nothing else. `sent` lets what has been handed to the
  /// sockets arrive at the exchange, unheard by the trader.
  void crash(bool sent) {
    dead_ = true;
    if (sent) idle(base::milliseconds(60));
    const fs::path next = scratch_ / fmt::format("state-{}", ++lives_ + 1);
    fs::copy(state_, next, fs::copy_options::recursive);
    drop();
    state_ = next;
  }

  // Time.

  void step() {
    const auto begun = std::chrono::steady_clock::now();
    const base::Timestamp before = *clock_;
    check(world_->step());
    look();
    const bool amiss = *clock_ < troubled_until_ || gateway_->outstanding() > 0 || world_->status().link != "ready";
    if (!amiss) return;
    const base::Duration passed = *clock_ - before;
    const auto due = begun + std::chrono::nanoseconds(passed.ns);
    while (std::chrono::steady_clock::now() < due) loop_.run_for(base::milliseconds(5));
  }
  template <class Done>
  bool step_until(const Done& done, base::Timestamp limit) {
    while (!done() && *clock_ < limit) step();
    return done();
  }
  void step_to(base::Timestamp time) {
    step_until([] { return false; }, time);
  }
  base::Timestamp now() const { return *clock_; }
  void trouble_until(base::Timestamp time) { troubled_until_ = std::max(troubled_until_, time); }
  base::Timestamp troubled_until() const { return troubled_until_; }

  // The exchange.

  json::value control(const std::string& method, const std::string& path, const std::string& body = {}) {
    net::HttpRequest request;
    request.method = method;
    request.target = path;
    request.headers = {{"X-Control-Key", "control"}, {"Content-Type", "application/json"}};
    request.body = body;
    std::optional<net::HttpResult> answer;
    control_->request(std::move(request), {}, [&](net::HttpResult result) { answer = std::move(result); });
    run_until(loop_, [&] { return answer.has_value(); }, path.c_str());
    const auto* response = std::get_if<net::HttpResponse>(&*answer);
    if (response == nullptr || response->status != 200)
      throw std::runtime_error(path + ": " + (response == nullptr ? "no answer" : response->body));
    return json::parse(response->body);
  }
  AtVenue venue() {
    const auto state = control("GET", "/control/state");
    AtVenue out;
    const auto& account = state.at("accounts").at(0);
    out.wallet_text = account.at("wallet").as_string().c_str();
    out.wallet = std::stod(out.wallet_text);
    out.faults_applied = state.at("counters").at("faults_applied").to_number<std::uint64_t>();
    for (const auto& p : account.at("positions").as_array()) {
      out.position_text = p.at("amount").as_string().c_str();
      out.position += std::stod(out.position_text);
    }
    out.orders = account.at("open_orders").as_array().size();
    for (const auto& o : account.at("open_algo_orders").as_array()) {
      ++out.conditional;
      const bool guards =
          o.at("type").as_string() == "STOP_MARKET" && o.at("side").as_string() == (out.position > 0 ? "SELL" : "BUY");
      if (guards) out.stops += o.at("close_position").as_bool() ? 1e9 : std::stod(o.at("quantity").as_string().c_str());
    }
    return out;
  }
  json::array ask_exchange(const std::string& path) {
    binance::Call call;
    call.path = path;
    call.parameters = {{"symbol", "BTCUSDT"}};
    return call_exchange(std::move(call)).as_array();
  }
  /// As somebody else with the same account.
  json::value call_exchange(binance::Call call) {
    const std::string path = call.path;
    call.security = binance::Security::Signed;
    std::optional<binance::ApiResult> answer;
    auditor_->call(std::move(call), [&](binance::ApiResult result) { answer = std::move(result); });
    run_until(loop_, [&] { return answer.has_value(); }, path.c_str());
    const auto* body = std::get_if<std::string>(&*answer);
    if (body == nullptr) throw std::runtime_error(path + ": " + std::get<binance::ApiFailure>(*answer).message);
    return json::parse(*body);
  }

  const apps::CoreHost& host() const { return *host_; }
  apps::GatewayWorld& world() { return *world_; }
  Turnstile& turnstile() { return *turnstile_; }
  const AtVenue& last_seen() const { return seen_; }
  const fs::path& state() const { return state_; }
  apps::RunHeader header() const { return host_->header(); }
  execution::WireIdentity identity() const { return {'t', 0xFA017}; }

  /// A time in which the position was not covered by stops.
  struct Naked {
    base::Timestamp from, to;
  };
  const std::vector<Naked>& naked() const { return naked_; }
  double largest_position() const { return largest_; }
  /// Quantity of the largest entry order that was approved; and the ids of all.
  domain::Quantity planned() const { return planned_; }
  const std::set<std::uint64_t>& entries() const { return entries_; }
  /// How the entry was made, as reported when it was over.
  const std::string& plan() const { return plan_; }
  std::size_t alerts(const std::string& rule) const {
    const auto it = alerts_.find(rule);
    return it == alerts_.end() ? 0 : it->second;
  }
  const std::map<std::string, std::size_t>& all_alerts() const { return alerts_; }

  void on_step(const kernel::Envelope&, const engine::Outbox& outbox) override {
    for (const auto& record : outbox.audit)
      if (const auto* report = std::get_if<domain::ExecutionReport>(&record))
        plan_ =
            fmt::format("{} of {} in {}", base::enum_name(report->plan), report->filled.to_string(), report->slices);
    for (const auto& record : outbox.audit)
      if (const auto* alert = std::get_if<domain::RiskAlert>(&record)) ++alerts_[alert->rule];
    for (const auto& command : outbox.commands) {
      const auto* s = std::get_if<execution::SubmitOrder>(&command);
      if (s == nullptr || s->order->reduce_only) continue;
      entries_.insert(s->order->id.value);
      planned_ = std::max(planned_, s->order->quantity);
    }
  }

  void idle(base::Duration wait) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(wait.ns);
    while (std::chrono::steady_clock::now() < end) loop_.run_for(base::milliseconds(5));
  }

 private:
  static engine::EngineConfig engine_config() {
    engine::EngineConfig c;
    c.base = domain::Timeframe::M1;
    c.primary = domain::Timeframe::M5;
    c.strategy = "one_entry";
    c.warmup_bars = 210;
    c.track_regime = false;
    c.executor.settle_ms = 200;
    c.limits.mark_max_age_ms = 120'000;
    c.execution.reconcile.interval_s = 10;
    c.execution.aelm.book_max_age_ms = 120'000;
    c.execution.aelm.limit_timeout_s = 3;
    return c;
  }
  std::unique_ptr<binance::RestClient> make_rest(std::function<base::Timestamp()> clock) {
    auto rest = take(binance::RestClient::create(loop_, take(binance::endpoints_at(url_, {})),
                                                 {kApiKey, binance::Secret(kSecret), {}}, {}, std::move(clock)));
    rest->set_limits(1'000'000, 100'000, 1'000'000);  // market time runs ahead of the wall's
    return rest;
  }
  void drop() {
    if (host_) host_->set_venue(nullptr);
    turnstile_.reset();
    world_.reset();
    gateway_ = nullptr;
    host_.reset();
  }
  void look() {
    seen_ = venue();
    largest_ = std::max(largest_, std::abs(seen_.position));
    if (seen_.covered()) {
      naked_open_ = false;
    } else if (!std::exchange(naked_open_, true)) {
      naked_.push_back({*clock_ - kStep, *clock_});
    } else {
      naked_.back().to = *clock_;
    }
  }
  RigOptions options_;
  test::TempDir scratch_;
  net::Loop loop_;
  std::string url_;
  std::unique_ptr<exchange::ExchangeServer> server_;
  std::unique_ptr<net::HttpClient> control_;
  std::unique_ptr<binance::RestClient> auditor_;
  fs::path state_;
  int lives_ = 0;
  std::shared_ptr<base::Timestamp> clock_;
  std::unique_ptr<apps::CoreHost> host_;
  std::unique_ptr<apps::GatewayWorld> world_;
  binance::Gateway* gateway_ = nullptr;
  std::unique_ptr<Turnstile> turnstile_;
  bool dead_ = false;
  base::Timestamp troubled_until_;
  AtVenue seen_;
  std::vector<Naked> naked_;
  bool naked_open_ = false;
  double largest_ = 0;
  domain::Quantity planned_;
  std::set<std::uint64_t> entries_;
  std::string plan_ = "not made";
  std::map<std::string, std::size_t> alerts_;
};

}  // namespace qtrader::wire
