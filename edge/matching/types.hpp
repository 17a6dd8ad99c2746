// Vocabulary of the matching room: what a client may ask of the exchange and what it may be shown. Terms and values are
// Binance USD-M's (as of October 2026). Plain values; nothing here decides anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/check.hpp"
#include "core/base/reflect.hpp"
#include "core/base/time.hpp"
#include "core/domain/instrument.hpp"
#include "core/domain/order.hpp"

namespace qtrader::matching {

using base::Timestamp;
using domain::Leverage;
using domain::MarginMode;
using domain::Money;
using domain::Price;
using domain::Quantity;
using domain::Ratio;
using domain::Side;
using domain::SymbolId;

struct AccountId {
  std::uint32_t value = 0;
  constexpr auto operator<=>(const AccountId&) const = default;
};

enum class OrderType : std::uint8_t {
  Limit,
  Market,
  Stop,
  StopMarket,
  TakeProfit,
  TakeProfitMarket,
  TrailingStopMarket
};
enum class TimeInForce : std::uint8_t { Gtc, Ioc, Fok, Gtx, Gtd, GteGtc };
enum class PositionSide : std::uint8_t { Both, Long, Short };
enum class WorkingType : std::uint8_t { ContractPrice, MarkPrice };
enum class PriceMatch : std::uint8_t {
  None,
  Opponent,
  Opponent5,
  Opponent10,
  Opponent20,
  Queue,
  Queue5,
  Queue10,
  Queue20
};
enum class SelfTradePrevention : std::uint8_t { ExpireTaker, ExpireMaker, ExpireBoth, None };
enum class OrderStatus : std::uint8_t { New, PartiallyFilled, Filled, Canceled, Rejected, Expired, ExpiredInMatch };
enum class ExecutionType : std::uint8_t { New, Trade, Canceled, Expired, Amendment, Calculated };
/// Binance's `er` numbers.
enum class ExpiryReason : std::uint8_t {
  None = 0,
  SelfTrade = 1,
  IocRemainder = 2,
  IocSelfTrade = 3,
  ReduceOnly = 4,
  Liquidated = 5,
  GteCondition = 6,
  Delisted = 7,
  ParentExpired = 8,
  MarketRemainder = 9,
  Fok = 10,
  PostOnly = 11
};
enum class AlgoStatus : std::uint8_t { New, Triggering, Triggered, Finished, Canceled, Expired, Rejected };
enum class SymbolStatus : std::uint8_t { Trading, Halted, CancelOnly, Closed };
enum class AccountUpdateReason : std::uint8_t {
  Order,
  FundingFee,
  MarginTransfer,
  MarginTypeChange,
  InsuranceClear,
  Deposit,
  Withdraw,
  Adjustment
};

constexpr bool is_open(OrderStatus s) { return s == OrderStatus::New || s == OrderStatus::PartiallyFilled; }
constexpr bool is_open(AlgoStatus s) { return s == AlgoStatus::New || s == AlgoStatus::Triggering; }

/// A request the exchange refuses: Binance's error code and its message. Nothing was changed.
struct Refusal {
  int code = 0;
  std::string message;
};

/// A value or a Refusal.
template <class T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : state_(std::in_place_index<0>, std::move(value)) {}            // NOLINT: implicit by design
  Outcome(Refusal refusal) : state_(std::in_place_index<1>, std::move(refusal)) {}  // NOLINT
  explicit operator bool() const { return state_.index() == 0; }
  const T& operator*() const { return get(); }
  const T* operator->() const { return &get(); }
  const Refusal& refusal() const {
    QT_CHECK(state_.index() == 1, "Outcome holds a value");
    return std::get<1>(state_);
  }

 private:
  const T& get() const {
    QT_CHECK(state_.index() == 0, "Outcome holds a refusal");
    return std::get<0>(state_);
  }
  std::variant<T, Refusal> state_;
};
struct Done {};

/// Filters of one contract beyond domain::Instrument. Zero disables a limit.
struct ContractRules {
  Price min_price, max_price;
  Ratio price_up = Ratio::from_raw(105'000'000), price_down = Ratio::from_raw(95'000'000);  // PERCENT_PRICE of mark
  Ratio market_take_bound = Ratio::from_raw(5'000'000);  // how far from mark a MARKET order may take
  Ratio trigger_protect = Ratio::from_raw(5'000'000);
  Ratio liquidation_fee = Ratio::from_raw(1'250'000);  // of liquidated notional
  std::int32_t max_orders = 200;
  std::int32_t price_precision = 2, quantity_precision = 3;  // decimals
  std::int32_t funding_interval_hours = 8;
};

struct NewOrder {
  SymbolId symbol;
  Side side = Side::Buy;
  PositionSide position_side = PositionSide::Both;
  OrderType type = OrderType::Limit;  // Limit or Market; the rest goes through NewAlgoOrder
  TimeInForce time_in_force = TimeInForce::Gtc;
  Quantity quantity;
  Price price;
  bool reduce_only = false;
  std::string client_id;  // empty: the exchange makes one of 22 characters
  PriceMatch price_match = PriceMatch::None;
  SelfTradePrevention self_trade = SelfTradePrevention::ExpireMaker;
  std::int64_t good_till_ms = 0;
};

