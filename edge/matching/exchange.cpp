#include "edge/matching/exchange.hpp"

#include <algorithm>

#include "edge/matching/engine.hpp"

namespace qtrader::matching {

struct Exchange::Impl : Engine {
  using Engine::Engine;
};

namespace {

/// Binance's way to page: from a given start the first rows, else the latest; always oldest first.
template <class Row, class Rows, class Project, class Match>
std::vector<Row> page(const Rows& rows, const TimeRange& range, const Project& project, const Match& matches) {
  std::vector<Row> out;
  for (const auto& item : rows) {
    const Row& row = project(item);
    if (matches(row)) out.push_back(row);
  }
  if (out.size() <= range.limit) return out;
  const bool from_start = range.from.has_value() || range.from_id > 0;
  if (from_start) {
    out.resize(range.limit);
  } else {
    out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(range.limit));
  }
  return out;
}

bool in_time(const TimeRange& range, Timestamp t) {
  return (!range.from || t >= *range.from) && (!range.to || t <= *range.to);
}

base::Error bad_rules(const domain::Instrument& i, const std::string& what) {
  return {"matching", base::Errc::InvalidArgument, "rules of " + i.symbol + ": " + what};
}

constexpr auto kSame = [](const auto& row) -> const auto& { return row; };

base::Result<void> validate(const domain::Instrument& i, const ContractRules& r) {
  if (r.price_precision < 0 || r.price_precision > 8)
    return bad_rules(i, "price_precision " + std::to_string(r.price_precision) + ", expected 0 to 8");
  if (r.quantity_precision < 0 || r.quantity_precision > 8)
    return bad_rules(i, "quantity_precision " + std::to_string(r.quantity_precision) + ", expected 0 to 8");
  if (r.min_price.is_negative() || (!r.max_price.is_zero() && r.max_price < r.min_price))
    return bad_rules(i, "prices from " + r.min_price.to_string() + " to " + r.max_price.to_string());
  for (const Ratio ratio : {r.price_up, r.price_down, r.market_take_bound, r.trigger_protect, r.liquidation_fee})
    if (ratio.is_negative()) return bad_rules(i, "ratio " + ratio.to_string() + " is negative");
  return {};
}

}  // namespace

Timestamp time_of(const MarketTick& tick) {
  return std::visit([](const auto& t) { return t.time; }, tick);
}
SymbolId symbol_of(const MarketTick& tick) {
  return std::visit([](const auto& t) { return t.symbol; }, tick);
}

base::Result<std::unique_ptr<Exchange>> Exchange::create(ExchangeConfig config, domain::InstrumentTable instruments,
                                                         std::vector<ContractRules> rules) {
  if (rules.size() != instruments.size())
    return base::Error{"matching", base::Errc::InvalidArgument,
                       std::to_string(rules.size()) + " rules for " + std::to_string(instruments.size()) +
                           " instruments: one each expected"};
  for (std::size_t i = 0; i < rules.size(); ++i) QT_TRY_VOID(validate(instruments.all()[i], rules[i]));
  if (config.trigger_delay_ms < 0)
    return base::Error{"matching", base::Errc::InvalidArgument,
                       "trigger_delay_ms " + std::to_string(config.trigger_delay_ms) + " is negative"};
  return std::unique_ptr<Exchange>(
      new Exchange(std::make_unique<Impl>(config, std::move(instruments), std::move(rules))));
}

