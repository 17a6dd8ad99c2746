#include "edge/system/process.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>

namespace qtrader::system {
namespace {

std::atomic<bool> stop_requested{false};  // set by a signal handler, which can reach nothing else

}  // namespace

base::Timestamp wall_now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()};
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double resident_mib() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  if (!(statm >> total >> resident)) return 0;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1024.0 * 1024.0);
}

std::filesystem::path executable_directory() {
  std::error_code ec;
  return std::filesystem::read_symlink("/proc/self/exe", ec).parent_path();
}

void catch_interrupts() {
  const auto handler = [](int) { stop_requested.store(true); };
  std::signal(SIGINT, handler);
  std::signal(SIGTERM, handler);
}

bool interrupted() { return stop_requested.load(); }

}  // namespace qtrader::system
