// Exchange: a USD-M futures exchange as a deterministic state machine: price-time order books, conditional orders,
// accounts, margin, funding, liquidation, insurance and auto-deleveraging.
//
// In the flow: market ticks (edge/playback, or a live feed in paper mode) and client requests go in; outcomes come back
// at once and events are taken with take_events(). Two doors stand before it: simvenue::BookVenue in process, and the
// Binance-shaped server (edge/exchange). It never reads a clock (time comes with advance_to and ticks), knows no
// sockets, wire formats, keys or rate limits, and draws randomness only from its seed. Rules: Binance USD-M
// documentation; where it is silent the pessimistic choice is taken and said at the function.
#pragma once

#include <memory>

#include "core/base/result.hpp"
#include "edge/matching/events.hpp"

namespace qtrader::matching {

struct ExchangeConfig {
  std::uint64_t seed = 1;  // of generated client ids
  Money insurance_fund = Money::from_int(1'000'000);
  std::size_t history_limit = 10'000;  // closed orders, trades and incomes kept for each account
  std::int32_t max_algo_orders = 200;  // open conditional orders an account
  std::int64_t trigger_delay_ms = 10;  // TRIGGERING → TRIGGERED of a conditional order
};

struct AccountSpec {
  Money balance = Money::from_int(10'000);
  bool hedge_mode = false;
  std::int64_t trade_group = -1;  // self-trade prevention across accounts of one group; −1: none
};

struct TimeRange {
  std::optional<Timestamp> from, to;  // both inclusive
  std::int64_t from_id = 0;           // at least this id
  std::size_t limit = 500;
};

class Exchange {
 public:
  /// rules has one entry for each instrument. Errors: InvalidArgument naming the symbol and field.
  static base::Result<std::unique_ptr<Exchange>> create(ExchangeConfig config, domain::InstrumentTable instruments,
                                                        std::vector<ContractRules> rules);
  ~Exchange();

  // Time and market. Time never decreases; an earlier tick is taken as happening now.
  void advance_to(Timestamp now);  // GTD, countdowns, triggers, liquidation rounds that are due
  Timestamp now() const;
  std::optional<Timestamp> next_deadline() const;  // when advance_to would do something by itself
  void on(const MarketTick& tick);
  void set_status(SymbolId symbol, SymbolStatus status);
  base::Result<void> set_rules(SymbolId symbol, domain::Instrument instrument, ContractRules rules);  // filter change
  void force_liquidation(AccountId account, SymbolId symbol);                                         // fault injection

  // Accounts.
  AccountId open_account(const AccountSpec& spec);
  void deposit(AccountId account, Money amount);
  /// Puts a position on a fresh account as if it had been filled at entry without a fee: recovery of a paper venue.
  void seed_position(AccountId account, SymbolId symbol, Quantity amount, Price entry, Leverage leverage,
                     MarginMode mode);

  // Requests. Each is judged at now(), wholly done or refused.
  Outcome<OrderView> place(AccountId account, const NewOrder& order);
  Outcome<Done> test(AccountId account, const NewOrder& order);  // place's checks, nothing placed
  Outcome<OrderView> amend(AccountId account, const AmendOrder& amend);
  Outcome<OrderView> cancel(AccountId account, const OrderRef& ref);
  Outcome<Done> cancel_all(AccountId account, SymbolId symbol);
  /// Cancels the account's open orders of the symbol after countdown_ms without another call; 0 stops the countdown.
  Outcome<Done> set_countdown(AccountId account, SymbolId symbol, std::int64_t countdown_ms);
  Outcome<AlgoView> place_algo(AccountId account, const NewAlgoOrder& order);
  Outcome<AlgoView> cancel_algo(AccountId account, std::int64_t id, const std::string& client_id);
  Outcome<Done> cancel_all_algo(AccountId account, SymbolId symbol);
  Outcome<LeverageView> set_leverage(AccountId account, SymbolId symbol, std::int32_t leverage);
  Outcome<Done> set_margin_mode(AccountId account, SymbolId symbol, MarginMode mode);
  Outcome<Done> set_hedge_mode(AccountId account, bool hedge);
  Outcome<Done> adjust_margin(AccountId account, SymbolId symbol, PositionSide side, Money amount, bool add);

  // Views of an account.
  std::optional<OrderView> order(AccountId account, const OrderRef& ref) const;  // open or remembered
  std::vector<OrderView> open_orders(AccountId account, std::optional<SymbolId> symbol) const;
  std::vector<OrderView> orders(AccountId account, std::optional<SymbolId> symbol, const TimeRange& range) const;
  std::optional<AlgoView> algo(AccountId account, std::int64_t id, const std::string& client_id) const;
  std::vector<AlgoView> open_algos(AccountId account, std::optional<SymbolId> symbol) const;
  std::vector<AlgoView> algos(AccountId account, std::optional<SymbolId> symbol, const TimeRange& range) const;
  std::vector<UserTrade> trades(AccountId account, std::optional<SymbolId> symbol, std::int64_t order_id,
                                const TimeRange& range) const;
  std::vector<IncomeView> income(AccountId account, std::optional<SymbolId> symbol, const std::string& type,
                                 const TimeRange& range) const;
  std::vector<AmendmentView> amendments(AccountId account, SymbolId symbol, const TimeRange& range) const;
  std::vector<MarginChange> margin_changes(AccountId account, SymbolId symbol, const TimeRange& range) const;
  std::vector<OrderView> forced_orders(AccountId account, std::optional<SymbolId> symbol, const TimeRange& range) const;
  AccountView account(AccountId account) const;
  /// All rows of the symbol: Both in one-way mode, Long and Short in hedge mode; flat rows too.
  std::vector<PositionView> positions(AccountId account, SymbolId symbol) const;
  /// Rows of every symbol that has a position or an open order.
  std::vector<PositionView> active_positions(AccountId account) const;

  // Views of the market.
  const domain::InstrumentTable& instruments() const;
  const ContractRules& rules(SymbolId symbol) const;
  SymbolStatus status(SymbolId symbol) const;
  BookView book(SymbolId symbol, std::size_t levels) const;
  TopView top(SymbolId symbol) const;
  MarkView mark(SymbolId symbol) const;
  Price last_price(SymbolId symbol) const;  // 0: nothing traded yet
  Money insurance_fund() const;

  /// What happened since the last call, in order. The caller takes them after every call above that changes something;
  /// the queue is otherwise unbounded by design of its use, not by time.
  std::vector<ExchangeEvent> take_events();

 private:
  struct Impl;
  explicit Exchange(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qtrader::matching
