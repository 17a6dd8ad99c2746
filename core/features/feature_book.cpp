#include "core/features/feature_book.hpp"

#include <cmath>

#include "core/base/check.hpp"
#include "core/base/det_math.hpp"

namespace qtrader::features {
namespace {

constexpr std::int32_t kLeastWarmup = 210;  // EMA200 and ten bars of slope
constexpr double kTrendingRanks = 15;

bool fresh(base::Timestamp datum, base::Timestamp now, base::Duration ttl) { return now - datum <= ttl; }

double hours_since(base::Timestamp datum, base::Timestamp now) { return std::max(0.0, (now - datum).seconds() / 3600); }

// #54, #55.
void put_book(LatchedFeatures& out, const market::SymbolMarket& m, base::Timestamp now) {
  if (!m.book || !fresh(m.book->ts_event, now, market::kBookTtl)) return;
  const double bid = m.book->bid.to_double(), ask = m.book->ask.to_double();
  const double spread_bps = (ask - bid) / ((ask + bid) / 2) * 1e4;
  out.put(Feature::Spread, std::clamp(spread_bps / 10, 0.0, 5.0));
  const double depth = m.book->bid_depth_usdt + m.book->ask_depth_usdt;
  out.put(Feature::BookImb, depth < kEpsilon ? 0 : (m.book->bid_depth_usdt - m.book->ask_depth_usdt) / depth);
}

// #56, #57, #59, #60.
void put_feeds(LatchedFeatures& out, const market::SymbolMarket& m, base::Timestamp now) {
  if (m.funding && fresh(m.funding->ts_event, now, kFundingTtl)) {
    const double per_8h = m.funding->rate.to_double() * 8 / m.funding->interval_hours;
    out.put_clipped(Feature::Funding, per_8h * 1e4 / 10, 1);
  }
  if (m.open_interest && m.open_interest_hour_ago && fresh(m.open_interest->ts_event, now, kOpenInterestTtl)) {
    const double before = m.open_interest_hour_ago->contracts;
    out.put_clipped(Feature::OiChg1h, before < kEpsilon ? 0 : m.open_interest->contracts / before - 1, 0.5);
  }
  if (m.sentiment && fresh(m.sentiment->ts_event, now, kSentimentTtl))
    out.put(Feature::Sentiment, m.sentiment->score * base::det::exp(-hours_since(m.sentiment->ts_event, now) / 6));
  if (m.trending && fresh(m.trending->ts_event, now, kTrendingTtl)) {
    const std::int32_t rank = m.trending->rank;
    out.put(Feature::Trending, rank >= 1 && rank <= kTrendingRanks ? 1 - (rank - 1) / kTrendingRanks : 0);
  }
}

}  // namespace

FeatureBook::FeatureBook(std::size_t symbols, FeatureConfig config)
    : config_(config), symbols_(symbols, SymbolFeatures(config.base, config.primary)) {
  QT_CHECK(domain::minutes(config.primary) % domain::minutes(config.base) == 0, "primary is a multiple of base");
  QT_CHECK(config.warmup_bars >= kLeastWarmup, "warmup_bars covers the longest window");
  QT_CHECK(!config.reference || config.reference->value < symbols, "the reference is one of the symbols");
}

const SymbolFeatures& FeatureBook::at(domain::SymbolId symbol) const {
  QT_CHECK(symbol.value < symbols_.size(), "symbol is in the instrument table");
  return symbols_[symbol.value];
}

void FeatureBook::on_base_bar(domain::SymbolId symbol, const domain::Bar& bar) {
  QT_CHECK(symbol.value < symbols_.size(), "symbol is in the instrument table");
  symbols_[symbol.value].on_base_bar(bar);
}

void FeatureBook::on_primary_bar(domain::SymbolId symbol, const domain::Bar& bar) {
  QT_CHECK(symbol.value < symbols_.size(), "symbol is in the instrument table");
  symbols_[symbol.value].on_primary_bar(bar);
}

double FeatureBook::sigma100(domain::SymbolId symbol) const { return at(symbol).sigma100(); }

FeatureVector FeatureBook::compute(domain::SymbolId symbol, const market::SymbolMarket& market,
                                   base::Timestamp now) const {
  const SymbolFeatures& s = at(symbol);
  LatchedFeatures all = s.latched();
  FeatureVector out;
  out.symbol = symbol;
  if (s.bars() > 0) {
    out.bar_close = s.bar_close();
    out.close = s.close();
    put_book(all, market, now);
    put_feeds(all, market, now);
    if (const auto relative = relative_return(symbol, s)) all.put(Feature::RelBtc1h, *relative);
  }
  out.x = all.x;
  out.present_mask = all.mask;
  out.invalid_reason = why_invalid(s, out, now);
  out.valid = out.invalid_reason.empty();
  return out;
}

// #58.
std::optional<double> FeatureBook::relative_return(domain::SymbolId symbol, const SymbolFeatures& s) const {
  if (!config_.reference) return std::nullopt;
  if (symbol == *config_.reference) return 0.0;
  const auto own = s.ret_1h_at(s.bar_close()), reference = at(*config_.reference).ret_1h_at(s.bar_close());
  if (!own || !reference) return std::nullopt;
  return *own - *reference;
}

std::string_view FeatureBook::why_invalid(const SymbolFeatures& s, const FeatureVector& v, base::Timestamp now) const {
  if (s.bars() == 0) return "no_bar";
  if (s.bars() < static_cast<std::uint64_t>(config_.warmup_bars)) return "warming_up";
  if (s.gap()) return "gap";
  if (s.thin()) return "zero_volume";
  const base::Duration primary = domain::duration(config_.primary);
  if (now - v.bar_close > base::Duration{primary.ns + primary.ns / 2}) return "stale";
  if (!s.finite() || !std::isfinite(v[Feature::RelBtc1h])) return "not_finite";
  return "";
}

}  // namespace qtrader::features
