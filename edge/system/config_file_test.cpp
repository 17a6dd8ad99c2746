#include "edge/system/config_file.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace qtrader::system {
namespace {

enum class Colour { Red, Green };
QT_DESCRIBE_ENUM(Colour, Red, Green)
struct Inner {
  double ratio = 0.5;
  std::int32_t count = 3;
};
QT_DESCRIBE(Inner, ratio, count)
struct Outer {
  std::string name = "x";
  bool on = false;
  Colour colour = Colour::Red;
  domain::Timeframe timeframe = domain::Timeframe::M1;
  std::array<double, 2> pair{};
  Inner inner;
};
QT_DESCRIBE(Outer, name, on, colour, timeframe, pair, inner)

class ConfigFileTest : public testing::Test {
 protected:
  base::Result<Outer> load(const std::string& text) {
    path_ = std::filesystem::path(testing::TempDir()) / "config_file_test.toml";
    std::ofstream(path_) << text;
    auto file = ConfigFile::read(path_);
    if (!file) return file.error();
    Outer out;
    QT_TRY_VOID(file->apply(out));
    QT_TRY_VOID(file->require_all_used());
    return out;
  }
  std::filesystem::path path_;
};

TEST_F(ConfigFileTest, LayersOverDefaults) {
  const auto r = load("name = \"y\"\ntimeframe = \"4h\"\npair = [1, 2.5]\ncolour = \"Green\"\n[inner]\ncount = 9\n");
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(r->name, "y");
  EXPECT_EQ(r->timeframe, domain::Timeframe::H4);
  EXPECT_EQ(r->colour, Colour::Green);
  EXPECT_EQ(r->pair[1], 2.5);
  EXPECT_EQ(r->inner.count, 9);
  EXPECT_EQ(r->inner.ratio, 0.5);
}

TEST_F(ConfigFileTest, UnknownKeyNamesLineAndNearest) {
  const auto r = load("name = \"y\"\n[inner]\ncuont = 9\n");
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().context.find(":3: unknown key 'inner.cuont'; did you mean 'inner.count'?"), std::string::npos)
      << r.error().context;
}

TEST_F(ConfigFileTest, WrongTypesAreErrors) {
  EXPECT_FALSE(load("on = 1\n"));
  EXPECT_FALSE(load("name = 1\n"));
  EXPECT_FALSE(load("pair = [1]\n"));
  EXPECT_FALSE(load("[inner]\ncount = 1.5\n"));
  EXPECT_FALSE(load("[inner]\ncount = 99999999999\n"));
  const auto r = load("colour = \"Blue\"\n");
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().context.find("one of \"Red\", \"Green\""), std::string::npos) << r.error().context;
}

TEST_F(ConfigFileTest, SyntaxErrorNamesTheLine) {
  const auto r = load("name = \"y\"\non = = 1\n");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, base::Errc::Corrupt);
  EXPECT_NE(r.error().context.find(":2:"), std::string::npos);
}

}  // namespace
}  // namespace qtrader::system
