#include "edge/simvenue/refusal_reason.hpp"

#include <array>

namespace qtrader::simvenue {
namespace {

using domain::VenueReason;
using matching::ExpiryReason;
using matching::OrderStatus;

struct Row {
  int code;
  VenueReason reason;
  std::string_view text = {};  // of the message, where that is all there is
};

constexpr std::array kRows = {
    Row{-1121, VenueReason::UnknownSymbol},
    Row{-1122, VenueReason::UnknownSymbol},  // and the next two: the symbol does not trade
    Row{-4140, VenueReason::UnknownSymbol},
    Row{-4141, VenueReason::UnknownSymbol, "Symbol is closed"},
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
    Row{-1111, VenueReason::LotSize},
    Row{-4003, VenueReason::LotSize, "Quantity less than"},
    Row{-4004, VenueReason::LotSize},
    Row{-4005, VenueReason::LotSize, "Quantity greater than"},
    Row{-4023, VenueReason::LotSize},
    Row{-4164, VenueReason::MinNotional, "notional must be no smaller"},
    Row{-2018, VenueReason::InsufficientMargin, "Balance is insufficient"},
    Row{-2019, VenueReason::InsufficientMargin, "Margin is insufficient"},
    Row{-2022, VenueReason::ReduceOnlyRejected, "ReduceOnly"},
    Row{-2024, VenueReason::ReduceOnlyRejected, "Position is not sufficient"},
    Row{-4061, VenueReason::ReduceOnlyRejected},  // one-way order on a hedged account: no position it could reduce
    Row{-4118, VenueReason::ReduceOnlyRejected},
    Row{-2021, VenueReason::WouldTrigger, "immediately trigger"},
    Row{-5022, VenueReason::PostOnlyWouldTake},
    Row{-4116, VenueReason::DuplicateId},
    Row{-4117, VenueReason::DuplicateId},
    Row{-4028, VenueReason::LeverageTooHigh},
    Row{-2027, VenueReason::MaxPosition, "maximum allowable position"},
    Row{-1112, VenueReason::NoLiquidity},
    Row{-2020, VenueReason::NoLiquidity, "Unable to fill"},
    Row{-4131, VenueReason::NoLiquidity, "PERCENT_PRICE"},
    Row{-5021, VenueReason::NoLiquidity},
    Row{-2023, VenueReason::Liquidated, "liquidation mode"},
    Row{-2011, VenueReason::UnknownOrder},
    Row{-2013, VenueReason::UnknownOrder},
};

}  // namespace

VenueReason reason_of(const matching::Refusal& refusal) {
  for (const Row& row : kRows)
    if (row.code == refusal.code) return row.reason;
  return VenueReason::TransportFailure;
}

VenueReason reason_of_message(std::string_view message) {
  for (const Row& row : kRows)
    if (!row.text.empty() && message.find(row.text) != std::string_view::npos) return row.reason;
  return VenueReason::TransportFailure;
}

VenueReason reason_of_end(OrderStatus status, ExpiryReason reason) {
  if (status == OrderStatus::Filled) return VenueReason::None;
  switch (reason) {
    case ExpiryReason::IocRemainder:
    case ExpiryReason::IocSelfTrade:
    case ExpiryReason::SelfTrade:  // the only counterparty was ourselves
    case ExpiryReason::MarketRemainder:
    case ExpiryReason::Fok:
      return VenueReason::NoLiquidity;
    case ExpiryReason::ReduceOnly:
    case ExpiryReason::GteCondition:
    case ExpiryReason::ParentExpired:
      return VenueReason::PositionClosed;
    case ExpiryReason::Liquidated:
      return VenueReason::Liquidated;
    case ExpiryReason::Delisted:
      return VenueReason::UnknownSymbol;
    case ExpiryReason::PostOnly:
      return VenueReason::PostOnlyWouldTake;
    case ExpiryReason::None:
      break;
  }
  return status == OrderStatus::Canceled ? VenueReason::UserRequest : VenueReason::None;
}

}  // namespace qtrader::simvenue
