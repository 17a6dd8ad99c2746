// A recorded websocket session as a MarketSource: sorted by the exchange's own time, with what the recording lacks
// derived from it.
//
// Streams of one session overtake each other by some 100 ms: messages wait in a queue until nothing earlier can come.
// At equal times trades precede the books that show their effect. Where no mark price stream was recorded, once a
// second index = mean of the mid prices of the last 30 s, mark = median(index, mid, last trade) and the funding rate by
// formula (funding.hpp). Minute bars are made from the trades, of whole minutes only.
#include <algorithm>
#include <deque>
#include <limits>
#include <map>

#include "edge/playback/feed_book.hpp"
#include "edge/playback/funding.hpp"
#include "edge/playback/market_source.hpp"

namespace qtrader::playback {
namespace {

using base::Timestamp;
using domain::Price;
using matching::MarketTick;

constexpr base::Duration kDisorder = base::milliseconds(500);  // a message later than this is played as if on time
constexpr std::size_t kMostWaiting = 200'000;
constexpr base::Duration kMarkEvery = base::seconds(1);
constexpr std::size_t kIndexSamples = 30;

/// What a first reading of the session tells.
struct Session {
  Timestamp first{std::numeric_limits<std::int64_t>::max()}, last;
  bool has_trades = false;  // not only aggregated ones
  bool has_marks = false;
};

base::Result<Session> survey(const std::string& file, const std::string& symbol) {
  QT_TRY(auto reader, FeedReader::open(file));
  Session s;
  for (;;) {
    QT_TRY(const auto message, reader->next());
    if (!message) break;
    if (!message->symbol.empty() && message->symbol != symbol) continue;
    s.first = std::min(s.first, message->time);
    s.last = std::max(s.last, message->time);
    const auto* trade = std::get_if<TradeMessage>(&message->body);
    s.has_trades = s.has_trades || (trade != nullptr && !trade->aggregate);
    s.has_marks = s.has_marks || std::holds_alternative<MarkMessage>(message->body);
  }
  if (s.last.ns == 0) return base::Error{"playback", base::Errc::NotFound, file + " has no messages of " + symbol};
  return s;
}

/// Minutes of trades; the first minute may have begun before the session and is not told.
class MinuteBars {
 public:
  explicit MinuteBars(Timestamp session_start) : first_whole_{(session_start.ns + kMinute - 1) / kMinute * kMinute} {}
  void add(const TradeMessage& t, Timestamp time) {
    if (bar_.trades == 0) {
      bar_.open = bar_.high = bar_.low = t.price;
      open_ = {time.ns / kMinute * kMinute};
    }
    bar_.high = std::max(bar_.high, t.price);
    bar_.low = std::min(bar_.low, t.price);
    bar_.close = t.price;
    ++bar_.trades;
    volume_ += t.quantity;
    turnover_ += t.price * t.quantity;
    if (t.taker == domain::Side::Buy) bought_ += t.quantity;
  }
  /// The next bar that closes at or before now.
  std::optional<domain::Bar> close(Timestamp now) {
    if (bar_.close.is_zero() || open_.ns + kMinute > now.ns) return std::nullopt;
    domain::Bar out = bar_;
    out.open_time = open_;
    out.timeframe = domain::Timeframe::M1;
    out.volume = volume_.to_double();
    out.quote_volume = turnover_.to_double();
    out.taker_buy_base = bought_.to_double();
    out.columns = domain::kHasQuoteVolume | domain::kHasTrades | domain::kHasTakerBuy;
    open_ = open_ + base::minutes(1);
    bar_.trades = 0;  // a minute without trades stays at the last price
    bar_.open = bar_.high = bar_.low = bar_.close;
    volume_ = bought_ = {};
    turnover_ = {};
    return out.open_time < first_whole_ ? close(now) : std::optional(out);
  }

 private:
  static constexpr std::int64_t kMinute = base::minutes(1).ns;
  Timestamp first_whole_, open_;
  domain::Bar bar_;
  domain::Quantity volume_, bought_;
  domain::Money turnover_;
};

class FeedSource final : public MarketSource {
 public:
  FeedSource(std::unique_ptr<FeedReader> reader, std::string symbol, domain::SymbolId id,
             const domain::Instrument& instrument, const Session& session)
      : reader_(std::move(reader)),
        symbol_(std::move(symbol)),
        id_(id),
        session_(session),
        meter_(instrument),
        bars_(session.first),
        now_(session.first),
        next_mark_{(session.first.ns / kMarkEvery.ns + 1) * kMarkEvery.ns},
        next_funding_(next_settlement(session.first, kFundingInterval)) {}

  base::Result<std::optional<MarketTick>> next() override;
  Timestamp begin() const override { return session_.first; }
  Timestamp end() const override { return {session_.last.ns + 1}; }

 private:
  /// Time; trades before books; by the exchange's number; by arrival.
  using Key = std::tuple<Timestamp, int, std::uint64_t, std::uint64_t>;
  base::Result<void> read_ahead();
  void play(const FeedMessage& message);
  void until(Timestamp time);
  void derive_mark(Timestamp time);
  void settle(Timestamp time);
  void show(BookChange change);
  void on(const DepthMessage& m) { show(book_.apply(m)); }
  void on(const TickerMessage& m) { show(book_.apply(m)); }
  void on(const TradeMessage& m);
  void on(const MarkMessage& m);

  std::unique_ptr<FeedReader> reader_;
  std::string symbol_;
  domain::SymbolId id_;
  Session session_;
  std::map<Key, FeedMessage> waiting_;
  std::uint64_t arrivals_ = 0;
  Timestamp newest_;
  bool ended_ = false;

