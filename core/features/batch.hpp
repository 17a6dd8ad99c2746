// batch_features: the 64 features of ai.md 1 worked out from whole series, formula by formula.
//
// The other computation: written straight from the definitions, with two-pass sums over each window and no shared state
// with FeatureBook, so that tests can hold the two against each other. Slow (O(window) per bar) and meant for checking;
// training and trading use FeatureBook.
#pragma once

#include <span>
#include <vector>

#include "core/domain/events.hpp"
#include "core/features/feature_vector.hpp"

namespace qtrader::features {

/// Series are in time order; empty ones are feeds that the source does not have.
struct BatchInput {
  domain::SymbolId symbol;
  domain::Timeframe base = domain::Timeframe::M5, primary = domain::Timeframe::M15;
  std::int32_t warmup_bars = 800;
  std::span<const domain::Bar> base_bars;
  std::span<const domain::Bar> primary_bars;
  bool is_reference = false;                    // the symbol is the reference itself
  std::span<const domain::Bar> reference_bars;  // primary bars of the reference symbol
  std::span<const domain::BookTop> books;
  std::span<const domain::FundingRate> funding;
  std::span<const domain::OpenInterest> open_interest;  // at least a minute apart
  std::span<const domain::Sentiment> sentiment;
  std::span<const domain::TrendingRank> trending;
};

/// One vector for each primary bar, as FeatureBook would give it at that bar's close.
std::vector<FeatureVector> batch_features(const BatchInput& input);

}  // namespace qtrader::features
