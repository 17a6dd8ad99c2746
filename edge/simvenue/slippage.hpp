// Slippage: how far from the seen price a simulated taker order trades. A pure function of its arguments.
//
// Model of fund.md 4.1: basis points = 2 + min(5·√(100·notional/bar quote volume), 48), doubled when pessimistic, a
// jitter of ±20 %, at most 50 in all. Always against the order's side: a buy pays more, a sell receives less. The
// jitter is keyed by (symbol, order, fill), never drawn from a running stream: a new symbol, a rejected order or a
// different history changes no other order's price, so a fill cannot depend on what happens elsewhere or later.
#pragma once

#include <cstdint>

#include "core/base/reflect.hpp"
#include "core/domain/ids.hpp"
#include "core/domain/instrument.hpp"
#include "core/domain/order.hpp"

namespace qtrader::simvenue {

enum class SlippageModel : std::uint8_t { None, Realistic, Pessimistic };
QT_DESCRIBE_ENUM(SlippageModel, None, Realistic, Pessimistic)

inline constexpr double kSlippageCapBps = 50;

struct DrawKey {
  std::uint64_t seed = 0;  // of the symbol's stream
  std::uint64_t order = 0;
  std::uint64_t number = 0;  // of the fill within the order
};

/// Uniform in [0, 1), a pure function of the key.
double keyed_uniform(const DrawKey& key);

/// notional ≥ 0 and bar_quote_volume in quote currency; no volume means the cap. jitter in [0, 1), 0.5 is none.
domain::Bps slippage_bps(SlippageModel model, double notional, double bar_quote_volume, double jitter);

/// reference moved by bps against the side, then to the tick on the worse side; never below one tick.
domain::Price slipped_price(domain::Price reference, domain::Side side, domain::Bps bps,
                            const domain::Instrument& instrument);

}  // namespace qtrader::simvenue
