#include "apps/live/gateway_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "edge/system/process.hpp"

namespace qtrader::apps {
namespace {

constexpr base::Duration kStartLimit = base::seconds(60);
constexpr base::Duration kCallLimit = base::seconds(30);
constexpr base::Duration kIdleWait = base::milliseconds(20);
constexpr int kSettleRounds = 1'000;

base::Error bad(base::Errc code, std::string what) { return {"world", code, std::move(what)}; }

std::vector<matching::BookLevel> levels(const std::vector<domain::DepthLevel>& side) {
  std::vector<matching::BookLevel> out;
  for (const auto& level : side) out.push_back({level.price, level.quantity});
  return out;
}

}  // namespace

GatewayWorld::GatewayWorld(net::Loop& loop, CoreHost& host, GatewayWorldConfig config)
    : loop_(loop), host_(host), config_(std::move(config)) {}
GatewayWorld::~GatewayWorld() = default;

base::Timestamp GatewayWorld::now() const {
  return config_.lockstep ? *config_.lockstep->clock : gateway_->rest().server_now();
}

base::Result<void> GatewayWorld::attach(std::unique_ptr<binance::Gateway> gateway,
                                        std::vector<matching::ContractRules> rules) {
  gateway_ = std::move(gateway);
  if (!config_.paper) {
    host_.set_venue(gateway_.get());
    return {};
  }
  QT_TRY(paper_exchange_,
         matching::Exchange::create({.seed = config_.seed}, host_.core().instruments(), std::move(rules)));
  const domain::Money wallet = host_.recovered() ? host_.core().ledger().account().wallet : config_.paper_wallet;
  paper_account_ = paper_exchange_->open_account({.balance = wallet});
  for (std::size_t i = 0; i < host_.core().instruments().size(); ++i) {
    const domain::SymbolId symbol{static_cast<std::uint16_t>(i)};
    const auto& position = host_.core().ledger().position(symbol);
    if (!position.flat())
      paper_exchange_->seed_position(paper_account_, symbol, position.quantity, position.entry_price(),
                                     position.leverage, position.mode);
  }
  paper_exchange_->take_events();
  simvenue::BookVenueConfig venue = config_.paper_venue;
  venue.publish_market = false;  // the live feed says it
  paper_venue_ = std::make_unique<simvenue::BookVenue>(*paper_exchange_, paper_account_, venue);
  host_.set_venue(paper_venue_.get());
  return {};
}

/// The paper exchange's market: the live book, trades at the live top, the live mark and its settlements.
void GatewayWorld::feed_paper(const domain::Event& event) {
  if (const auto* depth = std::get_if<domain::BookDepth>(&event))
    paper_venue_->on(matching::BookSnapshotTick{depth->symbol, levels(depth->bids), levels(depth->asks), now()});
  if (const auto* mark = std::get_if<domain::MarkPrice>(&event))
    paper_venue_->on(
        matching::MarkTick{.symbol = mark->symbol, .mark = mark->price, .index = mark->price, .time = now()});
  if (const auto* funding = std::get_if<domain::FundingRate>(&event))
    paper_venue_->on(matching::FundingTick{funding->symbol, funding->rate, now()});
}

void GatewayWorld::on_event(domain::Event event) {
  if (const auto* link = std::get_if<domain::VenueLink>(&event)) {
    link_ = link->state;
    link_reason_ = link->reason;
  }
  if (paper_venue_) feed_paper(event);
  if (auto delivered = host_.deliver(std::move(event), now()); !delivered && !failed_) failed_ = delivered.error();
}

base::Result<void> GatewayWorld::pump_paper(base::Timestamp until) {
  if (!paper_venue_) return {};
  paper_venue_->advance_to(until);
  while (auto due = paper_venue_->pop_due(until)) QT_TRY_VOID(host_.deliver(std::move(due->event), due->due));
  return {};
}

template <class Done>
base::Result<void> GatewayWorld::wait_for(const Done& done, base::Duration limit, const char* what) {
  const double give_up = system::steady_seconds() + limit.seconds();
  while (!done()) {
    if (failed_) return *failed_;
    if (system::steady_seconds() > give_up)
      return bad(base::Errc::Unavailable, fmt::format("{}: no answer within {:.0f} s", what, limit.seconds()));
    loop_.run_for(kIdleWait);
  }
  return {};
}

base::Result<void> GatewayWorld::start() {
  std::optional<base::Result<binance::AccountState>> started;
  const base::Timestamp last = host_.core().market()[domain::SymbolId{0}].last_base
                                   ? host_.core().market()[domain::SymbolId{0}].last_base->open_time
                                   : base::Timestamp{};
  const base::Duration history = domain::duration(host_.header().engine.primary) * config_.warmup_bars;
  const bool resumed = host_.recovered();
  const base::Timestamp from = resumed ? last : now() - history;
  if (!resumed) {
    const domain::RunStarted event{config_.paper ? config_.paper_wallet : domain::Money{}, config_.seed, now(),
                                   ends_at_};
    QT_TRY_VOID(host_.deliver(event, from));
  } else {
    QT_TRY_VOID(host_.deliver(domain::RunResumed{now()}, now()));
  }
  gateway_->start(from, [&](base::Result<binance::AccountState> state) { started = std::move(state); });
  QT_TRY_VOID(wait_for([&] { return started.has_value(); }, kStartLimit, "start"));
  if (!started->ok()) return started->error();
  if (!config_.probe_stop) return {};
  std::optional<base::Result<void>> probed;
  gateway_->probe_stop([&](base::Result<void> result) { probed = std::move(result); });
  QT_TRY_VOID(wait_for([&] { return probed.has_value(); }, kCallLimit, "stop probe"));
  return *probed;
}

base::Result<void> GatewayWorld::step_real_time() {
  base::Duration wait = kIdleWait;
  if (const auto timer = host_.next_timer()) wait = std::clamp(*timer - now(), base::Duration{0}, wait);
  loop_.run_for(wait);
  QT_TRY_VOID(pump_paper(now()));
  QT_TRY_VOID(host_.fire_timers(now()));
  return host_.snapshot();
}

base::Result<void> GatewayWorld::wait_for_answers() {
  const auto none_left = [&] { return gateway_->outstanding() == 0; };
  const base::Duration patience = config_.lockstep->patience;
  if (patience.ns <= 0) return wait_for(none_left, kCallLimit, "requests under way");
  constexpr int kBusyFactor = 10;  // something may always be going on while an answer waits for time to pass
  const double give_up = system::steady_seconds() + patience.seconds() * kBusyFactor;
  for (base::Duration idle; !none_left() && idle < patience && system::steady_seconds() < give_up;) {
    if (failed_) return *failed_;
    idle = loop_.run_for(kIdleWait) ? base::Duration{} : idle + kIdleWait;
  }
  return {};
}

base::Result<void> GatewayWorld::settle() {
  for (int round = 0; round < kSettleRounds; ++round) {
    bool passed = false;
    gateway_->barrier([&] { passed = true; });
    QT_TRY_VOID(wait_for([&] { return passed; }, kCallLimit, "barrier"));
    const std::uint64_t before = host_.events();
    QT_TRY_VOID(pump_paper(now()));
    QT_TRY_VOID(host_.fire_timers(now()));
    QT_TRY_VOID(wait_for_answers());
    if (host_.events() == before) return {};
  }
  return bad(base::Errc::Conflict, "the exchange and the core never come to rest");
}

base::Result<void> GatewayWorld::advance(base::Timestamp to) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/control/advance";
  request.headers = {{"X-Control-Key", config_.lockstep->control_key}, {"Content-Type", "application/json"}};
  request.body = fmt::format("{{\"to_ms\":{}}}", to.unix_ms());
  // Before the answer: what happens on the way arrives when it is over, at the exchange's new time, and is stamped so.
  *config_.lockstep->clock = to;
  std::optional<net::HttpResult> answer;
  control_->request(std::move(request), {.timeout = kCallLimit},
                    [&](net::HttpResult result) { answer = std::move(result); });
  QT_TRY_VOID(wait_for([&] { return answer.has_value(); }, kCallLimit + kCallLimit, "advance"));
  if (const auto* failure = std::get_if<net::HttpFailure>(&*answer)) return failure->error;
  const auto& response = std::get<net::HttpResponse>(*answer);
  if (response.status != 200)
    return bad(base::Errc::Unavailable, fmt::format("advance: {} {}", response.status, response.body));
  boost::system::error_code ec;
  const auto body = boost::json::parse(response.body, ec);
  if (!ec && body.is_object() && body.as_object().contains("finished") && body.at("finished").as_bool())
    stopping_ = true;
  return {};
}

