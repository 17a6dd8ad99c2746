// BookFeed: best prices and depth of every symbol, at a pace the core wants: BookTop at most 10 times a second a
// symbol, BookDepth 4 times, the latest always delivered in the end.
//
// Keeps a LocalBook a symbol from the diff stream and REST snapshots; while one is out of step, BookDepth is silent and
// BookTop says no depth. Pace is measured in the exchange's time.
#pragma once

#include <vector>

#include "edge/binance/backoff.hpp"
#include "edge/binance/local_book.hpp"
#include "edge/binance/surroundings.hpp"

namespace qtrader::binance {

class BookFeed {
 public:
  static constexpr base::Duration kTopPace = base::milliseconds(100), kDepthPace = base::milliseconds(250);
  static constexpr std::size_t kLevels = 20;

  explicit BookFeed(const Surroundings& around) : around_(around), states_(around.instruments.size()) {}
  void on(domain::SymbolId symbol, const BookTicker& ticker);
  void on(domain::SymbolId symbol, const DepthUpdate& update);
  /// The stream was lost: nothing of it can be relied on.
  void reset(domain::SymbolId symbol);
  const LocalBook& book(domain::SymbolId symbol) const { return states_[symbol.value].book; }
  /// Snapshots to be tried again and updates held back by their pace.
  std::size_t outstanding() const;
  void stop();

 private:
  struct State {
    LocalBook book;
    bool fetching = false;
    Backoff backoff = retry_backoff();
    Alarm retry;
    std::int64_t last_diff = 0;  // two connections overlap on a planned reconnect
    BookTicker ticker;
    base::Timestamp top_sent, depth_sent;
    bool top_due = false, depth_due = false;
  };

  void fetch(domain::SymbolId symbol);
  void on_snapshot(domain::SymbolId symbol, Answer<DepthSnapshot> answer);
  void send_top(domain::SymbolId symbol);
  void send_depth(domain::SymbolId symbol);
  void flush_later();
  void flush();

  const Surroundings& around_;
  std::vector<State> states_;
  Alarm flush_;
  Lifeline life_;
};

}  // namespace qtrader::binance
