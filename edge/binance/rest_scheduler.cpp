#include "edge/binance/rest_scheduler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qtrader::binance {
namespace {

constexpr base::Duration kGuard = base::seconds(1);      // around a window's end: our clock or the network may be late
constexpr base::Duration kBanMargin = base::seconds(1);  // a call a moment too early would prolong a ban
constexpr int kMaxExitSpacing = 16;                      // seconds, see exit_spacing
constexpr base::Duration kMaxBackoff = base::seconds(60);
constexpr base::Duration kFailureSpan = base::seconds(30);
constexpr base::Duration kOpenFor = base::seconds(30);
constexpr std::size_t kFailuresToOpen = 5;
// Exits may go this far into the exchange's own limit when others on the same address have used our share.
constexpr double kHardShare = 0.9;
constexpr int kFundingLimit = 500;

/// Between exits while the exchange answers 429: 1 s, doubling with each further refusal, so that asking never looks
/// like ignoring it.
base::Duration exit_spacing(int throttles_in_a_row) {
  const int doublings = std::max(0, std::min(throttles_in_a_row - 1, 4));
  return base::seconds(std::min(1 << doublings, kMaxExitSpacing));
}

int share_of(int limit, double share) { return static_cast<int>(std::floor(limit * share)); }

}  // namespace

RestScheduler::RestScheduler(const RestConfig& config) : config_(config) {
  window(Pool::Weight).length = base::minutes(1);
  window(Pool::Orders10s).length = base::seconds(10);
  window(Pool::Orders1m).length = base::minutes(1);
  window(Pool::Funding).length = base::minutes(5);
  window(Pool::Funding).limit = kFundingLimit;
  set_limits(2'400, 300, 1'200);
}

void RestScheduler::set_limits(int weight_1m, int orders_10s, int orders_1m) {
  // 0 or less is "not stated": the former limit stays.
  if (weight_1m > 0) window(Pool::Weight).limit = weight_1m;
  if (orders_10s > 0) window(Pool::Orders10s).limit = orders_10s;
  if (orders_1m > 0) window(Pool::Orders1m).limit = orders_1m;
}

int RestScheduler::budget(Pool pool) const {
  if (!config_.enforce_budget) return std::numeric_limits<int>::max() / 2;
  return share_of(windows_[static_cast<std::size_t>(pool)].limit, config_.budget_share);
}

int RestScheduler::used(Pool pool, base::Timestamp now) {
  roll(now);
  return window(pool).used;
}

std::size_t RestScheduler::waiting() const {
  std::size_t n = 0;
  for (const auto& l : lines_) n += l.size();
  return n;
}

void RestScheduler::roll(base::Timestamp now) {
  for (std::size_t p = 0; p < kPools; ++p) {
    Window& w = windows_[p];
    const std::int64_t index = index_of(w, now);
    // A corrected clock may step back over a boundary; the counts of the later window then go on. Only a clock that was
    // set back by more starts over, with its counts.
    if (index == w.index || index == w.index - 1) continue;
    if (index > w.index) {
      const base::Timestamp since = base::Timestamp{index * w.length.ns} - offset_ - kGuard;
      int carried = 0;
      for (const auto& [id, sent] : in_flight_) carried += sent.ticket.cost[p];
      for (const Sent& sent : recent_)
        if (sent.at >= since) carried += sent.ticket.cost[p];
      w.own = w.used = carried;
    }
    w.index = index;
  }
  while (!recent_.empty() && recent_.front().at < now - kGuard * 2) recent_.pop_front();
}

/// Within the budget (less the reserve), or for an exit: within the budget by our own use, and short of the limit.
bool RestScheduler::affordable(const Ticket& ticket) const {
  for (std::size_t p = 0; p < kPools; ++p) {
    const int cost = ticket.cost[p];
    if (cost == 0) continue;
    const Window& w = windows_[p];
    const int all = budget(static_cast<Pool>(p));
    if (ticket.priority == Priority::Exit) {
      if (w.own + cost > all || w.used + cost > std::max(all, share_of(w.limit, kHardShare))) return false;
    } else if (w.used + cost > share_of(all, 1.0 - config_.exit_reserve)) {
      return false;
    }
  }
  return true;
}

bool RestScheduler::held_back(Priority priority, base::Timestamp now) const {
  if (banned_until_.ns != 0 && now < banned_until_ + kBanMargin) return true;
  if (now < paused_until_ &&
      (priority != Priority::Exit || now < last_exit_in_pause_ + exit_spacing(throttles_in_a_row_)))
    return true;
  if (priority == Priority::Exit) return in_flight_.size() >= config_.max_connections;
  // One connection stays free for what cannot wait.
  if (in_flight_.size() + (config_.max_connections > 1 ? 1 : 0) >= config_.max_connections) return true;
  return circuit_open(now) || (half_open_ && probe_);
}

std::vector<RestScheduler::Refused> RestScheduler::submit(const Ticket& ticket, base::Timestamp now) {
  if (banned_until_.ns != 0 && now + kMaxWait < banned_until_ + kBanMargin) return {{ticket.id, Refusal::Banned}};
  if (ticket.priority != Priority::Exit && circuit_open(now)) return {{ticket.id, Refusal::CircuitOpen}};
  std::vector<Refused> refused;
  if (waiting() >= kMaxWaiting) {
    // The last of the least important gives way, if that is not the newcomer itself.
    std::size_t least = lines_.size() - 1;
    while (lines_[least].empty()) --least;
    if (least <= static_cast<std::size_t>(ticket.priority)) return {{ticket.id, Refusal::LineFull}};
    refused.push_back({lines_[least].back().ticket.id, Refusal::LineFull});
    lines_[least].pop_back();
  }
  line(ticket.priority).push_back({ticket, now + kMaxWait});
  return refused;
}

