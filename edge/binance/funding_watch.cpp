#include "edge/binance/funding_watch.hpp"

#include <algorithm>

#include "edge/binance/messages_rest.hpp"
#include "edge/binance/requests.hpp"

namespace qtrader::binance {
namespace {

constexpr base::Duration kStampSlack = base::minutes(1);  // settlement stamps are some ms late
constexpr int kMaxTries = 10;

std::int32_t hours_between(base::Timestamp from, base::Timestamp to) {
  const std::int64_t half = base::minutes(30).ns;
  return static_cast<std::int32_t>(std::max<std::int64_t>(1, ((to - from).ns + half) / base::hours(1).ns));
}

}  // namespace

void FundingWatch::on(domain::SymbolId symbol, const MarkPrice& mark) {
  State& state = states_[symbol.value];
  const bool settled = state.next.ns != 0 && mark.next_funding_time > state.next;
  if (settled) {
    state.settled = state.next;
    state.settled_rate = state.running;
    state.settled_mark = state.mark;
  }
  if (mark.next_funding_time.ns != 0) state.next = mark.next_funding_time;
  if (mark.funding_rate) state.running = *mark.funding_rate;
  state.mark = mark.mark;
  if (!settled) return;
  state.backoff.reset();
  read_later(symbol);
}

void FundingWatch::read_later(domain::SymbolId symbol) {
  State& state = states_[symbol.value];
  state.alarm = around_.host.after(state.backoff.next(), [this, symbol] { read(symbol); });
}

void FundingWatch::read(domain::SymbolId symbol) {
  states_[symbol.value].alarm = nullptr;
  const base::Timestamp since = states_[symbol.value].settled - kStampSlack;
  ask<std::vector<FundingRate>>(
      around_, life_, requests::funding_rates(around_.instruments.name(symbol), since), &parse_funding_rates,
      [this, symbol, since](Answer<std::vector<FundingRate>> answer) {
        State& state = states_[symbol.value];
        bool found = false;
        if (const auto* rows = std::get_if<std::vector<FundingRate>>(&answer)) {
          for (const FundingRate& row : *rows) {
            if (row.time < since || row.time <= state.reported) continue;
            found = true;
            state.reported = row.time;
            state.settled_rate = row.rate;
            if (row.mark && row.mark->is_positive()) state.settled_mark = *row.mark;
            around_.sink(domain::FundingRate{symbol, row.rate, row.time, hours_between(row.time, state.next)});
          }
        }
        if (!found && state.backoff.tries() < kMaxTries) read_later(symbol);
      });
}

domain::FundingPayment FundingWatch::settlement(domain::SymbolId symbol, base::Timestamp at) const {
  const State& state = states_[symbol.value];
  domain::FundingPayment p;
  const auto near = [&](base::Timestamp t) { return t.ns != 0 && at >= t - kStampSlack && at < t + base::minutes(30); };
  if (near(state.settled)) {
    p.rate = state.settled_rate;
    p.mark = state.settled_mark;
  } else if (near(state.next)) {  // the account hears of it before the mark stream moves on
    p.rate = state.running;
    p.mark = state.mark;
  }
  return p;
}

std::size_t FundingWatch::outstanding() const {
  return static_cast<std::size_t>(
      std::count_if(states_.begin(), states_.end(), [](const State& s) { return s.alarm != nullptr; }));
}

void FundingWatch::stop() {
  for (State& state : states_) state.alarm = nullptr;
}

}  // namespace qtrader::binance
