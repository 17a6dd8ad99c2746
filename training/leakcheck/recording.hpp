// Recording: a stretch of market data held in memory, and the ways to change its future.
//
// In the flow: a source cuts a window out of recorded or synthetic data → the product's pipeline is run on it as it is,
// and on copies whose future was changed after a moment (the cut) → whatever differs before the cut has seen the
// future. A changed future is as well formed as the real one: it passes the market's data gate. Never touches the past
// of a cut.
#pragma once

#include <cstdint>
#include <vector>

#include "core/domain/events.hpp"
#include "core/domain/instrument.hpp"
#include "edge/history/catalog.hpp"

namespace qtrader::training::leakcheck {

struct Recording {
  domain::Timeframe base = domain::Timeframe::M5;
  domain::Timeframe primary = domain::Timeframe::M15;
  std::vector<domain::Instrument> instruments;  // by symbol id, like the series
  std::vector<std::vector<domain::Bar>> bars;   // of the base timeframe, in time order
  std::vector<std::vector<domain::FundingRate>> funding;
  std::vector<std::vector<domain::MarkPrice>> marks;
  history::Window rows;  // close times of rows lie in (from, to]; earlier bars only warm up

  std::size_t symbols() const { return instruments.size(); }
};

/// What is settled this long after a cut still counts as known: a decision on a bar is taken a second after its close
/// (ADR 0005), and trades at the next open, five seconds after it.
inline constexpr base::Duration kReaction = base::seconds(2);

enum class Direction : std::uint8_t { Up, Down };

/// The bars that have closed at the cut, and the funding and marks that are known by then.
Recording truncate(const Recording& original, base::Timestamp cut);

/// After the cut every symbol jumps by half (Up: × 1.5, Down: × 0.6) and goes on there with the shapes, volumes and
/// trade counts of its own future bars in shuffled order. Half of the symbols lose some bars in the first half of what
/// follows; never the first symbol, so that the rows still reach to the end and no part of a split is empty. Funding
/// changes size and sign. Each symbol's change depends on (seed, name, direction, its own future) only.
Recording scramble(const Recording& original, base::Timestamp cut, Direction direction, std::uint64_t seed);

/// `original`, but what opens or is settled in [from, to) comes from `other`.
Recording splice(const Recording& original, const Recording& other, base::Timestamp from, base::Timestamp to);

}  // namespace qtrader::training::leakcheck