struct NewAlgoOrder {
  SymbolId symbol;
  Side side = Side::Buy;
  PositionSide position_side = PositionSide::Both;
  OrderType type = OrderType::StopMarket;  // Stop, StopMarket, TakeProfit, TakeProfitMarket, TrailingStopMarket
  TimeInForce time_in_force = TimeInForce::Gtc;
  Quantity quantity;     // zero with close_position
  Price price;           // Stop, TakeProfit
  Price trigger_price;   // all but TrailingStopMarket
  Price activate_price;  // TrailingStopMarket; 0: at once
  Ratio callback;        // TrailingStopMarket: fraction, 0.001 … 0.2
  WorkingType working = WorkingType::ContractPrice;
  PriceMatch price_match = PriceMatch::None;
  bool close_position = false, price_protect = false, reduce_only = false;
  std::string client_id;
  SelfTradePrevention self_trade = SelfTradePrevention::ExpireMaker;
  std::int64_t good_till_ms = 0;
};

/// By number or by client id; number wins. One of them must be given.
struct OrderRef {
  SymbolId symbol;
  std::int64_t id = 0;
  std::string client_id;
};

struct AmendOrder {
  OrderRef ref;
  Side side = Side::Buy;
  Quantity quantity;
  Price price;
  PriceMatch price_match = PriceMatch::None;
  std::int64_t modify_id = 0;
};

struct OrderView {
  std::int64_t id = 0;
  AccountId account;
  NewOrder request;  // quantity, price, price_match and time_in_force as now in force
  OrderType original_type = OrderType::Limit;
  Price stop_price, activate_price;  // of the algo order it comes from
  Ratio callback;
  WorkingType working = WorkingType::ContractPrice;
  bool close_position = false, price_protect = false;
  OrderStatus status = OrderStatus::New;
  Quantity executed;
  Money executed_quote;
  Price average_price;  // 0 while nothing is filled
  Timestamp created, updated;
  std::int64_t modify_id = 0;
};

struct AlgoView {
  std::int64_t id = 0;
  AccountId account;
  NewAlgoOrder request;
  AlgoStatus status = AlgoStatus::New;
  bool activated = false;                 // trailing only
  Timestamp created, updated, triggered;  // triggered 0: not yet
  std::int64_t order_id = 0;              // of the order it became; 0: none
  Quantity executed;                      // of that order
  Price average_price;
  std::string reject_message;
};

struct UserTrade {
  std::int64_t id = 0, order_id = 0;
  SymbolId symbol;
  Side side = Side::Buy;
  PositionSide position_side = PositionSide::Both;
  Price price;
  Quantity quantity;
  Money quote, realised, commission;
  bool maker = false;
  Timestamp time;
};

struct IncomeView {
  SymbolId symbol;
  bool has_symbol = true;
  std::string type;  // TRANSFER, REALIZED_PNL, FUNDING_FEE, COMMISSION, INSURANCE_CLEAR
  Money amount;
  Timestamp time;
  std::int64_t transaction_id = 0, trade_id = 0;  // trade_id 0: none
};

struct AmendmentView {
  std::int64_t id = 0, order_id = 0, modify_id = 0;
  SymbolId symbol;
  std::string client_id;
  Timestamp time;
  Price price_before, price_after;
  Quantity quantity_before, quantity_after;
  std::int32_t count = 0;
};

struct MarginChange {
  SymbolId symbol;
  PositionSide side = PositionSide::Both;
  bool added = true;
  Money amount;
  Timestamp time;
};

struct PositionView {
  SymbolId symbol;
  PositionSide side = PositionSide::Both;
  Quantity amount;                             // signed
  Price entry, break_even, mark, liquidation;  // liquidation 0: none
  Money unrealised, realised_total, notional, initial_margin, position_initial_margin, order_initial_margin,
      maintenance_margin, isolated_wallet, isolated_margin, bid_notional, ask_notional, max_notional;
  Leverage leverage{20};
  MarginMode mode = MarginMode::Cross;
  std::int32_t adl_quantile = 0;  // 0 … 4
  Timestamp updated;
};

struct AccountView {
  Money wallet, cross_wallet, unrealised, cross_unrealised, margin_balance, available, initial_margin,
      position_initial_margin, order_initial_margin, maintenance_margin, max_withdraw;
  bool hedge_mode = false;
  Timestamp updated;
};

struct LeverageView {
  Leverage leverage;
  Money max_notional;
};

struct BookLevel {
  Price price;
  Quantity quantity;
};
struct BookView {
  std::uint64_t update_id = 0;
  Timestamp time;
  std::vector<BookLevel> bids, asks;  // best first
};
struct TopView {
  BookLevel bid, ask;  // zero price: that side is empty
  std::uint64_t update_id = 0;
  Timestamp time;
};
struct MarkView {
  Price mark, index;   // zero: not known yet
  Ratio funding_rate;  // estimate for the next settlement
  Timestamp next_funding, time;
};

}  // namespace qtrader::matching
