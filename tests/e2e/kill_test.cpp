// A trader that is killed without warning, again and again, at random moments of an exchange where it always has
// something to do. After each death it comes back by itself; at the end nothing is lost, doubled or naked.
//
// QT_KILLS is the number of deaths (default 30; 200 before a release), QT_KILL_SEED chooses the moments.
#include <fmt/format.h>

#include <random>

#include "apps/common/replay.hpp"
#include "apps/live/core_host.hpp"
#include "apps/live/operator_server.hpp"
#include "edge/binance/rest_client.hpp"
#include "tests/e2e/program.hpp"

namespace qtrader::e2e {
namespace {

namespace json = boost::json;

constexpr const char* kSymbols = "BTCUSDT,ETHUSDT,SOLUSDT,XRPUSDT,DOGEUSDT,ADAUSDT";
constexpr const char* kConfig = R"([engine]
warmup_bars = 210
track_regime = false
[engine.executor]
cooldown_s = 0
symbol_cooldown_s = 0
[engine.limits]
risk_per_trade_frac = 0.0005
risk_per_trade_min_frac = 0.00001
max_open_positions = 6
losing_streak_halve = 100
daily_loss_frac = 0.1
weekly_loss_frac = 0.2
drawdown_warn_frac = 0.2
drawdown_pause_frac = 0.21
drawdown_quarter_frac = 0.22
drawdown_stop_frac = 0.23
drawdown_lock_frac = 0.24
)";

double steady() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Questions to the exchange and the trader from outside.
class Auditor {
 public:
  Auditor(std::string url, fs::path state) : url_(std::move(url)), state_(std::move(state)) {
    http_ = net::HttpClient::create(loop_, url_, {}).value();
    rest_ = binance::RestClient::create(loop_, binance::endpoints_at(url_, {}).value(),
                                        {"demo", binance::Secret("demo"), {}}, {},
                                        [this] { return base::Timestamp::from_unix_ms(now_ms_); })
                .value();
    rest_->set_limits(1'000'000, 100'000, 1'000'000);
  }
  json::object exchange_state() {
    net::HttpRequest request;
    request.target = "/control/state";
    request.headers = {{"X-Control-Key", "control"}};
    std::optional<net::HttpResult> answer;
    http_->request(std::move(request), {}, [&](net::HttpResult r) { answer = std::move(r); });
    while (!answer) loop_.run_for(base::milliseconds(10));
    const auto* response = std::get_if<net::HttpResponse>(&*answer);
    if (response == nullptr || response->status != 200) throw std::runtime_error("/control/state does not answer");
    json::object state = json::parse(response->body).as_object();
    now_ms_ = state.at("now_ms").to_number<std::int64_t>();
    return state;
  }
  /// Every row, page by page.
  json::array history(const std::string& path, const std::string& symbol, const char* id) {
    json::array out;
    std::int64_t from = 1;
    for (;;) {
      binance::Call call;
      call.path = path;
      call.parameters = {{"symbol", symbol}, {id, std::to_string(from)}, {"limit", "1000"}};
      call.security = binance::Security::Signed;
      std::optional<binance::ApiResult> answer;
      rest_->call(std::move(call), [&](binance::ApiResult r) { answer = std::move(r); });
      while (!answer) loop_.run_for(base::milliseconds(10));
      const auto* body = std::get_if<std::string>(&*answer);
      if (body == nullptr) throw std::runtime_error(path + ": " + std::get<binance::ApiFailure>(*answer).message);
      const auto rows = json::parse(*body).as_array();
      for (const auto& row : rows) {
        from = std::max(from, row.at(id).to_number<std::int64_t>() + 1);
        out.push_back(row);
      }
      if (rows.size() < 1'000) return out;
    }
  }
  /// Of the running trader; nothing while it does not answer.
  std::optional<json::object> trader_status() {
    net::HttpRequest request;
    request.method = "GET";
    request.target = "/status";
    const auto body = apps::send_to_operator(state_, request);
    if (!body) return std::nullopt;
    return json::parse(*body).as_object();
  }

 private:
  std::string url_;
  fs::path state_;
  net::Loop loop_;
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<binance::RestClient> rest_;
  std::int64_t now_ms_ = 0;
};

struct Uncovered {
  std::string entry;  // price of the position: tells it from the next one in the symbol
  std::int64_t at_ms = 0;
};

/// Positions of the exchange that its stops do not cover, by symbol.
std::map<std::string, Uncovered> uncovered(const json::object& state) {
  const auto& account = state.at("accounts").at(0);
  std::map<std::string, Uncovered> out;
  for (const auto& p : account.at("positions").as_array()) {
    const std::string symbol = p.at("symbol").as_string().c_str();
    const double amount = std::stod(p.at("amount").as_string().c_str());
    double stops = 0;
    for (const auto& o : account.at("open_algo_orders").as_array()) {
      const bool guards = o.at("symbol").as_string() == symbol && o.at("type").as_string() == "STOP_MARKET" &&
                          o.at("side").as_string() == (amount > 0 ? "SELL" : "BUY");
      if (guards) stops += std::stod(o.at("quantity").as_string().c_str());
    }
    if (std::abs(amount) > stops + 1e-9)
      out[symbol] = {p.at("entry").as_string().c_str(), state.at("now_ms").to_number<std::int64_t>()};
  }
  return out;
}

class Kill : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("QT_BINANCE_TESTNET_API_KEY", "demo", 1);
    ::setenv("QT_BINANCE_TESTNET_API_SECRET", "demo", 1);
    std::ofstream(scratch_ / "config.toml") << kConfig;
    exchange_pid_ =
        exchange_.start({"exchange", "--port", "0", "--lockstep", "--no-limits", "--scenario", "whipsaw", "--symbols",
                         kSymbols, "--timeframe", "1m", "--seed", "7", "--account", "demo:demo:100000"});
    const auto url = exchange_.await_line(exchange_pid_, "listening on ");
    ASSERT_TRUE(url.has_value());
    url_ = *url;
    auditor_ = std::make_unique<Auditor>(url_, state_);
  }
  void TearDown() override {
    for (const pid_t pid : {trader_pid_, exchange_pid_}) {
      if (pid <= 0) continue;
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
  void start_trader() {
    trader_pid_ = trader_.start({"run",
                                 "--mode",
                                 "testnet",
                                 "--venue-url",
                                 url_,
                                 "--lockstep",
                                 "control",
                                 "--symbols",
                                 kSymbols,
                                 "--strategy",
                                 "donchian_breakout",
                                 "--timeframe",
                                 "1m",
                                 "--base",
                                 "1m",
                                 "--profile",
                                 "Aggressive",
                                 "--config",
                                 (scratch_ / "config.toml").string(),
                                 "--data-dir",
                                 state_.string(),
                                 "--quiet",
                                 "--json"});
  }
  void kill_trader() {
    ::kill(trader_pid_, SIGKILL);
    ::waitpid(trader_pid_, nullptr, 0);
    trader_pid_ = -1;
  }
  bool running() const {
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(trader_pid_), &ended, WEXITED | WNOHANG | WNOWAIT);
    return ended.si_pid != trader_pid_;
  }
  /// Seconds from the start of the program until it may trade; nothing if it ends or takes longer than 30.
  std::optional<double> until_ready(double begun) {
    while (steady() < begun + 30 && running()) {
      if (const auto status = auditor_->trader_status()) {
        last_status_ = json::serialize(*status);
        if (status->at("trading_ready").as_bool()) return steady() - begun;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return std::nullopt;
  }
  /// The exchange stands still while nobody moves its time. What is not covered now must not have been so at the last
  /// death: a new life protects first.
  void audit_the_dead(std::map<std::string, Uncovered>& last) {
    auto now = uncovered(auditor_->exchange_state());
    for (const auto& [symbol, hole] : now) {
      const auto before = last.find(symbol);
      if (before == last.end() || before->second.entry != hole.entry) continue;
      EXPECT_LE(hole.at_ms - before->second.at_ms, 3'000) << symbol << " has stayed without a stop";
    }
    last = std::move(now);
  }

  /// One order per client id, each position with its stop. The number of orders there ever were.
  std::size_t audit_orders(const json::object& state) {
    EXPECT_TRUE(uncovered(state).empty()) << "a position without a stop: " << json::serialize(state.at("accounts"));
    std::map<std::string, int> ids;
    std::size_t orders = 0;
    std::istringstream names(kSymbols);
    for (std::string symbol; std::getline(names, symbol, ',');) {
      for (const auto& o : auditor_->history("/fapi/v1/allOrders", symbol, "orderId")) {
        ++ids[o.at("clientOrderId").as_string().c_str()];
        ++orders;
      }
      for (const auto& o : auditor_->history("/fapi/v1/allAlgoOrders", symbol, "algoId")) {
        // Two lives that start at the same moment of the market's give their canaries one name, one after the other.
        if (o.at("clientAlgoId").as_string().starts_with("qt-probe-")) continue;
        ++ids[std::string("algo ") + o.at("clientAlgoId").as_string().c_str()];
        ++orders;
      }
    }
    for (const auto& [id, count] : ids) EXPECT_EQ(count, 1) << id << " was executed more than once";
    return orders;
  }
  /// Our books, from the journal alone, against the exchange's.
  void audit_books(const json::object& state) {
    const auto host = [&]() -> std::unique_ptr<apps::CoreHost> {
      auto directory = apps::StateDir::open(state_).value();
      auto header = apps::read_header(directory.journal()).value();
      auto opened = apps::CoreHost::open(std::move(directory), std::move(header), {}, {});
      EXPECT_TRUE(opened.ok()) << opened.error().message();
      return opened ? std::move(opened).value() : nullptr;
    }();
    ASSERT_NE(host, nullptr);
    const auto& account = state.at("accounts").at(0);
    std::map<std::string, std::string> theirs;
    for (const auto& p : account.at("positions").as_array())
      theirs[p.at("symbol").as_string().c_str()] = p.at("amount").as_string().c_str();
    for (std::size_t i = 0; i < host->core().instruments().size(); ++i) {
      const domain::SymbolId id{static_cast<std::uint16_t>(i)};
      const std::string& name = host->core().instruments().name(id);
      const std::string amount = theirs.contains(name) ? theirs.at(name) : "0";
      EXPECT_EQ(host->core().ledger().position(id).quantity, domain::Quantity::parse(amount).value()) << name;
    }
    EXPECT_EQ(host->core().ledger().account().wallet,
              domain::Money::parse(std::string(account.at("wallet").as_string())).value());
  }

  test::TempDir scratch_, exchange_scratch_, trader_scratch_;
  fs::path state_ = scratch_ / "state";
  Program exchange_{exchange_scratch_}, trader_{trader_scratch_};
  pid_t exchange_pid_ = -1, trader_pid_ = -1;
  std::string url_;
  std::unique_ptr<Auditor> auditor_;
  std::string last_status_;
};

TEST_F(Kill, NothingIsLostDoubledOrNakedHoweverOftenItDies) {
  const char* wanted = std::getenv("QT_KILLS");
  const int kills = wanted != nullptr ? std::atoi(wanted) : 30;
  const char* seed = std::getenv("QT_KILL_SEED");
  std::mt19937 random(seed != nullptr ? static_cast<unsigned>(std::atoi(seed)) : 4711u);
  std::map<std::string, Uncovered> holes;
  std::vector<double> ready;
  int before_ready = 0;
  for (int i = 0; i < kills; ++i) {
    const double begun = steady();
    start_trader();
    if (i > 0 && random() % 5 == 0) {  // while it is still coming back
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 150));
      ++before_ready;
    } else {
      const auto took = until_ready(begun);
      ASSERT_TRUE(took.has_value()) << "life " << i << " never traded: " << last_status_ << "\n"
                                    << json::serialize(auditor_->exchange_state()) << "\n"
                                    << read_file(trader_scratch_ / "stderr");
      ready.push_back(*took);
      // In lockstep the first three seconds are spent on making sure of the latest bars; then minutes pass in seconds.
      std::this_thread::sleep_for(std::chrono::milliseconds(3'100 + random() % 1'200));
    }
    ASSERT_TRUE(running()) << "life " << i << " ended by itself:\n" << read_file(trader_scratch_ / "stderr");
    kill_trader();
    audit_the_dead(holes);
  }
  const double begun = steady();
  start_trader();
  ASSERT_TRUE(until_ready(begun).has_value()) << read_file(trader_scratch_ / "stderr");
  std::this_thread::sleep_for(std::chrono::seconds(6));  // some seconds of its life are minutes of the market's
  const Outcome last = trader_.stop(std::exchange(trader_pid_, -1));
  ASSERT_EQ(last.status, 0) << last.err;

  const json::object state = auditor_->exchange_state();
  const std::size_t orders = audit_orders(state);
  EXPECT_GE(orders, static_cast<std::size_t>(kills) / 3) << "it was killed while nothing happened";  // 3 a life, idle
  audit_books(state);

  std::sort(ready.begin(), ready.end());
  const auto at = [&](double q) { return ready[static_cast<std::size_t>(q * static_cast<double>(ready.size() - 1))]; };
  fmt::print(
      "[    kills ] {} ({} before it was ready), {} orders at the exchange; program start to trading-ready: "
      "median {:.3f} s, p90 {:.3f} s, p99 {:.3f} s, most {:.3f} s\n",
      kills, before_ready, orders, at(0.5), at(0.9), at(0.99), ready.back());
}

}  // namespace
}  // namespace qtrader::e2e
