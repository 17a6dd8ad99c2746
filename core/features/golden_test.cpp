// Our indicators against other people's numbers: TA-Lib, Tulip Indicators, Skender.Stock.Indicators, StockCharts.
//
// Where a feature is an indicator in other units it is the feature that is compared, taken from the streaming code.
// Known differences of convention, all in how a recursion starts:
//   TA-Lib ADX, ±DI   seeds with the sum of n−1 movements and smooths from the nth; ours is the mean of n (as
//   Skender's) TA-Lib MACD       starts its fast average 14 bars late, so that both start together TA-Lib treats
//   magnitudes below 1e-8 as zero and reports MFI 0 for a total flow below 1 Tulip ATR, ADX    count the first bar's
//   H−L as a true range;  Tulip EMA starts at the first value
// A seed's weight decays as (1 − α)^bars, so those series are compared from where it has gone.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <functional>
#include <span>
#include <sstream>

#include "core/features/indicators.hpp"
#include "core/features/symbol_features.hpp"
#include "core/features/test_data.hpp"

namespace qtrader::features {
namespace {

using domain::Bar;
using domain::Timeframe;
using testing::data_path;
using testing::Table;
using Series = std::vector<double>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Terms {
  double tolerance = 1e-9;     // of max(|theirs|, scale)
  double scale = 1;            // of the indicator, where it can pass through zero
  std::size_t from = 0;        // first bar compared
  std::size_t at_least = 100;  // bars compared
};

void expect_series(const std::string& name, const Series& ours, const Series& theirs, Terms terms) {
  ASSERT_EQ(ours.size(), theirs.size()) << name;
  std::size_t compared = 0;
  for (std::size_t i = terms.from; i < ours.size(); ++i) {
    if (std::isnan(theirs[i]) || std::isnan(ours[i])) continue;
    ++compared;
    ASSERT_NEAR(ours[i], theirs[i], terms.tolerance * std::max(std::abs(theirs[i]), terms.scale))
        << name << " at " << i;
  }
  EXPECT_GE(compared, terms.at_least) << name;
}

/// The latched features of every bar, by feature; NaN where absent.
class FeatureTable {
 public:
  explicit FeatureTable(const std::vector<Bar>& bars) {
    SymbolFeatures symbol(bars[0].timeframe, bars[0].timeframe);
    for (const Bar& bar : bars) {
      symbol.on_base_bar(bar);
      symbol.on_primary_bar(bar);
      rows_.push_back(symbol.latched());
    }
  }
  Series operator()(Feature f, double factor = 1) const {
    return map(f, [factor](double x, std::size_t) { return x * factor; });
  }
  Series map(Feature f, const std::function<double(double, std::size_t)>& fn) const {
    Series out;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const bool present = (rows_[i].mask >> static_cast<unsigned>(f) & 1u) != 0;
      out.push_back(present ? fn(rows_[i][f], i) : kNaN);
    }
    return out;
  }

 private:
  std::vector<LatchedFeatures> rows_;
};

Series times(Series a, const Series& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] *= b[i];
  return a;
}

/// x[t] − x[t − k] over the sum of the last k volumes: turns a cumulative line into our windowed share.
Series windowed_share(const Series& line, const Series& volume, std::size_t k) {
  Series out(line.size(), kNaN);
  for (std::size_t t = k; t < line.size(); ++t) {
    double sum = 0;
    for (std::size_t i = t + 1 - k; i <= t; ++i) sum += volume[i];
    out[t] = (line[t] - line[t - k]) / sum;
  }
  return out;
}

/// Values beyond a feature's clip cannot be compared.
Series within(Series x, double limit) {
  for (double& v : x)
    if (std::abs(v) >= limit) v = kNaN;
  return x;
}

template <class Indicator, class Push, class Value>
Series run(Indicator indicator, std::size_t n, Push push, Value value) {
  Series out;
  for (std::size_t i = 0; i < n; ++i) {
    push(indicator, i);
    out.push_back(indicator.ready() ? static_cast<double>(value(indicator)) : kNaN);
  }
  return out;
}

// ---- TA-Lib ---------------------------------------------------------------------------------------------------------

class TaLib : public ::testing::TestWithParam<const char*> {};

