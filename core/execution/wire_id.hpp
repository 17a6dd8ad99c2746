// WireId: how this trader's order ids are spelled at a venue, and read back.
//
// `qt-<env>-<instance 6 hex><trade 10 hex>-<leg>-<n>`, at most 36 characters of Binance's alphabet. Derived from the
// intent alone, so that a retry of the same leg has the same id and the venue refuses the duplicate. `instance` tells
// two traders on one account, and two lives of one trader with a fresh journal, apart: another instance's order reads
// as foreign. n is the resubmission of a leg after the venue proved it never saw the one before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/domain/ids.hpp"

namespace qtrader::execution {

struct WireIdentity {
  char env = 's';              // 's' sim, 'p' paper, 't' testnet, 'l' live
  std::uint32_t instance = 0;  // 24 bits
};

/// Aborts if the trade number needs more than 40 bits or the instance more than 24.
std::string format_wire_id(const WireIdentity& identity, domain::ClientOrderId order, int n);
/// The order, if the text is an id of this identity; nothing for anyone else's.
std::optional<domain::ClientOrderId> parse_wire_id(const WireIdentity& identity, std::string_view text);

}  // namespace qtrader::execution
