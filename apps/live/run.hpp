// Run: builds a trader from what an operator asked for and runs it: `qtrader run`. Paper, testnet and live differ only
// in which World and Venue are built here.
//
// Live needs two settings that agree: mode live, and QT_LIVE_CONFIRM naming the account; and the exchange's own hosts.
// Without both it refuses to start. Testnet and paper refuse the live hosts' order path by construction: they get no
// live credentials.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/live/market_setup.hpp"
#include "apps/live/world.hpp"
#include "core/engine/config.hpp"

namespace qtrader::apps {

enum class Mode : std::uint8_t { Sim, Paper, Testnet, Live };
QT_DESCRIBE_ENUM(Mode, Sim, Paper, Testnet, Live)
base::Result<Mode> parse_mode(const std::string& text);
std::string to_string(Mode mode);

/// Limits of fund.md 4.6; Live starts at Micro unless told otherwise.
enum class CapitalProfile : std::uint8_t { Micro, Low, Normal, Aggressive };
QT_DESCRIBE_ENUM(CapitalProfile, Micro, Low, Normal, Aggressive)
void apply(CapitalProfile profile, risk::Limits& limits);

struct RunSpec {
  Mode mode = Mode::Sim;
  std::filesystem::path state;
  MarketChoice market;  // symbols in every mode, the rest in sim
  engine::EngineConfig engine;
  CapitalProfile profile = CapitalProfile::Normal;
  std::filesystem::path registry;
  std::string account = "main_binance_usdm";
  double speed = 0;
  std::optional<base::Duration> duration;
  double cash = 10'000;  // sim and paper
  std::uint64_t seed = 1;
  std::uint16_t port = 0;  // of the operator's side, on loopback; 0: any
  bool fsync = true;
  // Testnet and live:
  std::string venue_url;  // of an exchange of one's own (qtrader exchange); empty: Binance's
  std::string ca_file;
  std::string key_reference, secret_reference;  // "env:NAME" or "file:PATH"
  std::string lockstep_key;                     // control key of a lockstep exchange server; empty: real time
  bool probe_stop = true;
};

struct RunOutcome {
  WorldStatus status;
  std::uint64_t digest = 0;
};
/// Prints nothing; `report` is called about once a second of wall time and at the end.
base::Result<RunOutcome> run_trader(RunSpec spec, const std::function<void(const WorldStatus&)>& report);

/// The two-key rule and the host rule. Errors: InvalidArgument saying which key is missing or disagrees.
base::Result<void> check_live_keys(const RunSpec& spec, const char* confirmation);

}  // namespace qtrader::apps
