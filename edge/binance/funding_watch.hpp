// FundingWatch: notices settlements in the mark price stream (the next funding time moves on) and reads the settled
// rate from REST shortly after: one FundingRate event a settlement. Remembers rate and mark for the payments that
// follow.
#pragma once

#include <vector>

#include "edge/binance/backoff.hpp"
#include "edge/binance/messages_market.hpp"
#include "edge/binance/surroundings.hpp"

namespace qtrader::binance {

class FundingWatch {
 public:
  explicit FundingWatch(const Surroundings& around) : around_(around), states_(around.instruments.size()) {}
  void on(domain::SymbolId symbol, const MarkPrice& mark);
  /// Rate and mark of the settlement at about that time; zeros where not known. The rest of the payment is empty.
  domain::FundingPayment settlement(domain::SymbolId symbol, base::Timestamp at) const;
  std::size_t outstanding() const;  // settlements whose rate is still to be read
  void stop();

 private:
  struct State {
    base::Timestamp next;        // settlement the stream announces
    domain::Ratio running;       // its estimate
    domain::Price mark;          // latest
    base::Timestamp settled;     // last settlement seen
    domain::Ratio settled_rate;  // estimate at first, then the exchange's word
    domain::Price settled_mark;
    base::Timestamp reported;  // of the last FundingRate event
    Backoff backoff{base::seconds(3), base::seconds(60)};
    Alarm alarm;
  };
  void read(domain::SymbolId symbol);
  void read_later(domain::SymbolId symbol);

  const Surroundings& around_;
  std::vector<State> states_;
  Lifeline life_;
};

}  // namespace qtrader::binance
