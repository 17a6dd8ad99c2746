// The fault matrix of the trading path: each kind of fault of the wire and the exchange, striking in each state of the
// entry transaction (fund.md 1.1, 7). Whatever goes wrong: one order per intent, one entry, never a position without a
// working stop once the fault is over, and books that equal the exchange's.
#include "tests/exchange/trader_rig.hpp"

namespace qtrader::wire {
namespace {

/// Where in the entry transaction a fault strikes.
enum class State : std::uint8_t { Leverage, Entry, WaitingFill, StopPlacement, StopReplace, Closing };
constexpr std::array kStates = {"Leverage", "Entry", "WaitingFill", "StopPlacement", "StopReplace", "Closing"};

enum class Fault : std::uint8_t {
  DelayBefore,
  DelayAfter,
  DropBefore,
  DropAfter,
  UnknownBefore,
  UnknownAfter,
  Unavailable,
  Throttled,
  Internal,
  Timeout,
  Ban429,
  Ban418,
  StreamDuplicate,
  StreamReorder,
  StreamHold,
  StreamDrop,
  UserDisconnect,
  MarketDisconnect,
  AllDisconnect,
  ListenKeyExpiry,
  Halt,
  Liquidation,
  ClockSkew
};
struct FaultSpec {
  const char* name;
  const char* rule;  // without its match
  bool of_requests, of_messages;
  std::int64_t lasts_ms;  // by the exchange's clock
};
constexpr std::array<FaultSpec, 23> kFaults = {{
    {"DelayBefore", R"("type":"delay","ms":700)", true, false, 800},
    {"DelayAfter", R"("type":"delay","ms":700,"when":"after")", true, false, 800},
    {"DropBefore", R"("type":"drop_before_execution")", true, false, 800},
    {"DropAfter", R"("type":"drop_after_execution")", true, false, 800},
    {"UnknownBefore", R"("type":"respond","kind":"unknown")", true, false, 800},
    {"UnknownAfter", R"("type":"respond","kind":"unknown","when":"after")", true, false, 800},
    {"Unavailable", R"("type":"respond","kind":"unavailable","count":2)", true, false, 1'000},
    {"Throttled", R"("type":"respond","kind":"throttled","count":2)", true, false, 1'000},
    {"Internal", R"("type":"respond","kind":"internal")", true, false, 800},
    {"Timeout", R"("type":"respond","kind":"timeout","when":"after")", true, false, 800},
    {"Ban429", R"("type":"ban","status":429,"seconds":2)", false, false, 3'000},
    {"Ban418", R"("type":"ban","status":418,"seconds":2)", false, false, 3'000},
    {"StreamDuplicate", R"("type":"stream_duplicate","count":3)", false, true, 400},
    {"StreamReorder", R"("type":"stream_reorder","count":2)", false, true, 400},
    {"StreamHold", R"("type":"stream_hold","ms":700,"count":2)", false, true, 1'000},
    {"StreamDrop", R"("type":"stream_drop","count":3)", false, true, 1'000},
    {"UserDisconnect", R"("type":"disconnect","channel":"user")", false, false, 2'000},
    {"MarketDisconnect", R"("type":"disconnect","channel":"market")", false, false, 2'000},
    {"AllDisconnect", R"("type":"disconnect","channel":"all")", false, false, 2'000},
    {"ListenKeyExpiry", R"("type":"listen_key_expire")", false, false, 2'000},
    {"Halt", R"("type":"symbol_status","status":"HALT","match":{"symbol":"BTCUSDT"})", false, false, 2'000},
    {"Liquidation", R"("type":"liquidate","match":{"symbol":"BTCUSDT"})", false, false, 1'000},
    {"ClockSkew", R"("type":"clock_skew","ms":8000)", false, false, 2'000},
}};
const FaultSpec& spec(Fault fault) { return kFaults[static_cast<std::size_t>(fault)]; }

struct Case {
  State state;
  Fault fault;
};

std::string match_of(State state, const FaultSpec& fault) {
  if (fault.of_messages) {
    if (state == State::Leverage) return R"({"event":"ACCOUNT_CONFIG_UPDATE"})";
    const bool stop = state == State::StopPlacement || state == State::StopReplace;
    return stop ? R"({"event":"ALGO_UPDATE"})" : R"({"event":"ORDER_TRADE_UPDATE"})";
  }
  switch (state) {
    case State::Leverage:
      return R"({"method":"POST","path":"/fapi/v1/leverage"})";
    case State::WaitingFill:
      return R"({"method":"DELETE","path":"/fapi/v1/order"})";
    case State::StopPlacement:
    case State::StopReplace:
      return R"({"method":"POST","path":"/fapi/v1/algoOrder"})";
    default:
      return R"({"method":"POST","path":"/fapi/v1/order"})";
  }
}

/// The command with which the state begins.
Turnstile::Wanted beginning_of(State state, const TraderRig& rig) {
  const auto submit = [](auto fits) {
    return [fits](const execution::Command& c) {
      const auto* s = std::get_if<execution::SubmitOrder>(&c);
      return s != nullptr && fits(s->order.get());
    };
  };
  const auto is_stop = [](const domain::Order& o) { return o.purpose == domain::OrderPurpose::ProtectiveStop; };
  switch (state) {
    case State::Leverage:
      return [](const execution::Command& c) { return std::holds_alternative<execution::SetLeverage>(c); };
    case State::Entry:
      return submit([](const domain::Order& o) { return o.purpose == domain::OrderPurpose::Entry; });
    case State::WaitingFill:  // of the resting order: its cancel, when it has waited long enough
      return [&rig](const execution::Command& c) {
        const auto* cancel = std::get_if<execution::CancelOrder>(&c);
        return cancel != nullptr && rig.entries().contains(cancel->order.value);
      };
    case State::StopPlacement:
      return submit(is_stop);
    case State::StopReplace:
      return submit([is_stop](const domain::Order& o) {
        return is_stop(o) && o.trigger_price > domain::Price::from_double(kPrice);  // breakeven
      });
    case State::Closing:
      return submit([](const domain::Order& o) { return o.purpose == domain::OrderPurpose::Exit; });
  }
  return {};
}

void strike(TraderRig& rig, const Case& c) {
  const FaultSpec& fault = spec(c.fault);
  std::string rule = std::string("{") + fault.rule;
  if (fault.of_requests || fault.of_messages) rule += R"(,"match":)" + match_of(c.state, fault);
  rig.trouble_until(rig.now() + base::milliseconds(fault.lasts_ms));
  try {
    rig.control("POST", "/control/faults", rule + "}");
  } catch (const std::exception& e) {
    if (c.fault != Fault::Liquidation) throw;  // nothing to liquidate yet
  }
}

void lift(TraderRig& rig, Fault fault) {
  rig.control("DELETE", "/control/faults");
  if (fault == Fault::Halt)
    rig.control("POST", "/control/faults",
                R"({"type":"symbol_status","status":"TRADING","match":{"symbol":"BTCUSDT"}})");
}

void close_all(TraderRig& rig) {
  rig.world().on_operator({domain::OperatorAction::CloseAll, std::nullopt, "test", "the end"});
}

/// Everything the exchange ever saw of us: one order per client id, and no more bought than once planned.
void expect_one_order_per_intent(TraderRig& rig) {
  std::map<std::string, int> ids;
  std::map<std::uint64_t, double> bought;  // by trade
  for (const auto& o : rig.ask_exchange("/fapi/v1/allOrders")) {
    const std::string id = o.at("clientOrderId").as_string().c_str();
    const auto ours = execution::parse_wire_id(rig.identity(), id);
    if (!ours) continue;  // a liquidation; or what a conditional order became
    ++ids[id];
    if (!o.at("reduceOnly").as_bool())
      bought[ours->trade().value] += std::stod(o.at("executedQty").as_string().c_str());
  }
  std::map<std::string, int> algo_ids;
  for (const auto& o : rig.ask_exchange("/fapi/v1/allAlgoOrders")) ++algo_ids[o.at("clientAlgoId").as_string().c_str()];
  for (const auto& [id, count] : ids) EXPECT_EQ(count, 1) << id;
  for (const auto& [id, count] : algo_ids) EXPECT_EQ(count, 1) << id;
  EXPECT_LE(bought.size(), 1u) << "one wish, one entry";
  for (const auto& [trade, quantity] : bought) EXPECT_LE(quantity, rig.planned().to_double() + 1e-9) << trade;
  EXPECT_LE(rig.largest_position(), rig.planned().to_double() + 1e-9);
}

void expect_equal_books(TraderRig& rig) {
  const AtVenue there = rig.venue();
  const auto& ledger = rig.host().core().ledger();
  EXPECT_EQ(ledger.position(kBtc).quantity, domain::Quantity::parse(there.position_text).value());
  EXPECT_EQ(ledger.account().wallet, domain::Money::parse(there.wallet_text).value());
  EXPECT_EQ(rig.host().core().open_trades() == 0, there.position == 0);
}

/// Longest time without cover after what was amiss was over.
double expect_protected(const TraderRig& rig, base::Duration allowed) {
  double longest = 0;
  for (const auto& n : rig.naked()) {
    const base::Timestamp from = std::max(n.from, rig.troubled_until());
    if (n.to > from) longest = std::max(longest, (n.to - from).seconds());
    EXPECT_LE((n.to - n.from).seconds(), 10.0) << "E1, whatever the fault";
  }
  EXPECT_LE(longest, (allowed + kStep).seconds());
  return longest;
}

class FaultMatrix : public ::testing::TestWithParam<Case> {};

TEST_P(FaultMatrix, OneEntryProtectedAndBooksEqual) {
  const Case c = GetParam();
  TraderRig rig({.thin_book = c.state == State::WaitingFill});
  rig.start();
  ASSERT_TRUE(rig.trading_ready());
  rig.turnstile().hold_at(beginning_of(c.state, rig));
  if (c.state == State::Closing) {
    rig.step_to(kDecision + base::seconds(64));
    ASSERT_GT(rig.last_seen().position, 0);
    close_all(rig);
  }
  ASSERT_TRUE(rig.step_until([&] { return rig.turnstile().holding(); }, kDecision + base::seconds(66)))
      << rig.plan() << ", " << rig.entries().size() << " sent, " << rig.last_seen().position << " held";
  strike(rig, c);
  rig.turnstile().let_through();
  rig.step_to(rig.troubled_until());
  lift(rig, c.fault);
  if (spec(c.fault).of_requests) {
    EXPECT_GE(rig.venue().faults_applied, 1u);
  }
  rig.step_to(std::max(kDecision + base::seconds(75), rig.troubled_until() + base::seconds(12)));
  EXPECT_TRUE(rig.trading_ready());
  EXPECT_TRUE(rig.last_seen().covered());
  expect_equal_books(rig);
  if (rig.last_seen().position != 0) {
    close_all(rig);
    rig.step_to(rig.now() + base::seconds(12));
  }
  EXPECT_EQ(rig.venue().position, 0);
  EXPECT_EQ(rig.venue().orders + rig.venue().conditional, 0u) << "nothing is left behind";
  expect_equal_books(rig);
  expect_one_order_per_intent(rig);
  const double longest = expect_protected(rig, base::seconds(1));
  double total = 0;
  for (const auto& n : rig.naked()) total = std::max(total, (n.to - n.from).seconds());
  std::string alerts;
  for (const auto& [rule, count] : rig.all_alerts()) alerts += fmt::format(" {}×{}", rule, count);
  fmt::print("[   matrix ] {}/{}: uncovered {:.1f} s, {:.1f} s after the fault; entry {}{}\n",
             kStates[static_cast<std::size_t>(c.state)], spec(c.fault).name, total, longest, rig.plan(), alerts);
}

std::vector<Case> all_cases() {
  std::vector<Case> out;
  for (std::size_t f = 0; f < kFaults.size(); ++f)
    for (std::size_t s = 0; s < kStates.size(); ++s) out.push_back({static_cast<State>(s), static_cast<Fault>(f)});
  return out;
}
INSTANTIATE_TEST_SUITE_P(All, FaultMatrix, ::testing::ValuesIn(all_cases()), [](const auto& c) {
  return std::string(kStates[static_cast<std::size_t>(c.param.state)]) + "_" + spec(c.param.fault).name;
});

// ---- Death in every state.

struct Death {
  State state;
  bool sent;  // the command that begins the state had left
};
class RestartMatrix : public ::testing::TestWithParam<Death> {};

TEST_P(RestartMatrix, ANewLifeFindsOneEntryAndProtectsIt) {
  const Death d = GetParam();
  TraderRig rig({.thin_book = d.state == State::WaitingFill});
  rig.start();
  rig.turnstile().hold_at(beginning_of(d.state, rig));
  if (d.state == State::Closing) {
    rig.step_to(kDecision + base::seconds(64));
    close_all(rig);
  }
  ASSERT_TRUE(rig.step_until([&] { return rig.turnstile().holding(); }, kDecision + base::seconds(66)))
      << rig.plan() << ", " << rig.entries().size() << " sent, " << rig.last_seen().position << " held";
  if (d.sent) rig.turnstile().let_through();
  rig.crash(d.sent);
  rig.trouble_until(rig.now());
  const double ready = rig.start();
  EXPECT_TRUE(rig.trading_ready());
  rig.step_to(std::max(kDecision + base::seconds(75), rig.now() + base::seconds(14)));
  EXPECT_TRUE(rig.last_seen().covered());
  expect_equal_books(rig);
  if (rig.last_seen().position != 0) {
    close_all(rig);
    rig.step_to(rig.now() + base::seconds(12));
  }
  EXPECT_EQ(rig.venue().position, 0);
  EXPECT_EQ(rig.venue().orders + rig.venue().conditional, 0u);
  expect_equal_books(rig);
  expect_one_order_per_intent(rig);
  const double longest = expect_protected(rig, base::seconds(3));
  std::string alerts;
  for (const auto& [rule, count] : rig.all_alerts()) alerts += fmt::format(" {}×{}", rule, count);
  fmt::print("[  restart ] {}/{}: trading-ready after {:.2f} s, uncovered {:.1f} s{}\n",
             kStates[static_cast<std::size_t>(d.state)], d.sent ? "sent" : "unsent", ready, longest, alerts);
  RecordProperty("ready_s", fmt::format("{:.3f}", ready));
}

std::vector<Death> all_deaths() {
  std::vector<Death> out;
  for (std::size_t s = 0; s < kStates.size(); ++s)
    for (const bool sent : {false, true}) out.push_back({static_cast<State>(s), sent});
  return out;
}
INSTANTIATE_TEST_SUITE_P(All, RestartMatrix, ::testing::ValuesIn(all_deaths()), [](const auto& c) {
  return std::string(kStates[static_cast<std::size_t>(c.param.state)]) + (c.param.sent ? "_Sent" : "_Unsent");
});

}  // namespace
}  // namespace qtrader::wire
