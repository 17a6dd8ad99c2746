// OrderInquiry: asks the exchange where one order of ours stands, at the order endpoint or the algo service or, if we
// do not know which (after a restart), at both. Answers once; repeats nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "edge/binance/messages_rest.hpp"
#include "edge/binance/order_tracker.hpp"
#include "edge/binance/requests.hpp"
#include "edge/binance/surroundings.hpp"

namespace qtrader::binance {

struct InquirySubject {
  enum class Where : std::uint8_t { Order, Algo, Either };
  std::string symbol, wire_id;
  std::int64_t order_id = 0;
  Where where = Where::Either;
  Priority priority = Priority::Query;
};
/// An order as the exchange has it, whichever service knows it.
struct VenueOrder {
  OrderProgress progress;
  std::int64_t algo_id = 0;
  std::string client_id;
  domain::Side side = domain::Side::Buy;
  WireType type = WireType::Other;
  bool conditional = false, reduce_only = false;
};
struct OrderNotFound {};
using InquiryResult = std::variant<VenueOrder, OrderNotFound, ApiFailure>;

/// "Order does not exist" and its kin: a definite no.
bool says_unknown_order(const ApiFailure& failure);
VenueOrder to_venue_order(const RestOrder& order);
VenueOrder to_venue_order(const RestAlgoOrder& order);

class OrderInquiry {
 public:
  explicit OrderInquiry(const Surroundings& around) : around_(around) {}
  void ask(InquirySubject subject, std::function<void(InquiryResult)> done);

 private:
  void ask_order(InquirySubject subject, std::function<void(InquiryResult)> done);
  void ask_algo(InquirySubject subject, std::function<void(InquiryResult)> done);
  void ask_actual(InquirySubject subject, VenueOrder algo, std::function<void(InquiryResult)> done);

  const Surroundings& around_;
  Lifeline life_;
};

}  // namespace qtrader::binance
