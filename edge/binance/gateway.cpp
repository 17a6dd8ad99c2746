#include "edge/binance/gateway_impl.hpp"
#include "edge/binance/requests.hpp"

namespace qtrader::binance {
namespace {

constexpr base::Duration kStartLimit = base::seconds(60);  // for the sockets to open and the first snapshot
constexpr base::Duration kHealthTick = base::seconds(5);
constexpr int kTicksToSync = 12;
constexpr base::Duration kMaxDrift = base::seconds(1);
constexpr int kPollsToSnapshot = 5;
// The exchange stamps an event with its own time of a moment before we lost it.
constexpr base::Duration kAwayMargin = base::minutes(1);

base::Error error(base::Errc code, std::string text) { return {"binance", code, std::move(text)}; }

}  // namespace

base::Result<std::unique_ptr<Gateway>> Gateway::create(net::Loop& loop, std::unique_ptr<RestClient> rest,
                                                       domain::InstrumentTable instruments, GatewayConfig config,
                                                       Sink sink) {
  if (!rest || !sink) return error(base::Errc::InvalidArgument, "gateway: needs a REST client and a sink");
  if (instruments.size() == 0) return error(base::Errc::InvalidArgument, "gateway: no instruments");
  if (config.heartbeat_s <= 0 || config.countdown_s <= config.heartbeat_s)
    return error(base::Errc::InvalidArgument, "gateway: countdown_s " + std::to_string(config.countdown_s) +
                                                  " must exceed heartbeat_s " + std::to_string(config.heartbeat_s) +
                                                  ", both positive");
  if (config.stale_after_s <= 0 || config.rest_poll_s <= 0 || config.reconnect_after_s < 600 ||
      config.reconnect_after_s > 24 * 3600)
    return error(base::Errc::InvalidArgument,
                 "gateway: stale_after_s and rest_poll_s must be positive, reconnect_after_s in [600, 86400]");
  for (const domain::Instrument& i : instruments.all()) {
    if (config.trade && i.assumed)
      return error(base::Errc::InvalidArgument,
                   "gateway: fees and brackets of " + i.symbol + " are assumed; trading needs those of the account");
  }
  net::ClientConfig client;
  client.ca_file = config.endpoints.ca_file;
  // Our clock, as the REST client was given it.
  const RestClient* clock = rest.get();
  auto host = std::make_unique<LoopHost>(loop, std::move(client),
                                         [clock] { return clock->server_now() - clock->statistics().clock_offset; });
  std::unique_ptr<Gateway> gateway = std::make_unique<GatewayImpl>(
      std::move(host), std::move(rest), std::move(instruments), std::move(config), std::move(sink));
  return gateway;
}

GatewayImpl::GatewayImpl(std::unique_ptr<Host> host, std::unique_ptr<RestClient> rest,
                         domain::InstrumentTable instruments, GatewayConfig config, Sink sink)
    : host_(std::move(host)),
      rest_(std::move(rest)),
      instruments_(std::move(instruments)),
      config_(std::move(config)),
      around_{*host_, *rest_, instruments_, config_, std::move(sink), {}},
      link_(around_),
      tracker_(instruments_, around_.sink),
      inquiry_(around_),
      fills_(around_, tracker_, inquiry_),
      channel_(around_, tracker_, inquiry_, fills_),
      account_(around_),
      dead_man_(around_),
      leverage_(around_),
      probe_(around_) {
  around_.on_credentials = [this](const ApiFailure& failure) {
    if (config_.trade) link_.trouble(Part::Credentials, "credentials: " + failure.message);
  };
  tracker_.listen([this](const TrackedOrder& o) { channel_.on_change(o); });
  tracker_.listen([this](const TrackedOrder& o) { dead_man_.on_change(o); });
  tracker_.listen([this](const TrackedOrder& o) { fills_.watch(o); });
  account_.on_snapshot([this](const domain::AccountSnapshot&) {
    snapshot_seen_ = true;
    maybe_started();
  });
  market_ = std::make_unique<MarketFeed>(
      around_, MarketFeed::Handlers{[this] { on_market_up(); },
                                    [this](std::string why) { link_.trouble(Part::Market, std::move(why)); }});
  events_ = std::make_unique<UserEvents>(
      around_, tracker_,
      UserEvents::Handlers{
          [this](std::string_view) { account_.request_soon(); },
          [this](domain::ClientOrderId id) { channel_.refresh(id); },
          [this](base::Timestamp at) {
            ask<std::vector<Income>>(around_, life_, requests::funding_fees_since(at - kAwayMargin), &parse_income,
                                     [this](Answer<std::vector<Income>> answer) {
                                       if (const auto* rows = std::get_if<0>(&answer)) events_->on_income(*rows);
                                     });
          },
          [this](domain::SymbolId symbol, base::Timestamp at) { return market_->funding().settlement(symbol, at); }});
  user_ = std::make_unique<UserStream>(
      around_, UserStream::Handlers{[this](const UserMessage& m) { events_->on(m); }, [this] { on_user_up(); },
                                    [this](std::string_view reason) { on_user_down(reason); },
                                    // What it said we cannot know; what the account is we can read.
                                    [this](const base::Error&) {
                                      channel_.poll_open();
                                      account_.request_soon();
                                    }});
}

GatewayImpl::~GatewayImpl() { stop(); }

// ---- the Venue port

base::Result<void> GatewayImpl::ready_for(domain::SymbolId symbol) const {
  if (!config_.trade)
    return error(base::Errc::Unsupported, "this gateway brings market data only: it was not made to trade");
  if (stopped_) return error(base::Errc::Unavailable, "the gateway has stopped");
  if (symbol.value >= instruments_.size())
    return error(base::Errc::InvalidArgument,
                 "symbol id " + std::to_string(symbol.value) + " of " + std::to_string(instruments_.size()));
  return {};
}

base::Result<void> GatewayImpl::submit(const risk::Approved<domain::Order>& order) { return submit_order(order.get()); }

base::Result<void> GatewayImpl::submit_order(const domain::Order& order) {
  QT_TRY_VOID(ready_for(order.symbol));
  return channel_.submit(order);
}

base::Result<void> GatewayImpl::cancel(domain::ClientOrderId order, domain::SymbolId symbol) {
  QT_TRY_VOID(ready_for(symbol));
  return channel_.cancel(order, symbol);
}

base::Result<void> GatewayImpl::set_leverage(domain::SymbolId symbol, domain::Leverage leverage,
                                             domain::MarginMode mode) {
  QT_TRY_VOID(ready_for(symbol));
  leverage_.set(symbol, leverage, mode);
  return {};
}

base::Result<void> GatewayImpl::query(domain::ClientOrderId order, domain::SymbolId symbol) {
  QT_TRY_VOID(ready_for(symbol));
  return channel_.query(order, symbol);
}

base::Result<void> GatewayImpl::request_snapshot() {
  QT_TRY_VOID(ready_for({0}));
  account_.request();
  return {};
}

base::Result<void> GatewayImpl::cancel_foreign(const execution::CancelForeign& order) {
  QT_TRY_VOID(ready_for(order.symbol));
  const requests::OrderRef ref{
      instruments_.name(order.symbol), {}, static_cast<std::int64_t>(order.venue_id), order.conditional};
  ask<std::string>(around_, life_, requests::cancel(ref), &any_body,
                   [this](const Answer<std::string>&) { account_.request_soon(); });
  return {};
}

// ---- start and stop

void GatewayImpl::start(base::Timestamp backfill_from, std::function<void(base::Result<AccountState>)> done) {
  start_done_ = std::move(done);
  link_.announce();
  rest_->sync_time(life_.guard([this, backfill_from](base::Result<void> synced) {
    if (stopped_) return;
    if (!synced) return finish_start(synced.error());
    settled_offset_ = rest_->statistics().clock_offset;
    if (!config_.trade) return load_history(backfill_from);
    account_.read_state([this, backfill_from](base::Result<AccountState> state) {
      if (!state) return finish_start(state.error());
      state_ = *state;
      if (state->hedge_mode)
        return finish_start(error(base::Errc::Unsupported, "the account is in hedge mode; expected one-way mode"));
      if (!state->can_trade)
        return finish_start(error(base::Errc::Unsupported, "the account or its key may not trade (canTrade false)"));
      load_history(backfill_from);
    });
  }));
}

void GatewayImpl::load_history(base::Timestamp from) {
  const base::Timestamp now = around_.server_now();
  if (from.ns == 0)
    from = config_.backfill_bars > 0 ? now - domain::duration(config_.base) * config_.backfill_bars : now;
  market_->bars().load_history(from, [this](base::Result<void> loaded) {
    if (stopped_) return;
    if (!loaded) return finish_start(loaded.error());
    open_streams();
  });
}

void GatewayImpl::open_streams() {
  away_since_ = around_.server_now();
  start_limit_ = host_->after(kStartLimit, [this] {
    const std::string what = !market_->up()                  ? "market streams"
                             : config_.trade && !user_->up() ? "user stream"
                                                             : "account snapshot";
    finish_start(error(base::Errc::Unavailable,
                       what + ": not there " + std::to_string(kStartLimit.ns / 1'000'000'000) + " s after the start"));
  });
  link_.trouble(Part::Market, "market streams connecting");
  market_->start();
  if (config_.trade) {
    link_.trouble(Part::User, "user stream connecting");
    user_->start();
  }
  watch_health();
}

void GatewayImpl::maybe_started() {
  if (started_ || stopped_ || !start_limit_) return;
  if (!market_->up()) return;
  if (config_.trade && (!user_->up() || !snapshot_seen_)) return;
  started_ = true;
  link_.fine(Part::Start);
  finish_start(state_);
}

void GatewayImpl::finish_start(base::Result<AccountState> result) {
  start_limit_ = nullptr;
  const auto done = std::move(start_done_);
  start_done_ = nullptr;
  if (!done) return;
  if (!result) link_.trouble(Part::Start, "start failed: " + result.error().context);
  done(std::move(result));
}

void GatewayImpl::stop() {
  if (stopped_) return;
  stopped_ = true;
  market_->stop();
  user_->stop();
  account_.stop();
  channel_.stop();
  dead_man_.stop();
  for (Alarm* alarm : {&start_limit_, &poll_, &health_, &catch_up_retry_}) *alarm = nullptr;
}

void GatewayImpl::probe_stop(std::function<void(base::Result<void>)> done) {
  if (const auto ready = ready_for({0}); !ready) return done(ready.error());
  probe_.run(std::move(done));
}

void GatewayImpl::barrier(std::function<void()> done) {
  std::vector<StreamSocket*> sockets = market_->sockets();
  auto left = std::make_shared<std::size_t>(sockets.size() + 1);
  auto arrived = [left, done = std::move(done)] {
    if (--*left == 0) done();
  };
  for (StreamSocket* socket : sockets) socket->barrier(arrived);
  if (config_.trade) {
    user_->barrier(arrived);
  } else {
    arrived();
  }
}

std::size_t GatewayImpl::outstanding() const {
  const std::size_t waits = (catching_up_ || catch_up_retry_ ? 1 : 0) + (account_.busy() ? 1 : 0) + (syncing_ ? 1 : 0);
  return *around_.in_flight + channel_.outstanding() + fills_.outstanding() + market_->outstanding() + waits;
}

// ---- streams

void GatewayImpl::on_market_up() {
  link_.fine(Part::Market);
  maybe_started();
}

void GatewayImpl::on_user_up() {
  poll_ = nullptr;
  catch_up();
}

void GatewayImpl::on_user_down(std::string_view reason) {
  link_.trouble(Part::User, "user stream: " + std::string(reason));
  if (away_since_.ns == 0) away_since_ = around_.server_now();
  polls_ = 0;
  poll();
}

// Missed executions, missed funding, how every open order stands, and at last what the account is.
void GatewayImpl::catch_up() {
  if (stopped_ || !user_->up()) return;
  if (std::exchange(catching_up_, true)) {  // away once more while the last absence was being made up for
    catch_up_again_ = true;
    return;
  }
  catch_up_again_ = false;
  catch_up_retry_ = nullptr;
  if (away_since_.ns == 0) away_since_ = around_.server_now();
  const base::Timestamp since = away_since_ - kAwayMargin;
  fills_.catch_up(since, life_.guard([this, since](bool complete) {
    catching_up_ = false;
    if (stopped_ || !user_->up()) return;
    if (catch_up_again_) return catch_up();
    if (!complete) {
      catch_up_retry_ = host_->after(catch_up_backoff_.next(), [this] { catch_up(); });
      return;
    }
    catch_up_backoff_.reset();
    away_since_ = {};
    // One that is being read may not show what was missed; one asked for because the link is ready does.
    const bool stale = account_.busy();
    link_.fine(Part::User);
    channel_.poll_open();
    if (stale) {
      account_.request_soon();
    } else {
      account_.request();
    }
    if (started_) {
      ask<std::vector<Income>>(around_, life_, requests::funding_fees_since(since), &parse_income,
                               [this](Answer<std::vector<Income>> answer) {
                                 if (const auto* rows = std::get_if<0>(&answer)) events_->on_income(*rows);
                               });
    }
    maybe_started();
  }));
}

// While the user stream is away the orders and the account are asked, if anything is open at all.
void GatewayImpl::poll() {
  poll_ = host_->after(base::seconds(config_.rest_poll_s), [this] {
    channel_.poll_open();
    if (!tracker_.active_symbols().empty() && ++polls_ % kPollsToSnapshot == 0) account_.request();
    poll();
  });
}

// ---- health

void GatewayImpl::watch_health() {
  health_ = host_->after(kHealthTick, [this] {
    watch_health();
    if (const auto until = rest_->banned_until()) {
      link_.trouble(Part::Rest, "REST closed until " + base::format_timestamp(*until));
      return;
    }
    const bool due = ++health_ticks_ % kTicksToSync == 0 || !link_.is_fine(Part::Rest);
    if (!due || syncing_) return judge_clock();
    syncing_ = true;
    rest_->sync_time(life_.guard([this](base::Result<void> synced) {
      syncing_ = false;
      if (!synced) return link_.trouble(Part::Rest, "REST: " + synced.error().context);
      link_.fine(Part::Rest);
      judge_clock();
    }));
  });
}

// A clock that is wrong by a constant is corrected for; one that runs away since it was last measured is not.
void GatewayImpl::judge_clock() {
  const base::Duration offset = rest_->statistics().clock_offset;
  const std::int64_t drift = std::abs((offset - settled_offset_).ns);
  settled_offset_ = offset;
  if (drift >= kMaxDrift.ns) {
    link_.trouble(Part::Clock, "clock drifts: " + std::to_string(drift / 1'000'000) + " ms since it was last measured");
  } else if (!link_.is_fine(Part::Clock)) {
    link_.fine(Part::Clock);
  }
}

}  // namespace qtrader::binance
