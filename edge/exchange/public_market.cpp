#include "edge/exchange/public_market.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>

#include "edge/exchange/candle_series.hpp"

namespace qtrader::exchange {
namespace {

constexpr base::Duration kAggregation = base::milliseconds(100);
constexpr base::Duration kTickerWindow = base::hours(24);
constexpr std::size_t kKinds = 4;
constexpr std::size_t kFundingLimit = 10'000;

/// Whether bars of the timeframe fill candles of the interval without crossing their borders.
bool tiles(domain::Timeframe source, Interval interval) {
  if (interval == Interval::Mo1) return 1'440 % domain::minutes(source) == 0;
  const auto length = interval_next(interval, {0}) - Timestamp{0};
  return length.ns % domain::duration(source).ns == 0;
}

Interval interval_of(domain::Timeframe timeframe) {
  const auto found = parse_interval(domain::to_string(timeframe));
  QT_CHECK(found.has_value(), "timeframe without an interval of its length");
  return *found;
}

/// Sums of the closed candles inside the 24 h window; valid until another one closes.
struct Window {
  Timestamp newest;
  bool any = false;
  Kline sum;
};

struct SymbolMarket {
  std::array<std::vector<CandleSeries>, kKinds> candles;
  std::deque<matching::TradeEvent> trades;
  std::deque<AggTrade> aggregates;
  AggTrade pending;  // still within its 100 ms
  bool has_pending = false;
  std::int64_t next_aggregate = 1;
  std::deque<FundingRow> funding;
  mutable Window window;
  std::map<std::pair<matching::AccountId, matching::PositionSide>, domain::Quantity> positions;

  CandleSeries& series(KlineKind kind, Interval interval) {
    return candles[static_cast<std::size_t>(kind)][static_cast<std::size_t>(interval)];
  }
  const CandleSeries& series(KlineKind kind, Interval interval) const {
    return candles[static_cast<std::size_t>(kind)][static_cast<std::size_t>(interval)];
  }
};

void extend(Kline& sum, bool& any, const Kline& k) {
  if (!any) {
    sum = k;
    any = true;
    return;
  }
  sum.high = std::max(sum.high, k.high);
  sum.low = std::min(sum.low, k.low);
  sum.close = k.close;
  sum.volume += k.volume;
  sum.quote_volume += k.quote_volume;
  sum.trades += k.trades;
  if (sum.first_trade < 0) sum.first_trade = k.first_trade;
  if (k.last_trade >= 0) sum.last_trade = k.last_trade;
}

}  // namespace

struct PublicMarket::Impl {
  Config config;
  Interval base = Interval::M5;
  std::vector<SymbolMarket> symbols;
  Timestamp time;
  Timestamp next_minute;
  bool begun = false;
  Closed closed;

  SymbolMarket& at(SymbolId id) {
    QT_CHECK(id.value < symbols.size(), "unknown symbol id");
    return symbols[id.value];
  }
  const SymbolMarket& at(SymbolId id) const {
    QT_CHECK(id.value < symbols.size(), "unknown symbol id");
    return symbols[id.value];
  }

  CandleSeries::OnClose reporter(SymbolId symbol, std::size_t interval) {
    return [this, symbol, interval](const Kline& k) {
      closed.klines.push_back({symbol, static_cast<Interval>(interval), k});
    };
  }

  void finish_aggregate(SymbolId id, SymbolMarket& s) {
    if (!s.has_pending) return;
    s.has_pending = false;
    s.aggregates.push_back(s.pending);
    if (s.aggregates.size() > config.trade_limit) s.aggregates.pop_front();
    closed.trades.emplace_back(id, s.pending);
  }

