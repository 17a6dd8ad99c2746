// Universe: which symbols, base timeframe and window a training run uses, from what is asked and what is recorded.
//
// Explicit wishes are obeyed or refused by name; what is left open is filled in from the catalog: the last
// lookback_days of data, and every symbol that covers them. Never mixes base timeframes, never trains on a symbol with
// a hole of days.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "edge/history/catalog.hpp"

namespace qtrader::training {

struct UniverseRequest {
  std::vector<std::string> symbols;         // empty: all USDT contracts that cover the window
  std::optional<base::Timestamp> from, to;  // close times of rows lie in (from, to]; from: default lookback before to
  std::int32_t lookback_days = 90;
  domain::Timeframe primary = domain::Timeframe::M15;
  std::int32_t warmup_bars = 800;
};

struct Universe {
  std::vector<std::string> symbols;  // sorted
  domain::Timeframe base = domain::Timeframe::M5;
  history::Window rows;  // where rows may lie
  history::Window bars;  // what is read: the rows' window and the warm-up before it, as far as there is data
};

/// Errors: InvalidArgument (window, lookback), NotFound naming the symbols that are missing or do not cover the window.
base::Result<Universe> choose_universe(const history::Catalog& catalog, const UniverseRequest& request);

}  // namespace qtrader::training
