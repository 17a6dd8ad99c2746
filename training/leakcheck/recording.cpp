#include "training/leakcheck/recording.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/rng.hpp"

namespace qtrader::training::leakcheck {
namespace {

using domain::Bar;
using domain::Price;

base::Timestamp time_of(const Bar& bar) { return bar.open_time; }
base::Timestamp time_of(const domain::FundingRate& rate) { return rate.ts_event; }
base::Timestamp time_of(const domain::MarkPrice& mark) { return mark.ts_event; }

template <class T>
void keep_before(std::vector<T>& events, base::Timestamp limit) {
  std::erase_if(events, [&](const T& e) { return time_of(e) >= limit; });
}

template <class T>
std::vector<T> spliced(const std::vector<T>& original, const std::vector<T>& other, base::Timestamp from,
                       base::Timestamp to) {
  std::vector<T> out;
  const auto take = [&](const std::vector<T>& events, base::Timestamp begin, base::Timestamp end) {
    std::ranges::copy_if(events, std::back_inserter(out),
                         [&](const T& e) { return time_of(e) >= begin && time_of(e) < end; });
  };
  take(original, history::kAllTime.from, from);
  take(other, from, to);
  take(original, to, history::kAllTime.to);
  return out;
}

/// One symbol's new future.
class Scrambler {
 public:
  Scrambler(const domain::Instrument& instrument, Direction direction, base::Rng rng)
      : instrument_(instrument), jump_(direction == Direction::Up ? 1.5 : 0.6), rng_(rng) {}

  void bars(std::vector<Bar>& all, std::size_t first) const {
    if (first == 0 || first == all.size()) return;
    const std::vector<Bar> future(all.begin() + static_cast<std::ptrdiff_t>(first), all.end());
    const double level = all[first - 1].close.to_double() * jump_;
    const std::vector<std::size_t> source = shuffled(future.size());
    base::Rng noise = rng_.fork("bars");
    for (std::size_t i = 0; i < future.size(); ++i)
      all[first + i] = reshaped(future[source[i]], future[i].open_time, level * std::exp(0.01 * noise.normal()), noise);
  }

  /// Half of the symbols lose three stretches of one to six bars.
  void punch_gaps(std::vector<Bar>& all, std::size_t first) const {
    base::Rng rng = rng_.fork("gaps");
    const std::size_t room = (all.size() - first) / 2;
    if (rng.below(2) == 0 || room < 8) return;
    for (int i = 0; i < 3; ++i) {
      const std::size_t at = first + rng.below(room - 6), bars = 1 + rng.below(6);
      for (std::size_t k = at; k < at + bars; ++k) all[k].volume = kDropped;
    }
    std::erase_if(all, [](const Bar& b) { return b.volume == kDropped; });
  }

  void funding(std::vector<domain::FundingRate>& all, std::size_t first) const {
    base::Rng noise = rng_.fork("funding");
    for (std::size_t i = first; i < all.size(); ++i) {
      const double rate = -3 * all[i].rate.to_double() + 0.001 * noise.normal();
      all[i].rate = domain::Ratio::from_double(std::clamp(rate, -0.03, 0.03));
    }
  }

  void marks(std::vector<domain::MarkPrice>& all, std::size_t first) const {
    for (std::size_t i = first; i < all.size(); ++i) all[i].price = legal(all[i].price.to_double() * jump_);
  }

 private:
  std::vector<std::size_t> shuffled(std::size_t n) const {
    base::Rng rng = rng_.fork("order");
    std::vector<std::size_t> out(n);
    std::iota(out.begin(), out.end(), std::size_t{0});
    for (std::size_t i = n; i > 1; --i) std::swap(out[i - 1], out[rng.below(i)]);
    return out;
  }

  Price legal(double price) const {
    return std::max(instrument_.round_price(Price::from_double(price), domain::Rounding::HalfEven),
                    instrument_.tick_size);
  }

  /// The shape of `shape` at another price level and time.
  Bar reshaped(const Bar& shape, base::Timestamp open_time, double close, base::Rng& noise) const {
    const double scale = close / shape.close.to_double(), volume_scale = std::exp(noise.normal());
    Bar out = shape;
    out.open_time = open_time;
    out.open = legal(shape.open.to_double() * scale);
    out.close = legal(close);
    out.high = std::max({legal(shape.high.to_double() * scale), out.open, out.close});
    out.low = std::min({legal(shape.low.to_double() * scale), out.open, out.close});
    out.volume *= volume_scale;
    out.taker_buy_base *= volume_scale;
    out.quote_volume *= volume_scale * scale;
    return out;
  }

  static constexpr double kDropped = -1;  // no bar has a negative volume
  const domain::Instrument& instrument_;
  double jump_;
  base::Rng rng_;
};

/// Index of the first event at or after `from`.
template <class T>
std::size_t index_at(const std::vector<T>& events, base::Timestamp from) {
  return static_cast<std::size_t>(std::ranges::lower_bound(events, from, {}, [](const T& e) { return time_of(e); }) -
                                  events.begin());
}

}  // namespace

Recording truncate(const Recording& original, base::Timestamp cut) {
  Recording out = original;
  for (std::size_t s = 0; s < out.symbols(); ++s) {
    keep_before(out.bars[s], cut);
    keep_before(out.funding[s], cut + kReaction);
    keep_before(out.marks[s], cut + kReaction);
  }
  return out;
}

Recording scramble(const Recording& original, base::Timestamp cut, Direction direction, std::uint64_t seed) {
  Recording out = original;
  const base::Rng rng = base::Rng(seed).fork(direction == Direction::Up ? "up" : "down");
  for (std::size_t s = 0; s < out.symbols(); ++s) {
    const Scrambler scrambler(out.instruments[s], direction, rng.fork(out.instruments[s].symbol));
    const std::size_t first = index_at(out.bars[s], cut);
    scrambler.bars(out.bars[s], first);
    if (s > 0) scrambler.punch_gaps(out.bars[s], first);
    scrambler.funding(out.funding[s], index_at(out.funding[s], cut + kReaction));
    scrambler.marks(out.marks[s], index_at(out.marks[s], cut + kReaction));
  }
  return out;
}

Recording splice(const Recording& original, const Recording& other, base::Timestamp from, base::Timestamp to) {
  Recording out = original;
  for (std::size_t s = 0; s < out.symbols(); ++s) {
    out.bars[s] = spliced(original.bars[s], other.bars[s], from, to);
    out.funding[s] = spliced(original.funding[s], other.funding[s], from, to);
    out.marks[s] = spliced(original.marks[s], other.marks[s], from, to);
  }
  return out;
}

}  // namespace qtrader::training::leakcheck
