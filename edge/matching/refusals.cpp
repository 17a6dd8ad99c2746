#include <array>

#include "edge/matching/engine.hpp"

namespace qtrader::matching {
namespace {

struct Text {
  int code;
  const char* message;
};

constexpr std::array kTexts{
    Text{-1106, "Parameter 'reduceOnly' sent when not required."},
    Text{-1111, "Precision is over the maximum defined for this asset."},
    Text{-1117, "Invalid side."},
    Text{-1121, "Invalid symbol."},
    Text{-1122, "Invalid symbol status."},
    Text{-2011, "Unknown order sent."},
    Text{-2013, "Order does not exist."},
    Text{-2018, "Balance is insufficient."},
    Text{-2019, "Margin is insufficient."},
    Text{-2020, "Unable to fill."},
    Text{-2021, "Order would immediately trigger."},
    Text{-2022, "ReduceOnly Order is rejected."},
    Text{-2023, "User in liquidation mode now."},
    Text{-2025, "Reach max open order limit."},
    Text{-2027, "Exceeded the maximum allowable position at current leverage."},
    Text{-2028, "Leverage is smaller than permitted: insufficient margin balance."},
    Text{-4001, "Price less than 0."},
    Text{-4002, "Price greater than max price."},
    Text{-4003, "Quantity less than or equal to zero."},
    Text{-4004, "Quantity less than min quantity."},
    Text{-4005, "Quantity greater than max quantity."},
    Text{-4006, "Stop price less than zero."},
    Text{-4007, "Stop price greater than max price."},
    Text{-4013, "Price less than min price."},
    Text{-4014, "Price not increased by tick size."},
    Text{-4015, "Client order id is not valid."},
    Text{-4023, "Qty not increased by step size."},
    Text{-4045, "Reach max stop order limit."},
    Text{-4046, "No need to change margin type."},
    Text{-4047, "Margin type cannot be changed if there exists open orders."},
    Text{-4048, "Margin type cannot be changed if there exists position."},
    Text{-4049, "Add margin only support for isolated position."},
    Text{-4050, "Cross balance insufficient."},
    Text{-4051, "Isolated balance insufficient."},
    Text{-4054, "Cannot add position margin: position is 0."},
    Text{-4055, "Amount must be positive."},
    Text{-4059, "No need to change position side."},
    Text{-4060, "Invalid position side."},
    Text{-4061, "Order's position side does not match user's setting."},
    Text{-4062, "Invalid or improper reduceOnly value."},
    Text{-4067, "Position side cannot be changed if there exists open orders."},
    Text{-4068, "Position side cannot be changed if there exists position."},
    Text{-4116, "clientOrderId is duplicated"},
    Text{-4117, "stop order is triggering"},
    Text{-4118, "ReduceOnly Order Failed. Please check your existing position and open orders"},
    Text{-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit"},
    Text{-4135, "Invalid activation price"},
    Text{-4137, "Quantity must be zero with closePosition equals true"},
    Text{-4138, "Reduce only must be true with closePosition equals true"},
    Text{-4140, "Invalid symbol status for opening position"},
    Text{-4141, "Symbol is closed"},
    Text{-4161, "Leverage reduction is not supported in Isolated Margin Mode with open positions"},
    Text{-5021, "Due to the order could not be filled immediately, the FOK order has been rejected."},
    Text{-5022, "Due to the order could not be executed as maker, the Post Only order will be rejected."},
    Text{-5024, "Symbol is not in trading status. Order amendment is not permitted."},
    Text{-5025, "Only limit order is supported."},
    Text{-5026, "Exceed maximum modify order limit."},
    Text{-5027, "No need to modify the order."},
    Text{-5038, "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT"},
    Text{-5040,
         "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than "
         "253402300799000"},
    Text{-5041, "No depth matches this BBO order"},
};

}  // namespace

Refusal refuse(int code) {
  for (const Text& t : kTexts)
    if (t.code == code) return {code, t.message};
  QT_CHECK(false, "a refusal without a text");
  return {};
}

Refusal refuse(int code, const std::string& message) { return {code, message}; }

}  // namespace qtrader::matching