  void aggregate(SymbolMarket& s, const matching::TradeEvent& t) {
    const bool maker_bought = t.taker == domain::Side::Sell;
    if (s.has_pending && (s.pending.price != t.price || s.pending.buyer_is_maker != maker_bought ||
                          t.time >= s.pending.time + kAggregation))
      finish_aggregate(t.symbol, s);
    if (!s.has_pending) {
      s.pending = {s.next_aggregate++, t.id, t.id, t.price, {}, maker_bought, t.time};
      s.has_pending = true;
    }
    s.pending.quantity += t.quantity;
    s.pending.last_trade = t.id;
  }

  void on_event(const matching::TradeEvent& t) {
    auto& s = at(t.symbol);
    s.trades.push_back(t);
    if (s.trades.size() > config.trade_limit) s.trades.pop_front();
    aggregate(s, t);
    const Print print{t.price, t.quantity, t.price.to_double() * t.quantity.to_double(), t.taker == domain::Side::Buy,
                      t.id,    t.time};
    auto& row = s.candles[0];
    for (std::size_t i = 0; i < row.size(); ++i) row[i].print(print, reporter(t.symbol, i));
  }

  void on_event(const matching::MarkEvent& m) {
    if (m.mark.mark.is_zero()) return;
    auto& s = at(m.symbol);
    const auto print = [&](KlineKind kind, domain::Price price) {
      for (auto& series : s.candles[static_cast<std::size_t>(kind)])
        series.print({price, {}, 0, false, -1, m.mark.time}, nullptr);
    };
    print(KlineKind::Mark, m.mark.mark);
    if (m.mark.index.is_zero()) return;
    print(KlineKind::Index, m.mark.index);
    const auto premium = (m.mark.mark - m.mark.index) / m.mark.index;
    print(KlineKind::Premium, domain::Price::from_raw(premium.raw()));
  }

  void on_event(const matching::BarEvent& b) {
    if (b.bar.timeframe != config.source) return;
    auto& row = at(b.bar.symbol).candles[0];
    for (std::size_t i = 0; i < row.size(); ++i) row[i].bar(b.bar.bar, reporter(b.bar.symbol, i));
    at(b.bar.symbol).window.any = false;
  }

  void on_event(const matching::FundingEvent& f) {
    auto& rows = at(f.symbol).funding;
    rows.push_back({f.time, f.rate, f.mark});
    if (rows.size() > kFundingLimit) rows.pop_front();
  }

  void on_event(const matching::AccountEvent& a) {
    for (const auto& p : a.positions) at(p.symbol).positions[{a.account, p.side}] = p.amount;
  }

