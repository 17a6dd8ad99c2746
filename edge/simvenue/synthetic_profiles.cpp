#include "edge/simvenue/synthetic_profiles.hpp"

#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace qtrader::simvenue {

using domain::Money;
using domain::Price;
using domain::Quantity;
using domain::Ratio;

namespace {

struct Tier {
  std::int64_t cap;  // USDT
  double rate;
  int leverage;
};

constexpr Tier kBitcoin[] = {{50'000, 0.004, 125},    {600'000, 0.005, 100},    {3'000'000, 0.0065, 75},
                             {12'000'000, 0.01, 50},  {70'000'000, 0.02, 25},   {100'000'000, 0.025, 20},
                             {230'000'000, 0.05, 10}, {480'000'000, 0.1, 5},    {600'000'000, 0.125, 4},
                             {800'000'000, 0.15, 3},  {1'200'000'000, 0.25, 2}, {1'800'000'000, 0.5, 1}};
constexpr Tier kEther[] = {{50'000, 0.004, 125},    {600'000, 0.005, 100},  {3'000'000, 0.0065, 75},
                           {12'000'000, 0.01, 50},  {50'000'000, 0.02, 25}, {65'000'000, 0.025, 20},
                           {150'000'000, 0.05, 10}, {320'000'000, 0.1, 5},  {400'000'000, 0.125, 4},
                           {530'000'000, 0.15, 3},  {800'000'000, 0.25, 2}, {1'200'000'000, 0.5, 1}};
constexpr Tier kMajor[] = {{20'000, 0.005, 100},  {100'000, 0.0065, 75},   {800'000, 0.01, 50},
                           {4'000'000, 0.02, 25}, {8'000'000, 0.025, 20},  {40'000'000, 0.05, 10},
                           {80'000'000, 0.1, 5},  {100'000'000, 0.125, 4}, {200'000'000, 0.25, 2},
                           {400'000'000, 0.5, 1}};
constexpr Tier kMiddle[] = {{10'000, 0.005, 75},    {20'000, 0.0065, 50},  {160'000, 0.01, 40},  {800'000, 0.02, 25},
                            {1'600'000, 0.025, 20}, {8'000'000, 0.05, 10}, {16'000'000, 0.1, 5}, {20'000'000, 0.125, 4},
                            {40'000'000, 0.25, 2},  {80'000'000, 0.5, 1}};
constexpr Tier kSmall[] = {{10'000, 0.005, 75},   {50'000, 0.01, 50},    {80'000, 0.015, 40}, {400'000, 0.02, 25},
                           {800'000, 0.025, 20},  {4'000'000, 0.05, 10}, {8'000'000, 0.1, 5}, {20'000'000, 0.125, 4},
                           {30'000'000, 0.25, 2}, {50'000'000, 0.5, 1}};

/// cumulative_n = floor_n · (rate_n − rate_{n−1}) + cumulative_{n−1} (binance-usdm.md 15).
std::vector<domain::LeverageBracket> brackets(std::span<const Tier> tiers) {
  std::vector<domain::LeverageBracket> out;
  for (const Tier& t : tiers) {
    domain::LeverageBracket b;
    b.notional_cap = Money::from_int(t.cap);
    b.maintenance_ratio = Ratio::from_double(t.rate);
    b.max_leverage = t.leverage;
    if (!out.empty()) {
      const domain::LeverageBracket& below = out.back();
      b.notional_floor = below.notional_cap;
      b.cumulative = b.notional_floor * (b.maintenance_ratio - below.maintenance_ratio) + below.cumulative;
    }
    out.push_back(b);
  }
  return out;
}

struct Row {
  std::string_view symbol;
  double price, tick, step;
  int min_notional;
  double daily_volatility, correlation, turnover_millions;
  std::span<const Tier> tiers;
};

constexpr Row kRows[] = {
    {"BTCUSDT", 60'000, 0.1, 0.001, 50, 0.026, 1.00, 12'000, kBitcoin},
    {"ETHUSDT", 3'000, 0.01, 0.001, 20, 0.034, 0.80, 8'000, kEther},
    {"SOLUSDT", 150, 0.01, 0.01, 5, 0.046, 0.72, 2'500, kMajor},
    {"BNBUSDT", 600, 0.01, 0.01, 5, 0.030, 0.70, 600, kMajor},
    {"XRPUSDT", 0.6, 0.0001, 0.1, 5, 0.040, 0.62, 900, kMiddle},
    {"DOGEUSDT", 0.15, 0.00001, 1, 5, 0.050, 0.66, 900, kMiddle},
    {"ADAUSDT", 0.45, 0.0001, 1, 5, 0.043, 0.70, 300, kSmall},
    {"AVAXUSDT", 35, 0.001, 0.1, 5, 0.048, 0.70, 300, kSmall},
    {"LINKUSDT", 15, 0.001, 0.01, 5, 0.044, 0.68, 280, kSmall},
    {"LTCUSDT", 85, 0.01, 0.001, 20, 0.038, 0.72, 280, kMiddle},
    {"DOTUSDT", 7, 0.001, 0.1, 5, 0.043, 0.71, 180, kSmall},
    {"SUIUSDT", 1.5, 0.0001, 0.1, 5, 0.058, 0.60, 350, kSmall},
    {"BCHUSDT", 400, 0.01, 0.001, 20, 0.042, 0.66, 250, kMiddle},
    {"TRXUSDT", 0.13, 0.00001, 1, 5, 0.026, 0.52, 120, kSmall},
    {"ETCUSDT", 25, 0.001, 0.01, 5, 0.043, 0.69, 150, kSmall},
    {"UNIUSDT", 9, 0.001, 0.1, 5, 0.048, 0.64, 140, kSmall},
    {"ATOMUSDT", 8, 0.001, 0.01, 5, 0.044, 0.69, 110, kSmall},
    {"NEARUSDT", 5, 0.001, 0.1, 5, 0.052, 0.68, 160, kSmall},
    {"APTUSDT", 9, 0.001, 0.1, 5, 0.051, 0.67, 150, kSmall},
    {"FILUSDT", 5, 0.001, 0.1, 5, 0.048, 0.67, 130, kSmall},
};

SymbolProfile build(const Row& row, std::string symbol) {
  SymbolProfile p;
  p.initial_price = row.price;
  p.daily_volatility = row.daily_volatility;
  p.correlation = row.correlation;
  p.daily_turnover = row.turnover_millions * 1e6;
  domain::Instrument& i = p.instrument;
  i.symbol = std::move(symbol);
  i.tick_size = Price::from_double(row.tick);
  i.step_size = Quantity::from_double(row.step);
  i.min_quantity = i.step_size;
  // Caps of the size real contracts have: a few thousandths of a day's turnover.
  i.max_market_quantity = i.round_quantity_down(Quantity::from_double(p.daily_turnover / row.price * 1e-3));
  i.max_quantity = i.round_quantity_down(Quantity::from_double(p.daily_turnover / row.price * 5e-3));
  i.min_notional = Money::from_int(row.min_notional);
  i.brackets = brackets(row.tiers);
  i.maker_fee = Ratio::from_double(0.0002);
  i.taker_fee = Ratio::from_double(0.0005);
  i.assumed = true;
  return p;
}

}  // namespace

SymbolProfile symbol_profile(std::int32_t index, const base::Rng& rng) {
  constexpr auto kNamed = static_cast<std::int32_t>(std::size(kRows));
  if (index < kNamed) {
    const Row& row = kRows[index];
    return build(row, std::string(row.symbol));
  }
  const std::string symbol = "SYN" + std::to_string(index + 1) + "USDT";
  base::Rng own = rng.fork(symbol);
  // One of three price classes with its tick and step.
  struct Class {
    double price, tick, step;
  };
  constexpr std::array<Class, 3> kClasses = {{{20, 0.001, 0.1}, {2, 0.0001, 0.1}, {0.2, 0.00001, 1}}};
  const Class c = kClasses[own.below(kClasses.size())];
  const Row row{symbol,
                c.price * own.uniform(0.5, 2),
                c.tick,
                c.step,
                5,
                own.uniform(0.04, 0.06),
                own.uniform(0.55, 0.72),
                own.uniform(40, 150),
                kSmall};
  return build(row, symbol);
}

}  // namespace qtrader::simvenue
