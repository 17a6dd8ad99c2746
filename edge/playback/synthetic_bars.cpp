// The synthetic market's bars and funding as slots.
#include <algorithm>
#include <cmath>
#include <limits>

#include "edge/playback/bar_feed.hpp"
#include "edge/simvenue/synthetic.hpp"

namespace qtrader::playback {
namespace {

using base::Timestamp;
using domain::Price;

constexpr std::int32_t kMostSymbols = 64;
constexpr Timestamp kForever{std::numeric_limits<std::int64_t>::max()};

class SyntheticFeed final : public BarFeed {
 public:
  struct Lane {
    domain::SymbolId id;
    std::size_t at = 0;  // in the generator's order
  };
  SyntheticFeed(const SyntheticMarket& selection, const domain::InstrumentTable& instruments,
                simvenue::SyntheticMarket market, std::vector<Lane> lanes)
      : from_(selection.from),
        to_(selection.to),
        length_(domain::duration(selection.timeframe)),
        instruments_(instruments),
        market_(std::move(market)),
        lanes_(std::move(lanes)) {
    std::sort(lanes_.begin(), lanes_.end(), [](const Lane& a, const Lane& b) { return a.id < b.id; });
  }

  base::Result<bool> next(BarSlot& slot) override {
    slot.bars.clear();
    slot.funding.clear();
    if (!market_.next(bars_)) return false;
    slot.open = bars_.front().open_time;
    slot.close = slot.open + length_;
    for (const Lane& lane : lanes_) {
      SlotBar bar;
      bar.symbol = lane.id;
      bar.bar = bars_[lane.at];
      fit_to_instrument(bar.bar, instruments_[lane.id]);
      slot.bars.push_back(std::move(bar));
    }
    const std::int64_t every = base::hours(8).ns;
    for (std::int64_t at = (slot.open.ns + every - 1) / every * every; at < slot.close.ns; at += every) {
      const std::vector<domain::FundingRate> rates = market_.funding_at({at});
      for (const Lane& lane : lanes_) {
        if (lane.at >= rates.size()) continue;
        slot.funding.push_back(rates[lane.at]);
        slot.funding.back().symbol = lane.id;
      }
    }
    return true;
  }
  bool has_funding(domain::SymbolId) const override { return true; }
  Timestamp begin() const override { return from_; }
  Timestamp end() const override { return to_ ? Timestamp{to_->ns + 1} : kForever; }

 private:
  Timestamp from_;
  std::optional<Timestamp> to_;
  base::Duration length_;
  domain::InstrumentTable instruments_;
  simvenue::SyntheticMarket market_;
  std::vector<Lane> lanes_;
  std::vector<domain::Bar> bars_;
};

base::Result<std::size_t> index_of(const std::string& symbol, const base::Rng& names) {
  std::string known;
  for (std::int32_t i = 0; i < kMostSymbols; ++i) {
    const std::string name = simvenue::symbol_profile(i, names).instrument.symbol;
    if (name == symbol) return static_cast<std::size_t>(i);
    known += (i == 0 ? "" : ", ") + name;
  }
  return base::Error{"playback", base::Errc::NotFound, symbol + " has no synthetic market; there are " + known};
}

}  // namespace

void fit_to_instrument(domain::Bar& bar, const domain::Instrument& instrument) {
  const Price tick = instrument.tick_size;
  const auto nearest = [&](Price p) {
    const std::int64_t ticks = (p.raw() + tick.raw() / 2) / tick.raw();
    return Price::from_raw(std::max<std::int64_t>(ticks, 1) * tick.raw());
  };
  bar.open = nearest(bar.open);
  bar.close = nearest(bar.close);
  bar.high = std::max({instrument.round_price(bar.high, domain::Rounding::Up), bar.open, bar.close});
  bar.low = std::max(instrument.round_price(bar.low, domain::Rounding::Down), tick);
  bar.low = std::min({bar.low, bar.open, bar.close});
  const auto down = [&](double quantity) {
    return instrument.round_quantity_down(domain::Quantity::from_double(quantity)).to_double();
  };
  bar.volume = down(bar.volume);
  bar.taker_buy_base = std::min(down(bar.taker_buy_base), bar.volume);
}

base::Result<std::unique_ptr<BarFeed>> synthetic_bar_feed(const SyntheticMarket& selection,
                                                          const domain::InstrumentTable& instruments) {
  QT_TRY(const auto ids, ids_of(selection.symbols, instruments));
  // Names are the same whatever the seed.
  const base::Rng names = base::Rng(selection.seed).fork("synthetic");
  std::vector<SyntheticFeed::Lane> lanes;
  std::size_t symbols = 1;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    QT_TRY(const std::size_t at, index_of(selection.symbols[i], names));
    lanes.push_back({ids[i], at});
    symbols = std::max(symbols, at + 1);
  }
  simvenue::SyntheticConfig config;
  config.symbols = static_cast<std::int32_t>(symbols);
  config.timeframe = selection.timeframe;
  config.from = selection.from;
  config.to = selection.to.value_or(Timestamp{kForever.ns - base::days(365).ns});
  config.seed = selection.seed;
  QT_TRY(auto market, simvenue::SyntheticMarket::create(config));
  return std::unique_ptr<BarFeed>(
      std::make_unique<SyntheticFeed>(selection, instruments, std::move(market), std::move(lanes)));
}

}  // namespace qtrader::playback
