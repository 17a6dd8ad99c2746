// MarketFeed: the market sockets and who reads them: klines to BarSequencer, marks to the core and FundingWatch, books
// to BookFeed. At most 200 streams a socket, /market and /public apart, as the exchange routes them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "edge/binance/bar_sequencer.hpp"
#include "edge/binance/book_feed.hpp"
#include "edge/binance/funding_watch.hpp"
#include "edge/binance/stream_socket.hpp"

namespace qtrader::binance {

class MarketFeed {
 public:
  static constexpr std::size_t kMaxStreams = 200;

  struct Handlers {
    std::function<void()> on_up;  // all sockets are open
    std::function<void(std::string reason)> on_trouble;
  };
  MarketFeed(const Surroundings& around, Handlers handlers);

  BarSequencer& bars() { return bars_; }
  FundingWatch& funding() { return funding_; }
  const BookFeed& books() const { return books_; }
  void start();
  void stop();
  std::size_t outstanding() const { return bars_.outstanding() + books_.outstanding() + funding_.outstanding(); }
  bool up() const;
  /// Latest mark of a symbol; 0 before the first.
  domain::Price mark(domain::SymbolId symbol) const { return marks_[symbol.value].price; }
  std::vector<StreamSocket*> sockets();
  std::uint64_t unreadable() const { return unreadable_; }

 private:
  struct Socket {
    std::string url;
    bool market = false;                    // klines and marks; else books
    std::vector<domain::SymbolId> symbols;  // whose streams it carries
    std::unique_ptr<StreamSocket> stream;
  };
  void plan();
  void add_socket(bool market, const std::vector<std::pair<domain::SymbolId, std::string>>& streams);
  void on_open(std::size_t socket);
  void on_lost(std::size_t socket, std::string_view reason);
  void on_text(std::string_view text);
  void on(const MarkPrice& mark);
  void dispatch(const MarketMessage& message);

  const Surroundings& around_;
  const Handlers handlers_;
  BarSequencer bars_;
  BookFeed books_;
  FundingWatch funding_;
  std::vector<Socket> sockets_;
  std::vector<domain::MarkPrice> marks_;
  std::uint64_t unreadable_ = 0;
  int unreadable_in_a_row_ = 0;
};

}  // namespace qtrader::binance
