#include "edge/binance/rest_client.hpp"

#include <map>

#include "edge/binance/clock_sync.hpp"
#include "edge/binance/messages_rest.hpp"
#include "edge/binance/rest_answer.hpp"
#include "edge/binance/rest_scheduler.hpp"
#include "edge/binance/signer.hpp"

namespace qtrader::binance {
namespace {

constexpr base::Duration kResyncAfter = base::seconds(60);
constexpr base::Duration kRetryAfter = base::seconds(2);  // of a first measurement that failed

struct Parts {
  Endpoints endpoints;
  Credentials credentials;
  RestConfig config;
  std::function<base::Timestamp()> clock;
};

/// The pools one call counts in.
RestScheduler::Cost cost_of(const Call& call) {
  const bool funding = call.path == "/fapi/v1/fundingRate" || call.path == "/fapi/v1/fundingInfo";
  return {call.weight, call.orders, call.orders, funding ? 1 : 0};
}

std::string encode(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out.push_back('&');
    out += net::percent_encode(name) + "=" + net::percent_encode(value);
  }
  return out;
}

ApiFailure refusal(RestScheduler::Refusal why, std::optional<base::Timestamp> banned_until) {
  switch (why) {
    case RestScheduler::Refusal::LineFull:
      return {FailureClass::Throttled, 0, 0, "not sent: 1000 calls are waiting for the request budget"};
    case RestScheduler::Refusal::WaitedTooLong:
      return {FailureClass::Throttled, 0, 0, "not sent: 10 s of waiting for the request budget"};
    case RestScheduler::Refusal::Banned:
      return {FailureClass::Throttled, 418, 0,
              "not sent: the exchange has closed REST to us until " +
                  (banned_until ? base::format_timestamp(*banned_until) : std::string("a moment ago"))};
    case RestScheduler::Refusal::CircuitOpen:
      break;
  }
  return {FailureClass::NotExecuted, 0, 0, "not sent: too many calls in a row got no proper answer"};
}

class Client final : public RestClient {
 public:
  Client(net::Loop& loop, std::unique_ptr<net::HttpClient> http, std::optional<Signer> signer, Parts parts)
      : loop_(loop),
        http_(std::move(http)),
        signer_(std::move(signer)),
        parts_(std::move(parts)),
        scheduler_(parts_.config) {}

  void call(Call call, std::function<void(ApiResult)> done) override {
    Pending pending{std::move(call), std::move(done)};
    const Security security = pending.call.security;
    if (security != Security::None &&
        (parts_.credentials.api_key.empty() || (security == Security::Signed && !signer_)))
      return later(std::move(pending), {FailureClass::Credentials, 0, 0, "no API key is configured"});
    const bool due = !sync_tried_at_ || parts_.clock() - *sync_tried_at_ >= (synced_ ? kResyncAfter : kRetryAfter);
    if (due && (synced_ || security == Security::Signed)) start_sync();
    if (synced_ || security != Security::Signed) return submit(std::move(pending));
    // Without any idea of the exchange's clock a signature is worthless; an exit is tried all the same.
    if (syncing_ && after_first_sync_.size() < RestScheduler::kMaxWaiting)
      after_first_sync_.push_back(std::move(pending));
    else if (pending.call.priority == Priority::Exit)
      submit(std::move(pending));
    else
      later(std::move(pending), {FailureClass::NotExecuted, 0, 0, "not sent: " + sync_error_});
  }

  void sync_time(std::function<void(base::Result<void>)> done) override {
    sync_waiters_.push_back(std::move(done));
    start_sync();
  }

  base::Timestamp server_now() const override { return parts_.clock() + statistics_.clock_offset; }

  void set_limits(int weight_1m, int orders_10s, int orders_1m) override {
    scheduler_.set_limits(weight_1m, orders_10s, orders_1m);
    pump();
  }

  std::optional<base::Timestamp> banned_until() const override {
    const auto ours = scheduler_.banned_until(parts_.clock());
    return ours ? std::optional(*ours + statistics_.clock_offset) : std::nullopt;
  }

  RestStatistics statistics() const override {
    RestStatistics out = statistics_;
    out.used_weight_1m = scheduler_.used(RestScheduler::Pool::Weight, parts_.clock());
    out.weight_budget_1m = scheduler_.budget(RestScheduler::Pool::Weight);
    return out;
  }

 private:
  struct Pending {
    Call call;
    std::function<void(ApiResult)> done;
    bool repeated = false;  // after a resync
    bool measures_clock = false;
  };

