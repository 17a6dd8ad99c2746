#include "core/models/degeneracy.hpp"

#include <algorithm>

namespace qtrader::models {
namespace {

constexpr std::int32_t kLeastSymbols = 20;
constexpr std::int64_t kTopSharePercent = 95;
constexpr std::int64_t kLeastStdMillionths = 20'000;  // 0.02

}  // namespace

void DegeneracyGuard::add(domain::SymbolId symbol, const Prediction& prediction) {
  QT_CHECK(symbol.value < per_symbol_.size(), "symbol of a prediction");
  const double top = std::max({prediction.p[0], prediction.p[1], prediction.p[2]});
  const Entry entry = {.symbol = symbol.value,
                       .action = static_cast<std::uint8_t>(prediction.action),
                       .top_millionths = static_cast<std::int64_t>(top * 1e6)};
  if (window_.full()) account(window_[kWindow - 1], -1);
  window_.push(entry);
  account(entry, 1);
  if (!judged()) return;
  if (!inactive_ && degenerate()) {
    *this = DegeneracyGuard(per_symbol_.size());  // judge the way back on predictions made from now on
    inactive_ = true;
  } else if (inactive_ && !degenerate()) {
    inactive_ = false;
  }
}

void DegeneracyGuard::account(const Entry& entry, int sign) {
  std::uint16_t& count = per_symbol_[entry.symbol];
  if (sign > 0 && count == 0) ++symbols_seen_;
  count = static_cast<std::uint16_t>(count + sign);
  if (sign < 0 && count == 0) --symbols_seen_;
  per_action_[entry.action] += sign;
  sum_ += sign * entry.top_millionths;
  sum_of_squares_ += sign * entry.top_millionths * entry.top_millionths;
}

bool DegeneracyGuard::judged() const { return window_.full() && symbols_seen_ >= kLeastSymbols; }

bool DegeneracyGuard::degenerate() const {
  constexpr auto n = static_cast<std::int64_t>(kWindow);
  const std::int64_t top = std::ranges::max(per_action_);
  const std::int64_t variance_n2 = n * sum_of_squares_ - sum_ * sum_;
  return top * 100 > kTopSharePercent * n && variance_n2 < n * n * kLeastStdMillionths * kLeastStdMillionths;
}

}  // namespace qtrader::models
