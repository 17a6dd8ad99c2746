// Strong identifiers: integers that cannot be mixed up, and the table that interns symbol names.
//
// Symbols become dense indexes once, at start; strings exist only at the edge. Client order ids are a function of
// (trade, leg), never random, so a retry can always be recognised.
#pragma once

#include <compare>
#include <cstdint>

namespace qtrader::domain {

template <class Tag, class Rep>
struct StrongId {
  Rep value{};
  constexpr auto operator<=>(const StrongId&) const = default;
  template <class Archive>
  void archive(Archive& a) {
    a(value);
  }
};

using SymbolId = StrongId<struct SymbolTag, std::uint16_t>;  // index into InstrumentTable
using TradeId = StrongId<struct TradeTag, std::uint64_t>;    // 1, 2, … in order of intent; 0 is none
using TraceId = StrongId<struct TraceTag, std::uint64_t>;    // one per decision: (bar, symbol) → … → fill
using TimerId = StrongId<struct TimerTag_, std::uint64_t>;

/// trade · 256 + leg. 0 is no order of ours (a liquidation, say).
struct ClientOrderId {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const ClientOrderId&) const = default;
  static constexpr ClientOrderId make(TradeId trade, std::uint8_t leg) { return {trade.value << 8 | leg}; }
  constexpr TradeId trade() const { return {value >> 8}; }
  constexpr std::uint8_t leg() const { return static_cast<std::uint8_t>(value & 0xFF); }
  template <class Archive>
  void archive(Archive& a) {
    a(value);
  }
};

}  // namespace qtrader::domain
