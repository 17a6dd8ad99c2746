// qtrader_tidy ROOT                        checks the sources under ROOT
// qtrader_tidy --symbols NM ARCHIVE…       checks the undefined symbols of the core archives
//
// Prints one line per finding, exits 1 if there are any, 2 if it could not look. The rules are in rules.hpp.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tools/tidy/rules.hpp"

namespace qtrader::tidy {
namespace {

namespace fs = std::filesystem;

constexpr int kClean = 0, kFound = 1, kBroken = 2;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw fs::filesystem_error("cannot read", path, std::make_error_code(std::errc::io_error));
  return {std::istreambuf_iterator<char>(in), {}};
}

int report(const Findings& findings, std::size_t looked_at, const char* what) {
  for (const Finding& f : findings) {
    std::cout << f.key;
    if (f.line != 0) std::cout << ':' << f.line;
    std::cout << ": " << f.rule << ": " << f.text << '\n';
  }
  std::cout << looked_at << ' ' << what << ", " << findings.size() << " findings\n";
  return findings.empty() ? kClean : kFound;
}

int check_tree(const fs::path& root) {
  const Layers layers = parse_layers(read_file(root / "cmake/layers.cmake"));
  if (layers.empty()) {
    std::cerr << "cmake/layers.cmake holds no layers\n";
    return kBroken;
  }
  Findings findings;
  std::size_t files = 0;
  for (const char* directory : {"core", "edge", "training", "apps", "tests", "tools", "bench", "sim"}) {
    if (!fs::exists(root / directory)) continue;
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(root / directory))
      if (entry.is_regular_file()) paths.push_back(fs::relative(entry.path(), root).generic_string());
    std::ranges::sort(paths);
    for (const std::string& path : paths) {
      check_name(path, findings);
      if (!path.ends_with(".hpp") && !path.ends_with(".cpp")) continue;
      ++files;
      const Source source = read_source(path, read_file(root / path));
      check_layers(source, layers, findings);
      check_bans(source, findings);
      check_sizes(source, findings);
      check_header(source, findings);
      check_markers(source, findings);
    }
  }
  return report(apply_exceptions(findings, read_file(root / "tools/tidy/exceptions.txt")), files, "sources");
}

std::string run(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  char buffer[4096];
  for (std::size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  if (pclose(pipe) != 0) throw std::runtime_error(command + " failed");
  return out;
}

int check_archives(const std::string& nm, const std::vector<std::string>& archives) {
  Findings findings;
  for (const std::string& archive : archives)
    check_symbols(fs::path(archive).filename().string(), run(nm + " -C --undefined-only '" + archive + "'"), findings);
  if (archives.empty()) {
    std::cerr << "no archives given\n";
    return kBroken;
  }
  return report(findings, archives.size(), "archives");
}

}  // namespace
}  // namespace qtrader::tidy

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() == 1) return qtrader::tidy::check_tree(arguments[0]);
    if (arguments.size() >= 2 && arguments[0] == "--symbols")
      return qtrader::tidy::check_archives(arguments[1], {arguments.begin() + 2, arguments.end()});
    std::cerr << "usage: qtrader_tidy ROOT | qtrader_tidy --symbols NM ARCHIVE…\n";
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
  }
  return qtrader::tidy::kBroken;
}
