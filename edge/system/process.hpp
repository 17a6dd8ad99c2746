// Process: what this program may ask of the machine: wall clock, resident memory, its own path, Ctrl-C.
//
// The only place that reads a clock. A decision never reads it: the live world stamps events with it on their way in.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/base/time.hpp"

namespace qtrader::system {

/// Wall clock, UTC.
base::Timestamp wall_now();
/// Monotonic seconds.
double steady_seconds();
/// Resident set size of this process in MiB; 0 if /proc is not there.
double resident_mib();
/// Directory of the running executable.
std::filesystem::path executable_directory();
/// From now on SIGINT and SIGTERM only set the flag that interrupted() reads.
void catch_interrupts();
bool interrupted();

}  // namespace qtrader::system
