// The control endpoint's bodies: what is asked, what is told. docs/formats/exchange-control.md documents them.
//
// Parsing and formatting; the acts of fault rules on the exchange are here too. It knows no sockets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "edge/exchange/faults.hpp"
#include "edge/exchange/world.hpp"

namespace qtrader::exchange {

/// How far lockstep time shall go: to a time, or by a number of ticks.
struct Advance {
  std::optional<base::Timestamp> until;
  std::int64_t ticks = 0;
};
/// Body of POST /control/advance: exactly one of to_ms, by_ms, ticks. Errors: InvalidArgument.
base::Result<Advance> parse_advance(std::string_view json, base::Timestamp now);

/// What the server adds to the state.
struct ServerCounters {
  double speed = 1;
  bool lockstep = false;
  std::uint64_t requests = 0, ws_api_frames = 0, faults_applied = 0;
  std::size_t stream_sockets = 0, ws_api_sockets = 0, queued_bytes = 0;
  std::int64_t clock_skew_ms = 0, shift_ms = 0;
};
struct NamedAccount {
  std::string api_key;
  matching::AccountId account;
};
std::string control_state_json(const World& world, const std::vector<NamedAccount>& accounts,
                               const ServerCounters& counters);
std::string advance_json(const World& world);

/// Acts of rules that change the exchange: symbol status, filters, liquidation. Errors: InvalidArgument or NotFound
/// naming what does not exist; nothing was changed then.
base::Result<void> act_on_exchange(const FaultRule& rule, World& world, const std::vector<NamedAccount>& accounts);

}  // namespace qtrader::exchange