TEST_P(TaLib, AgreesOnEveryBarWhereTheConventionsDo) {
  const std::string file = std::string("golden/talib/") + GetParam();
  QT_REQUIRE_DATA(file);
  Table t = testing::read_csv(data_path(file));
  const bool hourly = file.find("1h") != std::string::npos;
  const std::vector<Bar> bars = testing::read_bars(data_path(file), hourly ? Timeframe::H1 : Timeframe::M5, 10'000);
  const FeatureTable f(bars);
  const Series& close = t["close"];
  const double price = close[0];
  expect_series("RSI_14", f(Feature::Rsi14, 100), t["RSI_14"], {});
  expect_series("ATR_14", times(f(Feature::AtrPct), close), t["ATR_14"], {.scale = price * 1e-3});
  expect_series("NATR_14", f(Feature::AtrPct, 100), t["NATR_14"], {.scale = 0.1});
  expect_series("slowK", f(Feature::StochK, 100), t["STOCH_slowK_14_3_3"], {});
  expect_series("slowD", f(Feature::StochD, 100), t["STOCH_slowD_14_3_3"], {});
  expect_series("CCI_20", within(f(Feature::Cci20, 200), 400), t["CCI_20"], {.tolerance = 1e-8, .scale = 100});
  expect_series("MFI_14", f(Feature::Mfi14, 100), t["MFI_14"], {});
  expect_series("ROC_10", f(Feature::Roc10, 100), t["ROC_10"], {});
  expect_series("STDDEV_20", times(f(Feature::BbWidth, 0.25), t["BB_middle_20_2"]), t["STDDEV_20"],
                {.tolerance = 1e-6, .scale = price * 1e-3});  // TA-Lib's rolling sums of squares lose digits
  expect_series("EMA_50", f.map(Feature::Ema50Dist, [&](double x, std::size_t i) { return close[i] * (1 - x); }),
                t["EMA_50"], {.scale = price});
  expect_series("CMF from AD", f(Feature::Cmf20), windowed_share(t["AD"], t["volume"], 20), {});
  expect_series("flow from OBV", f(Feature::ObvFlow20), windowed_share(t["OBV"], t["volume"], 20), {});
  const Series band = f.map(Feature::BbPctb, [&](double x, std::size_t i) {
    const double low = t["BB_lower_20_2"][i], high = t["BB_upper_20_2"][i];
    return x <= -1 || x >= 2 ? kNaN : low + x * (high - low);
  });
  expect_series("%b", band, close, {.tolerance = 1e-8, .scale = price});
}

TEST_P(TaLib, AgreesOnRecursionsOnceTheSeedHasGone) {
  const std::string file = std::string("golden/talib/") + GetParam();
  QT_REQUIRE_DATA(file);
  Table t = testing::read_csv(data_path(file));
  const std::vector<Bar> bars = testing::read_bars(data_path(file), Timeframe::H1, 10'000);
  const FeatureTable f(bars);
  const Series atr = times(f(Feature::AtrPct), t["close"]);
  const double price = t["close"][0];
  const Terms line{.tolerance = 1e-9, .scale = price * 1e-3, .from = 300};
  expect_series("MACD", times(within(f(Feature::Macd), 5), atr), t["MACD_12_26_9"], line);
  expect_series("MACD signal", times(within(f(Feature::MacdSig), 5), atr), t["MACD_signal"], line);
  expect_series("MACD histogram", times(within(f(Feature::MacdHist), 5), atr), t["MACD_hist"], line);
  expect_series("PLUS_DI", f(Feature::PlusDi, 100), t["PLUS_DI_14"], {.tolerance = 1e-8, .scale = 10, .from = 350});
  expect_series("MINUS_DI", f(Feature::MinusDi, 100), t["MINUS_DI_14"], {.tolerance = 1e-8, .scale = 10, .from = 350});
  expect_series("ADX", f(Feature::Adx14, 100), t["ADX_14"], {.tolerance = 1e-7, .scale = 10, .from = 400});
}

TEST_P(TaLib, AgreesOnOtherPeriodsOfTheSameClasses) {
  const std::string file = std::string("golden/talib/") + GetParam();
  QT_REQUIRE_DATA(file);
  Table t = testing::read_csv(data_path(file));
  const std::size_t n = t["close"].size();
  const double price = t["close"][0];
  const auto high_low = [&](Aroon& a, std::size_t i) { a.push(t["high"][i], t["low"][i]); };
  expect_series("AROON_up", run(Aroon(14), n, high_low, [](auto& a) { return a.up(); }), t["AROON_up_14"], {});
  expect_series("AROON_down", run(Aroon(14), n, high_low, [](auto& a) { return a.down(); }), t["AROON_down_14"], {});
  const auto close = [&](auto& x, std::size_t i) { x.push(t["close"][i]); };
  expect_series("EMA_12", run(Ema(12), n, close, [](auto& e) { return e.value(); }), t["EMA_12"], {.scale = price});
  expect_series("slope", run(LinearRegression(14), n, close, [](auto& r) { return r.line().slope; }),
                t["LINEARREG_SLOPE_14"], {.tolerance = 1e-8, .scale = price * 1e-3});
  const auto raw = [&](PriceMoments& m, std::size_t i) { m.push(domain::Price::from_double(t["close"][i]).raw()); };
  expect_series("SMA_20", run(PriceMoments(20), n, raw, [](auto& m) { return m.mean(); }), t["SMA_20"],
                {.scale = price});
  expect_series("MAX_20", run(RollingMax(20), n, close, [](auto& m) { return m.value(); }), t["MAX_20"],
                {.scale = price});
  expect_series("MIN_20", run(RollingMin(20), n, close, [](auto& m) { return m.value(); }), t["MIN_20"],
                {.scale = price});
}

INSTANTIATE_TEST_SUITE_P(Files, TaLib,
                         ::testing::Values("BTCUSDT-1h-1000bars-talib.csv", "DOGEUSDT-5m-600bars-talib.csv"),
                         [](const auto& file) { return std::string(file.param).substr(0, 4); });

// ---- Skender --------------------------------------------------------------------------------------------------------

Series skender(const std::string& file, const char* field) {
  const boost::json::value rows = boost::json::parse(testing::read_text(data_path("golden/skender/" + file)));
  Series out;
  for (const auto& row : rows.as_array()) {
    const auto& value = row.as_object().at(field);
    out.push_back(value.is_null() ? kNaN : value.to_number<double>());
  }
  return out;
}

std::vector<Bar> skender_bars(Table& quotes) {
  std::vector<Bar> bars;
  for (std::size_t i = 0; i < quotes["close"].size(); ++i) {
    Bar bar;
    bar.timeframe = Timeframe::D1;
    bar.open_time = base::Timestamp{} + base::days(static_cast<std::int64_t>(i));  // trading days, one after another
    bar.open = domain::Price::from_double(quotes["open"][i]);
    bar.high = domain::Price::from_double(quotes["high"][i]);
    bar.low = domain::Price::from_double(quotes["low"][i]);
    bar.close = domain::Price::from_double(quotes["close"][i]);
    bar.volume = quotes["volume"][i];
    bars.push_back(bar);
  }
  return bars;
}

std::size_t first_defined(const Series& x) {
  return static_cast<std::size_t>(std::ranges::find_if(x, [](double v) { return !std::isnan(v); }) - x.begin());
}

/// Without the bars whose 26-bar extreme was reached twice: Skender counts from the first time, we (and TA-Lib) the
/// last.
Series untied(Table& q, Series aroon) {
  const auto twice = [](const Series& x, std::size_t t, auto better) {
    const auto window = std::span(x).subspan(t - 25, 26);
    return std::ranges::count(window, *std::ranges::min_element(window, better)) > 1;
  };
  for (std::size_t t = 26; t < aroon.size(); ++t)
    if (twice(q["high"], t, std::greater<>{}) || twice(q["low"], t, std::less<>{})) aroon[t] = kNaN;
  return aroon;
}

TEST(Skender, AgreesFromTheFirstDefinedBar) {
  QT_REQUIRE_DATA("golden/skender/quotes-default.csv");
  Table q = testing::read_csv(data_path("golden/skender/quotes-default.csv"));
  const FeatureTable f(skender_bars(q));
  const Series& close = q["close"];
  const Series atr = times(f(Feature::AtrPct), close);
  const auto same = [](const std::string& name, const Series& ours, const Series& theirs, Terms terms = {}) {
    expect_series(name, ours, theirs, terms);
    EXPECT_EQ(first_defined(ours), first_defined(theirs)) << name;
  };
  same("rsi", f(Feature::Rsi14, 100), skender("rsi.standard.json", "rsi"));
  same("atr", atr, skender("atr.standard.json", "atr"));
  same("pdi", f(Feature::PlusDi, 100), skender("adx.standard.json", "pdi"));
  same("mdi", f(Feature::MinusDi, 100), skender("adx.standard.json", "mdi"));
  same("adx", f(Feature::Adx14, 100), skender("adx.standard.json", "adx"));
  same("mfi", f(Feature::Mfi14, 100), skender("mfi.standard.json", "mfi"));
  same("aroon", f(Feature::Aroon25, 100), untied(q, skender("aroon.standard.json", "oscillator")));
  same("stochastic k", f(Feature::StochK, 100), skender("stoch.standard.json", "oscillator"));
  same("stochastic d", f(Feature::StochD, 100), skender("stoch.standard.json", "signal"));
  same("%b", f(Feature::BbPctb), skender("bb.standard.json", "percentB"));
  same("band width", f(Feature::BbWidth), skender("bb.standard.json", "width"));
  same("cmf", f(Feature::Cmf20), skender("cmf.standard.json", "cmf"));
  same("macd", times(f(Feature::Macd), atr), skender("macd.standard.json", "macd"));
  same("macd signal", times(f(Feature::MacdSig), atr), skender("macd.standard.json", "signal"));
  same("macd histogram", times(f(Feature::MacdHist), atr), skender("macd.standard.json", "histogram"));
  expect_series("cci", within(f(Feature::Cci20, 200), 400), skender("cci.standard.json", "cci"), {.tolerance = 1e-8});
  expect_series("obv", f(Feature::ObvFlow20), windowed_share(skender("obv.standard.json", "obv"), q["volume"], 20), {});
  const auto push = [&](auto& x, std::size_t i) { x.push(close[i]); };
  same("ema", run(Ema(20), close.size(), push, [](auto& e) { return e.value(); }), skender("ema.standard.json", "ema"));
  const auto raw = [&](PriceMoments& m, std::size_t i) { m.push(domain::Price::from_double(close[i]).raw()); };
  same("stdev", run(PriceMoments(14), close.size(), raw, [](auto& m) { return m.stdev(); }),
       skender("stdev.standard.json", "stdDev"));
}

// ---- Tulip ----------------------------------------------------------------------------------------------------------

/// One block of a Tulip vector file: the lines in braces after "name options".
std::vector<Series> tulip(const std::string& file, const std::string& heading) {
  std::istringstream in(testing::read_text(data_path("golden/tulip/" + file)));
  std::vector<Series> out;
  std::string line;
  bool inside = false;
  while (std::getline(in, line)) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line == heading) inside = true;
    if (!inside || line == heading || line.starts_with('#')) continue;
    if (!line.starts_with('{')) break;
    Series numbers;
    std::istringstream cells(line.substr(1, line.find('}') - 1));
    for (std::string cell; std::getline(cells, cell, ',');) numbers.push_back(testing::number(cell));
    out.push_back(numbers);
  }
  return out;
}

