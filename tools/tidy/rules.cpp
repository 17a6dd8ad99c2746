#include "tools/tidy/rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <regex>
#include <sstream>

namespace qtrader::tidy {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> out;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

/// Blanks comments and the insides of string and character literals, keeping every newline where it was.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : in_(text), out_(text) {}

  std::string run() {
    while (at_ < in_.size()) {
      if (in_.substr(at_).starts_with("//")) {
        blank_until(in_.find('\n', at_));
      } else if (in_.substr(at_).starts_with("/*")) {
        const std::size_t end = in_.find("*/", at_ + 2);
        blank_until(end == std::string_view::npos ? end : end + 2);
      } else if (raw_string_here()) {
        const std::size_t open = in_.find('(', at_);
        const std::string close = ")" + std::string(in_.substr(at_ + 2, open - at_ - 2)) + "\"";
        const std::size_t end = in_.find(close, open);
        at_ = open + 1;
        blank_until(end);
        at_ = std::min(in_.size(), at_ + close.size());
      } else if (in_[at_] == '"' || (in_[at_] == '\'' && !digit_separator())) {
        quoted(in_[at_]);
      } else {
        ++at_;
      }
    }
    return out_;
  }

 private:
  bool raw_string_here() const { return in_.substr(at_).starts_with("R\"") && (at_ == 0 || !is_word(in_[at_ - 1])); }
  bool digit_separator() const {
    return at_ > 0 && is_word(in_[at_ - 1]) && at_ + 1 < in_.size() && is_word(in_[at_ + 1]);
  }
  void blank_until(std::size_t end) {
    for (end = std::min(end, in_.size()); at_ < end; ++at_)
      if (out_[at_] != '\n') out_[at_] = ' ';
  }
  void quoted(char quote) {
    for (++at_; at_ < in_.size() && in_[at_] != quote && in_[at_] != '\n'; ++at_) {
      if (in_[at_] == '\\' && at_ + 1 < in_.size()) out_[at_++] = ' ';
      out_[at_] = ' ';
    }
    ++at_;
  }

  std::string_view in_;
  std::string out_;
  std::size_t at_ = 0;
};

