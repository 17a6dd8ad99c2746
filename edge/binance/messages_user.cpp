#include "edge/binance/messages_user.hpp"

#include <array>

#include "edge/binance/json_fields.hpp"

namespace qtrader::binance {
namespace {

using domain::Money;
using domain::Price;
using domain::Quantity;
using json::Fields;
using json::Object;
using json::Report;

constexpr std::array<std::pair<std::string_view, ExecutionType>, 6> kExecutions = {
    {{"NEW", ExecutionType::New},
     {"CANCELED", ExecutionType::Canceled},
     {"CALCULATED", ExecutionType::Calculated},
     {"EXPIRED", ExecutionType::Expired},
     {"TRADE", ExecutionType::Trade},
     {"AMENDMENT", ExecutionType::Amendment}}};
constexpr std::array<std::pair<std::string_view, AccountReason>, 13> kReasons = {
    {{"DEPOSIT", AccountReason::Deposit},
     {"WITHDRAW", AccountReason::Withdraw},
     {"ORDER", AccountReason::Order},
     {"FUNDING_FEE", AccountReason::FundingFee},
     {"WITHDRAW_REJECT", AccountReason::WithdrawReject},
     {"ADJUSTMENT", AccountReason::Adjustment},
     {"INSURANCE_CLEAR", AccountReason::InsuranceClear},
     {"ADMIN_DEPOSIT", AccountReason::AdminDeposit},
     {"ADMIN_WITHDRAW", AccountReason::AdminWithdraw},
     {"MARGIN_TRANSFER", AccountReason::MarginTransfer},
     {"MARGIN_TYPE_CHANGE", AccountReason::MarginTypeChange},
     {"ASSET_TRANSFER", AccountReason::AssetTransfer},
     {"AUTO_EXCHANGE", AccountReason::AutoExchange}}};

ExpiryReason expiry_reason(Fields& o) {
  const auto code = o.integer_or_text("er");
  if (!code) return ExpiryReason::None;
  return *code >= 0 && *code <= 11 ? static_cast<ExpiryReason>(*code) : ExpiryReason::Other;
}

OrderTradeUpdate order_trade_update(Report& report, Object object) {
  Fields f(report, object, "ORDER_TRADE_UPDATE");
  OrderTradeUpdate m;
  m.event_time = f.time("E");
  m.transaction_time = f.time("T");
  const Object inner = f.object("o");
  if (report.failed()) return m;
  Fields o(report, inner, "ORDER_TRADE_UPDATE.o");
  m.symbol = o.text("s");
  m.client_id = o.text("c");
  m.order_id = o.integer("i");
  m.side = o.side("S");
  m.type = o.type("o");
  m.original_type = o.type("ot");
  m.time_in_force = o.time_in_force("f");
  m.execution = o.one_of_or<ExecutionType>("x", kExecutions, ExecutionType::Other);
  m.status = o.status("X");
  m.quantity = o.fixed<Quantity>("q");
  m.price = o.fixed<Price>("p");
  m.average_price = o.fixed<Price>("ap");
  m.stop_price = o.optional_fixed<Price>("sp").value_or(Price{});
  m.last_filled = o.fixed<Quantity>("l");
  m.filled = o.fixed<Quantity>("z");
  m.last_price = o.fixed<Price>("L");
  m.commission = o.optional_fixed<Money>("n").value_or(Money{});
  m.commission_asset = o.text_or_empty("N");
  m.trade_time = o.time("T");
  m.trade_id = o.integer("t");
  m.maker = o.boolean("m");
  m.reduce_only = o.boolean("R");
  m.close_position = o.optional_boolean("cp").value_or(false);
  m.position_side = o.position_side("ps");
  m.realized = o.fixed<Money>("rp");
  m.expiry_reason = expiry_reason(o);
  return m;
}

AccountUpdate account_update(Report& report, Object object) {
  Fields f(report, object, "ACCOUNT_UPDATE");
  AccountUpdate m;
  m.event_time = f.time("E");
  m.transaction_time = f.time("T");
  const Object inner = f.object("a");
  if (report.failed()) return m;
  Fields a(report, inner, "ACCOUNT_UPDATE.a");
  m.reason = a.one_of_or<AccountReason>("m", kReasons, AccountReason::Other);
  m.reason_text = a.text("m");
  m.funding_symbol = a.has("S") ? a.text("S") : f.text_or_empty("S");
  if (a.has("B"))
    a.rows("B", "ACCOUNT_UPDATE.a.B", [&](Fields& b) {
      m.balances.push_back(
          {b.text("a"), b.fixed<Money>("wb"), b.fixed<Money>("cw"), b.optional_fixed<Money>("bc").value_or(Money{})});
    });
  if (a.has("P"))
    a.rows("P", "ACCOUNT_UPDATE.a.P", [&](Fields& p) {
      AccountUpdate::Position position;
      position.symbol = p.text("s");
      position.quantity = p.fixed<Quantity>("pa");
      position.entry_price = p.fixed<Price>("ep");
      position.break_even_price = p.optional_fixed<Price>("bep").value_or(Price{});
      position.realized = p.fixed<Money>("cr");
      position.unrealized = p.fixed<Money>("up");
      position.margin_mode = p.margin_mode("mt");
      position.isolated_wallet = p.fixed<Money>("iw");
      position.side = p.position_side("ps");
      m.positions.push_back(std::move(position));
    });
  return m;
}

TradeLite trade_lite(Report& report, Object object) {
  Fields f(report, object, "TRADE_LITE");
  TradeLite m;
  m.event_time = f.time("E");
  m.transaction_time = f.time("T");
  m.symbol = f.text("s");
  m.client_id = f.text("c");
  m.order_id = f.integer("i");
  m.trade_id = f.integer("t");
  m.side = f.side("S");
  m.quantity = f.fixed<Quantity>("q");
  m.last_filled = f.fixed<Quantity>("l");
  m.price = f.fixed<Price>("p");
  m.last_price = f.fixed<Price>("L");
  m.maker = f.boolean("m");
  return m;
}

MarginCall margin_call(Report& report, Object object) {
  Fields f(report, object, "MARGIN_CALL");
  MarginCall m;
  m.event_time = f.time("E");
  m.cross_wallet = f.optional_fixed<Money>("cw").value_or(Money{});
  f.rows("p", "MARGIN_CALL.p", [&](Fields& p) {
    MarginCall::Position position;
    position.symbol = p.text("s");
    position.side = p.position_side("ps");
    position.quantity = p.fixed<Quantity>("pa");
    position.margin_mode = p.margin_mode("mt");
    position.isolated_wallet = p.fixed_or_empty<Money>("iw").value_or(Money{});
    position.mark = p.fixed<Price>("mp");
    position.unrealized = p.fixed<Money>("up");
    position.maintenance_margin = p.fixed<Money>("mm");
    m.positions.push_back(std::move(position));
  });
  return m;
}

AccountConfigUpdate account_config_update(Report& report, Object object) {
  Fields f(report, object, "ACCOUNT_CONFIG_UPDATE");
  AccountConfigUpdate m;
  m.event_time = f.time("E");
  m.transaction_time = f.time("T");
  if (f.has("ac")) {
    const Object inner = f.object("ac");
    if (report.failed()) return m;
    Fields ac(report, inner, "ACCOUNT_CONFIG_UPDATE.ac");
    m.symbol = ac.text("s");
    m.leverage = ac.small_integer("l");
  } else if (f.has("ai")) {
    const Object inner = f.object("ai");
    if (report.failed()) return m;
    m.multi_assets = Fields(report, inner, "ACCOUNT_CONFIG_UPDATE.ai").boolean("j");
  } else {
    f.wrong("ac", "an object, or one in 'ai'");
  }
  return m;
}

AlgoUpdate algo_update(Report& report, Object object) {
  Fields f(report, object, "ALGO_UPDATE");
  AlgoUpdate m;
  m.event_time = f.time("E");
  m.transaction_time = f.time("T");
  const Object inner = f.object("o");
  if (report.failed()) return m;
  Fields o(report, inner, "ALGO_UPDATE.o");
  m.symbol = o.text("s");
  m.client_id = o.text("caid");
  m.algo_id = o.integer("aid");
  m.order_id = o.integer_or_text("ai").value_or(0);
  m.side = o.side("S");
  m.position_side = o.position_side("ps");
  m.type = o.type("o");
  m.time_in_force = o.time_in_force("f");
  m.status = o.algo_status("X");
  m.working_type = o.working_type("wt");
  m.quantity = o.fixed_or_empty<Quantity>("q").value_or(Quantity{});
  m.actual_quantity = o.optional_fixed<Quantity>("aq").value_or(Quantity{});
  m.trigger_price = o.fixed<Price>("tp");
  m.price = o.optional_fixed<Price>("p").value_or(Price{});
  m.actual_price = o.optional_fixed<Price>("ap").value_or(Price{});
  m.reduce_only = o.boolean("R");
  m.close_position = o.boolean("cp");
  m.trigger_time = o.optional_time("tt").value_or(base::Timestamp{});
  m.reject_message = o.text_or_empty("rm");
  m.trailing_active = o.optional_boolean("ia").value_or(false);
  return m;
}

ConditionalOrderReject conditional_reject(Report& report, Object object) {
  Fields f(report, object, "CONDITIONAL_ORDER_TRIGGER_REJECT");
  ConditionalOrderReject m;
  m.event_time = f.time("E");
  const Object inner = f.object("or");
  if (report.failed()) return m;
  Fields o(report, inner, "CONDITIONAL_ORDER_TRIGGER_REJECT.or");
  m.symbol = o.text("s");
  m.order_id = o.integer("i");
  m.reason = o.text("r");
  return m;
}

UserMessage parse_event(Report& report, Object object, std::string_view kind) {
  if (kind == "ORDER_TRADE_UPDATE") return order_trade_update(report, object);
  if (kind == "ACCOUNT_UPDATE") return account_update(report, object);
  if (kind == "TRADE_LITE") return trade_lite(report, object);
  if (kind == "MARGIN_CALL") return margin_call(report, object);
  if (kind == "ACCOUNT_CONFIG_UPDATE") return account_config_update(report, object);
  if (kind == "ALGO_UPDATE") return algo_update(report, object);
  if (kind == "CONDITIONAL_ORDER_TRIGGER_REJECT") return conditional_reject(report, object);
  if (kind == "listenKeyExpired") {
    Fields f(report, object, "listenKeyExpired");
    return ListenKeyExpired{f.time("E"), f.text_or_empty("listenKey")};
  }
  return OtherUser{std::string(kind)};
}

}  // namespace

base::Result<UserMessage> parse_user(std::string_view text) {
  QT_TRY(const json::Element root, json::parse(text, "user message"));
  std::string_view stream;
  QT_TRY(const Object object, json::as_object(json::unwrap(root, stream), "user message"));
  std::string_view kind;
  Report report;
  if (object.at_key("e").get_string().get(kind)) {
    if (auto reply = json::control_reply(object)) return UserMessage(*std::move(reply));
    Fields(report, object, "user message").wrong("e", "a string naming the event");
    return report.error();
  }
  UserMessage message = parse_event(report, object, kind);
  if (report.failed()) return report.error();
  return message;
}

}  // namespace qtrader::binance
