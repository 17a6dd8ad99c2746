// What the end-to-end tests share: running the built program as a user would, temporary directories, reading its
// results.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/temp_dir.hpp"

namespace qtrader::e2e {

namespace fs = std::filesystem;

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

using test::TempDir;

struct Outcome {
  int status = -1;  // exit status; 128 + signal if killed
  std::string out, err;
};

class Program {
 public:
  explicit Program(const TempDir& scratch) : scratch_(scratch.path()) {}

  /// Starts qtrader without waiting.
  pid_t start(const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {(fs::path(QT_BINARY_DIR) / "qtrader").string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return start_command(std::move(all));
  }
  /// Starts any command, found on the PATH, with more variables in its environment; status 127 if there is none.
  pid_t start_command(std::vector<std::string> all, const std::map<std::string, std::string>& environment = {}) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    (void)!std::freopen((scratch_ / "stdout").c_str(), "w", stdout);
    (void)!std::freopen((scratch_ / "stderr").c_str(), "w", stderr);
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    std::vector<char*> argv;
    for (auto& a : all) argv.push_back(a.data());
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  /// Waits until a running program has printed a whole line with this in it, and gives what follows it there; nothing
  /// if the program ends first.
  std::optional<std::string> await_line(pid_t pid, const std::string& marker) {
    for (;;) {
      siginfo_t ended{};
      ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT);
      const std::string out = read_file(scratch_ / "stdout");
      const auto at = out.find(marker);
      const auto end = at == std::string::npos ? at : out.find('\n', at);
      if (end != std::string::npos) return out.substr(at + marker.size(), end - at - marker.size());
      if (ended.si_pid == pid) return std::nullopt;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  Outcome wait(pid_t pid) {
    int raw = 0;
    ::waitpid(pid, &raw, 0);
    return {WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw), read_file(scratch_ / "stdout"),
            read_file(scratch_ / "stderr")};
  }
  /// Asks it to end, as a service manager would, and waits.
  Outcome stop(pid_t pid) {
    ::kill(pid, SIGTERM);
    return wait(pid);
  }
  Outcome run(const std::vector<std::string>& arguments) { return wait(start(arguments)); }

 private:
  fs::path scratch_;
};

/// Rows of a CSV file as maps from column to text.
inline std::vector<std::map<std::string, std::string>> read_csv(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::vector<std::string> header;
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(in, line)) {
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    if (header.empty()) {
      header = cells;
      continue;
    }
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < cells.size() && i < header.size(); ++i) row[header[i]] = cells[i];
  }
  return rows;
}

inline boost::json::object read_report(const fs::path& out) {
  return boost::json::parse(read_file(out / "report.json")).as_object();
}

inline std::string digest(const fs::path& out) {
  return std::string(read_report(out).at("run").at("digest").as_string());
}

/// Recorded data beside the checkout. A user's machine lacks them: then the test says so and skips, but never in CI.
inline fs::path recorded_data() { return fs::path(QT_SOURCE_DIR) / ".." / "shared" / "data"; }

}  // namespace qtrader::e2e

#define QT_NEED_RECORDED_DATA()                                                                   \
  if (!std::filesystem::is_directory(qtrader::e2e::recorded_data())) {                            \
    if (std::getenv("CI") != nullptr) FAIL() << "../shared/data is missing in CI";                \
    GTEST_SKIP() << "needs the recorded market data at ../shared/data, which this machine lacks"; \
  }
