#include "edge/binance/market_feed.hpp"

#include <algorithm>
#include <cctype>

namespace qtrader::binance {
namespace {

constexpr int kTooManyUnreadable = 20;  // in a row: the protocol has changed under us

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

MarketFeed::MarketFeed(const Surroundings& around, Handlers handlers)
    : around_(around),
      handlers_(std::move(handlers)),
      bars_(around),
      books_(around),
      funding_(around),
      marks_(around.instruments.size()) {
  plan();
}

void MarketFeed::plan() {
  const std::string kline = "@kline_" + std::string(domain::to_string(around_.config.base));
  for (const bool market : {true, false}) {
    std::vector<std::pair<domain::SymbolId, std::string>> streams;
    for (std::size_t i = 0; i < around_.instruments.size(); ++i) {
      const domain::SymbolId symbol{static_cast<std::uint16_t>(i)};
      const std::string name = lower(around_.instruments.name(symbol));
      if (streams.size() + 2 > kMaxStreams) {
        add_socket(market, streams);
        streams.clear();
      }
      streams.emplace_back(symbol, name + (market ? kline : "@bookTicker"));
      if (market) {
        streams.emplace_back(symbol, name + "@markPrice@1s");
      } else if (around_.config.stream_depth) {
        streams.emplace_back(symbol, name + "@depth@100ms");
      }
    }
    if (!streams.empty()) add_socket(market, streams);
  }
}

void MarketFeed::add_socket(bool market, const std::vector<std::pair<domain::SymbolId, std::string>>& streams) {
  const std::size_t index = sockets_.size();
  Socket socket;
  socket.market = market;
  socket.url = around_.config.endpoints.stream + (market ? "/market" : "/public") + "/stream?streams=";
  for (const auto& [symbol, stream] : streams) {
    if (!socket.url.ends_with('=')) socket.url += '/';
    socket.url += stream;
    if (socket.symbols.empty() || socket.symbols.back() != symbol) socket.symbols.push_back(symbol);
  }
  StreamSocket::Config config;
  config.name = (market ? "market " : "public ") + std::to_string(index);
  config.stale_after = base::seconds(around_.config.stale_after_s);
  // Not all at the same moment.
  config.renew_after = base::seconds(around_.config.reconnect_after_s) - base::seconds(static_cast<int>(index) * 30);
  // Marks come every second; a book may stand still.
  config.expects_text = market;
  config.frames_per_s = around_.config.control_frames_per_s;
  config.seed = static_cast<std::uint64_t>(around_.host.now().ns) + index;
  socket.stream = std::make_unique<StreamSocket>(
      around_.host, config,
      StreamSocket::Handlers{[this](std::string_view text) { on_text(text); }, [this, index] { on_open(index); },
                             [this, index](std::string_view reason) { on_lost(index, reason); }});
  sockets_.push_back(std::move(socket));
}

void MarketFeed::start() {
  for (Socket& socket : sockets_) socket.stream->start(socket.url);
}

void MarketFeed::stop() {
  for (Socket& socket : sockets_) socket.stream->stop();
  bars_.stop();
  books_.stop();
  funding_.stop();
}

bool MarketFeed::up() const {
  return std::all_of(sockets_.begin(), sockets_.end(), [](const Socket& s) { return s.stream->up(); });
}

std::vector<StreamSocket*> MarketFeed::sockets() {
  std::vector<StreamSocket*> out;
  for (Socket& socket : sockets_) out.push_back(socket.stream.get());
  return out;
}

void MarketFeed::on_open(std::size_t index) {
  for (const domain::SymbolId symbol : sockets_[index].symbols) {
    if (sockets_[index].market) {
      bars_.on_stream_open(symbol);
    } else {
      books_.reset(symbol);
    }
  }
  if (up()) handlers_.on_up();
}

void MarketFeed::on_lost(std::size_t index, std::string_view reason) {
  if (!sockets_[index].market)
    for (const domain::SymbolId symbol : sockets_[index].symbols) books_.reset(symbol);
  handlers_.on_trouble(sockets_[index].stream->name() + " stream: " + std::string(reason));
}

void MarketFeed::on_text(std::string_view text) {
  const base::Result<MarketMessage> message = parse_market(text);
  if (!message) {
    ++unreadable_;
    if (++unreadable_in_a_row_ == kTooManyUnreadable)
      handlers_.on_trouble("market messages unreadable: " + message.error().context);
    return;
  }
  if (std::exchange(unreadable_in_a_row_, 0) >= kTooManyUnreadable && up()) handlers_.on_up();
  dispatch(*message);
}

void MarketFeed::dispatch(const MarketMessage& message) {
  const auto symbol_of = [&](const std::string& name) { return around_.instruments.find(name); };
  if (const auto* kline = std::get_if<Kline>(&message)) {
    const auto symbol = symbol_of(kline->symbol);
    if (symbol && kline->closed && kline->bar.timeframe == around_.config.base) bars_.on_bar(*symbol, kline->bar);
  } else if (const auto* ticker = std::get_if<BookTicker>(&message)) {
    if (const auto symbol = symbol_of(ticker->symbol)) books_.on(*symbol, *ticker);
  } else if (const auto* depth = std::get_if<DepthUpdate>(&message)) {
    if (const auto symbol = symbol_of(depth->symbol)) books_.on(*symbol, *depth);
  } else if (const auto* mark = std::get_if<MarkPrice>(&message)) {
    on(*mark);
  } else if (const auto* marks = std::get_if<MarkPrices>(&message)) {
    for (const MarkPrice& each : marks->all) on(each);
  }
}

void MarketFeed::on(const MarkPrice& mark) {
  const auto symbol = around_.instruments.find(mark.symbol);
  if (!symbol || !mark.mark.is_positive()) return;
  domain::MarkPrice& last = marks_[symbol->value];
  if (mark.event_time <= last.ts_event) return;  // both connections of a planned reconnect send it
  last = {*symbol, mark.mark, mark.event_time};
  around_.sink(last);
  funding_.on(*symbol, mark);
}

}  // namespace qtrader::binance
