#include "edge/binance/order_channel.hpp"

#include <algorithm>
#include <array>

#include "edge/binance/venue_reason.hpp"

namespace qtrader::binance {
namespace {

using domain::ClientOrderId;
using domain::VenueReason;

constexpr int kDuplicateId = -4116;
constexpr int kMaxSends = 5;                         // of a reducing order whose earlier copies the exchange never saw
constexpr int kMaxCancels = 20;                      // of an order that is open whenever we ask
constexpr base::Duration kSlack = base::seconds(1);  // the exchange accepts stamps up to this far ahead of its clock
constexpr base::Duration kGuardWait = base::seconds(1);  // at most, before a stop that was not executed is tried again

// fund.md 1.1: the user stream first, REST as well: 0.25 → 2 s. What rests is not in a hurry.
Backoff ending_wait() { return {base::milliseconds(250), base::seconds(2)}; }
Backoff resting_wait() { return {base::seconds(1), base::seconds(2)}; }

base::Duration question_wait(int questions) {
  constexpr std::array kWaits = {base::milliseconds(200), base::milliseconds(500), base::seconds(1), base::seconds(2)};
  return kWaits[static_cast<std::size_t>(std::min<int>(questions, kWaits.size() - 1))];
}

}  // namespace

OrderChannel::OrderChannel(const Surroundings& around, OrderTracker& tracker, OrderInquiry& inquiry,
                           FillRecovery& fills)
    : around_(around), tracker_(tracker), inquiry_(inquiry), fills_(fills) {
  window_ = around_.host.after(acceptance_window(), [this] { window_over_ = true; });
}

base::Duration OrderChannel::acceptance_window() const {
  return base::milliseconds(around_.config.rest.recv_window_ms) + kSlack;
}

InquirySubject OrderChannel::subject(ClientOrderId id, domain::SymbolId symbol) {
  InquirySubject s;
  s.symbol = around_.instruments.name(symbol);
  if (const TrackedOrder* order = tracker_.find(id)) {
    s.wire_id = order->wire_id;
    s.order_id = order->order_id;
    s.where = order->at_algo_service() ? InquirySubject::Where::Algo : InquirySubject::Where::Order;
  } else {
    s.wire_id = execution::format_wire_id(around_.config.identity, id, 0);
  }
  return s;
}

// ---- submit

base::Result<void> OrderChannel::submit(const domain::Order& order) {
  std::string wire_id = execution::format_wire_id(around_.config.identity, order.id, 0);
  QT_TRY([[maybe_unused]] const TrackedOrder* tracked, tracker_.track(order, wire_id));
  Submit& submit = submits_[order.id.value];
  submit = {};
  submit.order = order;
  submit.wire_id = std::move(wire_id);
  submit.serial = ++serials_;
  send(submit);
  return {};
}

OrderChannel::Submit* OrderChannel::pending(ClientOrderId id, std::uint64_t serial) {
  const auto it = submits_.find(id.value);
  return it == submits_.end() || it->second.serial != serial ? nullptr : &it->second;
}

void OrderChannel::send(Submit& submit) {
  ++submit.sends;
  submit.waiting = false;
  submit.alarm = nullptr;
  const ClientOrderId id = submit.order.id;
  const std::uint64_t serial = submit.serial;
  Call call = requests::place(submit.order, around_.instruments.name(submit.order.symbol), submit.wire_id);
  const auto take = [this, id, serial](auto answer) {
    if (const auto* failure = std::get_if<ApiFailure>(&answer)) return on_submit_failure(id, serial, *failure);
    on_ack(id, serial, to_venue_order(std::get<0>(answer)));
  };
  if (domain::is_conditional(submit.order.type)) {
    ask<RestAlgoOrder>(around_, life_, std::move(call), &parse_algo_order, take);
  } else {
    ask<RestOrder>(around_, life_, std::move(call), &parse_order, take);
  }
}

void OrderChannel::on_ack(ClientOrderId id, std::uint64_t serial, const VenueOrder& ack) {
  TrackedOrder* order = tracker_.find(id);
  if (order == nullptr) return;
  // The stream may have told more already; then only the ids are news.
  if (pending(id, serial) == nullptr) {
    if (!order->ended) tracker_.learn_ids(*order, ack.progress.order_id, ack.algo_id);
    return;
  }
  settle(id, ack, [] {});
}

void OrderChannel::on_submit_failure(ClientOrderId id, std::uint64_t serial, const ApiFailure& failure) {
  Submit* submit = pending(id, serial);
  if (submit == nullptr) return;
  switch (failure.kind) {
    case FailureClass::Unknown:
      return doubt(*submit);
    case FailureClass::Rejected:
      // Perhaps the duplicate of one that did arrive: ask rather than believe.
      if (failure.code == kDuplicateId) return doubt(*submit);
      return refuse(id, reason_of_code(failure.code));
    case FailureClass::NotExecuted:
    case FailureClass::Throttled:
    case FailureClass::Clock:
      if (guards(*submit)) return send_again(*submit, std::min(submit->wait.next(), kGuardWait));
      if (reducing(*submit)) return send_again(*submit, submit->wait.next());
      return refuse(id, VenueReason::TransportFailure);
    case FailureClass::Credentials:
      return refuse(id, VenueReason::TransportFailure);
  }
}

void OrderChannel::refuse(ClientOrderId id, VenueReason reason) {
  if (TrackedOrder* order = tracker_.find(id)) tracker_.reject(*order, reason, around_.server_now());
}

void OrderChannel::send_again(Submit& submit, base::Duration wait) {
  submit.waiting = true;
  submit.alarm = around_.host.after(wait, [this, id = submit.order.id, serial = submit.serial] {
    if (Submit* again = pending(id, serial)) send(*again);
  });
}

void OrderChannel::doubt(Submit& submit) {
  submit.doubted = {};
  submit.questions = 0;
  question(submit);
}

void OrderChannel::question(Submit& submit) {
  const base::Duration wait = question_wait(submit.questions++);
  submit.doubted = submit.doubted + wait;
  submit.alarm = around_.host.after(wait, [this, id = submit.order.id, serial = submit.serial] {
    Submit* asked = pending(id, serial);
    if (asked == nullptr) return;
    InquirySubject about = subject(id, asked->order.symbol);
    if (reducing(*asked)) about.priority = Priority::Exit;
    inquiry_.ask(std::move(about),
                 life_.guard([this, id, serial](InquiryResult result) { on_question(id, serial, std::move(result)); }));
  });
}

void OrderChannel::on_question(ClientOrderId id, std::uint64_t serial, InquiryResult result) {
  Submit* submit = pending(id, serial);
  if (submit == nullptr) return;
  if (const auto* found = std::get_if<VenueOrder>(&result)) return settle(id, *found, [] {});
  if (const auto* failure = std::get_if<ApiFailure>(&result)) {
    if (failure->kind == FailureClass::Credentials) return;  // nothing can be learnt any more but from the stream
    return question(*submit);
  }
  // A copy that does arrive late finds the id taken, or nothing left to protect.
  if (guards(*submit) && submit->sends < kMaxSends) return send(*submit);
  if (submit->doubted < acceptance_window()) return question(*submit);
  if (reducing(*submit) && submit->sends < kMaxSends) return send(*submit);
  refuse(id, VenueReason::TransportFailure);
}

void OrderChannel::settle(ClientOrderId id, const VenueOrder& found, std::function<void()> done) {
  TrackedOrder* order = tracker_.find(id);
  if (order == nullptr) return done();
  tracker_.learn_ids(*order, found.progress.order_id, found.algo_id);
  if (found.progress.filled <= order->executed || order->order_id == 0) {
    tracker_.update(*order, found.progress);
    return done();
  }
  fills_.fetch(*order, [this, id, progress = found.progress, done = std::move(done)](bool) {
    if (TrackedOrder* later = tracker_.find(id)) tracker_.update(*later, progress);
    done();
  });
}

void OrderChannel::on_change(const TrackedOrder& order) {
  if (!order.acknowledged && !order.ended) return;
  watch(order);
  const auto it = submits_.find(order.id.value);
  if (it != submits_.end()) {
    const bool cancel_wanted = it->second.cancel_wanted;
    submits_.erase(it);
    if (cancel_wanted && !order.ended) {
      cancels_[order.id.value].symbol = order.symbol;
      around_.host.post(life_.guard([this, id = order.id] { send_cancel(id); }));
    }
  }
  if (order.ended) cancels_.erase(order.id.value);
}

// ---- what the stream may lose

void OrderChannel::watch(const TrackedOrder& order) {
  const bool ending = !order.rests && !order.at_algo_service();
  if (stopped_ || order.ended || !(ending || (order.rests && order.entry))) return unwatch(order.id);
  const auto known = watches_.find(order.id.value);
  if (known != watches_.end() && known->second.ending == ending) return;
  unwatch(order.id);
  Watch& watch = watches_.try_emplace(order.id.value, ending ? ending_wait() : resting_wait()).first->second;
  watch.ending = ending;
  ending_ += ending ? 1 : 0;
  look_after(order.id);
}

void OrderChannel::stop() {
  stopped_ = true;
  watches_.clear();
  ending_ = 0;
}

void OrderChannel::unwatch(ClientOrderId id) {
  const auto it = watches_.find(id.value);
  if (it == watches_.end()) return;
  ending_ -= it->second.ending ? 1 : 0;
  watches_.erase(it);
}

void OrderChannel::look_after(ClientOrderId id) {
  Watch& watch = watches_.at(id.value);
  watch.alarm = around_.host.after(watch.wait.next(), [this, id] {
    if (!watches_.contains(id.value)) return;
    look_after(id);
    refresh(id);
  });
}

// ---- cancel

base::Result<void> OrderChannel::cancel(ClientOrderId id, domain::SymbolId symbol) {
  const auto submit = submits_.find(id.value);
  if (submit != submits_.end()) {
    if (submit->second.waiting) {
      refuse(id, VenueReason::UserRequest);
    } else {
      submit->second.cancel_wanted = true;
    }
    return {};
  }
  TrackedOrder* order = tracker_.find(id);
  if (order != nullptr && order->ended) {
    tracker_.repeat(*order);
    return {};
  }
  const auto [it, added] = cancels_.try_emplace(id.value);
  it->second.symbol = symbol;
  if (!added) return {};
  if (order != nullptr) {
    send_cancel(id);
  } else {  // of an earlier life: learn what it is first
    inquiry_.ask(subject(id, symbol),
                 life_.guard([this, id](InquiryResult result) { on_cancel_question(id, std::move(result)); }));
  }
  return {};
}

void OrderChannel::send_cancel(ClientOrderId id) {
  const auto it = cancels_.find(id.value);
  const TrackedOrder* order = tracker_.find(id);
  if (it == cancels_.end() || order == nullptr) return;
  ++it->second.sends;
  const bool algo = order->at_algo_service();
  Call call =
      requests::cancel({around_.instruments.name(order->symbol), order->wire_id, algo ? 0 : order->order_id, algo});
  if (algo) {
    ask<AlgoCancel>(around_, life_, std::move(call), &parse_algo_cancel, [this, id](Answer<AlgoCancel> answer) {
      if (const auto* failure = std::get_if<ApiFailure>(&answer)) return on_cancel_failure(id, *failure);
      VenueOrder cancelled;
      cancelled.progress.status = WireStatus::Canceled;
      cancelled.progress.reason = VenueReason::UserRequest;
      cancelled.progress.at = around_.server_now();
      on_cancelled(id, cancelled);
    });
    return;
  }
  ask<RestOrder>(around_, life_, std::move(call), &parse_order, [this, id](Answer<RestOrder> answer) {
    if (const auto* failure = std::get_if<ApiFailure>(&answer)) return on_cancel_failure(id, *failure);
    on_cancelled(id, to_venue_order(std::get<RestOrder>(answer)));
  });
}

void OrderChannel::on_cancelled(ClientOrderId id, const VenueOrder& order) {
  settle(id, order, [this, id] { cancels_.erase(id.value); });
}

void OrderChannel::on_cancel_failure(ClientOrderId id, const ApiFailure& failure) {
  const auto it = cancels_.find(id.value);
  if (it == cancels_.end()) return;
  if (failure.kind == FailureClass::Credentials) {
    cancels_.erase(it);
    return;
  }
  if (failure.kind != FailureClass::Rejected) return cancel_again(id);
  InquirySubject about = subject(id, it->second.symbol);
  about.priority = Priority::Exit;
  // What was at the algo service may have triggered a moment ago.
  if (about.where == InquirySubject::Where::Algo) about.where = InquirySubject::Where::Either;
  inquiry_.ask(std::move(about),
               life_.guard([this, id](InquiryResult result) { on_cancel_question(id, std::move(result)); }));
}

void OrderChannel::on_cancel_question(ClientOrderId id, InquiryResult result) {
  const auto it = cancels_.find(id.value);
  if (it == cancels_.end()) return;
  const domain::SymbolId symbol = it->second.symbol;
  if (const auto* failure = std::get_if<ApiFailure>(&result)) {
    if (failure->kind == FailureClass::Credentials) {
      cancels_.erase(it);
      return;
    }
    return cancel_again(id);
  }
  const auto* found = std::get_if<VenueOrder>(&result);
  if (found == nullptr) {
    cancels_.erase(it);
    return report_unknown(id, symbol);
  }
  adopt(id, symbol, *found);
  settle(id, *found, [this, id, symbol] {
    const auto still = cancels_.find(id.value);
    if (still == cancels_.end()) return;  // it has ended, and was reported so
    if (still->second.sends >= kMaxCancels) {
      cancels_.erase(still);
      return report_unknown(id, symbol);
    }
    cancel_again(id);
  });
}

void OrderChannel::cancel_again(ClientOrderId id) {
  const auto it = cancels_.find(id.value);
  if (it == cancels_.end()) return;
  const base::Duration wait = it->second.sends == 0 ? base::Duration{} : it->second.wait.next();
  it->second.alarm = around_.host.after(wait, [this, id] {
    const auto again = cancels_.find(id.value);
    if (again == cancels_.end()) return;
    if (tracker_.find(id) != nullptr) return send_cancel(id);
    inquiry_.ask(subject(id, again->second.symbol),
                 life_.guard([this, id](InquiryResult result) { on_cancel_question(id, std::move(result)); }));
  });
}

void OrderChannel::report_unknown(ClientOrderId id, domain::SymbolId symbol) {
  domain::OrderReport unknown;
  unknown.order = id;
  unknown.symbol = symbol;
  unknown.status = domain::OrderStatus::Rejected;
  unknown.reason = VenueReason::UnknownOrder;
  unknown.ts_event = around_.server_now();
  around_.sink(unknown);
}

// ---- query

base::Result<void> OrderChannel::query(ClientOrderId id, domain::SymbolId symbol) {
  if (submits_.contains(id.value)) return {};  // its answer is being found out
  const auto [it, added] = queries_.try_emplace(id.value);
  it->second.symbol = symbol;
  if (added) ask_query(id);
  return {};
}

void OrderChannel::ask_query(ClientOrderId id) {
  const auto it = queries_.find(id.value);
  if (it == queries_.end()) return;
  inquiry_.ask(subject(id, it->second.symbol),
               life_.guard([this, id](InquiryResult result) { on_query(id, std::move(result)); }));
}

void OrderChannel::on_query(ClientOrderId id, InquiryResult result) {
  const auto it = queries_.find(id.value);
  if (it == queries_.end()) return;
  const domain::SymbolId symbol = it->second.symbol;
  if (const auto* found = std::get_if<VenueOrder>(&result)) {
    queries_.erase(it);
    const std::uint32_t reports = adopt(id, symbol, *found).reports;
    return settle(id, *found, [this, id, reports] {
      TrackedOrder* order = tracker_.find(id);
      if (order != nullptr && order->reports == reports) tracker_.repeat(*order);
    });
  }
  const auto* failure = std::get_if<ApiFailure>(&result);
  if (failure == nullptr && window_over_) {
    queries_.erase(it);
    return report_unknown(id, symbol);
  }
  if (failure != nullptr && failure->kind == FailureClass::Credentials) {
    queries_.erase(it);
    return;
  }
  it->second.alarm = around_.host.after(question_wait(it->second.questions++), [this, id] { ask_query(id); });
}

TrackedOrder& OrderChannel::adopt(ClientOrderId id, domain::SymbolId symbol, const VenueOrder& found) {
  if (TrackedOrder* known = tracker_.find(id)) return *known;
  TrackedOrder order;
  order.id = id;
  order.symbol = symbol;
  order.wire_id = found.client_id;
  order.entry = !found.reduce_only;
  order.rests = found.type == WireType::Limit;
  order.conditional = found.conditional;
  order.algo_id = found.algo_id;
  return tracker_.adopt(std::move(order));
}

// ---- refresh

void OrderChannel::refresh(ClientOrderId id) {
  const TrackedOrder* order = tracker_.find(id);
  if (order == nullptr || !polls_.insert(id.value).second) return;
  inquiry_.ask(subject(id, order->symbol), life_.guard([this, id](InquiryResult result) {
    if (const auto* found = std::get_if<VenueOrder>(&result))
      return settle(id, *found, [this, id] { polls_.erase(id.value); });
    polls_.erase(id.value);
  }));
}

void OrderChannel::poll_open() {
  for (const ClientOrderId id : tracker_.open_orders()) refresh(id);
}

}  // namespace qtrader::binance
