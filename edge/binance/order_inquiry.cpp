#include "edge/binance/order_inquiry.hpp"

#include "edge/binance/venue_reason.hpp"

namespace qtrader::binance {
namespace {

using Where = InquirySubject::Where;

WireStatus status_of(AlgoStatus status) {
  switch (status) {
    case AlgoStatus::New:
    case AlgoStatus::Triggering:
    case AlgoStatus::Triggered:
    case AlgoStatus::Finished:  // what became of it is told by the order it turned into
      return WireStatus::New;
    case AlgoStatus::Canceled:
      return WireStatus::Canceled;
    case AlgoStatus::Expired:
    case AlgoStatus::Rejected:
      break;
  }
  return WireStatus::Expired;
}

}  // namespace

bool says_unknown_order(const ApiFailure& failure) {
  return failure.kind == FailureClass::Rejected && (failure.code == -2013 || failure.code == -2011);
}

VenueOrder to_venue_order(const RestOrder& order) {
  VenueOrder v;
  v.progress.status = order.status;
  v.progress.reason = reason_of_end(order.status, ExpiryReason::None);
  v.progress.filled = order.filled;
  v.progress.average_price = order.average_price;
  if (!v.progress.average_price && order.quote_filled && order.filled.is_positive())
    v.progress.average_price = *order.quote_filled / order.filled;
  v.progress.order_id = order.order_id;
  v.progress.at = order.update_time;
  v.client_id = order.client_id;
  v.side = order.side;
  v.type = order.type;
  v.reduce_only = order.reduce_only || order.close_position;
  // The remainder of an order that takes at once: the answer does not say why it ended, its type does.
  const bool takes = order.type == WireType::Market || order.time_in_force == WireTimeInForce::Ioc;
  if (order.status == WireStatus::Expired && takes) v.progress.reason = domain::VenueReason::NoLiquidity;
  return v;
}

VenueOrder to_venue_order(const RestAlgoOrder& order) {
  VenueOrder v;
  v.progress.status = status_of(order.status);
  v.progress.at = order.update_time;
  if (order.status == AlgoStatus::Canceled) v.progress.reason = domain::VenueReason::UserRequest;
  if (order.status == AlgoStatus::Expired) v.progress.reason = domain::VenueReason::PositionClosed;
  v.algo_id = order.algo_id;
  v.client_id = order.client_id;
  v.side = order.side;
  v.type = order.type;
  v.conditional = true;
  v.reduce_only = order.reduce_only || order.close_position;
  return v;
}

void OrderInquiry::ask(InquirySubject subject, std::function<void(InquiryResult)> done) {
  if (subject.where == Where::Algo) return ask_algo(std::move(subject), std::move(done));
  ask_order(std::move(subject), std::move(done));
}

void OrderInquiry::ask_order(InquirySubject subject, std::function<void(InquiryResult)> done) {
  Call call = requests::find({subject.symbol, subject.wire_id, subject.order_id, false}, subject.priority);
  binance::ask<RestOrder>(around_, life_, std::move(call), &parse_order,
                          [this, subject = std::move(subject), done = std::move(done)](Answer<RestOrder> answer) {
                            if (auto* order = std::get_if<RestOrder>(&answer)) return done(to_venue_order(*order));
                            auto& failure = std::get<ApiFailure>(answer);
                            if (!says_unknown_order(failure)) return done(std::move(failure));
                            if (subject.where == Where::Either) return ask_algo(subject, done);
                            done(OrderNotFound{});
                          });
}

void OrderInquiry::ask_algo(InquirySubject subject, std::function<void(InquiryResult)> done) {
  Call call = requests::find({subject.symbol, subject.wire_id, 0, true}, subject.priority);
  binance::ask<RestAlgoOrder>(
      around_, life_, std::move(call), &parse_algo_order,
      [this, subject = std::move(subject), done = std::move(done)](Answer<RestAlgoOrder> answer) mutable {
        if (auto* order = std::get_if<RestAlgoOrder>(&answer)) {
          VenueOrder found = to_venue_order(*order);
          const bool became_order = order->status == AlgoStatus::Triggered || order->status == AlgoStatus::Finished;
          if (!became_order) return done(std::move(found));
          subject.order_id = order->actual_order_id;
          return ask_actual(std::move(subject), std::move(found), std::move(done));
        }
        auto& failure = std::get<ApiFailure>(answer);
        if (!says_unknown_order(failure)) return done(std::move(failure));
        done(OrderNotFound{});
      });
}

void OrderInquiry::ask_actual(InquirySubject subject, VenueOrder algo, std::function<void(InquiryResult)> done) {
  Call call = requests::find({subject.symbol, subject.wire_id, subject.order_id, false}, subject.priority);
  binance::ask<RestOrder>(around_, life_, std::move(call), &parse_order,
                          [algo = std::move(algo), done = std::move(done)](Answer<RestOrder> answer) {
                            if (auto* order = std::get_if<RestOrder>(&answer)) {
                              VenueOrder found = to_venue_order(*order);
                              found.conditional = true;
                              found.algo_id = algo.algo_id;
                              return done(std::move(found));
                            }
                            // It has triggered but its order is not visible yet: still working, as far as we know.
                            auto& failure = std::get<ApiFailure>(answer);
                            if (says_unknown_order(failure)) return done(algo);
                            done(std::move(failure));
                          });
}

}  // namespace qtrader::binance