std::size_t columns(const std::string& line) {
  return static_cast<std::size_t>(
      std::ranges::count_if(line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// The path of an `#include "…"`, which blanking has removed from `code`.
std::optional<std::string> included(const std::string& line, char open, char close) {
  if (!line.starts_with("#include ")) return std::nullopt;
  const std::size_t from = line.find(open), to = line.find(close, from + 1);
  if (from == std::string::npos || to == std::string::npos) return std::nullopt;
  return line.substr(from + 1, to - from - 1);
}

struct Ban {
  const char* pattern;  // of code; words are whole
  const char* instead;
};

constexpr std::array kCoreBans = {
    Ban{R"(\b(steady_clock|system_clock|high_resolution_clock)\b)", "the envelope's ts_recv: core has no clock"},
    Ban{R"(\b(clock_gettime|gettimeofday)\b|\btime\((nullptr|NULL|0|&)|\bstd::time\b)", "the envelope's ts_recv"},
    Ban{R"(\b(random_device|mt19937|mt19937_64|default_random_engine|minstd_rand0?)\b)", "base::Rng"},
    Ban{R"(\b(uniform_real|uniform_int|normal|bernoulli|poisson|exponential)_distribution\b)", "base::Rng's own"},
    Ban{R"((^|[^\w.>:])s?rand\(|\bstd::s?rand\b)", "base::Rng"},
    Ban{R"(\b(secure_)?getenv\b)", "a config value given by the caller"},
    Ban{R"(\b(fopen|ifstream|ofstream|fstream|filebuf)\b)", "bytes given by an edge room"},
    Ban{R"(\bstd::(j?thread|async|future|promise|condition_variable|this_thread)\b)",
        "edge/system: core is one thread"},
    Ban{R"(\bstd::(shared_|recursive_|timed_)?mutex\b|\bstd::atomic|\bthread_local\b)", "nothing: core is one thread"},
    Ban{R"(\bunordered_(multi)?(map|set)\b)", "std::map or a vector by dense id: order must not depend on hashing"},
    Ban{R"(\bstd::(exp[2fl]?|expm1|log(2|10|1p|f|l)?|pow[fl]?|cbrt|erfc?)\b)", "base::det (core/base/det_math.hpp)"},
    Ban{R"(\bstd::a?(sin|cos|tan|sinh|cosh|tanh|tan2)[fl]?\b)", "base::det (core/base/det_math.hpp)"},
    Ban{R"(\bstd::(locale|setlocale|ostringstream|istringstream|stringstream)\b|\bsetlocale\()",
        "std::to_chars and std::from_chars: streams read the locale"},
    Ban{R"(#include <(iostream|ostream|istream|fstream|sstream|locale|thread|mutex|atomic|random|chrono)>)",
        "nothing of this header belongs in core"},
    Ban{R"(\bstd::(cout|cerr|clog|cin)\b|(^|[^\w])(std::)?(v?f?printf|puts)\()", "an audit record or a Result"},
};

/// check_failed() has to speak before it aborts.
constexpr std::string_view kMayPrint = "core/base/check.cpp";
constexpr std::string_view kMayNameBoost = "core/base/reflect.hpp";

/// Scans code for the bodies of functions that are not inside another function.
class FunctionScan {
 public:
  FunctionScan(const Source& source, Findings& out) : source_(source), out_(out) {}

  void run() {
    for (std::size_t i = 0; i < source_.code.size(); ++i) {
      const std::string& line = source_.code[i];
      if (line.starts_with("#") || continued_) {
        continued_ = line.ends_with("\\");
        continue;
      }
      for (const char c : line) step(c, i + 1);
      head_ += ' ';
    }
  }

 private:
  void step(char c, std::size_t line) {
    if (c == '{') {
      ++depth_;
      if (initialises()) {
        initialisers_.push_back(depth_);
        return;
      }
      if (function_depth_ == 0 && opens_function()) {
        function_depth_ = depth_;
        from_ = line;
        name_ = function_name();
      }
      head_.clear();
    } else if (c == '}') {
      if (!initialisers_.empty() && initialisers_.back() == depth_) {
        initialisers_.pop_back();
      } else {
        close(line);
        head_.clear();
      }
      depth_ -= depth_ > 0 ? 1 : 0;
    } else if (c == ';') {
      head_.clear();
    } else {
      head_ += c;
    }
  }

  /// `member_{…}`: the format puts a space before every brace that opens a scope.
  bool initialises() const {
    return function_depth_ == 0 && !head_.empty() && (is_word(head_.back()) || head_.back() == '>');
  }
  void close(std::size_t line) {
    if (function_depth_ != depth_ || depth_ == 0) return;
    report(line);
    function_depth_ = 0;
  }
  bool opens_function() const {
    static const std::regex other(R"(^\s*(template\s*<.*>\s*)?(namespace|class|struct|union|enum|extern|export)\b)");
    static const std::regex described(R"(^\s*(QT_\w+\([^()]*\)\s*)+)");  // a macro that ends without a semicolon
    const std::string head = std::regex_replace(head_, described, "");
    static const std::regex assigned(R"([^=!<>]=\s*[\w:<>]*\s*$)");
    return head.find('(') != std::string::npos && !std::regex_search(head, other) && !std::regex_search(head, assigned);
  }
  std::string function_name() const {
    static const std::regex test(R"(\b(?:TEST|TEST_F|TEST_P|BENCHMARK)\((\w+),\s*(\w+))");
    static const std::regex call(R"(([\w:~]+)\s*\()");
    std::smatch m;
    if (std::regex_search(head_, m, test)) return m[1].str() + "." + m[2].str();
    return std::regex_search(head_, m, call) ? m[1].str() : "?";
  }
  void report(std::size_t line) {
    const std::size_t length = line - from_ + 1;
    if (length <= kMaxFunctionLines) return;
    out_.push_back({"function-size", source_.path + ":" + name_, from_, length,
                    std::to_string(length) + " lines, at most " + std::to_string(kMaxFunctionLines)});
  }

  const Source& source_;
  Findings& out_;
  std::string head_, name_;  // head_: code since the last ; { or }
  std::size_t depth_ = 0, function_depth_ = 0, from_ = 0;
  std::vector<std::size_t> initialisers_;  // depths of open member initialisers
  bool continued_ = false;                 // inside a macro definition
};

}  // namespace

Source read_source(std::string path, std::string_view text) {
  return {std::move(path), split_lines(text), split_lines(Blanker(text).run())};
}

Layers parse_layers(std::string_view text) {
  std::map<std::string, std::vector<std::string>> direct;
  static const std::regex row(R"re("([\w/-]+):([\w/,-]*)")re");
  const std::string all(text);
  for (std::sregex_iterator it(all.begin(), all.end(), row), end; it != end; ++it) {
    std::istringstream rooms((*it)[2].str());
    auto& list = direct[(*it)[1].str()];
    for (std::string room; std::getline(rooms, room, ',');) list.push_back(room);
  }
  Layers out;
  for (const auto& [room, unused] : direct) {
    std::vector<std::string> todo = {room};
    while (!todo.empty()) {
      const std::string next = todo.back();
      todo.pop_back();
      if (!out[room].insert(next).second) continue;
      const auto found = direct.find(next);
      if (found != direct.end()) todo.insert(todo.end(), found->second.begin(), found->second.end());
    }
  }
  return out;
}

std::string room_of(const Layers& layers, std::string_view path) {
  std::string best;
  for (const auto& [room, unused] : layers)
    if (path.starts_with(room + "/") && room.size() > best.size()) best = room;
  return best;
}

void check_layers(const Source& source, const Layers& layers, Findings& out) {
  const std::string room = room_of(layers, source.path);
  if (room.empty()) return;
  for (std::size_t i = 0; i < source.lines.size(); ++i) {
    const auto path = included(source.lines[i], '"', '"');
    if (!path) continue;
    const std::string target = room_of(layers, *path);
    if (target.empty() || layers.at(room).contains(target)) continue;
    out.push_back({"layer", source.path, i + 1, 1,
                   "includes \"" + *path + "\": " + room + " may not use " + target + " (cmake/layers.cmake)"});
  }
}

void check_bans(const Source& source, Findings& out) {
  if (!source.core() || source.test()) return;
  static const auto patterns = [] {
    std::vector<std::regex> list;
    for (const Ban& ban : kCoreBans) list.emplace_back(ban.pattern);
    return list;
  }();
  for (std::size_t i = 0; i < source.code.size(); ++i) {
    for (std::size_t b = 0; b < patterns.size(); ++b) {
      std::smatch m;
      if (!std::regex_search(source.code[i], m, patterns[b])) continue;
      if (source.path == kMayPrint && b + 1 == patterns.size()) continue;
      out.push_back({"ban", source.path, i + 1, 1, "`" + m[0].str() + "` in core; use " + kCoreBans[b].instead});
    }
    const auto header = included(source.lines[i], '<', '>');
    if (header && header->starts_with("boost/") && source.header() && source.path != kMayNameBoost)
      out.push_back({"ban", source.path, i + 1, 1, "<" + *header + "> in a core header; hide it in the .cpp"});
  }
}

void check_sizes(const Source& source, Findings& out) {
  const std::size_t most = source.test() ? kMaxTestLines : kMaxFileLines, lines = source.lines.size();
  if (lines > most)
    out.push_back(
        {"file-size", source.path, lines, lines, std::to_string(lines) + " lines, at most " + std::to_string(most)});
  for (std::size_t i = 0; i < lines; ++i) {
    if (const std::size_t wide = columns(source.lines[i]); wide > kMaxColumns)
      out.push_back(
          {"width", source.path, i + 1, 1, std::to_string(wide) + " columns, at most " + std::to_string(kMaxColumns)});
  }
  FunctionScan(source, out).run();
}

void check_header(const Source& source, Findings& out) {
  if (!source.header()) return;
  if (source.lines.empty() || !source.lines[0].starts_with("// "))
    out.push_back({"header", source.path, 1, 1, "does not open with a comment that says what it is"});
  if (std::ranges::find(source.lines, "#pragma once") == source.lines.end())
    out.push_back({"header", source.path, 1, 1, "has no #pragma once"});
}

void check_markers(const Source& source, Findings& out) {
  static const std::regex marker(
      "\\b(TO"
      "DO|FIX"
      "ME|XX"
      "X|HA"
      "CK)\\b");
  for (std::size_t i = 0; i < source.lines.size(); ++i) {
    std::smatch m;
    if (std::regex_search(source.lines[i], m, marker))
      out.push_back({"marker", source.path, i + 1, 1, m[0].str() + ": do it or leave it out"});
  }
}

void check_name(const std::string& path, Findings& out) {
  static const std::regex bad(
      R"((_v[0-9]+|_final|_old|_new|_copy|_backup)(_test)?\.[^./]+$|\.(bak|orig|rej|tmp|swp)$|~$)");
  const std::string name = path.substr(path.rfind('/') + 1);
  if (std::regex_search(name, bad))
    out.push_back({"name", path, 0, 1, "a version or backup in a file name; git keeps those"});
}

void check_symbols(const std::string& archive, std::string_view nm_output, Findings& out) {
  static const std::set<std::string, std::less<>> exact = {
      "clock_gettime", "gettimeofday", "time",   "clock",  "nanosleep", "getenv",    "secure_getenv", "setlocale",
      "open",          "open64",       "openat", "fopen",  "fopen64",   "socket",    "connect",       "pthread_create",
      "rand",          "srand",        "random", "rand_r", "drand48",   "getrandom", "arc4random",    "getentropy",
      "exp",           "expf",         "exp2",   "expm1",  "log",       "logf",      "log2",          "log10",
      "log1p",         "pow",          "powf",   "sin",    "sinf",      "cos",       "cosf",          "tan",
      "sincos",        "asin",         "acos",   "atan",   "atan2",     "sinh",      "cosh",          "tanh",
      "tanhf",         "cbrt",         "erf",    "erfc",   "tgamma",    "lgamma",    "__exp_finite",  "__log_finite",
      "__pow_finite"};
  static const std::regex pattern(
      R"(^std::(random_device|thread|chrono::_V2|basic_[io]?f(ile|stream)|basic_filebuf|locale|condition_variable)\b)");
  std::string member;
  for (const std::string& line : split_lines(nm_output)) {
    if (line.ends_with(":")) member = line.substr(0, line.size() - 1);
    const std::size_t at = line.find(" U ");
    if (at == std::string::npos) continue;
    std::string symbol = line.substr(at + 3);
    symbol = symbol.substr(0, symbol.find('@'));
    if (exact.contains(symbol) || std::regex_search(symbol, pattern))
      out.push_back({"symbol", archive, 0, 1, member + " needs " + symbol + ", which core must not"});
  }
}

Findings apply_exceptions(const Findings& findings, std::string_view exceptions) {
  std::map<std::pair<std::string, std::string>, std::size_t> allowed, present;
  for (const std::string& line : split_lines(exceptions)) {
    std::istringstream in(line.substr(0, line.find('#')));
    std::string rule, key;
    std::size_t value = 0;
    if (in >> rule >> key >> value) allowed[{rule, key}] = value;
  }
  const auto is_size = [](const Finding& f) { return f.value != 1; };
  for (const Finding& f : findings) {
    std::size_t& total = present[{f.rule, f.key}];
    total = is_size(f) ? std::max(total, f.value) : total + 1;
  }
  Findings out;
  for (const Finding& f : findings) {
    const auto found = allowed.find({f.rule, f.key});
    if (found == allowed.end() || present[{f.rule, f.key}] > found->second) out.push_back(f);
  }
  for (const auto& [which, value] : allowed) {
    const auto found = present.find(which);
    const std::size_t now = found == present.end() ? 0 : found->second;
    if (now < value)
      out.push_back({"exception", which.second, 0, 1,
                     "excused from " + which.first + " up to " + std::to_string(value) + " but only needs " +
                         std::to_string(now) + ": lower or remove it"});
  }
  return out;
}

}  // namespace qtrader::tidy
