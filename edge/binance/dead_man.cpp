#include "edge/binance/dead_man.hpp"

#include "edge/binance/requests.hpp"

namespace qtrader::binance {

void DeadMan::on_change(const TrackedOrder& order) {
  if (!order.entry || !order.rests) return;
  Watch& watch = watches_[order.symbol.value];
  if (order.open()) {
    const bool first = watch.working.empty();
    watch.working.insert(order.id.value);
    if (first) beat(order.symbol.value);
  } else if (watch.working.erase(order.id.value) == 1 && watch.working.empty()) {
    release(order.symbol.value, 0);
  }
}

void DeadMan::stop() {
  for (auto& [symbol, watch] : watches_) watch.alarm = nullptr;
}

void DeadMan::beat(std::uint16_t symbol) {
  const auto answered = [](const Answer<std::string>&) {};  // the next beat is the repetition
  ask<std::string>(around_, life_,
                   requests::countdown(around_.instruments.name({symbol}), around_.config.countdown_s * 1'000),
                   &any_body, answered);
  watches_[symbol].alarm =
      around_.host.after(base::seconds(around_.config.heartbeat_s), [this, symbol] { beat(symbol); });
}

// If it cannot be switched off, it runs out: a later order of the symbol would be caught by it. Hence some tries.
void DeadMan::release(std::uint16_t symbol, int tries) {
  Watch& watch = watches_[symbol];
  watch.alarm = nullptr;
  ask<std::string>(around_, life_, requests::countdown(around_.instruments.name({symbol}), 0), &any_body,
                   [this, symbol, tries](const Answer<std::string>& answer) {
                     constexpr int kTries = 5;
                     Watch& after = watches_[symbol];
                     if (std::holds_alternative<std::string>(answer) || !after.working.empty() || tries >= kTries)
                       return;
                     after.alarm =
                         around_.host.after(base::seconds(1), [this, symbol, tries] { release(symbol, tries + 1); });
                   });
}

}  // namespace qtrader::binance