/// Their output covers the last bars; ours is cut to match. Printed with three or four decimals.
void expect_tail(const std::string& name, const Series& ours, const Series& theirs, double tolerance = 6e-4) {
  ASSERT_GE(ours.size(), theirs.size()) << name;
  ASSERT_GT(theirs.size(), 0u) << name;
  const std::size_t skip = ours.size() - theirs.size();
  for (std::size_t i = 0; i < theirs.size(); ++i) ASSERT_NEAR(ours[skip + i], theirs[i], tolerance) << name << " " << i;
  const bool starts_late = name == "cci";  // Tulip waits for n averages of its moving average
  ASSERT_TRUE(starts_late || skip == 0 || std::isnan(ours[skip - 1])) << name << " is defined earlier than theirs";
}

Series typical(const std::vector<Series>& b) {
  Series out;
  for (std::size_t i = 0; i < b[0].size(); ++i) out.push_back((b[0][i] + b[1][i] + b[2][i]) / 3);
  return out;
}

TEST(Tulip, AgreesOnItsOwnVectors) {
  const std::string file = "untest.txt";
  QT_REQUIRE_DATA("golden/tulip/" + file);
  const auto of = [&](const char* heading) { return tulip(file, heading); };
  const auto push = [](const Series& x) { return [&x](auto& i, std::size_t t) { i.push(x[t]); }; };
  auto b = of("rsi 5");
  expect_tail("rsi", run(Rsi(5), b[0].size(), push(b[0]), [](auto& r) { return *r.value(); }), b[1]);
  b = of("wilders 5");
  expect_tail("wilders", run(WilderAverage(5), b[0].size(), push(b[0]), [](auto& w) { return w.value(); }), b[1]);
  b = of("sma 5");
  const auto raw = [&](PriceMoments& m, std::size_t t) { m.push(domain::Price::from_double(b[0][t]).raw()); };
  expect_tail("sma", run(PriceMoments(5), b[0].size(), raw, [](auto& m) { return m.mean(); }), b[1]);
  b = of("stddev 5");
  expect_tail("stddev", run(PriceMoments(5), b[0].size(), raw, [](auto& m) { return m.stdev(); }), b[1]);
  b = of("bbands 5 2");
  expect_tail("upper", run(PriceMoments(5), b[0].size(), raw, [](auto& m) { return m.mean() + 2 * m.stdev(); }), b[3]);
  b = of("linregslope 5");
  expect_tail("slope", run(LinearRegression(5), b[0].size(), push(b[0]), [](auto& r) { return r.line().slope; }), b[1]);
  b = of("cci 5");
  const Series tp = typical(b);
  expect_tail("cci", run(Cci(5), tp.size(), push(tp), [](auto& c) { return *c.value(); }), b[3]);
  b = of("mfi 5");
  const Series flow_tp = typical(b);
  const auto flow = [&](Mfi& m, std::size_t t) { m.push(flow_tp[t], b[3][t]); };
  expect_tail("mfi", run(Mfi(5), flow_tp.size(), flow, [](auto& m) { return *m.value(); }), b[4]);
  b = of("aroon 5");
  const auto high_low = [&](Aroon& a, std::size_t t) { a.push(b[0][t], b[1][t]); };
  expect_tail("aroon down", run(Aroon(5), b[0].size(), high_low, [](auto& a) { return a.down(); }), b[2]);
  expect_tail("aroon up", run(Aroon(5), b[0].size(), high_low, [](auto& a) { return a.up(); }), b[3]);
  b = of("stoch 5 3 3");
  const auto candle = [&](Stochastic& s, std::size_t t) { s.push(b[0][t], b[1][t], b[2][t]); };
  expect_tail("%K", run(Stochastic(5, 3), b[0].size(), candle, [](auto& s) { return s.k(); }), b[3]);
  expect_tail("%D", run(Stochastic(5, 3), b[0].size(), candle, [](auto& s) { return s.d(); }), b[4]);
}

