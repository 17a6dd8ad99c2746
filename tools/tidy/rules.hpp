// The rules of the tree that a compiler does not check: layers, what core may not name, sizes, headers, names, symbols.
//
// Pure functions from text to findings, so that each rule has a test with a planted violation (rules_test.cpp). The
// walk over files and the exceptions list are in tidy.cpp. Heuristics work on text with comments and literals blanked
// out; they are no parser, and code formatted by the project's clang-format is all they need to understand.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace qtrader::tidy {

inline constexpr std::size_t kMaxFileLines = 600, kMaxTestLines = 1000, kMaxFunctionLines = 70, kMaxColumns = 120;

struct Finding {
  std::string rule;  // "layer", "ban", "file-size", "function-size", "width", "header", "name", "marker", "symbol"
  std::string key;   // the path, or path:function
  std::size_t line = 0;
  std::size_t value = 1;  // lines for sizes, 1 otherwise
  std::string text;
};
using Findings = std::vector<Finding>;

struct Source {
  std::string path;                // relative to the root, with '/'
  std::vector<std::string> lines;  // as they are
  std::vector<std::string> code;   // comments and the insides of literals replaced by spaces
  /// x_test.cpp, what is under tests/, and test_x.hpp, the helpers of tests.
  bool test() const {
    return path.ends_with("_test.cpp") || path.starts_with("tests/") || path.find("/test_") != std::string::npos;
  }
  bool header() const { return path.ends_with(".hpp"); }
  bool core() const { return path.starts_with("core/"); }
};
Source read_source(std::string path, std::string_view text);

/// Room → every room it may use, itself included. From the text of cmake/layers.cmake.
using Layers = std::map<std::string, std::set<std::string>>;
Layers parse_layers(std::string_view text);
/// The room a path belongs to, or empty.
std::string room_of(const Layers& layers, std::string_view path);

void check_layers(const Source& source, const Layers& layers, Findings& out);
void check_bans(const Source& source, Findings& out);
void check_sizes(const Source& source, Findings& out);
void check_header(const Source& source, Findings& out);
void check_markers(const Source& source, Findings& out);
void check_name(const std::string& path, Findings& out);
/// `nm_output` of `nm -C --undefined-only` on the archive.
void check_symbols(const std::string& archive, std::string_view nm_output, Findings& out);

/// What is left after the exceptions ("RULE KEY VALUE" a line, '#' comments). An exception larger than what it excuses
/// is a finding itself: the list may only shrink.
Findings apply_exceptions(const Findings& findings, std::string_view exceptions);

}  // namespace qtrader::tidy
