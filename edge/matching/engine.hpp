// Engine: the exchange behind the Exchange pimpl: markets, accounts, deadlines and the event queue, and what joins
// them.
//
// In the flow: exchange.cpp forwards every call here; the parts are in engine_*.cpp by duty (checks, orders, matching,
// market, algo, settings, liquidation, views). One call is one operation: it changes books and accounts, queues its
// consequences (positions that went, prices that trigger, margins to check), and finish() works these off before the
// call returns. Nothing here reads a clock or knows a wire format.
#pragma once

#include <set>
#include <tuple>

#include "core/base/rng.hpp"
#include "edge/matching/account.hpp"

namespace qtrader::matching {

using Verdict = std::optional<Refusal>;

/// Conditional orders that fire when a price passes their trigger, by trigger and age.
struct TriggerIndex {
  struct Entry {
    std::int64_t price;
    std::int64_t id;
    AccountId account;
    auto operator<=>(const Entry&) const = default;
  };
  std::set<Entry> rising, falling;  // fire at ≥ and at ≤
};

struct Market {
  SymbolId symbol;
  ContractRules rules;
  SymbolStatus status = SymbolStatus::Trading;
  Book book;
  MarkView mark;
  Price last;
  std::int64_t last_trade_id = 0;
  std::vector<AccountId> holders;  // with a position, rising
  TriggerIndex triggers[2];        // by WorkingType
  std::set<std::pair<AccountId, std::int64_t>> trailing;
  Timestamp adl_ranked;
  bool ranked = false;
};

/// An order being judged: resolved price, cut quantity and the places it concerns.
struct Draft {
  Account& account;
  Holding& holding;
  Market& market;
  const domain::Instrument& instrument;
  NewOrder order;
  bool closes = false;
  bool close_position = false;
  bool exempt_from_minimum = false;
  const Algo* origin = nullptr;
};

/// Which margin a liquidation is about.
struct LiquidationScope {
  AccountId account;
  SymbolId symbol;                        // isolated or forced
  PositionSide row = PositionSide::Both;  // isolated
  bool cross = true;
  bool forced = false;  // by fault injection: one symbol, margin or no margin
};

struct Engine {
  struct Gone {
    AccountId account;
    SymbolId symbol;
    PositionSide row;
    bool was_long;
  };

  Engine(ExchangeConfig config, domain::InstrumentTable table, std::vector<ContractRules> rules);

  // Time and market (engine_market.cpp).
  void advance_to(Timestamp to);
  void on(const MarketTick& tick);
  void on_book(const BookSnapshotTick& tick);
  void on_book(const BookDeltaTick& tick);
  void on_trade(const TradeTick& tick);
  void on_mark(const MarkTick& tick);
  void on_funding(const FundingTick& tick);
  void settle_funding(Account& account, Market& market, const FundingTick& tick, Price price);
  void fill_crossed(Market& market);
  void fill_by_print(Market& market, Level& level, Quantity& left, const TradeTick& tick);
  void set_status(SymbolId symbol, SymbolStatus status);
  void settle_positions(Market& market);
  base::Result<void> set_rules(SymbolId symbol, domain::Instrument instrument, ContractRules rules);

  // Deadlines (engine.cpp).
  enum class TimerKind : std::uint8_t { OrderExpiry, AlgoExpiry, Countdown, Trigger, LiquidationRound };
  struct Timer {
    TimerKind kind = TimerKind::OrderExpiry;
    AccountId account;
    SymbolId symbol;
    std::int64_t id = 0;
    LiquidationScope scope;
  };
  std::uint64_t schedule(Timestamp at, Timer timer);
  /// At a date of milliseconds; one beyond the range of Timestamp (year 2262) is that range's end.
  std::uint64_t schedule_expiry(std::int64_t ms, Timer timer);
  void unschedule(std::uint64_t& seq);
  void run_due(Timestamp until);
  void run(const Timer& timer);
  std::optional<Timestamp> next_deadline() const;

  // The end of every operation (engine.cpp).
  void finish();
  void publish_books();
  void trim(Account& account);

  // Checks (engine_checks.cpp). Each returns the first refusal in Binance's order.
  Verdict judge(Draft& draft);
  Verdict check_symbol(SymbolId symbol, const Account& account) const;
  Verdict check_sides(const Draft& draft) const;
  Verdict check_client_id(const Account& account, const std::string& id) const;
  Verdict check_numbers(Draft& draft) const;
  Verdict check_quantity(const Market& market, Quantity quantity, bool is_market) const;
  Verdict check_price(const Market& market, Price price) const;
  Price highest_price(const Market& market) const;
  Verdict check_percent_price(const Market& market, Side side, Price price) const;
  Verdict check_notional(const Draft& draft, Price price, int code) const;
  Verdict check_reduction(Draft& draft) const;
  Verdict check_margin(const Draft& draft) const;
  Verdict check_book(const Draft& draft) const;
  Verdict resolve_price_match(Draft& draft) const;
  Price assumed_price(const Draft& draft) const;
  /// How far a MARKET order may take; 0: no reference price is known.
  Price market_limit(const Market& market, Side side) const;
  Quantity takeable(const Draft& draft, Price limit) const;
  Price reference_price(const Market& market) const;
  bool may_close_only(const Account& account, const NewOrder& order) const;

