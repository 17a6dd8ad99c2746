#include "apps/live/doctor.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "apps/common/strategies.hpp"
#include "apps/live/exchange_access.hpp"
#include "apps/live/state_dir.hpp"
#include "edge/binance/gateway.hpp"
#include "edge/binance/messages_rest.hpp"

namespace qtrader::apps {
namespace {

constexpr double kLowDiskFrac = 0.10, kNoDiskFrac = 0.05;  // platform.md 8.5 N12: entries stop at 95 % full
constexpr double kClockWarnMs = 500, kClockFailMs = 1'000;

class Examination {
 public:
  explicit Examination(const RunSpec& spec) : spec_(spec) {}
  std::vector<Check> run() {
    configuration();
    state();
    models();
    if (spec_.mode == Mode::Sim) {
      market();
    } else {
      exchange();
    }
    return std::move(checks_);
  }

 private:
  void add(std::string name, Finding finding, std::string detail) {
    checks_.push_back({std::move(name), finding, std::move(detail)});
  }
  /// True if it is a value; else the check failed and says why.
  template <class T>
  bool good(const std::string& name, const base::Result<T>& result) {
    if (!result) add(name, Finding::Failed, result.error().context);
    return result.ok();
  }

  void configuration() {
    risk::Limits limits = spec_.engine.limits;
    apply(spec_.profile, limits);
    engine::EngineConfig config = spec_.engine;
    config.limits = limits;
    if (good("configuration", engine::validate(config)))
      add("configuration", Finding::Ok,
          fmt::format("leverage <= {}, risk a trade {:.2f} %, daily loss {:.2f} %, {} positions", limits.max_leverage,
                      limits.risk_per_trade_frac * 100, limits.daily_loss_frac * 100, limits.max_open_positions));
    if (good("live keys", check_live_keys(spec_, std::getenv("QT_LIVE_CONFIRM"))))
      add("live keys", spec_.mode == Mode::Live ? Finding::Ok : Finding::Skipped,
          spec_.mode == Mode::Live ? "mode and QT_LIVE_CONFIRM agree" : "not live");
  }

  void state() {
    const auto dir = StateDir::open(spec_.state);
    if (!good("state directory", dir)) return;
    std::error_code ec;
    const auto space = std::filesystem::space(spec_.state, ec);
    const double free =
        ec || space.capacity == 0 ? 0 : static_cast<double>(space.available) / static_cast<double>(space.capacity);
    add("disk",
        free < kNoDiskFrac    ? Finding::Failed
        : free < kLowDiskFrac ? Finding::Warning
                              : Finding::Ok,
        fmt::format("{:.0f} % free at {}", free * 100, spec_.state.string()));
    const auto reason = dir->kill_reason();
    add("kill latch", reason ? Finding::Warning : Finding::Ok, reason ? "latched: " + *reason : "not set");
  }

  void models() {
    if (spec_.engine.strategy != "ai") return add("models", Finding::Skipped, "strategy " + spec_.engine.strategy);
    const auto loaded = load_current_models(spec_.registry);
    if (!good("models", loaded)) return;
    std::string names;
    bool candidate = false;
    for (const auto& m : *loaded) {
      names += (names.empty() ? "" : ", ") + m.stored.entry.type;
      candidate |= !m.stored.entry.active;
    }
    const bool refused = candidate && spec_.mode == Mode::Live;
    add("models",
        refused     ? Finding::Failed
        : candidate ? Finding::Warning
                    : Finding::Ok,
        names + (candidate ? "; at least one is a candidate" : ""));
  }

  void market() {
    MarketChoice choice = spec_.market;
    choice.timeframe = spec_.engine.base;
    const auto setup = open_market(choice);
    if (good("market", setup)) add("market", Finding::Ok, fmt::format("{} symbols", setup->instruments.size()));
  }

  void exchange() {
    const auto endpoints = endpoints_of(spec_);
    if (!good("endpoints", endpoints)) return;
    auto rest = open_rest(loop_, spec_, *endpoints, nullptr);
    if (!good("exchange", rest)) return;
    add("exchange", Finding::Ok, endpoints->rest + " answers");
    const double offset = (*rest)->statistics().clock_offset.seconds() * 1e3;
    add("clock",
        std::abs(offset) >= kClockFailMs   ? Finding::Failed
        : std::abs(offset) >= kClockWarnMs ? Finding::Warning
                                           : Finding::Ok,
        fmt::format("{:+.0f} ms from the exchange's", offset));
    const auto instruments = wait_for<domain::InstrumentTable>(loop_, "exchangeInfo", [&](auto done) {
      binance::Gateway::load_instruments(**rest, spec_.market.symbols, done);
    });
    if (good("symbol rules", instruments))
      add("symbol rules", Finding::Ok, fmt::format("{} symbols trade", instruments->size()));
    if (spec_.mode == Mode::Paper) return add("account", Finding::Skipped, "paper");
    account(**rest);
  }

  void account(binance::RestClient& rest) {
    const auto config = fetch(loop_, rest, "/fapi/v1/accountConfig", binance::Security::Signed);
    if (!good("account", config)) return;
    const auto parsed = binance::parse_account_config(*config);
    if (!good("account", parsed)) return;
    add("key permissions", parsed->can_trade ? Finding::Ok : Finding::Failed,
        parsed->can_trade ? "may trade" : "the key may not trade");
    add("position mode", parsed->dual_side ? Finding::Failed : Finding::Ok,
        parsed->dual_side ? "hedge mode: expected one-way" : "one-way");
    add("margin mode", parsed->multi_assets ? Finding::Failed : Finding::Ok,
        parsed->multi_assets ? "multi-assets: expected single-asset" : "single-asset");
    const auto balance = fetch(loop_, rest, "/fapi/v3/balance", binance::Security::Signed);
    if (!good("balance", balance)) return;
    const auto balances = binance::parse_balances(*balance);
    if (!good("balance", balances)) return;
    for (const auto& b : *balances)
      if (b.asset == "USDT")
        add("balance", b.available.is_positive() ? Finding::Ok : Finding::Failed,
            b.available.to_string() + " USDT available");
    add("withdrawal right", Finding::Skipped,
        "the futures API does not show it: look at the key's settings, it must be off");
  }

  const RunSpec& spec_;
  net::Loop loop_;
  std::vector<Check> checks_;
};

}  // namespace

std::vector<Check> examine(const RunSpec& spec) { return Examination(spec).run(); }

bool healthy(const std::vector<Check>& checks) {
  for (const auto& c : checks)
    if (c.finding == Finding::Failed) return false;
  return true;
}

}  // namespace qtrader::apps
