#include "core/engine/config.hpp"

#include "core/base/archive.hpp"
#include "core/base/hash.hpp"

namespace qtrader::engine {
namespace {

base::Error bad(std::string_view field, const std::string& value, std::string_view expected) {
  return {"engine", base::Errc::InvalidArgument,
          std::string(field) + " = " + value + ": expected " + std::string(expected)};
}

}  // namespace

base::Result<void> validate(const EngineConfig& c) {
  const int base_minutes = domain::minutes(c.base), primary_minutes = domain::minutes(c.primary);
  if (primary_minutes % base_minutes != 0)
    return bad("primary", std::string(domain::to_string(c.primary)),
               "a multiple of the base timeframe " + std::string(domain::to_string(c.base)));
  if (c.warmup_bars < 210) return bad("warmup_bars", std::to_string(c.warmup_bars), "at least 210");
  if (c.executor.settle_ms < 0 || c.executor.settle_ms >= static_cast<std::int64_t>(base_minutes) * 60'000)
    return bad("executor.settle_ms", std::to_string(c.executor.settle_ms), "0 up to less than one base bar");
  if (c.executor.cooldown_s < 0) return bad("executor.cooldown_s", std::to_string(c.executor.cooldown_s), "≥ 0");
  if (c.executor.symbol_cooldown_s < 0)
    return bad("executor.symbol_cooldown_s", std::to_string(c.executor.symbol_cooldown_s), "≥ 0");
  if (c.executor.max_signals_per_cycle < 1)
    return bad("executor.max_signals_per_cycle", std::to_string(c.executor.max_signals_per_cycle), "≥ 1");
  if (c.executor.signal_queue_max < 1)
    return bad("executor.signal_queue_max", std::to_string(c.executor.signal_queue_max), "≥ 1");
  if (c.executor.signal_ttl_scans < 1)
    return bad("executor.signal_ttl_scans", std::to_string(c.executor.signal_ttl_scans), "≥ 1");
  if (!(c.executor.reversal_confidence >= 0 && c.executor.reversal_confidence <= 1))
    return bad("executor.reversal_confidence", std::to_string(c.executor.reversal_confidence), "0..1");
  if (!(c.slippage_bps >= 0 && c.slippage_bps <= 100))
    return bad("slippage_bps", std::to_string(c.slippage_bps), "0..100");
  if (!(c.slippage_bps_per_atr >= 0 && c.slippage_bps_per_atr <= 10'000))
    return bad("slippage_bps_per_atr", std::to_string(c.slippage_bps_per_atr), "0..10000");
  if (c.digest_interval < 0) return bad("digest_interval", std::to_string(c.digest_interval), "≥ 0");
  QT_TRY_VOID(execution::validate(c.execution));
  return risk::validate(c.limits);
}

std::string config_hash(const EngineConfig& config) {
  return base::Sha256().update(base::ByteView(base::to_bytes(config))).finish_hex();
}

}  // namespace qtrader::engine