  // Orders (engine_orders.cpp).
  Draft draft_of(Account& account, const NewOrder& order);
  Outcome<OrderView> place(AccountId account, const NewOrder& order);
  Outcome<Done> test(AccountId account, const NewOrder& order);
  Outcome<OrderView> amend(AccountId account, const AmendOrder& amend);
  Outcome<OrderView> cancel(AccountId account, const OrderRef& ref);
  Outcome<Done> cancel_all(AccountId account, SymbolId symbol);
  Outcome<Done> set_countdown(AccountId account, SymbolId symbol, std::int64_t countdown_ms);
  Order& create_order(const Draft& draft);
  /// Makes room for a closing order, matches it, then rests or expires what is left.
  void start(Order& order);
  void execute(Order& order, Price limit);
  void rest_or_expire(Order& order);
  struct ClosingSide {
    Side side;
    PositionSide row;
  };
  /// Ends the oldest closing orders until the rest cannot close more than the position; `keep` is never ended.
  void shrink_closers(Account& account, Holding& holding, ClosingSide which, const Order* keep = nullptr);
  /// Ends an open order: out of the book and the sums, with its event; the record moves to the history.
  void end(Order& order, OrderStatus status, ExpiryReason reason);
  void cancel_open(Account& account, SymbolId symbol, OrderStatus status, ExpiryReason reason);
  void close_record(Order& order);
  void reserve(Order& order);
  void release(Order& order);
  void set_reserved(Order& order, Money amount);
  Order* find_open(Account& account, const OrderRef& ref);
  Verdict check_amend(Account& account, const Order& order, const AmendOrder& amend);
  void apply_amend(Order& order, const AmendOrder& amend);
  std::string generate_client_id(const Account& account);

  // Matching (engine_match.cpp).
  struct FillTerms {
    Price price;
    Quantity quantity;
    bool maker = false;
    std::int64_t trade_id = 0;
  };
  void match(Order& taker, Price limit);
  bool take_step(Market& market, Level& level, Order& taker);
  bool prevent_self_trade(Order& taker, Order& maker);
  void end_in_level(Order& order, OrderStatus status, ExpiryReason reason);
  bool same_owner(const Order& a, const Order& b) const;
  Quantity closable(const Order& order) const;
  void fill(Order& order, const FillTerms& terms);
  void fill_resting(Order& maker, Quantity quantity, std::int64_t trade_id);
  std::int64_t print(Market& market, Price price, Quantity quantity, Side taker);
  void after_booking(Account& account, Holding& holding, PositionSide row, Quantity before);
  void record_income(Account& account, IncomeView income);
  void record_fill(Account& account, const Order& order, const FillTerms& terms, const UserTrade& trade);

  // Conditional orders (engine_algo.cpp).
  Outcome<AlgoView> place_algo(AccountId account, const NewAlgoOrder& order);
  Outcome<AlgoView> cancel_algo(AccountId account, std::int64_t id, const std::string& client_id);
  Outcome<Done> cancel_all_algo(AccountId account, SymbolId symbol);
  Verdict check_algo(Account& account, NewAlgoOrder& order);
  Verdict check_algo_shape(const Account& account, const NewAlgoOrder& order) const;
  Verdict check_trigger_price(const Market& market, Price price) const;
  Verdict check_algo_numbers(const Market& market, const NewAlgoOrder& order) const;
  Verdict check_algo_trigger(const Market& market, const NewAlgoOrder& order) const;
  Price working_price(const Market& market, WorkingType type) const;
  void index_algo(Algo& algo, bool insert);
  void check_triggers(Market& market, WorkingType type, Price price);
  void check_trailing(Market& market, WorkingType type, Price price);
  bool protected_now(const Market& market, const Algo& algo) const;
  void begin_trigger(Algo& algo);
  void complete_trigger(Algo& algo);
  NewOrder order_of(const Algo& algo, const Account& account) const;
  void end_algo(Algo& algo, AlgoStatus status, const std::string& message);
  void finish_algo(const Order& order);
  void end_algos(Account& account, SymbolId symbol, AlgoStatus status);
  void expire_position_algos(const Gone& position);