  /// Answers from the loop, never from inside call().
  void later(Pending pending, ApiFailure failure) {
    loop_.post([alive = std::weak_ptr<bool>(alive_), done = std::move(pending.done), failure = std::move(failure)] {
      if (!alive.expired()) done(failure);
    });
  }

  void submit(Pending pending) {
    const std::uint64_t id = ++last_id_;
    const RestScheduler::Ticket ticket{id, cost_of(pending.call), pending.call.priority};
    pending_.emplace(id, std::move(pending));
    refuse(scheduler_.submit(ticket, parts_.clock()));
    pump();
  }

  void refuse(const std::vector<RestScheduler::Refused>& all) {
    for (const auto& refused : all) {
      const auto found = pending_.find(refused.id);
      if (found == pending_.end()) continue;
      Pending pending = std::move(found->second);
      pending_.erase(found);
      if (refused.why != RestScheduler::Refusal::CircuitOpen) ++statistics_.throttled_here;
      later(std::move(pending), refusal(refused.why, banned_until()));
    }
  }

  void pump() {
    if (pumping_) return;
    pumping_ = true;
    refuse(scheduler_.refuse_overdue(parts_.clock()));
    while (const auto id = scheduler_.next(parts_.clock())) send(*id);
    const base::Timestamp now = parts_.clock();
    if (const auto at = scheduler_.wake_at(now))
      wake_ = loop_.after(std::max(*at - now, base::milliseconds(1)), [this] { pump(); });
    pumping_ = false;
  }

  /// The request as it goes out now. Errors: the signature could not be made.
  base::Result<net::HttpRequest> request_of(const Call& call) const {
    net::HttpRequest request;
    request.method = call.method;
    auto parameters = call.parameters;
    if (call.security == Security::Signed) {
      parameters.emplace_back("recvWindow", std::to_string(parts_.config.recv_window_ms));
      parameters.emplace_back("timestamp", std::to_string(server_now().unix_ms()));
    }
    std::string query = encode(parameters);
    if (call.security == Security::Signed) {
      QT_TRY(const std::string signature, signer_->sign(query));
      query += "&signature=" + signature;
    }
    request.target = query.empty() ? call.path : call.path + "?" + query;
    if (call.security != Security::None) request.headers.emplace_back("X-MBX-APIKEY", parts_.credentials.api_key);
    return request;
  }

  void send(std::uint64_t id) {
    Pending& pending = pending_.at(id);
    auto request = request_of(pending.call);
    if (!request) {
      // Nothing went out; for the limits it did not happen.
      Pending failed = std::move(pending);
      pending_.erase(id);
      scheduler_.answered(id, {}, parts_.clock());
      return later(std::move(failed), {FailureClass::Credentials, 0, 0, request.error().message()});
    }
    ++statistics_.calls;
    if (pending.measures_clock) round_sent_ = parts_.clock();
    const net::HttpOptions options{pending.call.timeout, pending.call.priority == Priority::Exit};
    http_->request(*std::move(request), options,
                   [this, id, alive = std::weak_ptr<bool>(alive_)](net::HttpResult result) {
                     if (!alive.expired()) receive(id, std::move(result));
                   });
  }

  void receive(std::uint64_t id, net::HttpResult result) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    Pending pending = std::move(found->second);
    pending_.erase(found);
    std::optional<ApiFailure> failure;
    RestScheduler::Answer limits;
    auto* response = std::get_if<net::HttpResponse>(&result);
    if (response != nullptr) {
      failure = failure_of(*response);
      limits = limits_of(*response, server_now());
      if (limits.banned_until) limits.banned_until = *limits.banned_until - statistics_.clock_offset;
      statistics_.answers_429 += response->status == 429 ? 1 : 0;
      statistics_.answers_418 += response->status == 418 ? 1 : 0;
    } else {
      failure = failure_of(std::get<net::HttpFailure>(result));
      limits.status = 0;
    }
    scheduler_.answered(id, limits, parts_.clock());
    if (failure && failure->kind == FailureClass::Clock && pending.call.security == Security::Signed &&
        !pending.repeated)
      repeat_after_sync(std::move(pending), *std::move(failure));
    else if (failure)
      pending.done(*std::move(failure));
    else
      pending.done(std::move(response->body));
    pump();
  }

  /// The exchange refused the timestamp, so nothing was executed: once more, with its clock measured anew.
  void repeat_after_sync(Pending pending, ApiFailure failure) {
    pending.repeated = true;
    auto shared = std::make_shared<Pending>(std::move(pending));
    sync_waiters_.push_back([this, shared, failure = std::move(failure)](const base::Result<void>& synced) {
      if (synced)
        submit(std::move(*shared));
      else
        shared->done(failure);
    });
    start_sync();
  }

