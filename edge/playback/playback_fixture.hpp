// Test helpers of this room: instruments, recorded directories, and a source drained into ticks.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "edge/playback/market_source.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::playback::testing {

namespace fs = std::filesystem;
using base::Timestamp;
using domain::Price;
using domain::Quantity;
using domain::Ratio;
using domain::Side;
using domain::SymbolId;
using matching::MarketTick;

inline domain::Instrument contract(const std::string& symbol, const char* tick = "0.1", const char* step = "0.001") {
  domain::Instrument i;
  i.symbol = symbol;
  i.tick_size = Price::parse(tick).value();
  i.step_size = Quantity::parse(step).value();
  i.min_quantity = i.step_size;
  i.min_notional = domain::Money::from_int(5);
  i.brackets = {{{}, domain::Money::from_int(1'000'000'000), Ratio::from_raw(400'000), {}, 125}};
  i.maker_fee = Ratio::from_raw(20'000);
  i.taker_fee = Ratio::from_raw(50'000);
  return i;
}
inline domain::InstrumentTable table(std::vector<domain::Instrument> instruments) {
  return domain::InstrumentTable::create(std::move(instruments)).value();
}
inline void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}
inline Timestamp at(const char* text) { return base::parse_timestamp(text).value(); }

inline Timestamp tick_time(const MarketTick& t) {
  return std::visit([](const auto& tick) { return tick.time; }, t);
}
inline SymbolId tick_symbol(const MarketTick& t) {
  return std::visit([](const auto& tick) { return tick.symbol; }, t);
}

/// All ticks, or the first `most`.
inline std::vector<MarketTick> drain(MarketSource& source, std::size_t most = 50'000'000) {
  std::vector<MarketTick> out;
  while (out.size() < most) {
    auto tick = source.next();
    EXPECT_TRUE(tick) << tick.error().message();
    if (!tick || !*tick) break;
    out.push_back(std::move(**tick));
  }
  return out;
}
template <class T>
std::vector<T> only(const std::vector<MarketTick>& ticks, SymbolId symbol = {0}) {
  std::vector<T> out;
  for (const MarketTick& t : ticks)
    if (const auto* tick = std::get_if<T>(&t); tick != nullptr && tick->symbol == symbol) out.push_back(*tick);
  return out;
}

/// Every field as text: equal text, equal tick.
inline std::string describe(const MarketTick& tick) {
  std::string out = std::to_string(tick.index()) + " " + std::to_string(tick_time(tick).ns) + " " +
                    std::to_string(tick_symbol(tick).value);
  const auto add = [&](std::int64_t v) { out += " " + std::to_string(v); };
  const auto levels = [&](const std::vector<matching::BookLevel>& side) {
    out += " |";
    for (const auto& l : side) add(l.price.raw()), add(l.quantity.raw());
  };
  if (const auto* s = std::get_if<matching::BookSnapshotTick>(&tick)) levels(s->bids), levels(s->asks);
  if (const auto* d = std::get_if<matching::BookDeltaTick>(&tick)) levels(d->bids), levels(d->asks);
  if (const auto* t = std::get_if<matching::TradeTick>(&tick))
    add(t->price.raw()), add(t->quantity.raw()), add(static_cast<int>(t->taker));
  if (const auto* m = std::get_if<matching::MarkTick>(&tick))
    add(m->mark.raw()), add(m->index.raw()), add(m->funding_rate.raw()), add(m->next_funding.ns);
  if (const auto* f = std::get_if<matching::FundingTick>(&tick)) add(f->rate.raw());
  if (const auto* b = std::get_if<matching::BarTick>(&tick)) add(b->bar.close.raw());
  return out;
}
inline std::vector<std::string> describe(const std::vector<MarketTick>& ticks) {
  std::vector<std::string> out;
  for (const MarketTick& t : ticks) out.push_back(describe(t));
  return out;
}

/// The others' book as a matching engine would keep it.
struct Book {
  std::map<Price, Quantity, std::greater<>> bids;
  std::map<Price, Quantity> asks;

  void apply(const MarketTick& tick) {
    const auto put = [](auto& side, const std::vector<matching::BookLevel>& levels) {
      for (const auto& l : levels) {
        if (l.quantity.is_zero())
          side.erase(l.price);
        else
          side[l.price] = l.quantity;
      }
    };
    if (const auto* s = std::get_if<matching::BookSnapshotTick>(&tick)) {
      bids.clear();
      asks.clear();
      put(bids, s->bids), put(asks, s->asks);
    }
    if (const auto* d = std::get_if<matching::BookDeltaTick>(&tick)) put(bids, d->bids), put(asks, d->asks);
  }
  Price bid() const { return bids.empty() ? Price{} : bids.begin()->first; }
  Price ask() const { return asks.empty() ? Price{} : asks.begin()->first; }
  bool crossed() const { return !bids.empty() && !asks.empty() && bid() >= ask(); }
};

inline fs::path shared_data() { return fs::path(QT_SOURCE_DIR "/../shared/data"); }

}  // namespace qtrader::playback::testing

/// Recorded data is not part of the repository: skipped where absent, but not in CI.
#define QT_NEEDS_SHARED_DATA()                                                        \
  if (!std::filesystem::exists(qtrader::playback::testing::shared_data())) {          \
    if (std::getenv("CI") != nullptr) FAIL() << "no recorded data beside the source"; \
    GTEST_SKIP() << "no recorded data beside the source";                             \
  }
