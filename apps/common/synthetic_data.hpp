// Writes a synthetic market as a data directory: one bar store per symbol, funding rates, instruments; all tagged
// synthetic.
#pragma once

#include <filesystem>
#include <functional>

#include "edge/simvenue/synthetic.hpp"

namespace qtrader::apps {

/// OUT must not exist; it appears only when complete. progress gets the share done.
base::Result<void> write_synthetic_market(const simvenue::SyntheticConfig& config, const std::filesystem::path& out,
                                          const std::function<void(double)>& progress);

}  // namespace qtrader::apps