std::optional<std::uint64_t> RestScheduler::next(base::Timestamp now) {
  roll(now);
  for (std::size_t p = 0; p < lines_.size(); ++p) {
    auto& waiting_line = lines_[p];
    if (waiting_line.empty() || held_back(static_cast<Priority>(p), now)) continue;
    const Ticket ticket = waiting_line.front().ticket;
    if (!affordable(ticket)) continue;  // of another limit a lower priority may still have some: windows refill at once
    waiting_line.pop_front();
    for (std::size_t i = 0; i < kPools; ++i) {
      windows_[i].own += ticket.cost[i];
      windows_[i].used += ticket.cost[i];
    }
    in_flight_.emplace(ticket.id, Sent{ticket, now});
    if (now < paused_until_) last_exit_in_pause_ = now;
    if (half_open_ && !probe_ && !circuit_open(now)) probe_ = ticket.id;
    return ticket.id;
  }
  return std::nullopt;
}

std::vector<RestScheduler::Refused> RestScheduler::refuse_overdue(base::Timestamp now) {
  std::vector<Refused> out;
  for (std::size_t p = 0; p < lines_.size(); ++p) {
    auto& waiting_line = lines_[p];
    const bool circuit = p != static_cast<std::size_t>(Priority::Exit) && circuit_open(now);
    while (!waiting_line.empty()) {
      const Waiting& first = waiting_line.front();
      const bool banned = banned_until_.ns != 0 && first.deadline < banned_until_ + kBanMargin;
      if (!circuit && !banned && now < first.deadline) break;
      out.push_back({first.ticket.id, banned    ? Refusal::Banned
                                      : circuit ? Refusal::CircuitOpen
                                                : Refusal::WaitedTooLong});
      waiting_line.pop_front();
    }
  }
  return out;
}

/// The exchange's count of this call's window, plus what it cannot have counted yet. Only ever raises ours: some routes
/// report too little.
void RestScheduler::correct(Pool pool, std::optional<int> said, base::Timestamp sent_at) {
  Window& w = window(pool);
  if (!said || index_of(w, sent_at) != w.index) return;
  int pending = 0;
  for (const auto& [id, sent] : in_flight_) pending += sent.ticket.cost[static_cast<std::size_t>(pool)];
  w.used = std::max(w.used, *said + pending);
}

void RestScheduler::note_health(bool failed, std::uint64_t id, base::Timestamp now) {
  const bool probing = half_open_ && probe_ == id;
  if (!failed) {
    failures_.clear();
    half_open_ = false;
    probe_.reset();
    open_until_ = {};
    return;
  }
  failures_.push_back(now);
  while (failures_.front() + kFailureSpan < now) failures_.pop_front();
  if (probing || failures_.size() >= kFailuresToOpen) {
    open_until_ = now + kOpenFor;
    half_open_ = true;  // once the time is over
    probe_.reset();
    failures_.clear();
  }
}

void RestScheduler::answered(std::uint64_t id, const Answer& answer, base::Timestamp now) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end()) return;
  roll(now);
  const Sent sent = found->second;
  in_flight_.erase(found);
  recent_.push_back(sent);
  correct(Pool::Weight, answer.used_weight, sent.at);
  correct(Pool::Orders10s, answer.used_orders_10s, sent.at);
  correct(Pool::Orders1m, answer.used_orders_1m, sent.at);
  if (answer.banned_until) banned_until_ = std::max(banned_until_, *answer.banned_until);
  if (answer.throttled) {
    // Calls that were under way together are refused together; that is one refusal.
    if (sent.at >= last_throttle_) ++throttles_in_a_row_;
    last_throttle_ = now;
    const base::Duration doubled = base::seconds(std::int64_t{1} << std::min(throttles_in_a_row_ - 1, 6));
    paused_until_ = std::max(paused_until_, now + answer.retry_after.value_or(std::min(doubled, kMaxBackoff)));
    last_exit_in_pause_ = std::max(last_exit_in_pause_, now);
  } else if (answer.status >= 200 && answer.status < 300 && now >= paused_until_) {
    throttles_in_a_row_ = 0;
  }
  note_health(answer.status == 0 || answer.status >= 500, id, now);
}

std::optional<base::Timestamp> RestScheduler::banned_until(base::Timestamp now) const {
  return now < banned_until_ ? std::optional(banned_until_) : std::nullopt;
}

std::optional<base::Timestamp> RestScheduler::wake_at(base::Timestamp now) const {
  std::optional<base::Timestamp> at;
  const auto sooner = [&](base::Timestamp candidate) {
    if (candidate > now && (!at || candidate < *at)) at = candidate;
  };
  for (const auto& waiting_line : lines_) {
    if (waiting_line.empty()) continue;
    if (waiting_line.front().deadline <= now) return now;
    sooner(waiting_line.front().deadline);
  }
  if (!at) return at;
  for (const Window& w : windows_) sooner(base::Timestamp{(index_of(w, now) + 1) * w.length.ns} + kRollDelay - offset_);
  sooner(paused_until_);
  sooner(last_exit_in_pause_ + exit_spacing(throttles_in_a_row_));
  sooner(banned_until_ + kBanMargin);
  sooner(open_until_);
  return at;
}

}  // namespace qtrader::binance
