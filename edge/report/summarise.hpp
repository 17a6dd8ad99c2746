// summarise: the statistics of a finished run → Summary, with the caveats its numbers call for.
#pragma once

#include <string>

#include "edge/report/recorder.hpp"
#include "edge/report/statistics.hpp"
#include "edge/report/summary.hpp"

namespace qtrader::report {

/// Closes of a symbol's first and last primary bar.
struct PriceSpan {
  domain::Price first, last;
  std::uint64_t bars = 0;
  std::optional<double> return_frac() const;
};

struct RunStatistics {
  EquityStatistics equity;
  TradeStatistics trades;
  std::vector<PriceSpan> prices;  // by SymbolId
  std::map<std::string, std::uint64_t> refusals;
  double traded = 0;  // Σ price · quantity of all fills: may pass what Money can hold
  domain::Money booked_fees, booked_funding;
  std::optional<domain::Money> final_equity;
};

Summary summarise(const RunInfo& info, const domain::InstrumentTable& instruments, const RunStatistics& statistics,
                  const RunOutcome& outcome);

}  // namespace qtrader::report
