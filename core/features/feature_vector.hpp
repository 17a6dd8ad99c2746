// FeatureVector: the 64 numbers every model sees (ai.md 1), with a mask of which were really known.
//
// Produced by FeatureBook (streaming) and batch_features (training); consumed by core/models. Values are raw: trees take
// them as they are, networks normalise with statistics from training rows stored in their artefact.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/reflect.hpp"
#include "core/base/time.hpp"
#include "core/domain/bar.hpp"
#include "core/domain/ids.hpp"

namespace qtrader::features {

inline constexpr std::size_t kFeatureCount = 64;

/// Names of features #1..#64 at index 0..63, as in ai.md 1.
extern const std::array<std::string_view, kFeatureCount> kFeatureNames;

struct FeatureVector {
  domain::SymbolId symbol;
  base::Timestamp bar_close;  // close time of the primary bar
  std::array<double, kFeatureCount> x{};
  std::uint64_t present_mask = 0;  // bit i set: x[i] was computed from data; clear: neutral value
  bool valid = false;              // false: no model may predict from it
  std::string_view invalid_reason;  // static text, "" when valid

  /// Number of features that are absent.
  int cleared() const;
};

/// SHA-256 over the ordered names, the formula version and the primary timeframe. A model trained on another schema is refused.
std::string schema_id(domain::Timeframe primary);
inline constexpr int kFormulaVersion = 1;

}  // namespace qtrader::features
