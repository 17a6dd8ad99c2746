#include "edge/simvenue/slippage.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "core/base/check.hpp"
#include "core/base/hash.hpp"
#include "core/base/rng.hpp"

namespace qtrader::simvenue {

double keyed_uniform(const DrawKey& key) {
  const std::array<std::uint64_t, 2> words = {key.order, key.number};
  return base::Rng(base::xxh64(std::as_bytes(std::span(words)), key.seed)).uniform();
}

domain::Bps slippage_bps(SlippageModel model, double notional, double bar_quote_volume, double jitter) {
  QT_CHECK(notional >= 0 && jitter >= 0 && jitter < 1, "slippage needs a notional >= 0 and a jitter in [0, 1)");
  if (model == SlippageModel::None) return {0};
  const double impact =
      bar_quote_volume > 0 ? std::min(5 * std::sqrt(100 * notional / bar_quote_volume), 48.0) : kSlippageCapBps - 2;
  const double factor = model == SlippageModel::Pessimistic ? 2 : 1;
  return {std::min((2 + impact) * factor * (1 + 0.2 * (2 * jitter - 1)), kSlippageCapBps)};
}

domain::Price slipped_price(domain::Price reference, domain::Side side, domain::Bps bps,
                            const domain::Instrument& instrument) {
  const bool buy = side == domain::Side::Buy;
  const double factor = 1 + domain::sign(side) * bps.fraction();
  const domain::Price moved = bps.value == 0 ? reference : domain::Price::from_double(reference.to_double() * factor);
  const domain::Price legal = instrument.round_price(moved, buy ? domain::Rounding::Up : domain::Rounding::Down);
  return std::max(legal, instrument.tick_size);
}

}  // namespace qtrader::simvenue