base::Result<void> GatewayWorld::step_lockstep() {
  QT_TRY_VOID(settle());
  const std::int64_t step = config_.lockstep->step.ns;
  base::Timestamp next{(now().ns / step + 1) * step};
  if (const auto timer = host_.next_timer(); timer && *timer > now()) next = std::min(next, *timer);
  next = base::Timestamp::from_unix_ms((next.ns + 999'999) / 1'000'000);
  QT_TRY_VOID(advance(next));
  QT_TRY_VOID(settle());
  return host_.snapshot();
}

base::Result<void> GatewayWorld::step() {
  QT_TRY_VOID(config_.lockstep ? step_lockstep() : step_real_time());
  if (failed_) return *failed_;
  return {};
}

base::Result<void> GatewayWorld::run() {
  if (config_.duration) ends_at_ = now() + *config_.duration;
  QT_TRY_VOID(start());
  while (!stopping_ && now() < ends_at_) QT_TRY_VOID(step());
  // Positions stay, protected by their stops at the venue: stopping a trader is not a decision to close.
  gateway_->stop();
  return host_.snapshot(true);
}

void GatewayWorld::on_operator(domain::OperatorCommand command) {
  if (auto delivered = host_.deliver(std::move(command), now()); !delivered && !failed_) failed_ = delivered.error();
}

WorldStatus GatewayWorld::status() const {
  WorldStatus s;
  s.mode = host_.header().mode;
  s.link = link_ == domain::LinkState::Ready ? "ready" : link_reason_;
  return s;
}

}  // namespace qtrader::apps
