#include "core/execution/venue.hpp"

#include <type_traits>

namespace qtrader::execution {

base::Result<void> carry(const Command& command, Venue& venue) {
  return std::visit(
      [&](const auto& c) -> base::Result<void> {
        using C = std::decay_t<decltype(c)>;
        if constexpr (std::is_same_v<C, SubmitOrder>)
          return venue.submit(c.order);
        else if constexpr (std::is_same_v<C, CancelOrder>)
          return venue.cancel(c.order, c.symbol);
        else if constexpr (std::is_same_v<C, SetLeverage>)
          return venue.set_leverage(c.symbol, c.leverage, c.mode);
        else if constexpr (std::is_same_v<C, QueryOrder>)
          return venue.query(c.order, c.symbol);
        else if constexpr (std::is_same_v<C, RequestSnapshot>)
          return venue.request_snapshot();
        else
          return venue.cancel_foreign(c);
      },
      command);
}

}  // namespace qtrader::execution