  // Settings (engine_settings.cpp).
  Outcome<LeverageView> set_leverage(AccountId account, SymbolId symbol, std::int32_t leverage);
  Outcome<Done> set_margin_mode(AccountId account, SymbolId symbol, MarginMode mode);
  Outcome<Done> set_hedge_mode(AccountId account, bool hedge);
  Outcome<Done> adjust_margin(AccountId account, SymbolId symbol, PositionSide side, Money amount, bool add);
  AccountId open_account(const AccountSpec& spec);
  void deposit(AccountId account, Money amount);
  void seed_position(AccountId account, SymbolId symbol, const Booking& seed, MarginMode mode);

  // Liquidation (engine_liquidation.cpp).
  void check_margins(Account& account, SymbolId symbol);
  struct Strain {
    Money maintenance, balance;
  };
  void call_margin(Account& account, bool& called, Strain strain, std::vector<PositionView> positions);
  bool sound(const LiquidationScope& scope) const;
  void start_liquidation(const LiquidationScope& scope);
  void liquidation_round(const LiquidationScope& scope);
  void end_liquidation(const LiquidationScope& scope);
  void set_liquidating(const LiquidationScope& scope, bool on);
  struct Target {
    SymbolId symbol;
    PositionSide row = PositionSide::Both;
  };
  std::optional<Target> largest_position(const LiquidationScope& scope) const;
  void liquidate(const LiquidationScope& scope, Target target);
  Quantity round_size(const Holding& holding, const Position& position, const LiquidationScope& scope) const;
  Price bankruptcy(const Account& account, const Holding& holding, PositionSide row) const;
  struct Forced {
    Account& account;
    SymbolId symbol;
    PositionSide row;
    Quantity quantity;
    Price price;
  };
  Order& create_forced(const Forced& forced, const std::string& client_id);
  /// The position's remainder at the bankruptcy price: the insurance fund while it can, then opposite holders.
  void take_over(Order& order, Price price);
  void deleverage(Order& order, Price price);
  void remember_forced(const Order& order);
  void insurance_transfer(Account& account, SymbolId symbol, Money amount);
  void force_liquidation(AccountId account, SymbolId symbol);
  struct Ranked {
    double score = 0;
    AccountId account;
    PositionSide row = PositionSide::Both;
  };
  std::vector<Ranked> ranked_holders(const Market& market, bool longs) const;
  void refresh_adl(Market& market);

  // Views (engine_views.cpp).
  PositionView position_view(const Account& account, SymbolId symbol, PositionSide row) const;
  std::vector<PositionView> position_views(const Account& account, SymbolId symbol) const;
  std::vector<PositionView> held_views(const Account& account, SymbolId symbol) const;  // rows with a position
  AccountView account_view(const Account& account) const;

  // Events (engine.cpp).
  template <class Event>
  void emit(Event event) {
    events.emplace_back(std::move(event));
  }
  void emit_order(const Order& order, ExecutionType execution, ExpiryReason reason);
  void emit_account(Account& account, AccountUpdateReason reason, Money change, std::vector<PositionView> positions);
  void emit_algo(Algo& algo);

  Account& account_of(AccountId id);
  const Account& account_of(AccountId id) const;
  Market& market_of(SymbolId id) { return markets[id.value]; }
  const Market& market_of(SymbolId id) const { return markets[id.value]; }
  const domain::Instrument& instrument(SymbolId id) const { return table[id]; }
  Holding& holding_of(Account& account, SymbolId symbol);
  bool known(SymbolId symbol) const { return symbol.value < markets.size(); }

  struct Printed {
    SymbolId symbol;
    Price price;
  };

  ExchangeConfig config;
  domain::InstrumentTable table;
  std::vector<Market> markets;
  std::vector<std::unique_ptr<Account>> accounts;
  Money insurance;
  base::Rng rng;
  Timestamp now;
  std::map<std::pair<std::int64_t, std::uint64_t>, Timer> timers;
  std::map<std::uint64_t, std::int64_t> timer_times;
  std::uint64_t timer_seq = 0;
  // A range of their own for algo orders: clients keep orders of both kinds in one table by id. Both exact as doubles.
  static constexpr std::int64_t kFirstAlgoId = 1'000'000'000'000;
  std::int64_t order_id = 0, algo_id = kFirstAlgoId - 1, transaction_id = 0, amendment_id = 0, forced_id = 0;
  std::vector<ExchangeEvent> events;

  // Consequences of the running operation.
  std::vector<std::tuple<AccountId, SymbolId>> reduced;  // closers may exceed the position
  std::vector<Gone> gone;
  std::vector<Printed> prints;
  std::vector<std::tuple<AccountId, SymbolId>> margins;  // to check
  std::vector<AccountId> to_trim;
  std::vector<SymbolId> dirty_books;
};

/// Whether a fixed-point number has at most this many decimals.
bool within_precision(std::int64_t raw, std::int32_t decimals);
/// A refusal with Binance's exact text.
Refusal refuse(int code);
Refusal refuse(int code, const std::string& message);

}  // namespace qtrader::matching
