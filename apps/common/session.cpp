#include "apps/common/session.hpp"

#include <algorithm>

namespace qtrader::apps {
namespace {

/// Orders decided on a bar's close reach the venue well before this; they trade at the next bar's open.
base::Duration open_delay(base::Duration bar) { return std::min(base::seconds(5), base::Duration{bar.ns / 4}); }

constexpr base::Duration kBeforeClose = base::milliseconds(1);
constexpr base::Timestamp kNever{INT64_MAX};
constexpr int kClosingRounds =
    200;  // partial fills of 10 % of a bar's volume each: far beyond any position we may hold

}  // namespace

void encode(const execution::Command& command, base::Bytes& out) {
  out.clear();
  base::Writer writer(out);
  writer(static_cast<std::uint8_t>(command.index()));
  if (const auto* submit = std::get_if<execution::SubmitOrder>(&command)) writer(submit->order.get());
  if (const auto* cancel = std::get_if<execution::CancelOrder>(&command)) writer(cancel->order, cancel->symbol);
  if (const auto* set = std::get_if<execution::SetLeverage>(&command)) writer(set->symbol, set->leverage, set->mode);
  if (const auto* query = std::get_if<execution::QueryOrder>(&command)) writer(query->order, query->symbol);
  if (const auto* foreign = std::get_if<execution::CancelForeign>(&command))
    writer(foreign->symbol, foreign->venue_id, foreign->conditional);
}

Session::Session(engine::Engine& engine, simvenue::SimVenue& venue, kernel::Sequencer& sequencer,
                 SessionObserver* observer)
    : engine_(engine), venue_(venue), sequencer_(sequencer), observer_(observer) {}

base::Result<void> Session::carry(const execution::Command& command, base::Timestamp now) {
  venue_.advance_to(now);
  return execution::carry(command, venue_);
}

template <class E>
base::Result<void> Session::deliver(E&& event, base::Timestamp ts) {
  envelope_.event = std::forward<E>(event);
  envelope_.ts_recv = ts;
  return handle();
}

base::Result<void> Session::handle() {
  QT_TRY_VOID(sequencer_.admit(envelope_));
  now_ = envelope_.ts_recv;
  engine_.step(envelope_, outbox_);
  for (const auto& record : outbox_.audit) QT_TRY_VOID(sequencer_.emit(record));
  for (const auto& command : outbox_.commands) {
    encode(command, command_bytes_);
    QT_TRY_VOID(sequencer_.emit_command(command_bytes_));
  }
  if (!outbox_.commands.empty()) QT_TRY_VOID(sequencer_.sync());
  if (observer_ != nullptr) observer_->on_step(envelope_, outbox_);
  for (const auto& command : outbox_.commands) QT_TRY_VOID(carry(command, now_));
  return {};
}

base::Result<void> Session::pump(base::Timestamp until) {
  for (;;) {
    const base::Timestamp timer = engine_.next_timer_due().value_or(kNever);
    const base::Timestamp answer = venue_.next_due().value_or(kNever);
    if (timer > until && answer > until) return {};
    if (timer <= answer) {
      const auto fired = engine_.peek_timer(timer);
      QT_TRY_VOID(deliver(domain::TimerFired{fired->id, fired->tag, fired->argument}, timer));
    } else {
      auto due = venue_.pop_due(answer);
      QT_TRY_VOID(deliver(std::move(due->event), due->due));
    }
  }
}

base::Result<void> Session::start(const domain::RunStarted& started, base::Timestamp at) {
  return deliver(started, at);
}

base::Result<void> Session::settle(const Slot& slot, base::Timestamp from, base::Timestamp to) {
  const auto within = [&](base::Timestamp ts) { return ts >= from && ts < to; };
  const auto reach = [&](base::Timestamp ts) -> base::Result<void> {
    QT_TRY_VOID(pump(ts));
    venue_.advance_to(ts);
    return {};
  };
  auto mark = slot.marks.begin();
  const auto marks_until = [&](base::Timestamp limit) -> base::Result<void> {  // at equal times the mark comes first
    for (; mark != slot.marks.end() && mark->ts_event <= limit; ++mark) {
      if (!within(mark->ts_event)) continue;
      QT_TRY_VOID(reach(mark->ts_event));
      venue_.on_mark(*mark);
      QT_TRY_VOID(deliver(*mark, mark->ts_event));
    }
    return {};
  };
  for (const auto& rate : slot.funding) {
    if (!within(rate.ts_event)) continue;
    QT_TRY_VOID(marks_until(rate.ts_event));
    QT_TRY_VOID(reach(rate.ts_event));
    venue_.on_funding(rate);
    QT_TRY_VOID(deliver(rate, rate.ts_event));
  }
  return marks_until(slot.close);
}

base::Result<void> Session::play(const Slot& slot) {
  const base::Timestamp open_phase = slot.open + open_delay(slot.close - slot.open);
  const base::Timestamp path_phase = slot.close - kBeforeClose;
  if (!slot.funding.empty() || !slot.marks.empty()) QT_TRY_VOID(settle(slot, slot.open, open_phase));
  QT_TRY_VOID(pump(open_phase));
  bool venue_busy = false;
  for (const auto& [symbol, bar] : slot.bars) {
    if (venue_.idle(symbol)) continue;
    venue_busy = true;
    venue_.advance_to(open_phase);
    venue_.on_bar_open(symbol, bar);
  }
  if (venue_busy) QT_TRY_VOID(pump(path_phase));
  if (!slot.funding.empty() || !slot.marks.empty()) QT_TRY_VOID(settle(slot, open_phase, slot.close));
  for (const auto& [symbol, bar] : slot.bars) {
    if (venue_.idle(symbol)) continue;
    venue_.advance_to(path_phase);
    venue_.on_bar_path(symbol, bar);
  }
  QT_TRY_VOID(pump(slot.close));
  for (const auto& [symbol, bar] : slot.bars) {
    QT_TRY_VOID(deliver(domain::BarClosed{symbol, bar}, slot.close));
    ++bars_;
  }
  return {};
}

base::Result<void> Session::finish() {
  QT_TRY_VOID(pump(now_ + base::seconds(60)));  // the last bar's scan and what follows from it
  QT_TRY_VOID(deliver(domain::RunEnding{now_}, now_));
  for (int round = 0; round < kClosingRounds && engine_.open_trades() > 0; ++round) {
    const base::Timestamp at = now_ + base::seconds(5);
    QT_TRY_VOID(pump(at));
    for (std::size_t i = 0; i < engine_.instruments().size(); ++i) {
      const domain::SymbolId symbol{static_cast<std::uint16_t>(i)};
      const auto& last = engine_.market()[symbol].last_base;
      if (venue_.idle(symbol) || !last) continue;
      domain::Bar still = *last;
      still.open = still.high = still.low = still.close;
      venue_.advance_to(at);
      venue_.on_bar_open(symbol, still);
    }
    QT_TRY_VOID(pump(at + base::seconds(5)));
    now_ = std::max(now_, at);
  }
  QT_TRY_VOID(audit());
  QT_TRY_VOID(sequencer_.end());
  return sequencer_.sync();
}

base::Result<void> Session::audit() const {
  for (std::size_t i = 0; i < engine_.instruments().size(); ++i) {
    const domain::SymbolId symbol{static_cast<std::uint16_t>(i)};
    const auto ours = engine_.ledger().position(symbol).quantity, theirs = venue_.position(symbol);
    if (ours.is_zero() && theirs.is_zero()) continue;
    return base::Error{"session", base::Errc::Conflict,
                       engine_.instruments().name(symbol) + ": the run ends with " + ours.to_string() +
                           " in the ledger and " + theirs.to_string() + " at the venue: expected none"};
  }
  const auto ours = engine_.ledger().balance(ledger::Account::Wallet);
  if (ours == venue_.wallet()) return {};
  return base::Error{"session", base::Errc::Conflict,
                     "the ledger's wallet is " + ours.to_string() + ", the venue's " + venue_.wallet().to_string()};
}

}  // namespace qtrader::apps
