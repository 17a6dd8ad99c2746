#include "edge/binance/local_book.hpp"

#include <algorithm>

namespace qtrader::binance {
namespace {

/// Sets or deletes one level in a vector whose best level is at the back. `worse(a, b)`: a is farther from the top.
template <class Worse>
void set_level(std::vector<Level>& levels, const Level& level, Worse worse) {
  auto at = levels.end();
  // Most changes are near the top; walking a few steps from there beats halving the whole depth.
  for (int steps = 0; steps < 8 && at != levels.begin() && worse(level.price, std::prev(at)->price); ++steps) --at;
  if (at != levels.begin() && worse(level.price, std::prev(at)->price))
    at = std::upper_bound(levels.begin(), at, level.price,
                          [&](domain::Price price, const Level& other) { return worse(price, other.price); });
  const bool present = at != levels.begin() && std::prev(at)->price == level.price;
  if (level.quantity.is_zero()) {
    if (present) levels.erase(std::prev(at));
  } else if (present) {
    std::prev(at)->quantity = level.quantity;
  } else {
    levels.insert(at, level);
  }
}

constexpr auto kLower = [](domain::Price a, domain::Price b) { return a < b; };
constexpr auto kHigher = [](domain::Price a, domain::Price b) { return a > b; };

std::vector<Level> best(const std::vector<Level>& levels, std::size_t n) {
  const auto count = static_cast<std::ptrdiff_t>(std::min(n, levels.size()));
  return {levels.rbegin(), levels.rbegin() + count};
}

}  // namespace

void LocalBook::reset() {
  state_ = State::WaitingForSnapshot;
  joined_ = false;
  last_update_id_ = 0;
  transaction_time_ = {};
  buffered_.clear();
  bids_.clear();
  asks_.clear();
}

void LocalBook::lose() {
  ++gaps_;
  state_ = State::WaitingForSnapshot;
  joined_ = false;
  buffered_.clear();
  bids_.clear();
  asks_.clear();
}

/// Whether the diff continues the book: by the snapshot's id if it is the first since, else by its predecessor.
bool LocalBook::join(const DepthUpdate& diff) const {
  if (joined_) return diff.previous_update_id == last_update_id_;
  // The exchange's rule is U ≤ last ≤ u. Exact is: the diff holds all changes after pu, the snapshot all up to last, so
  // nothing is missing if pu ≤ last. The ids are sparse: U > last happens with nothing in between.
  return diff.first_update_id <= last_update_id_ || diff.previous_update_id <= last_update_id_;
}

void LocalBook::write(const DepthUpdate& diff) {
  for (const Level& level : diff.bids) set_level(bids_, level, kLower);
  for (const Level& level : diff.asks) set_level(asks_, level, kHigher);
  last_update_id_ = diff.last_update_id;
  transaction_time_ = diff.transaction_time;
  joined_ = true;
}

LocalBook::Applied LocalBook::apply(const DepthUpdate& diff) {
  if (state_ == State::WaitingForSnapshot) {
    // A break inside the buffer makes everything before it useless.
    if (!buffered_.empty() && diff.previous_update_id != buffered_.back().last_update_id) buffered_.clear();
    if (buffered_.size() == kMaxBuffered) buffered_.pop_front();
    buffered_.push_back(diff);
    return Applied::Buffered;
  }
  if (!joined_ && diff.last_update_id < last_update_id_) return Applied::Stale;
  if (!join(diff)) {
    lose();
    buffered_.push_back(diff);
    return Applied::Gap;
  }
  write(diff);
  return Applied::Applied;
}

bool LocalBook::apply_snapshot(const DepthSnapshot& snapshot) {
  bids_.assign(snapshot.bids.rbegin(), snapshot.bids.rend());
  asks_.assign(snapshot.asks.rbegin(), snapshot.asks.rend());
  const auto price_of = [](const Level& level) { return level.price; };
  std::ranges::sort(bids_, kLower, price_of);
  std::ranges::sort(asks_, kHigher, price_of);
  last_update_id_ = snapshot.last_update_id;
  transaction_time_ = snapshot.transaction_time;
  state_ = State::Synced;
  joined_ = false;
  while (!buffered_.empty()) {
    const DepthUpdate& diff = buffered_.front();
    if (!joined_ && diff.last_update_id < last_update_id_) {
      buffered_.pop_front();
      continue;
    }
    if (!join(diff)) {
      // The snapshot is older than the buffer: keep the diffs, a newer snapshot will join them.
      state_ = State::WaitingForSnapshot;
      bids_.clear();
      asks_.clear();
      return false;
    }
    write(diff);
    buffered_.pop_front();
  }
  return true;
}

std::optional<LocalBook::Top> LocalBook::top() const {
  if (!usable() || bids_.empty() || asks_.empty()) return std::nullopt;
  return Top{bids_.back(), asks_.back()};
}

std::vector<Level> LocalBook::bids(std::size_t n) const { return usable() ? best(bids_, n) : std::vector<Level>{}; }

std::vector<Level> LocalBook::asks(std::size_t n) const { return usable() ? best(asks_, n) : std::vector<Level>{}; }

LocalBook::Depth LocalBook::depth_within(domain::Bps bps) const {
  Depth out;
  const auto best_levels = top();
  if (!best_levels) return out;
  const auto mid = domain::Price::from_raw(best_levels->bid.price.raw() +
                                           (best_levels->ask.price.raw() - best_levels->bid.price.raw()) / 2);
  const domain::Price reach = mid * bps.ratio();
  const domain::Price lowest = mid - reach, highest = mid + reach;
  for (auto level = bids_.rbegin(); level != bids_.rend() && level->price >= lowest; ++level)
    out.bid += level->price * level->quantity;
  for (auto level = asks_.rbegin(); level != asks_.rend() && level->price <= highest; ++level)
    out.ask += level->price * level->quantity;
  return out;
}

}  // namespace qtrader::binance