  void start_sync() {
    if (syncing_) return;
    syncing_ = true;
    sync_ = {};
    rounds_ = 0;
    sync_error_.clear();
    next_round();
  }

  void next_round() {
    const bool hopeless = rounds_ - sync_.rounds() > ClockSync::kRounds - ClockSync::kEnough;
    if (hopeless || rounds_ == ClockSync::kRounds) return finish_sync();
    ++rounds_;
    Pending pending;
    pending.call.path = "/fapi/v1/time";
    pending.call.priority = Priority::Exit;  // every signed exit depends on it
    pending.measures_clock = true;
    pending.done = [this](const ApiResult& result) { note_round(result); };
    submit(std::move(pending));
  }

  void note_round(const ApiResult& result) {
    if (const auto* body = std::get_if<std::string>(&result)) {
      if (const auto server = parse_server_time(*body))
        sync_.add(round_sent_, *server, parts_.clock());
      else
        sync_error_ = server.error().context;
    } else {
      sync_error_ = std::get<ApiFailure>(result).message;
    }
    next_round();
  }

  void finish_sync() {
    syncing_ = false;
    const auto offset = sync_.offset();
    base::Result<void> outcome;
    if (offset) {
      statistics_.clock_offset = *offset;
      scheduler_.set_clock_offset(*offset);
      synced_ = true;
    } else {
      sync_error_ = "clock of the exchange: fewer than 3 of 5 rounds answered: " + sync_error_;
      outcome = base::Error{"binance", base::Errc::Unavailable, sync_error_, true};
    }
    sync_tried_at_ = parts_.clock();
    std::vector<std::function<void(base::Result<void>)>> waiters;
    waiters.swap(sync_waiters_);
    std::vector<Pending> signed_calls;
    signed_calls.swap(after_first_sync_);
    for (Pending& pending : signed_calls) {
      if (offset || pending.call.priority == Priority::Exit)
        submit(std::move(pending));
      else
        later(std::move(pending), {FailureClass::NotExecuted, 0, 0, "not sent: " + outcome.error().context});
    }
    for (auto& waiter : waiters) waiter(outcome);
  }

  net::Loop& loop_;
  std::unique_ptr<net::HttpClient> http_;
  std::optional<Signer> signer_;
  Parts parts_;
  mutable RestScheduler scheduler_;
  RestStatistics statistics_;
  std::map<std::uint64_t, Pending> pending_;
  std::uint64_t last_id_ = 0;
  bool pumping_ = false;
  net::Timer wake_;
  bool syncing_ = false;
  std::size_t rounds_ = 0;
  ClockSync sync_;
  base::Timestamp round_sent_;
  std::string sync_error_;
  bool synced_ = false;                           // once at least
  std::optional<base::Timestamp> sync_tried_at_;  // our clock
  std::vector<std::function<void(base::Result<void>)>> sync_waiters_;
  std::vector<Pending> after_first_sync_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

base::Error bad(std::string text) { return {"binance", base::Errc::InvalidArgument, std::move(text)}; }

}  // namespace

base::Result<std::unique_ptr<RestClient>> RestClient::create(net::Loop& loop, Endpoints endpoints,
                                                             Credentials credentials, RestConfig config,
                                                             std::function<base::Timestamp()> clock) {
  if (!(config.budget_share > 0 && config.budget_share <= 1))
    return bad("budget_share " + std::to_string(config.budget_share) + ": expected more than 0, at most 1");
  if (!(config.exit_reserve >= 0 && config.exit_reserve < 1))
    return bad("exit_reserve " + std::to_string(config.exit_reserve) + ": expected at least 0, less than 1");
  if (config.recv_window_ms < 1 || config.recv_window_ms > 60'000)
    return bad("recv_window_ms " + std::to_string(config.recv_window_ms) + ": expected 1 to 60000");
  if (config.max_connections < 1) return bad("max_connections 0: expected at least 1");
  std::optional<Signer> signer;
  if (!credentials.secret.empty()) {
    QT_TRY(signer, Signer::create(credentials));
  }
  net::ClientConfig http_config;
  http_config.ca_file = endpoints.ca_file;
  http_config.max_connections = config.max_connections;
  QT_TRY(auto http, net::HttpClient::create(loop, endpoints.rest, http_config));
  return std::unique_ptr<RestClient>(
      std::make_unique<Client>(loop, std::move(http), std::move(signer),
                               Parts{std::move(endpoints), std::move(credentials), config, std::move(clock)}));
}

}  // namespace qtrader::binance
