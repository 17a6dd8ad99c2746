#include "core/models/pending_verdicts.hpp"

#include <algorithm>

#include "core/base/det_math.hpp"

namespace qtrader::models {

std::optional<MaturedVerdict> PendingVerdicts::mature(domain::SymbolId symbol, base::Timestamp bar_close,
                                                      double close) {
  std::vector<PendingVerdict>& waiting = waiting_[symbol.value];
  const auto still_waits =
      std::ranges::find_if(waiting, [&](const PendingVerdict& v) { return v.bar_close + horizon_ > bar_close; });
  std::optional<MaturedVerdict> out;
  for (auto v = waiting.begin(); v != still_waits; ++v) {
    if (v->bar_close + horizon_ == bar_close && close > 0) {
      const double log_return = base::det::log(close / v->close);
      out = MaturedVerdict{*v, v->buy ? log_return : -log_return};
    } else {
      ++dropped_;
    }
  }
  waiting.erase(waiting.begin(), still_waits);
  return out;
}

}  // namespace qtrader::models