Exchange::Exchange(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Exchange::~Exchange() = default;

// Time and market.

void Exchange::advance_to(Timestamp now) { impl_->advance_to(now); }
Timestamp Exchange::now() const { return impl_->now; }
std::optional<Timestamp> Exchange::next_deadline() const { return impl_->next_deadline(); }
void Exchange::on(const MarketTick& tick) { impl_->on(tick); }
void Exchange::set_status(SymbolId symbol, SymbolStatus status) { impl_->set_status(symbol, status); }
base::Result<void> Exchange::set_rules(SymbolId symbol, domain::Instrument instrument, ContractRules rules) {
  QT_TRY_VOID(validate(instrument, rules));
  return impl_->set_rules(symbol, std::move(instrument), rules);
}
void Exchange::force_liquidation(AccountId account, SymbolId symbol) { impl_->force_liquidation(account, symbol); }

// Accounts.

AccountId Exchange::open_account(const AccountSpec& spec) { return impl_->open_account(spec); }
void Exchange::deposit(AccountId account, Money amount) { impl_->deposit(account, amount); }
void Exchange::seed_position(AccountId account, SymbolId symbol, Quantity amount, Price entry, Leverage leverage,
                             MarginMode mode) {
  if (amount.is_zero()) return;
  impl_->holding_of(impl_->account_of(account), symbol).leverage = leverage;
  Booking seed;
  seed.symbol = symbol;
  seed.side = amount.is_positive() ? Side::Buy : Side::Sell;
  seed.quantity = amount.abs();
  seed.price = entry;
  impl_->seed_position(account, symbol, seed, mode);
}

// Requests. A zero trigger delay makes triggers due at once; hence run_due after each.

Outcome<OrderView> Exchange::place(AccountId account, const NewOrder& order) {
  auto out = impl_->place(account, order);
  impl_->run_due(impl_->now);
  return out;
}
Outcome<Done> Exchange::test(AccountId account, const NewOrder& order) { return impl_->test(account, order); }
Outcome<OrderView> Exchange::amend(AccountId account, const AmendOrder& amend) {
  auto out = impl_->amend(account, amend);
  impl_->run_due(impl_->now);
  return out;
}
Outcome<OrderView> Exchange::cancel(AccountId account, const OrderRef& ref) { return impl_->cancel(account, ref); }
Outcome<Done> Exchange::cancel_all(AccountId account, SymbolId symbol) { return impl_->cancel_all(account, symbol); }
Outcome<Done> Exchange::set_countdown(AccountId account, SymbolId symbol, std::int64_t countdown_ms) {
  return impl_->set_countdown(account, symbol, countdown_ms);
}
Outcome<AlgoView> Exchange::place_algo(AccountId account, const NewAlgoOrder& order) {
  return impl_->place_algo(account, order);
}
Outcome<AlgoView> Exchange::cancel_algo(AccountId account, std::int64_t id, const std::string& client_id) {
  return impl_->cancel_algo(account, id, client_id);
}
Outcome<Done> Exchange::cancel_all_algo(AccountId account, SymbolId symbol) {
  return impl_->cancel_all_algo(account, symbol);
}
Outcome<LeverageView> Exchange::set_leverage(AccountId account, SymbolId symbol, std::int32_t leverage) {
  return impl_->set_leverage(account, symbol, leverage);
}
Outcome<Done> Exchange::set_margin_mode(AccountId account, SymbolId symbol, MarginMode mode) {
  return impl_->set_margin_mode(account, symbol, mode);
}
Outcome<Done> Exchange::set_hedge_mode(AccountId account, bool hedge) { return impl_->set_hedge_mode(account, hedge); }
Outcome<Done> Exchange::adjust_margin(AccountId account, SymbolId symbol, PositionSide side, Money amount, bool add) {
  return impl_->adjust_margin(account, symbol, side, amount, add);
}

// Views of an account.

std::optional<OrderView> Exchange::order(AccountId id, const OrderRef& ref) const {
  const Account& account = impl_->account_of(id);
  const auto of_symbol = [&](const Order& o) { return o.view.request.symbol == ref.symbol; };
  if (ref.id != 0) {
    for (const auto* list : {&account.open, &account.closed})
      if (const auto it = list->find(ref.id); it != list->end() && of_symbol(it->second)) return it->second.view;
    return std::nullopt;
  }
  if (const auto it = account.by_client.find(ref.client_id); it != account.by_client.end() && of_symbol(*it->second))
    return it->second->view;
  for (auto it = account.closed.rbegin(); it != account.closed.rend(); ++it)
    if (it->second.view.request.client_id == ref.client_id && of_symbol(it->second)) return it->second.view;
  return std::nullopt;
}

std::vector<OrderView> Exchange::open_orders(AccountId id, std::optional<SymbolId> symbol) const {
  std::vector<OrderView> out;
  for (const auto& [key, o] : impl_->account_of(id).open)
    if (!symbol || o.view.request.symbol == *symbol) out.push_back(o.view);
  return out;
}

std::vector<OrderView> Exchange::orders(AccountId id, std::optional<SymbolId> symbol, const TimeRange& range) const {
  const Account& account = impl_->account_of(id);
  std::vector<const OrderView*> all;
  for (const auto* list : {&account.closed, &account.open})
    for (auto it = list->lower_bound(range.from_id); it != list->end(); ++it) all.push_back(&it->second.view);
  std::sort(all.begin(), all.end(), [](const OrderView* a, const OrderView* b) { return a->id < b->id; });
  return page<OrderView>(
      all, range, [](const OrderView* v) -> const OrderView& { return *v; },
      [&](const OrderView& v) { return (!symbol || v.request.symbol == *symbol) && in_time(range, v.created); });
}

std::optional<AlgoView> Exchange::algo(AccountId id, std::int64_t number, const std::string& client_id) const {
  const Account& account = impl_->account_of(id);
  for (const auto* list : {&account.algos, &account.old_algos})
    for (auto it = list->rbegin(); it != list->rend(); ++it)
      if (number != 0 ? it->first == number : it->second.view.request.client_id == client_id) return it->second.view;
  return std::nullopt;
}

std::vector<AlgoView> Exchange::open_algos(AccountId id, std::optional<SymbolId> symbol) const {
  std::vector<AlgoView> out;
  for (const auto& [key, a] : impl_->account_of(id).algos)
    if (!symbol || a.view.request.symbol == *symbol) out.push_back(a.view);
  return out;
}

std::vector<AlgoView> Exchange::algos(AccountId id, std::optional<SymbolId> symbol, const TimeRange& range) const {
  const Account& account = impl_->account_of(id);
  std::vector<const AlgoView*> all;
  for (const auto* list : {&account.old_algos, &account.algos})
    for (auto it = list->lower_bound(range.from_id); it != list->end(); ++it) all.push_back(&it->second.view);
  std::sort(all.begin(), all.end(), [](const AlgoView* a, const AlgoView* b) { return a->id < b->id; });
  return page<AlgoView>(
      all, range, [](const AlgoView* v) -> const AlgoView& { return *v; },
      [&](const AlgoView& v) { return (!symbol || v.request.symbol == *symbol) && in_time(range, v.created); });
}

std::vector<UserTrade> Exchange::trades(AccountId id, std::optional<SymbolId> symbol, std::int64_t order_id,
                                        const TimeRange& range) const {
  return page<UserTrade>(impl_->account_of(id).trades, range, kSame, [&](const UserTrade& t) {
    return (!symbol || t.symbol == *symbol) && (order_id == 0 || t.order_id == order_id) && t.id >= range.from_id &&
           in_time(range, t.time);
  });
}

std::vector<IncomeView> Exchange::income(AccountId id, std::optional<SymbolId> symbol, const std::string& type,
                                         const TimeRange& range) const {
  return page<IncomeView>(impl_->account_of(id).incomes, range, kSame, [&](const IncomeView& i) {
    return (!symbol || (i.has_symbol && i.symbol == *symbol)) && (type.empty() || i.type == type) &&
           i.transaction_id >= range.from_id && in_time(range, i.time);
  });
}

std::vector<AmendmentView> Exchange::amendments(AccountId id, SymbolId symbol, const TimeRange& range) const {
  return page<AmendmentView>(impl_->account_of(id).amendments, range, kSame, [&](const AmendmentView& a) {
    return a.symbol == symbol && a.id >= range.from_id && in_time(range, a.time);
  });
}

std::vector<MarginChange> Exchange::margin_changes(AccountId id, SymbolId symbol, const TimeRange& range) const {
  return page<MarginChange>(impl_->account_of(id).margin_changes, range, kSame,
                            [&](const MarginChange& m) { return m.symbol == symbol && in_time(range, m.time); });
}

std::vector<OrderView> Exchange::forced_orders(AccountId id, std::optional<SymbolId> symbol,
                                               const TimeRange& range) const {
  return page<OrderView>(impl_->account_of(id).forced, range, kSame, [&](const OrderView& o) {
    return (!symbol || o.request.symbol == *symbol) && o.id >= range.from_id && in_time(range, o.created);
  });
}

AccountView Exchange::account(AccountId id) const { return impl_->account_view(impl_->account_of(id)); }
std::vector<PositionView> Exchange::positions(AccountId id, SymbolId symbol) const {
  return impl_->position_views(impl_->account_of(id), symbol);
}
std::vector<PositionView> Exchange::active_positions(AccountId id) const {
  const Account& account = impl_->account_of(id);
  std::vector<PositionView> out;
  for (const SymbolId symbol : account.active)
    for (auto& v : impl_->position_views(account, symbol)) out.push_back(std::move(v));
  return out;
}

// Views of the market.

const domain::InstrumentTable& Exchange::instruments() const { return impl_->table; }
const ContractRules& Exchange::rules(SymbolId symbol) const { return impl_->market_of(symbol).rules; }
SymbolStatus Exchange::status(SymbolId symbol) const { return impl_->market_of(symbol).status; }
BookView Exchange::book(SymbolId symbol, std::size_t levels) const {
  return impl_->market_of(symbol).book.view(levels);
}
TopView Exchange::top(SymbolId symbol) const { return impl_->market_of(symbol).book.top(); }
MarkView Exchange::mark(SymbolId symbol) const { return impl_->market_of(symbol).mark; }
Price Exchange::last_price(SymbolId symbol) const { return impl_->market_of(symbol).last; }
Money Exchange::insurance_fund() const { return impl_->insurance; }

std::vector<ExchangeEvent> Exchange::take_events() { return std::exchange(impl_->events, {}); }

}  // namespace qtrader::matching
