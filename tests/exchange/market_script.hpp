// A market in a few lines for tests of the exchange: a source that plays given ticks, and the contracts they are of.
#pragma once

#include <string>
#include <vector>

#include "core/domain/instrument.hpp"
#include "edge/playback/market_source.hpp"
#include "edge/simvenue/venue_fixture.hpp"

namespace qtrader::wire {

using domain::Money;
using domain::Price;
using domain::Quantity;
using domain::Ratio;
using domain::Side;
using domain::SymbolId;
using simvenue::testing::px;
using simvenue::testing::qty;
using simvenue::testing::usd;

inline constexpr SymbolId kBtc{0}, kEth{1};
inline const base::Timestamp kStart = base::Timestamp::from_unix_ms(1'735'689'600'000);  // 2025-01-01

inline domain::Instrument contract(const std::string& symbol, double tick, double step) {
  domain::Instrument i = simvenue::testing::contract(symbol);
  i.tick_size = px(tick);
  i.step_size = i.min_quantity = qty(step);
  i.max_quantity = qty(10'000);
  i.max_market_quantity = qty(5'000);
  return i;
}

inline domain::InstrumentTable contracts() {
  return domain::InstrumentTable::create({contract("BTCUSDT", 0.1, 0.001), contract("ETHUSDT", 0.01, 0.001)}).value();
}

inline std::vector<matching::ContractRules> rules() {
  matching::ContractRules btc, eth;
  btc.price_precision = 2;
  eth.price_precision = 2;
  btc.quantity_precision = eth.quantity_precision = 3;
  return {btc, eth};
}

class ScriptedSource final : public playback::MarketSource {
 public:
  explicit ScriptedSource(std::vector<matching::MarketTick> ticks) : ticks_(std::move(ticks)) {}
  base::Result<std::optional<matching::MarketTick>> next() override {
    if (next_ == ticks_.size()) return std::optional<matching::MarketTick>();
    return std::optional<matching::MarketTick>(ticks_[next_++]);
  }
  base::Timestamp begin() const override { return matching::time_of(ticks_.front()); }
  base::Timestamp end() const override { return matching::time_of(ticks_.back()) + base::milliseconds(1); }

 private:
  std::vector<matching::MarketTick> ticks_;
  std::size_t next_ = 0;
};

/// Twenty levels of `each` on both sides, one tick apart.
inline matching::BookSnapshotTick book_at(SymbolId symbol, double bid, double tick, double each, base::Timestamp at) {
  matching::BookSnapshotTick out{symbol, {}, {}, at};
  for (int i = 0; i < 20; ++i) {
    out.bids.push_back({px(bid - i * tick), qty(each)});
    out.asks.push_back({px(bid + (i + 1) * tick), qty(each)});
  }
  return out;
}

}  // namespace qtrader::wire