  FeedBook book_;
  FundingMeter meter_;
  MinuteBars bars_;
  Price last_;
  Timestamp now_, next_mark_, next_funding_;
  std::deque<double> mids_;
  std::optional<MarkMessage> recorded_mark_;
  std::deque<MarketTick> out_;
};

base::Result<void> FeedSource::read_ahead() {
  while (!ended_ && waiting_.size() < kMostWaiting &&
         (waiting_.empty() || newest_ - std::get<0>(waiting_.begin()->first) < kDisorder)) {
    QT_TRY(auto message, reader_->next());
    if (!message) {
      ended_ = true;
      break;
    }
    if (!message->symbol.empty() && message->symbol != symbol_) continue;
    const auto* trade = std::get_if<TradeMessage>(&message->body);
    if (trade != nullptr && trade->aggregate && session_.has_trades) continue;
    newest_ = std::max(newest_, message->time);
    std::uint64_t number = 0;
    if (trade != nullptr) number = static_cast<std::uint64_t>(trade->id);
    if (const auto* depth = std::get_if<DepthMessage>(&message->body)) number = depth->last_id;
    if (const auto* ticker = std::get_if<TickerMessage>(&message->body)) number = ticker->id;
    const int rank = trade != nullptr ? 0 : std::holds_alternative<MarkMessage>(message->body) ? 2 : 1;
    const Key key{message->time, rank, number, ++arrivals_};
    waiting_.emplace(key, std::move(*message));
  }
  return {};
}

base::Result<std::optional<MarketTick>> FeedSource::next() {
  while (out_.empty()) {
    QT_TRY_VOID(read_ahead());
    if (waiting_.empty()) return std::optional<MarketTick>();
    const auto node = waiting_.extract(waiting_.begin());
    play(node.mapped());
  }
  std::optional<MarketTick> tick(std::move(out_.front()));
  out_.pop_front();
  return tick;
}

void FeedSource::play(const FeedMessage& message) {
  until(message.time);
  now_ = std::max(now_, message.time);
  std::visit([&](const auto& m) { on(m); }, message.body);
}

/// What clocks do up to and at this time: closing bars, derived marks, settlements.
void FeedSource::until(Timestamp time) {
  for (;;) {
    const Timestamp minute{(now_.ns / base::minutes(1).ns + 1) * base::minutes(1).ns};
    Timestamp due = minute;
    if (!session_.has_marks) due = std::min({due, next_mark_, next_funding_});
    if (due > time) return;
    now_ = due;
    while (const auto bar = bars_.close(due)) out_.push_back(matching::BarTick{id_, bar->timeframe, *bar, due});
    if (session_.has_marks) continue;
    if (due == next_funding_) settle(due);
    if (due == next_mark_) derive_mark(due);
  }
}

void FeedSource::settle(Timestamp time) {
  if (!meter_.empty()) out_.push_back(matching::FundingTick{id_, meter_.estimate(), time});
  meter_.settled();
  next_funding_ = next_settlement(time, kFundingInterval);
}

void FeedSource::derive_mark(Timestamp time) {
  next_mark_ = time + kMarkEvery;
  const Price bid = book_.bid().price, ask = book_.ask().price;
  if (!bid.is_positive() || !ask.is_positive() || !last_.is_positive()) return;
  const double mid = (bid.to_double() + ask.to_double()) / 2;
  mids_.push_back(mid);
  if (mids_.size() > kIndexSamples) mids_.pop_front();
  double index = 0;
  for (const double m : mids_) index += m / static_cast<double>(mids_.size());
  const double last = last_.to_double();
  const double median = std::max(std::min(index, mid), std::min(std::max(index, mid), last));
  matching::MarkTick tick;
  tick.symbol = id_;
  tick.mark = Price::from_double(median);
  tick.index = Price::from_double(index);
  meter_.sample(bid, ask, tick.index);
  tick.funding_rate = meter_.estimate();
  tick.next_funding = next_funding_;
  tick.time = time;
  out_.push_back(tick);
}

void FeedSource::show(BookChange change) {
  if (change.empty()) return;
  if (change.whole)
    out_.push_back(matching::BookSnapshotTick{id_, std::move(change.bids), std::move(change.asks), now_});
  else
    out_.push_back(matching::BookDeltaTick{id_, std::move(change.bids), std::move(change.asks), now_});
}

void FeedSource::on(const TradeMessage& m) {
  last_ = m.price;
  bars_.add(m, now_);
  out_.push_back(matching::TradeTick{id_, m.price, m.quantity, m.taker, now_});
}

/// The settlement is seen by the next one being announced.
void FeedSource::on(const MarkMessage& m) {
  if (recorded_mark_ && m.next_funding > recorded_mark_->next_funding)
    out_.push_back(matching::FundingTick{id_, recorded_mark_->rate, now_});
  recorded_mark_ = m;
  out_.push_back(matching::MarkTick{id_, m.mark, m.index, m.rate, m.next_funding, now_});
}

}  // namespace

base::Result<std::unique_ptr<MarketSource>> open_recorded_feed(const std::string& file, const std::string& symbol,
                                                               const domain::InstrumentTable& instruments) {
  const auto id = instruments.find(symbol);
  if (!id)
    return base::Error{"playback", base::Errc::InvalidArgument, symbol + " is not among the instruments of this run"};
  QT_TRY(const Session session, survey(file, symbol));
  QT_TRY(auto reader, FeedReader::open(file));
  return std::unique_ptr<MarketSource>(
      std::make_unique<FeedSource>(std::move(reader), symbol, *id, instruments[*id], session));
}

}  // namespace qtrader::playback
