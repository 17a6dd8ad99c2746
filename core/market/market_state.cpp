#include "core/market/market_state.hpp"

#include <cmath>
#include <string>

#include "core/base/check.hpp"

namespace qtrader::market {
namespace {

using domain::Bar;

void fault(domain::AuditSink& audit, domain::SymbolId symbol, std::string_view rule, std::string detail) {
  audit.record(domain::DataFault{symbol, std::string(rule), std::move(detail)});
}

std::string at(const Bar& bar) { return "bar " + base::format_timestamp(bar.open_time) + ": "; }

std::string prices(const Bar& bar) {
  return at(bar) + "open " + bar.open.to_string() + " high " + bar.high.to_string() + " low " + bar.low.to_string() +
         " close " + bar.close.to_string();
}

bool positive(const Bar& bar) {
  return bar.open.is_positive() && bar.high.is_positive() && bar.low.is_positive() && bar.close.is_positive();
}

bool ordered(const Bar& bar) {
  return bar.low <= bar.open && bar.open <= bar.high && bar.low <= bar.close && bar.close <= bar.high;
}

constexpr std::size_t kMaxLevels = 20;

/// Positive levels from the best outward.
bool sound_side(const std::vector<domain::DepthLevel>& levels, bool bids) {
  if (levels.size() > kMaxLevels) return false;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (!levels[i].price.is_positive() || !levels[i].quantity.is_positive()) return false;
    if (i == 0) continue;
    if (bids ? levels[i].price >= levels[i - 1].price : levels[i].price <= levels[i - 1].price) return false;
  }
  return true;
}

bool amount(double value) { return value >= 0 && std::isfinite(value); }

bool sound_volume(const Bar& bar) {
  if (!amount(bar.volume)) return false;
  if ((bar.columns & domain::kHasQuoteVolume) != 0 && !amount(bar.quote_volume)) return false;
  if ((bar.columns & domain::kHasTakerBuy) == 0) return true;
  return amount(bar.taker_buy_base) && bar.taker_buy_base <= bar.volume * (1 + 1e-9);  // a part of the whole
}

/// True if held is newer than incoming.
template <class T>
bool stale(const std::optional<T>& held, const T& incoming) {
  return held && held->ts_event > incoming.ts_event;
}

}  // namespace

std::optional<domain::Price> SymbolMarket::mark() const {
  if (!last_base) return std::nullopt;
  return marked_by_source() ? mark_price->price : last_base->close;
}

std::optional<base::Timestamp> SymbolMarket::mark_time() const {
  if (!last_base) return std::nullopt;
  return marked_by_source() ? mark_price->ts_event : last_base->close_time();
}

double SymbolMarket::atr_frac() const { return last_primary ? atr / last_primary->close.to_double() : 0; }

Liquidity SymbolMarket::liquidity(base::Timestamp now) const {
  if (!book || now - book->ts_event > kBookTtl) return {};
  const double bid = book->bid.to_double(), ask = book->ask.to_double();
  return {book->bid_depth_usdt + book->ask_depth_usdt, (ask - bid) / ((ask + bid) / 2) * 1e4};
}

const domain::BookDepth* SymbolMarket::fresh_depth(base::Timestamp now, base::Duration max_age) const {
  if (!depth || depth->bids.empty() || depth->asks.empty() || now - depth->ts_event > max_age) return nullptr;
  return &*depth;
}

MarketState::MarketState(std::size_t symbols, MarketConfig config) : config_(config), slots_(symbols) {
  for (Slot& s : slots_) {
    s.aggregator = BarAggregator(config.base, config.primary);
    if (config.track_regime) s.regime = RegimeDetector(config.primary);
  }
}

MarketState::Slot& MarketState::slot(domain::SymbolId symbol) {
  QT_CHECK(symbol.value < slots_.size(), "symbol is in the instrument table");
  return slots_[symbol.value];
}

const SymbolMarket& MarketState::operator[](domain::SymbolId symbol) const {
  QT_CHECK(symbol.value < slots_.size(), "symbol is in the instrument table");
  return slots_[symbol.value].view;
}

MarketState::BarResult MarketState::on_bar(domain::SymbolId symbol, const Bar& bar, domain::AuditSink& audit) {
  Slot& s = slot(symbol);
  BarResult result;
  if (!admit(s, symbol, bar, audit)) return result;
  result.accepted = true;
  s.view.last_base = bar;
  result.primary = s.aggregator.push(bar);
  if (result.primary) on_primary(s, result);
  return result;
}

