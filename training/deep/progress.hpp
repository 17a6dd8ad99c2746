// How long work reports where it stands, so that whoever started it can show an estimate and stop it.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "core/base/result.hpp"

namespace qtrader::training::deep {

/// Called now and then: what is being done, how much of how much. False cancels it (Errc::Interrupted).
using Progress = std::function<bool(std::string_view stage, std::uint64_t done, std::uint64_t total)>;

/// Reports, where there is somebody to report to. Error: Interrupted if it was cancelled.
base::Result<void> report(const Progress& progress, std::string_view stage, std::uint64_t done, std::uint64_t total);

}  // namespace qtrader::training::deep
