#include "edge/history/quality.hpp"

#include <map>
#include <sstream>

#include "core/base/json.hpp"
#include "edge/history/bar_store.hpp"
#include "edge/history/test_support.hpp"

namespace qtrader::history {
namespace {

using test::TempDir;
using test::write_text;

QualityReport check(const std::filesystem::path& root) {
  const auto catalog = Catalog::scan(root);
  EXPECT_TRUE(catalog.ok());
  return check_catalog(*catalog, {});
}

TEST(Quality, CountsEachFaultAndGoesOn) {
  TempDir dir;
  write_text(dir / "BTCUSDT-1h_20240101-20240102.csv",
             "open_time_ms,open,high,low,close,volume\n"
             "1704067200000,100,110,90,100,5\n"
             "1704067200000,100,110,90,100,5\n"    // duplicate
             "1704063600000,100,110,90,100,5\n"    // before the row above, and before the file's first day
             "1704070800000,100,110,90,110,0\n"    // zero volume
             "1704085200000,100,90,110,100,5\n"    // low above high, after three missing bars
             "1704088800000,100,110,105,107,5\n"   // open below low
             "1704092400000,0,110,90,100,5\n"      // not positive
             "1704096060000,100,110,90,100,5\n");  // one minute off the grid
  const auto report = check(dir.path());
  ASSERT_EQ(report.files.size(), 1u);
  const FileQuality& q = report.files.front();
  EXPECT_EQ(q.rows, 8u);
  EXPECT_EQ(q.duplicates, 1u);
  EXPECT_EQ(q.out_of_order, 1u);
  EXPECT_EQ(q.outside_name, 1u);
  EXPECT_EQ(q.ohlc_faults, 3u) << "the row with open 0 is outside its range as well";
  EXPECT_EQ(q.non_positive, 1u);
  EXPECT_EQ(q.zero_volume, 1u);
  EXPECT_EQ(q.misaligned, 1u);
  EXPECT_EQ(q.gaps, 1u);
  EXPECT_EQ(q.missing, 3u);
  ASSERT_EQ(q.first_gaps.size(), 1u);
  EXPECT_EQ(q.first_gaps[0].from, test::day("2024-01-01T02:00"));
  EXPECT_NEAR(q.largest_move, 0.0953, 1e-4);
  EXPECT_EQ(report.hard_faults, 7u);
  EXPECT_NE(quality_table(report).find("FAULT 1 duplicate rows"), std::string::npos) << quality_table(report);
  EXPECT_NE(base::to_json(report).find("\"out_of_order\":1"), std::string::npos);
}

TEST(Quality, AnUnreadableFileIsOneHardFaultAndTheOthersAreStillChecked) {
  TempDir dir;
  write_text(dir / "AUSDT-1h-2024-01.zip", "not a zip");
  write_text(dir / "BUSDT-1h_20240101-20240101.csv",
             "open_time_ms,open,high,low,close,volume\n1704067200000,1,1,1,1,1\n");
  write_text(dir / "CUSDT-1h_20240101-20240101.csv",
             "open_time_ms,open,high,low,close,volume\n1704067200000,1,1,x,1,1\n");
  const auto report = check(dir.path());
  ASSERT_EQ(report.files.size(), 3u);
  EXPECT_EQ(report.hard_faults, 2u);
  EXPECT_NE(report.files[0].error.find("zip"), std::string::npos);
  EXPECT_TRUE(report.files[1].error.empty());
  EXPECT_NE(report.files[2].error.find(".csv:2: column 4 (low) is 'x'"), std::string::npos) << report.files[2].error;
}

TEST(Quality, FundingGapsAreMissingSettlements) {
  TempDir dir;
  std::string text = "funding_time_ms,symbol,funding_rate\n";
  for (int i : {0, 1, 2, 5, 6, 6})
    text += std::to_string(1704067200000 + i * 28'800'000LL) + ",BTCUSDT," + (i == 2 ? "-0.03" : "0.0001") + "\n";
  write_text(dir / "BTCUSDT-funding_20240101-20240105.csv", text);
  const auto report = check(dir.path());
  ASSERT_EQ(report.files.size(), 1u);
  EXPECT_EQ(report.files[0].gaps, 1u);
  EXPECT_EQ(report.files[0].missing, 2u);
  EXPECT_EQ(report.files[0].duplicates, 1u);
  EXPECT_EQ(report.files[0].largest_move, 0.03);
}

TEST(Quality, SuspectsALastBarCaughtWhileForming) {
  const auto file = [](double last_volume, double last_high) {
    std::string text = "open_time_ms,open,high,low,close,volume\n";
    for (int i = 0; i < 60; ++i) {
      const bool last = i == 59;
      text += std::to_string(1704067200000 + i * 3'600'000LL) + ",100," + std::to_string(last ? last_high : 110.0) +
              ",99,100," + std::to_string(last ? last_volume : 1000.0 + i) + "\n";
    }
    return text;
  };
  TempDir dir;
  write_text(dir / "AUSDT-1h.csv", file(12, 100.5));
  write_text(dir / "BUSDT-1h.csv", file(900, 100.5));
  write_text(dir / "CUSDT-1h.csv", file(12, 110));
  const auto report = check(dir.path());
  ASSERT_EQ(report.files.size(), 3u);
  EXPECT_TRUE(report.files[0].unfinished_last);
  EXPECT_FALSE(report.files[1].unfinished_last);
  EXPECT_FALSE(report.files[2].unfinished_last);
  EXPECT_EQ(report.hard_faults, 0u);
}

TEST(Quality, AStoreIsCheckedToo) {
  TempDir dir;
  auto writer = BarStoreWriter::create(dir.path(), {.symbol = "BTCUSDT"}, domain::Timeframe::H1);
  domain::Bar b;
  b.timeframe = domain::Timeframe::H1;
  b.open_time = test::day("2024-01-01");
  b.open = b.high = b.close = test::price("2");
  b.low = test::price("3");
  ASSERT_TRUE(writer->append(b).ok());
  ASSERT_TRUE(writer->commit().ok());
  EXPECT_EQ(check(dir.path()).files.at(0).ohlc_faults, 1u);
}

/// The collector of the recorded data counted rows, gaps, empty bars and the largest move of every candle file with a
/// program of their own; README.md holds the table.
TEST(Quality, AgreesWithTheCollectorsCountsOnEverySharedCandleFile) {
  QT_NEEDS_SHARED_DATA();
  std::map<std::string, std::vector<std::string>> expected;  // path → cells
  std::istringstream readme(test::read_text(test::shared_data() / "README.md"));
  for (std::string line; std::getline(readme, line);) {
    if (!line.starts_with("| candles/") || line.find("quantum-trader") != std::string::npos) continue;
    std::vector<std::string> cells;
    std::istringstream row(line.substr(2));
    for (std::string cell; std::getline(row, cell, '|');) cells.push_back(cell.substr(cell.find_first_not_of(' ')));
    for (auto& c : cells) c.resize(c.find_last_not_of(' ') + 1);
    if (cells.size() >= 8) expected[cells[0]] = cells;
  }
  ASSERT_GE(expected.size(), 100u);
  const auto report = check(test::shared_data() / "candles");
  std::size_t compared = 0, recorded = 0;
  for (const FileQuality& q : report.files) {
    if (q.format == "csv-long") {
      recorded += q.rows;
      continue;
    }
    const std::string name = std::filesystem::relative(q.path, test::shared_data()).string();
    ASSERT_TRUE(expected.contains(name)) << name;
    const auto& cells = expected[name];
    EXPECT_EQ(std::to_string(q.rows), cells[4]) << name;
    if (name.find("spot-flow") == std::string::npos) {  // two bars of that one open in mid-hour, so counts may differ
      EXPECT_EQ(std::to_string(q.gaps) + " (" + std::to_string(q.missing) + ")", cells[5]) << name;
    }
    EXPECT_EQ(std::to_string(q.zero_volume), cells[6]) << name;
    EXPECT_NEAR(q.largest_move, std::stod(cells[7]), 5.1e-5) << name;
    EXPECT_EQ(q.hard_faults(), 0u) << name << " " << q.error;
    ++compared;
  }
  EXPECT_EQ(compared, expected.size());
  EXPECT_GT(recorded, 100'000u);
}

}  // namespace
}  // namespace qtrader::history
