#include "tools/tidy/rules.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace qtrader::tidy {
namespace {

constexpr const char* kLayers = R"(set(QT_LAYERS
  "core/base:"
  "core/domain:core/base"
  "edge/store:core/domain"
  "apps/qtrader:edge/store"
  "apps/qtrader-train:core/domain"
))";

std::vector<std::string> rules(const Findings& findings) {
  std::vector<std::string> out;
  for (const Finding& f : findings) out.push_back(f.rule);
  return out;
}

TEST(Layer, AllowsDownwardsThroughOthersAndRefusesUpwards) {
  const Layers layers = parse_layers(kLayers);
  Findings out;
  check_layers(
      read_source("edge/store/a.cpp", "#include \"core/base/b.hpp\"\n#include <map>\n#include \"edge/store/c.hpp\"\n"),
      layers, out);
  EXPECT_TRUE(out.empty());
  check_layers(read_source("core/base/a.hpp", "\n#include \"core/domain/b.hpp\"\n"), layers, out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].line, 2u);
  EXPECT_NE(out[0].text.find("core/base may not use core/domain"), std::string::npos);
  out.clear();
  check_layers(read_source("apps/qtrader-train/a.cpp", "#include \"edge/store/b.hpp\"\n"), layers, out);
  EXPECT_EQ(out.size(), 1u);  // not mistaken for apps/qtrader
}

TEST(Layer, ReadsTheProjectsTable) {
  std::ifstream in(QT_SOURCE_DIR "/cmake/layers.cmake");
  const Layers layers = parse_layers(std::string(std::istreambuf_iterator<char>(in), {}));
  EXPECT_TRUE(layers.at("core/engine").contains("core/base"));
  EXPECT_FALSE(layers.at("core/base").contains("core/domain"));
}

TEST(Bans, EachIsFoundInCoreAndOnlyThere) {
  for (const char* line : {"auto t = std::chrono::steady_clock::now();",
                           "clock_gettime(CLOCK_REALTIME, &ts);",
                           "auto t = time(nullptr);",
                           "std::random_device d;",
                           "std::mt19937 g(1);",
                           "int x = rand();",
                           "auto* e = std::getenv(\"HOME\");",
                           "FILE* f = fopen(p, m);",
                           "std::ifstream in(p);",
                           "std::ofstream out(p);",
                           "std::thread t(f);",
                           "std::mutex m;",
                           "std::atomic<int> n;",
                           "std::unordered_map<int, int> m;",
                           "std::unordered_set<int> s;",
                           "double y = std::exp(x);",
                           "double y = std::log(x);",
                           "double y = std::pow(x, 2);",
                           "double y = std::sin(x) + 1;",
                           "double y = std::cos(x);",
                           "double y = std::tanh(x);",
                           "std::locale l;",
                           "#include <iostream>",
                           "std::cout << 1;",
                           "std::printf(f);",
                           "  printf(f);",
                           "std::normal_distribution<> d;",
                           "std::ostringstream s;"}) {
    Findings out;
    check_bans(read_source("core/base/a.cpp", line), out);
    EXPECT_FALSE(out.empty()) << line;
    for (const Finding& f : out) EXPECT_NE(f.text.find("; use "), std::string::npos);
    out.clear();
    check_bans(read_source("edge/store/a.cpp", line), out);
    check_bans(read_source("core/base/a_test.cpp", line), out);
    EXPECT_TRUE(out.empty()) << line;
  }
}

TEST(Bans, LeaveInnocentCodeAlone) {
  for (const char* line :
       {"// std::thread is banned", "const char* s = \"std::cout\";", "const char* r = R\"(fopen)\";",
        "base::det::exp(x);", "det::log(x)", "Timestamp time() const;", "x.operand(1);", "std::snprintf(b, n, f);",
        "double brand(int);", "std::sqrt(x); std::abs(x);", "auto runtime(0);",
        "const auto n = 1'000; std::string a('c', 2);"}) {
    Findings out;
    check_bans(read_source("core/base/a.cpp", line), out);
    EXPECT_TRUE(out.empty()) << line << " " << (out.empty() ? "" : out[0].text);
  }
  Findings out;
  check_bans(read_source("core/base/check.cpp", "  std::fprintf(stderr, f);"), out);
  EXPECT_TRUE(out.empty());
}

TEST(Bans, BoostStaysOutOfCoreHeaders) {
  Findings out;
  check_bans(read_source("core/models/a.cpp", "#include <boost/json.hpp>"), out);
  check_bans(read_source("core/base/reflect.hpp", "#include <boost/describe.hpp>"), out);
  EXPECT_TRUE(out.empty());
  check_bans(read_source("core/models/a.hpp", "#include <boost/json.hpp>"), out);
  EXPECT_EQ(out.size(), 1u);
}

std::string function_of(std::size_t lines, const std::string& head) {
  std::string text = head + " {\n";
  for (std::size_t i = 0; i + 2 < lines; ++i) text += "  f({1}, [] { return 2; });\n";
  return text + "}\n";
}

TEST(Sizes, LongFunctionsAreFoundWhateverTheyLookLike) {
  for (const char* head : {"void Foo::bar(int x)", "template <class T>\nint f(T t) const noexcept", "TEST(A, B)",
                           "Foo::Foo(int a)\n    : a_(a), b_{a}", "struct S {\n  bool operator==(const S& o) const",
                           "namespace n {\nclass C {\n public:\n  auto f() -> std::vector<int>"}) {
    Findings out;
    check_sizes(read_source("core/a.cpp", function_of(kMaxFunctionLines, head) + "}}}\n"), out);
    EXPECT_TRUE(out.empty()) << head;
    check_sizes(read_source("core/a.cpp", function_of(kMaxFunctionLines + 1, head) + "}}}\n"), out);
    ASSERT_EQ(rules(out), std::vector<std::string>{"function-size"}) << head;
    EXPECT_EQ(out[0].value, kMaxFunctionLines + 1);
  }
}