bool MarketState::admit(const Slot& s, domain::SymbolId symbol, const Bar& bar, domain::AuditSink& audit) const {
  const auto reject = [&](std::string_view rule, std::string detail) {
    fault(audit, symbol, rule, std::move(detail));
    return false;
  };
  if (bar.timeframe != config_.base)
    return reject("timeframe", at(bar) + std::string(domain::to_string(bar.timeframe)) + ", expected " +
                                   std::string(domain::to_string(config_.base)));
  if (!positive(bar)) return reject("non_positive", prices(bar) + ", expected all above 0");
  if (!ordered(bar)) return reject("ohlc", prices(bar) + ", expected low ≤ open, close ≤ high");
  if (!sound_volume(bar))
    return reject("volume", at(bar) + "volume " + std::to_string(bar.volume) + " quote volume " +
                                std::to_string(bar.quote_volume) + " taker buy " + std::to_string(bar.taker_buy_base));
  const std::optional<Bar>& last = s.view.last_base;
  if (last && bar.open_time == last->close_time()) return true;  // the usual case: next on the grid
  if (bar.open_time.ns % domain::duration(config_.base).ns != 0)
    return reject("unaligned", at(bar) + "expected a multiple of " + std::string(domain::to_string(config_.base)));
  if (!last) return true;
  if (bar.open_time == last->open_time) return reject("duplicate", at(bar) + "already seen");
  if (bar.open_time < last->open_time)
    return reject("out_of_order", at(bar) + "expected after " + base::format_timestamp(last->open_time));
  const std::int64_t missing = (bar.open_time - last->close_time()).ns / domain::duration(config_.base).ns;
  fault(audit, symbol, "gap", at(bar) + std::to_string(missing) + " bars missing before it");
  return true;
}

void MarketState::on_primary(Slot& s, BarResult& result) const {
  const Bar& bar = *result.primary;
  s.view.last_primary = bar;
  ++s.view.primary_bars;
  s.atr.push(bar.high.to_double(), bar.low.to_double(), bar.close.to_double());
  s.view.atr = s.atr.ready() ? s.atr.value() : 0;
  if (!config_.track_regime) return;
  const domain::Regime before = s.regime.regime();
  if (s.regime.update(bar, s.view.atr, s.view.liquidity(bar.close_time())))
    result.regime_changed = RegimeChange{before, s.regime.regime()};
  s.view.regime = s.regime.regime();
  s.view.regime_confidence = s.regime.confidence();
  s.view.trend = s.regime.trend();
  s.view.adx = s.regime.adx();
}

bool MarketState::on(const domain::MarkPrice& e) {
  auto& held = slot(e.symbol).view.mark_price;
  if (!e.price.is_positive() || stale(held, e)) return false;
  held = e;
  return true;
}

bool MarketState::on(const domain::FundingRate& e) {
  auto& held = slot(e.symbol).view.funding;
  if (e.interval_hours <= 0 || stale(held, e)) return false;
  held = e;
  return true;
}

bool MarketState::on(const domain::BookTop& e) {
  auto& held = slot(e.symbol).view.book;
  if (!e.bid.is_positive() || e.ask < e.bid || !amount(e.bid_depth_usdt) || !amount(e.ask_depth_usdt) || stale(held, e))
    return false;
  held = e;
  return true;
}

bool MarketState::on(const domain::BookDepth& e) {
  auto& held = slot(e.symbol).view.depth;
  const bool crossed = !e.bids.empty() && !e.asks.empty() && e.bids.front().price >= e.asks.front().price;
  if (!sound_side(e.bids, true) || !sound_side(e.asks, false) || crossed || stale(held, e)) return false;
  held = e;
  return true;
}

bool MarketState::on(const domain::OpenInterest& e) {
  Slot& s = slot(e.symbol);
  if (!amount(e.contracts) || stale(s.view.open_interest, e)) return false;
  s.view.open_interest = e;
  s.view.open_interest_hour_ago = s.interest.hour_before(e.ts_event);
  s.interest.push(e);
  return true;
}

bool MarketState::on(const domain::Sentiment& e) {
  auto& held = slot(e.symbol).view.sentiment;
  if (!(std::abs(e.score) <= 1) || stale(held, e)) return false;
  held = e;
  return true;
}

bool MarketState::on(const domain::TrendingRank& e) {
  auto& held = slot(e.symbol).view.trending;
  if (e.rank < 0 || stale(held, e)) return false;
  held = e;
  return true;
}

void MarketState::InterestHistory::push(const domain::OpenInterest& e) {
  if (samples_.size() == 0 || e.ts_event - samples_[0].ts_event >= base::minutes(1)) samples_.push(e);
}

std::optional<domain::OpenInterest> MarketState::InterestHistory::hour_before(base::Timestamp ts) const {
  for (std::size_t age = 0; age < samples_.size(); ++age) {
    const base::Duration old = ts - samples_[age].ts_event;
    if (old < base::hours(1)) continue;
    if (old > base::minutes(75)) break;
    return samples_[age];
  }
  return std::nullopt;
}

}  // namespace qtrader::market