TEST(Tulip, AgreesWithTheExamplesOfAchelis) {
  const std::string file = "atoz.txt";
  QT_REQUIRE_DATA("golden/tulip/" + file);
  auto b = tulip(file, "mfi 14");
  const Series tp = typical(b);
  const auto flow = [&](Mfi& m, std::size_t t) { m.push(tp[t], b[3][t]); };
  expect_tail("mfi", run(Mfi(14), tp.size(), flow, [](auto& m) { return *m.value(); }), b[4], 1e-6);
  b = tulip(file, "rsi 5");
  const auto close = [&](Rsi& r, std::size_t t) { r.push(b[0][t]); };
  expect_tail("rsi", run(Rsi(5), b[0].size(), close, [](auto& r) { return *r.value(); }), b[1], 6e-4);
  b = tulip(file, "cci 5");
  const Series typical_price = typical(b);
  const auto push = [&](Cci& c, std::size_t t) { c.push(typical_price[t]); };
  expect_tail("cci", run(Cci(5), typical_price.size(), push, [](auto& c) { return *c.value(); }), b[3], 6e-4);
}

// ---- StockCharts ----------------------------------------------------------------------------------------------------

TEST(StockCharts, AgreesWithTheWorkedExamples) {
  const std::string folder = "golden/stockcharts-ta/";
  QT_REQUIRE_DATA(folder);
  const auto csv = [&](const char* name) { return testing::read_csv(data_path(folder + name)); };
  const Terms printed{.tolerance = 1e-4, .scale = 1, .at_least = 10};  // inputs and results are rounded
  Table t = csv("cs-mfi.csv");
  const auto typical_flow = [&](Mfi& m, std::size_t i) { m.push(t["Typical Price"][i], t["Volume"][i]); };
  expect_series("mfi", run(Mfi(14), t["Close"].size(), typical_flow, [](auto& m) { return *m.value(); }), t["MFI"],
                {.tolerance = 1e-3, .at_least = 10});
  t = csv("cs-cci.csv");
  const auto typical_price = [&](Cci& c, std::size_t i) { c.push(t["Typical Price"][i]); };
  expect_series("cci", run(Cci(20), t["Close"].size(), typical_price, [](auto& c) { return *c.value(); }), t["CCI"],
                {.tolerance = 1e-3, .scale = 100, .at_least = 10});
  t = csv("cs-adx.csv");
  const auto candle = [&](DirectionalMovement& d, std::size_t i) { d.push(t["High"][i], t["Low"][i], t["Close"][i]); };
  const std::size_t n = t["Close"].size();
  expect_series("+di", run(DirectionalMovement(14), n, candle, [](auto& d) { return d.plus_di(); }), t["+DI14"],
                printed);
  expect_series("-di", run(DirectionalMovement(14), n, candle, [](auto& d) { return d.minus_di(); }), t["-DI14"],
                printed);
  const auto adx = run(DirectionalMovement(14), n, candle, [](auto& d) { return d.adx_ready() ? d.adx() : kNaN; });
  expect_series("adx", adx, t["ADX"], printed);
}

}  // namespace
}  // namespace qtrader::features
