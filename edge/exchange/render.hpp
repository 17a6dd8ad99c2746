// Renderers: exchange objects as the JSON of REST and WebSocket API answers, appended to a string.
//
// In the flow: handlers call them with what matching::Exchange says. They choose names and number formats only; the
// short-key forms of stream events are the streams' own. Key order is the documented one.
#pragma once

#include <string>

#include "edge/exchange/json_writer.hpp"
#include "edge/exchange/wire_names.hpp"
#include "edge/matching/exchange.hpp"

namespace qtrader::exchange {

/// How a symbol's numbers are shown.
struct SymbolFormat {
  std::string_view symbol;
  int price = 2, quantity = 3;  // decimals
  /// Decimals of price · quantity, exact.
  int quote() const { return price + quantity < 8 ? price + quantity : 8; }
};
SymbolFormat format_of(const matching::Exchange& exchange, domain::SymbolId symbol);

enum class OrderShape : std::uint8_t {
  Ack,     // answer to place, cancel and test
  Amend,   // the same with pair and modifyId
  Record,  // queries: with averages and creation time
};
struct OrderStyle {
  OrderShape shape = OrderShape::Record;
  bool averages = true;      // avgPrice and cumQuote also in an Ack
  bool as_accepted = false;  // newOrderRespType=ACK: NEW and unfilled, whatever has happened since
};
void append_order(std::string& out, const matching::OrderView& order, const SymbolFormat& format, OrderStyle style);

enum class AlgoShape : std::uint8_t { Ack, Record, ListRow };
void append_algo(std::string& out, const matching::AlgoView& algo, const SymbolFormat& format, AlgoShape shape);

void append_user_trade(std::string& out, const matching::UserTrade& trade, const SymbolFormat& format);
void append_income(std::string& out, const matching::IncomeView& income, std::string_view symbol);
void append_amendment(std::string& out, const matching::AmendmentView& amendment, const SymbolFormat& format);
void append_margin_change(std::string& out, const matching::MarginChange& change, const SymbolFormat& format);

enum class PositionShape : std::uint8_t { RiskV2, RiskV3, AccountV2, AccountV3 };
void append_position(std::string& out, const matching::PositionView& position, const SymbolFormat& format,
                     PositionShape shape);

/// Facts of an account that the matching room does not keep.
struct AccountFlags {
  bool can_trade = true, fee_burn = false;
};
/// `{"feeTier":…,"totalInitialMargin":…,"assets":[…],"positions":` without the positions and the closing brace.
void append_account_head(std::string& out, const matching::AccountView& account, const AccountFlags& flags,
                         bool version_2);
/// `[{"accountAlias":…}]`.
void append_balance(std::string& out, const matching::AccountView& account, matching::AccountId id);

/// `{"code":-1121,"msg":"Invalid symbol."}`.
void append_refusal(std::string& out, const matching::Refusal& refusal);
/// The conditional order as the order endpoints showed it before the algo service existed.
matching::OrderView order_of_algo(const matching::AlgoView& algo);

}  // namespace qtrader::exchange
