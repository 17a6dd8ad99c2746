// BarSequencer: closed bars of every symbol in order of time, none twice and none missing, whatever the streams do.
//
// A bar that is ahead of the one expected waits while REST klines fill the gap; one that is behind was delivered before
// (two connections overlap on a planned reconnect). After a reconnect it looks for bars that closed meanwhile. The same
// place delivers the history at the start, merged over all symbols in order of time.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "edge/binance/backoff.hpp"
#include "edge/binance/surroundings.hpp"

namespace qtrader::binance {

class BarSequencer {
 public:
  static constexpr std::size_t kMaxHeld = 64;  // bars of a symbol waiting for a gap; newer ones are read again by REST

  explicit BarSequencer(const Surroundings& around) : around_(around), states_(around.instruments.size()) {}

  /// Delivers the bars of all symbols that closed since `from`, oldest first. Errors: Unavailable.
  void load_history(base::Timestamp from, std::function<void(base::Result<void>)> done);
  /// A closed bar of the stream.
  void on_bar(domain::SymbolId symbol, const domain::Bar& bar);
  /// The stream is (again) open: bars that closed before may be missing.
  void on_stream_open(domain::SymbolId symbol);
  /// When the next bar of the symbol opens; 0 while none is known.
  base::Timestamp expected(domain::SymbolId symbol) const { return states_[symbol.value].next; }
  /// Symbols with bars waiting, being fetched or about to be looked for.
  std::size_t outstanding() const;
  void stop();

 private:
  using Loaded = std::function<void(Answer<std::vector<domain::Bar>>)>;
  struct State {
    base::Timestamp next;
    std::deque<domain::Bar> held;
    bool loading = false;
    Backoff backoff = reconnect_backoff();
    Alarm alarm, check;
  };
  struct History {
    base::Timestamp cursor, window_end;
    std::size_t symbol = 0;
    std::vector<std::pair<domain::SymbolId, domain::Bar>> bars;
    std::function<void(base::Result<void>)> done;
    Backoff backoff = reconnect_backoff();
    Alarm alarm;
  };

  /// Closed bars that open in [from, until), at most a page.
  void load(domain::SymbolId symbol, base::Timestamp from, base::Timestamp until, Loaded loaded);
  void fill_gap(domain::SymbolId symbol, base::Timestamp until);
  void drain(domain::SymbolId symbol, base::Timestamp until);
  void deliver(domain::SymbolId symbol, const domain::Bar& bar);
  base::Timestamp last_close() const;
  void next_window();
  void load_window();
  void on_window_page(Answer<std::vector<domain::Bar>> answer);

  const Surroundings& around_;
  std::vector<State> states_;
  std::unique_ptr<History> history_;
  bool stopped_ = false;
  Lifeline life_;
};

}  // namespace qtrader::binance