TEST(Sizes, ClassesNamespacesAndTablesMayBeLong) {
  for (const char* head :
       {"namespace x", "class A final : public B<int(int)>", "struct S", "enum class E : int",
        "QT_DESCRIBE(A, b, c)\nclass A", "constexpr std::array kTable =", "const std::map<int, F(int)> m ="}) {
    Findings out;
    std::string text = std::string(head) + " {\n";
    for (int i = 0; i < 100; ++i) text += "  int a;\n";
    check_sizes(read_source("core/a.cpp", text + "};\n"), out);
    EXPECT_TRUE(out.empty()) << head;
  }
}

TEST(Sizes, FilesAndLines) {
  const auto text = [](std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i) out += "int a;\n";
    return out;
  };
  Findings out;
  check_sizes(read_source("core/a.cpp", text(600)), out);
  check_sizes(read_source("core/a_test.cpp", text(1000)), out);
  check_sizes(read_source("core/a.cpp", "// " + std::string(116, 'x') + "é\n"), out);  // 120 columns, 121 bytes
  EXPECT_TRUE(out.empty());
  check_sizes(read_source("core/a.cpp", text(601)), out);
  check_sizes(read_source("core/a_test.cpp", text(1001)), out);
  check_sizes(read_source("core/a.cpp", std::string(121, 'x') + "\n"), out);
  EXPECT_EQ(rules(out), (std::vector<std::string>{"file-size", "file-size", "width"}));
}

TEST(Headers, OpenWithACommentAndAreIncludedOnce) {
  Findings out;
  check_header(read_source("core/a.hpp", "// What it is.\n#pragma once\n"), out);
  check_header(read_source("core/a.cpp", "int x;\n"), out);
  EXPECT_TRUE(out.empty());
  check_header(read_source("core/a.hpp", "#pragma once\n"), out);
  check_header(read_source("core/b.hpp", "// What it is.\nint x;\n"), out);
  check_header(read_source("core/c.hpp", ""), out);
  EXPECT_EQ(out.size(), 4u);
}

TEST(Names, VersionsAndBackupsAreRefused) {
  Findings out;
  for (const char* path : {"core/view.cpp", "core/finality.hpp", "core/v2ray.cpp", "tools/x.sh"}) check_name(path, out);
  EXPECT_TRUE(out.empty());
  for (const char* path : {"core/gate_v2.cpp", "core/gate_final.hpp", "core/gate.cpp.bak", "core/gate_old.cpp",
                           "core/a.orig", "core/gate_v10_test.cpp", "core/a~"})
    check_name(path, out);
  EXPECT_EQ(out.size(), 7u);
}

TEST(Markers, AreRefusedEvenInComments) {
  Findings out;
  check_markers(read_source("core/a.cpp", "int todo;\n"), out);
  EXPECT_TRUE(out.empty());
  check_markers(read_source("core/a.cpp",
                            "// TO"
                            "DO later\n/* FIX"
                            "ME */\n"),
                out);
  EXPECT_EQ(out.size(), 2u);
}

TEST(Symbols, EachBannedSymbolIsFound) {
  for (const char* symbol : {"clock_gettime@GLIBC_2.17", "gettimeofday", "getenv", "open", "fopen", "socket",
                             "pthread_create", "rand", "std::random_device::_M_getval()", "exp", "log", "pow", "sin",
                             "cos", "tanh", "std::chrono::_V2::steady_clock::now()", "std::locale::locale()",
                             "std::basic_ifstream<char, std::char_traits<char> >::basic_ifstream()"}) {
    Findings out;
    check_symbols("lib.a", std::string("a.cpp.o:\n                 U ") + symbol + "\n", out);
    ASSERT_EQ(out.size(), 1u) << symbol;
    EXPECT_NE(out[0].text.find("a.cpp.o needs"), std::string::npos);
  }
  Findings out;
  for (const char* symbol :
       {"memcpy", "qtrader::base::det::exp(double)", "abort", "operator new(unsigned long)", "sqrt"})
    check_symbols("lib.a", std::string("                 U ") + symbol + "\n", out);
  EXPECT_TRUE(out.empty());
}

TEST(Exceptions, ExcuseExactlyWhatTheyNameAndMayOnlyShrink) {
  const Findings findings = {
      {"function-size", "a.cpp:f", 1, 90, ""}, {"ban", "b.cpp", 1, 1, ""}, {"ban", "b.cpp", 2, 1, ""}};
  EXPECT_EQ(apply_exceptions(findings, "").size(), 3u);
  EXPECT_TRUE(apply_exceptions(findings, "# why\nfunction-size a.cpp:f 90\nban b.cpp 2\n").empty());
  EXPECT_EQ(rules(apply_exceptions(findings, "function-size a.cpp:f 89\nban b.cpp 2\n")),
            std::vector<std::string>{"function-size"});
  EXPECT_EQ(rules(apply_exceptions(findings, "function-size a.cpp:f 95\nban b.cpp 2\n")),
            std::vector<std::string>{"exception"});
  EXPECT_EQ(rules(apply_exceptions({}, "ban gone.cpp 1\n")), std::vector<std::string>{"exception"});
}

}  // namespace
}  // namespace qtrader::tidy
