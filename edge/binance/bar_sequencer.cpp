#include "edge/binance/bar_sequencer.hpp"

#include <algorithm>

#include "edge/binance/messages_rest.hpp"
#include "edge/binance/requests.hpp"

namespace qtrader::binance {
namespace {

constexpr int kPage = 1'000;
// A bar's final state is in the kline list a moment after it closed.
constexpr base::Duration kSettles = base::seconds(3);
constexpr int kMaxTries = 8;

base::Timestamp floor_to(base::Timestamp t, base::Duration step) { return {t.ns - t.ns % step.ns}; }

template <domain::Timeframe kTimeframe>
base::Result<std::vector<domain::Bar>> parse_as(std::string_view body) {
  return parse_klines(body, kTimeframe);
}

using Parser = base::Result<std::vector<domain::Bar>> (*)(std::string_view);
Parser parser_of(domain::Timeframe timeframe) {
  using enum domain::Timeframe;
  switch (timeframe) {
    case M1:
      return &parse_as<M1>;
    case M3:
      return &parse_as<M3>;
    case M5:
      return &parse_as<M5>;
    case M15:
      return &parse_as<M15>;
    case M30:
      return &parse_as<M30>;
    case H1:
      return &parse_as<H1>;
    case H2:
      return &parse_as<H2>;
    case H4:
      return &parse_as<H4>;
    case D1:
      break;
  }
  return &parse_as<D1>;
}

}  // namespace

void BarSequencer::load(domain::SymbolId symbol, base::Timestamp from, base::Timestamp until, Loaded loaded) {
  const domain::Timeframe base = around_.config.base;
  const std::int64_t count = (until - from).ns / domain::duration(base).ns;
  requests::KlineRange range{from, until - base::milliseconds(1),
                             static_cast<int>(std::clamp<std::int64_t>(count, 1, kPage))};
  ask<std::vector<domain::Bar>>(around_, life_, requests::klines(around_.instruments.name(symbol), base, range),
                                parser_of(base),
                                [until, loaded = std::move(loaded)](Answer<std::vector<domain::Bar>> answer) {
                                  if (auto* bars = std::get_if<std::vector<domain::Bar>>(&answer))
                                    std::erase_if(*bars, [&](const domain::Bar& b) { return b.close_time() > until; });
                                  loaded(std::move(answer));
                                });
}

void BarSequencer::deliver(domain::SymbolId symbol, const domain::Bar& bar) {
  states_[symbol.value].next = bar.close_time();
  around_.sink(domain::BarClosed{symbol, bar});
}

void BarSequencer::on_bar(domain::SymbolId symbol, const domain::Bar& bar) {
  State& state = states_[symbol.value];
  if (stopped_ || bar.open_time < state.next) return;
  if (!state.held.empty() && bar.open_time <= state.held.back().open_time) return;
  if (!state.loading && state.held.empty() && (state.next.ns == 0 || bar.open_time == state.next))
    return deliver(symbol, bar);
  if (state.held.size() < kMaxHeld) state.held.push_back(bar);
  if (!state.loading) fill_gap(symbol, state.held.front().open_time);
}

void BarSequencer::fill_gap(domain::SymbolId symbol, base::Timestamp until) {
  State& state = states_[symbol.value];
  if (stopped_ || state.loading) return;
  if (state.next >= until) return drain(symbol, until);
  state.loading = true;
  load(symbol, state.next, until, [this, symbol, until](Answer<std::vector<domain::Bar>> answer) {
    State& now = states_[symbol.value];
    now.loading = false;
    const auto* bars = std::get_if<std::vector<domain::Bar>>(&answer);
    if (bars == nullptr) {
      now.alarm = around_.host.after(now.backoff.next(), [this, symbol, until] {
        states_[symbol.value].alarm = nullptr;
        fill_gap(symbol, until);
      });
      return;
    }
    now.backoff.reset();
    const base::Timestamp before = now.next;
    for (const domain::Bar& bar : *bars)
      if (bar.open_time >= now.next) deliver(symbol, bar);
    // A full page: there is more. Bars the exchange does not have (a halt) are skipped.
    if (bars->size() >= static_cast<std::size_t>(kPage) && now.next > before) return fill_gap(symbol, until);
    drain(symbol, until);
  });
}

// What was asked for up to `until` is all there is; a gap behind that is another one.
void BarSequencer::drain(domain::SymbolId symbol, base::Timestamp until) {
  State& state = states_[symbol.value];
  while (!state.held.empty()) {
    const domain::Bar bar = state.held.front();
    if (bar.open_time > state.next && bar.open_time > until) return fill_gap(symbol, bar.open_time);
    state.held.pop_front();
    if (bar.open_time >= state.next) deliver(symbol, bar);
  }
}

void BarSequencer::on_stream_open(domain::SymbolId symbol) {
  State& state = states_[symbol.value];
  if (stopped_ || state.next.ns == 0) return;
  state.check = around_.host.after(kSettles, [this, symbol] {
    State& now = states_[symbol.value];
    now.check = nullptr;
    if (now.held.empty()) fill_gap(symbol, floor_to(around_.server_now(), domain::duration(around_.config.base)));
  });
}

std::size_t BarSequencer::outstanding() const {
  return static_cast<std::size_t>(std::count_if(states_.begin(), states_.end(), [](const State& s) {
    return s.loading || s.alarm || s.check || !s.held.empty();
  }));
}

void BarSequencer::stop() {
  stopped_ = true;
  for (State& state : states_) {
    state.alarm = nullptr;
    state.check = nullptr;
  }
  history_ = nullptr;
}

// ---- history

base::Timestamp BarSequencer::last_close() const {
  return floor_to(around_.server_now() - kSettles, domain::duration(around_.config.base));
}

void BarSequencer::load_history(base::Timestamp from, std::function<void(base::Result<void>)> done) {
  const base::Duration step = domain::duration(around_.config.base);
  history_ = std::make_unique<History>();
  history_->cursor = floor_to(from + base::Duration{step.ns - 1}, step);
  history_->done = std::move(done);
  next_window();
}

// One page of every symbol at a time: memory stays bounded however long the history is.
void BarSequencer::next_window() {
  const base::Timestamp end = last_close();
  if (history_->cursor >= end || states_.empty()) {
    const std::unique_ptr<History> over = std::move(history_);
    return over->done({});
  }
  history_->window_end = std::min(end, history_->cursor + domain::duration(around_.config.base) * kPage);
  history_->symbol = 0;
  history_->bars.clear();
  load_window();
}

void BarSequencer::load_window() {
  const domain::SymbolId symbol{static_cast<std::uint16_t>(history_->symbol)};
  load(symbol, history_->cursor, history_->window_end,
       [this](Answer<std::vector<domain::Bar>> answer) { on_window_page(std::move(answer)); });
}

void BarSequencer::on_window_page(Answer<std::vector<domain::Bar>> answer) {
  if (!history_) return;
  History& h = *history_;
  if (const auto* failure = std::get_if<ApiFailure>(&answer)) {
    const bool hopeless = failure->kind == FailureClass::Rejected || failure->kind == FailureClass::Credentials;
    if (hopeless || h.backoff.tries() >= kMaxTries) {
      const base::Error error{"binance", base::Errc::Unavailable,
                              "klines of " + around_.instruments.all()[h.symbol].symbol + ": " + failure->message};
      const std::unique_ptr<History> over = std::move(history_);
      return over->done(error);
    }
    h.alarm = around_.host.after(h.backoff.next(), [this] { load_window(); });
    return;
  }
  h.backoff.reset();
  const domain::SymbolId symbol{static_cast<std::uint16_t>(h.symbol)};
  for (const domain::Bar& bar : std::get<std::vector<domain::Bar>>(answer)) h.bars.emplace_back(symbol, bar);
  if (++h.symbol < states_.size()) return load_window();
  std::stable_sort(h.bars.begin(), h.bars.end(),
                   [](const auto& a, const auto& b) { return a.second.open_time < b.second.open_time; });
  for (const auto& [id, bar] : h.bars)
    if (bar.open_time >= states_[id.value].next) deliver(id, bar);
  // Symbols without bars up to here (listed later) begin where the others are.
  for (State& state : states_) state.next = std::max(state.next, h.window_end);
  h.cursor = h.window_end;
  next_window();
}

}  // namespace qtrader::binance
