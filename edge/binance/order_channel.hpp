// OrderChannel: carries submits, cancels and questions to the exchange until each has its one definite answer.
//
// Every submit is in one of three hands: on its way (a REST call is out), doubtful (the answer was lost: the exchange
// is asked by client id after 0.2, 0.5, 1, 2, 2 … s, and only when it cannot have the order any more is a reducing
// order sent again, under the same id; a stop at once, because its duplicate is refused and a position waits for it),
// or waiting to be tried again (definitely not executed, reducing only). Entries are sent once. Whatever the user
// stream says first settles it; an order that should have ended or may fill is also asked about by REST, so that a
// message the stream loses is made up for. Reports go out through OrderTracker alone.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "edge/binance/backoff.hpp"
#include "edge/binance/fill_recovery.hpp"
#include "edge/binance/order_inquiry.hpp"

namespace qtrader::binance {

class OrderChannel {
 public:
  OrderChannel(const Surroundings& around, OrderTracker& tracker, OrderInquiry& inquiry, FillRecovery& fills);

  base::Result<void> submit(const domain::Order& order);
  base::Result<void> cancel(domain::ClientOrderId order, domain::SymbolId symbol);
  base::Result<void> query(domain::ClientOrderId order, domain::SymbolId symbol);
  /// Asks where every open order stands, unless it is being asked already: while the user stream is down.
  void poll_open();
  /// The state an answer or a question brought, with the fills it implies first. Also asked of one order by hand.
  void settle(domain::ClientOrderId order, const VenueOrder& found, std::function<void()> done);
  void refresh(domain::ClientOrderId order);
  /// Looks after nothing any more.
  void stop();
  /// To be told of every change (OrderTracker::listen).
  void on_change(const TrackedOrder& order);

  /// Commands and questions whose answer is still to come, waits before a retry included.
  std::size_t outstanding() const {
    return submits_.size() + cancels_.size() + queries_.size() + polls_.size() + ending_;
  }

 private:
  struct Submit {
    domain::Order order;
    std::string wire_id;
    std::uint64_t serial = 0;  // of this submit: late answers of an earlier one are not its
    int sends = 0, questions = 0;
    Backoff wait = retry_backoff();
    base::Duration doubted;  // since its answer was lost
    bool waiting = false;    // definitely not at the exchange, to be sent again
    bool cancel_wanted = false;
    Alarm alarm;
  };
  struct Cancel {
    domain::SymbolId symbol;
    int sends = 0;
    Backoff wait = retry_backoff();
    Alarm alarm;
  };
  struct Query {
    domain::SymbolId symbol;
    int questions = 0;
    Alarm alarm;
  };

  /// An open order whose end or fills the stream might keep from us.
  struct Watch {
    Backoff wait;
    bool ending = false;  // a market order: over within moments
    Alarm alarm;
  };

  bool reducing(const Submit& submit) const { return submit.order.purpose != domain::OrderPurpose::Entry; }
  bool guards(const Submit& submit) const { return submit.order.purpose == domain::OrderPurpose::ProtectiveStop; }
  void watch(const TrackedOrder& order);
  void unwatch(domain::ClientOrderId id);
  void look_after(domain::ClientOrderId id);
  Submit* pending(domain::ClientOrderId id, std::uint64_t serial);
  void send(Submit& submit);
  void on_ack(domain::ClientOrderId id, std::uint64_t serial, const VenueOrder& ack);
  void on_submit_failure(domain::ClientOrderId id, std::uint64_t serial, const ApiFailure& failure);
  void doubt(Submit& submit);
  void question(Submit& submit);
  void on_question(domain::ClientOrderId id, std::uint64_t serial, InquiryResult result);
  void send_again(Submit& submit, base::Duration wait);
  void refuse(domain::ClientOrderId id, domain::VenueReason reason);

  void send_cancel(domain::ClientOrderId id);
  void on_cancelled(domain::ClientOrderId id, const VenueOrder& order);
  void on_cancel_failure(domain::ClientOrderId id, const ApiFailure& failure);
  void on_cancel_question(domain::ClientOrderId id, InquiryResult result);
  void cancel_again(domain::ClientOrderId id);
  void report_unknown(domain::ClientOrderId id, domain::SymbolId symbol);

  void ask_query(domain::ClientOrderId id);
  void on_query(domain::ClientOrderId id, InquiryResult result);
  TrackedOrder& adopt(domain::ClientOrderId id, domain::SymbolId symbol, const VenueOrder& found);
  InquirySubject subject(domain::ClientOrderId id, domain::SymbolId symbol);
  base::Duration acceptance_window() const;

  const Surroundings& around_;
  OrderTracker& tracker_;
  OrderInquiry& inquiry_;
  FillRecovery& fills_;
  bool window_over_ = false;  // nothing that was sent before this program started can still arrive
  Alarm window_;
  std::uint64_t serials_ = 0;
  std::map<std::uint64_t, Submit> submits_;  // without a definite answer
  std::map<std::uint64_t, Cancel> cancels_;
  std::map<std::uint64_t, Query> queries_;
  std::set<std::uint64_t> polls_;  // being asked
  bool stopped_ = false;
  std::map<std::uint64_t, Watch> watches_;
  std::size_t ending_ = 0;  // of them
  Lifeline life_;
};

}  // namespace qtrader::binance