  template <class Other>
  void on_event(const Other&) {}
};

PublicMarket::PublicMarket(const domain::InstrumentTable& instruments, Config config)
    : impl_(std::make_unique<Impl>()) {
  impl_->config = config;
  impl_->base = interval_of(config.source);
  impl_->symbols.resize(instruments.size());
  for (auto& s : impl_->symbols)
    for (std::size_t kind = 0; kind < kKinds; ++kind)
      for (std::size_t i = 0; i < kIntervals; ++i) {
        const auto interval = static_cast<Interval>(i);
        s.candles[kind].emplace_back(interval, kind == 0 && tiles(config.source, interval), config.kline_limit);
      }
}

PublicMarket::~PublicMarket() = default;

namespace {

struct TimeOfEvent {
  Timestamp operator()(const matching::MarkEvent& e) const { return e.mark.time; }
  Timestamp operator()(const matching::BarEvent& e) const { return e.bar.time; }
  template <class E>
  Timestamp operator()(const E& e) const {
    return e.time;
  }
};

}  // namespace

void PublicMarket::on(const matching::ExchangeEvent& event) {
  const Timestamp time = std::visit(TimeOfEvent{}, event);
  if (!impl_->begun || time > impl_->time) advance_to(time);
  std::visit([this](const auto& e) { impl_->on_event(e); }, event);
}

void PublicMarket::advance_to(Timestamp now) {
  auto& m = *impl_;
  if (m.begun && now < m.time) return;
  m.time = now;
  for (std::size_t id = 0; id < m.symbols.size(); ++id) {
    auto& s = m.symbols[id];
    if (s.has_pending && now >= s.pending.time + kAggregation) m.finish_aggregate({static_cast<std::uint16_t>(id)}, s);
  }
  // Every candle ends on a whole minute; one that still waited for its bar at that minute ends just after it.
  if (m.begun && now < m.next_minute) return;
  const Timestamp minute = interval_open(Interval::M1, now);
  m.next_minute = now == minute ? minute + base::Duration{1} : minute + base::minutes(1);
  m.begun = true;
  for (std::size_t id = 0; id < m.symbols.size(); ++id) {
    auto& s = m.symbols[id];
    for (std::size_t i = 0; i < kIntervals; ++i)
      s.candles[0][i].advance_to(now, m.reporter({static_cast<std::uint16_t>(id)}, i));
    for (std::size_t kind = 1; kind < kKinds; ++kind)
      for (auto& series : s.candles[kind]) series.advance_to(now, nullptr);
  }
}

std::optional<Timestamp> PublicMarket::next_deadline() const {
  if (!impl_->begun) return std::nullopt;
  Timestamp due = impl_->next_minute;
  for (const auto& s : impl_->symbols)
    if (s.has_pending) due = std::min(due, s.pending.time + kAggregation);
  return due;
}

PublicMarket::Closed PublicMarket::take_closed() { return std::exchange(impl_->closed, {}); }

void PublicMarket::seed(SymbolId symbol, const std::vector<domain::Bar>& bars) {
  auto& row = impl_->at(symbol).candles[0];
  for (const auto& bar : bars) {
    QT_CHECK(bar.timeframe == impl_->config.source, "history of another timeframe than the source's");
    for (auto& series : row) series.bar(bar, nullptr);
  }
}

void PublicMarket::seed_funding(SymbolId symbol, std::vector<FundingRow> rows) {
  auto& to = impl_->at(symbol).funding;
  to.insert(to.begin(), rows.begin(), rows.end());
  while (to.size() > kFundingLimit) to.pop_front();
}

std::vector<Kline> PublicMarket::klines(const KlineQuery& query) const {
  const auto& series = impl_->at(query.symbol).series(query.kind, query.interval);
  const auto& closed = series.closed();
  const auto opens_before = [](const Kline& k, Timestamp t) { return k.open_time < t; };
  auto first = closed.begin(), last = closed.end();
  if (query.from) first = std::lower_bound(first, last, *query.from, opens_before);
  if (query.to) last = std::lower_bound(first, last, *query.to + base::Duration{1}, opens_before);
  std::optional<Kline> open = series.current();
  if (open && ((query.from && open->open_time < *query.from) || (query.to && open->open_time > *query.to)))
    open.reset();
  const std::size_t count = static_cast<std::size_t>(last - first) + (open ? 1 : 0);
  if (count > query.limit) {
    if (query.from) {  // the oldest ones
      last = first +
             static_cast<std::ptrdiff_t>(std::min<std::size_t>(query.limit, static_cast<std::size_t>(last - first)));
      open.reset();
    } else {
      first += static_cast<std::ptrdiff_t>(count - query.limit);
    }
  }
  std::vector<Kline> out(first, last);
  if (open && out.size() < query.limit) out.push_back(*open);
  return out;
}

std::optional<Kline> PublicMarket::current(SymbolId symbol, Interval interval) const {
  return impl_->at(symbol).series(KlineKind::Contract, interval).current();
}

std::optional<Ticker> PublicMarket::ticker(SymbolId symbol) const {
  const auto& s = impl_->at(symbol);
  const auto& series = s.series(KlineKind::Contract, impl_->base);
  if (!series.started()) return std::nullopt;
  const auto& closed = series.closed();
  const Timestamp newest = closed.empty() ? Timestamp{} : closed.back().open_time;
  auto& w = s.window;
  if (!w.any || w.newest != newest) {
    w = {newest, false, {}};
    const Timestamp from = (closed.empty() ? impl_->time : series.next()) - kTickerWindow;
    auto it = closed.end();
    while (it != closed.begin() && std::prev(it)->open_time >= from) --it;
    for (; it != closed.end(); ++it) extend(w.sum, w.any, *it);
  }
  Kline sum = w.sum;
  bool any = w.any;
  if (const auto open = series.current(); open && (open->trades > 0 || !any)) extend(sum, any, *open);
  if (!any || (s.trades.empty() && closed.empty())) return std::nullopt;
  Ticker t;
  t.open = sum.open;
  t.high = sum.high;
  t.low = sum.low;
  t.last = s.trades.empty() ? sum.close : s.trades.back().price;
  t.last_quantity = s.trades.empty() ? domain::Quantity{} : s.trades.back().quantity;
  t.volume = sum.volume;
  t.quote_volume = sum.quote_volume;
  t.weighted_average =
      sum.volume.is_positive() ? domain::Price::from_double(sum.quote_volume / sum.volume.to_double()) : t.last;
  t.change = t.last - t.open;
  t.change_percent = t.open.is_positive() ? t.change.to_double() / t.open.to_double() * 100 : 0;
  t.open_time = sum.open_time;
  t.close_time = impl_->time;
  t.first_trade = sum.first_trade;
  t.last_trade = sum.last_trade;
  t.trades = sum.trades;
  return t;
}

std::vector<matching::TradeEvent> PublicMarket::trades(SymbolId symbol, std::int64_t from_id, std::size_t limit) const {
  const auto& all = impl_->at(symbol).trades;
  auto first = all.begin();
  if (from_id > 0)
    first = std::lower_bound(all.begin(), all.end(), from_id,
                             [](const matching::TradeEvent& t, std::int64_t id) { return t.id < id; });
  else if (all.size() > limit)
    first = all.end() - static_cast<std::ptrdiff_t>(limit);
  const auto count = std::min<std::size_t>(limit, static_cast<std::size_t>(all.end() - first));
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

std::vector<AggTrade> PublicMarket::agg_trades(SymbolId symbol, std::optional<std::int64_t> from_id,
                                               std::optional<Timestamp> from, std::optional<Timestamp> to,
                                               std::size_t limit) const {
  const auto& all = impl_->at(symbol).aggregates;
  auto first = all.begin(), last = all.end();
  if (from_id)
    first = std::lower_bound(first, last, *from_id, [](const AggTrade& t, std::int64_t id) { return t.id < id; });
  if (from) first = std::lower_bound(first, last, *from, [](const AggTrade& t, Timestamp x) { return t.time < x; });
  if (to) last = std::upper_bound(first, last, *to, [](Timestamp x, const AggTrade& t) { return x < t.time; });
  const auto count = static_cast<std::size_t>(last - first);
  if (count > limit) {
    if (from_id || from)
      last = first + static_cast<std::ptrdiff_t>(limit);
    else
      first = last - static_cast<std::ptrdiff_t>(limit);
  }
  return {first, last};
}

std::vector<FundingRow> PublicMarket::funding(std::optional<SymbolId> symbol, std::optional<Timestamp> from,
                                              std::optional<Timestamp> to, std::size_t limit) const {
  std::vector<FundingRow> out;
  for (std::size_t id = 0; id < impl_->symbols.size(); ++id) {
    if (symbol && symbol->value != id) continue;
    for (const auto& row : impl_->symbols[id].funding)
      if ((!from || row.time >= *from) && (!to || row.time <= *to)) out.push_back(row);
  }
  if (!symbol) std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  if (out.size() > limit) {
    if (from)
      out.resize(limit);
    else
      out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(limit));
  }
  return out;
}

domain::Quantity PublicMarket::open_interest(SymbolId symbol) const {
  domain::Quantity longs, shorts;
  for (const auto& [row, amount] : impl_->at(symbol).positions) (amount.is_negative() ? shorts : longs) += amount.abs();
  return std::max(longs, shorts);
}

}  // namespace qtrader::exchange
