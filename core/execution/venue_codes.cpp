#include "core/execution/venue_codes.hpp"

#include <array>
#include <charconv>

namespace qtrader::execution {
namespace {

using domain::VenueReason;

struct Row {
  int code;
  VenueReason reason;
  std::string_view text = {};  // of the message, where that is all there is
};

constexpr std::array kTable = {
    Row{-1121, VenueReason::UnknownSymbol},
    Row{-1122, VenueReason::UnknownSymbol},
    Row{-4140, VenueReason::UnknownSymbol},
    Row{-4141, VenueReason::UnknownSymbol, "Symbol is closed"},
    Row{-4144, VenueReason::UnknownSymbol},
    Row{-4001, VenueReason::PriceFilter},
    Row{-4002, VenueReason::PriceFilter},
    Row{-4006, VenueReason::PriceFilter},
    Row{-4007, VenueReason::PriceFilter},
    Row{-4013, VenueReason::PriceFilter},
    Row{-4014, VenueReason::PriceFilter},
    Row{-4016, VenueReason::PriceFilter, "Limit price can't be"},
    Row{-4024, VenueReason::PriceFilter},
    Row{-4135, VenueReason::PriceFilter},
    Row{-4183, VenueReason::PriceFilter},
    Row{-4184, VenueReason::PriceFilter},
    Row{-4210, VenueReason::PriceFilter},
    Row{-4211, VenueReason::PriceFilter},
    Row{-1013, VenueReason::LotSize},
    Row{-1111, VenueReason::LotSize},
    Row{-4003, VenueReason::LotSize, "Quantity less than"},
    Row{-4004, VenueReason::LotSize},
    Row{-4005, VenueReason::LotSize, "Quantity greater than"},
    Row{-4023, VenueReason::LotSize},
    Row{-4164, VenueReason::MinNotional, "notional must be no smaller"},
    Row{-5029, VenueReason::MinNotional},
    Row{-2018, VenueReason::InsufficientMargin, "Balance is insufficient"},
    Row{-2019, VenueReason::InsufficientMargin, "Margin is insufficient"},
    Row{-2028, VenueReason::InsufficientMargin},
    Row{-2022, VenueReason::ReduceOnlyRejected, "ReduceOnly"},
    Row{-2024, VenueReason::ReduceOnlyRejected, "Position is not sufficient"},
    Row{-2026, VenueReason::ReduceOnlyRejected},
    Row{-4061, VenueReason::ReduceOnlyRejected},  // one-way order on a hedged account: no position it could reduce
    Row{-4062, VenueReason::ReduceOnlyRejected},
    Row{-4087, VenueReason::ReduceOnlyRejected},
    Row{-4118, VenueReason::ReduceOnlyRejected},
    Row{-5047, VenueReason::ReduceOnlyRejected},
    Row{-2021, VenueReason::WouldTrigger, "immediately trigger"},
    Row{-4117, VenueReason::WouldTrigger},
    Row{-4142, VenueReason::WouldTrigger},
    Row{-5022, VenueReason::PostOnlyWouldTake},
    Row{-1112, VenueReason::NoLiquidity},
    Row{-2020, VenueReason::NoLiquidity, "Unable to fill"},
    Row{-4131, VenueReason::NoLiquidity, "PERCENT_PRICE"},
    Row{-5021, VenueReason::NoLiquidity},
    Row{-5041, VenueReason::NoLiquidity},
    Row{-4116, VenueReason::DuplicateId},
    Row{-4028, VenueReason::LeverageTooHigh},
    Row{-4202, VenueReason::LeverageTooHigh},
    Row{-4203, VenueReason::LeverageTooHigh},
    Row{-4205, VenueReason::LeverageTooHigh},
    Row{-4206, VenueReason::LeverageTooHigh},
    Row{-4208, VenueReason::LeverageTooHigh},
    Row{-4209, VenueReason::LeverageTooHigh},
    Row{-2027, VenueReason::MaxPosition, "maximum allowable position"},
    Row{-4105, VenueReason::MaxPosition},
    Row{-4106, VenueReason::MaxPosition},
    Row{-4107, VenueReason::MaxPosition},
    Row{-4401, VenueReason::MaxPosition},
    Row{-2023, VenueReason::Liquidated, "liquidation mode"},
    Row{-2011, VenueReason::UnknownOrder},
    Row{-2013, VenueReason::UnknownOrder},
};

}  // namespace

VenueReason reason_of_code(int code) {
  for (const Row& row : kTable)
    if (row.code == code) return row.reason;
  return VenueReason::TransportFailure;
}

std::optional<VenueReason> reason_of_text(std::string_view message) {
  int code = 0;
  const auto [end, error] = std::from_chars(message.data(), message.data() + message.size(), code);
  if (error == std::errc{} && code < 0 && end != message.data()) return reason_of_code(code);
  for (const Row& row : kTable)
    if (!row.text.empty() && message.find(row.text) != std::string_view::npos) return row.reason;
  return std::nullopt;
}

std::optional<VenueReason> reason_of_expiry(int er) {
  switch (er) {
    case 2:   // remainder of an IOC
    case 3:   // the same, with self-trade prevention
    case 9:   // remainder of a market order
    case 10:  // FOK
      return VenueReason::NoLiquidity;
    case 4:  // reduce-only knocked out
    case 6:  // position-linked order without its position
    case 8:  // the parent of a take-profit or stop that triggered
      return VenueReason::PositionClosed;
    case 5:
      return VenueReason::Liquidated;
    case 7:  // delisted
      return VenueReason::UnknownSymbol;
    case 11:
      return VenueReason::PostOnlyWouldTake;
    default:
      return std::nullopt;
  }
}

}  // namespace qtrader::execution
