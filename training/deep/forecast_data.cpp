#include "training/deep/forecast_data.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "training/deep/text_file.hpp"

namespace qtrader::training::deep {
namespace {

namespace fs = std::filesystem;
using base::Errc;

constexpr std::int64_t kMonthHours = 30 * 24, kMonthQuarterHours = 4 * kMonthHours;
constexpr std::array<ForecastDataset, 4> kDatasets = {{
    {"ETTh1", 7, 12 * kMonthHours, 4 * kMonthHours, 4 * kMonthHours},
    {"ETTm2", 7, 12 * kMonthQuarterHours, 4 * kMonthQuarterHours, 4 * kMonthQuarterHours},
    {"Exchange", 8},
    {"ILI", 7},
}};

base::Error wrong(std::string text) { return {"training", Errc::InvalidArgument, std::move(text)}; }

/// Cuts into train, validation and test; the shares as the papers' loaders round them.
base::Result<void> cut(ForecastSeries& out, const fs::path& file) {
  const ForecastDataset& d = out.dataset;
  const std::int64_t given = d.train + d.validation + d.test;
  if (out.rows < given)
    return wrong(file.string() + ": " + std::to_string(out.rows) + " rows, expected at least " + std::to_string(given) +
                 " of " + std::string(d.name));
  const auto share = [&](double of) { return static_cast<std::int64_t>(static_cast<double>(out.rows) * of); };
  out.train_end = given > 0 ? d.train : share(0.7);
  out.test_end = given > 0 ? given : out.rows;
  out.validation_end = out.test_end - (given > 0 ? d.test : share(0.2));
  if (out.train_end < 2) return wrong(file.string() + ": " + std::to_string(out.rows) + " rows are too few");
  return {};
}

/// Mean 0 and deviation 1 of the training part; a channel that never moves there is only centred.
void standardise(const std::vector<double>& raw, ForecastSeries& out) {
  out.values.resize(raw.size());
  for (std::int64_t c = 0; c < out.dataset.channels; ++c) {
    const auto begin = raw.begin() + c * out.rows;
    double sum = 0, squares = 0;
    for (auto it = begin; it != begin + out.train_end; ++it) sum += *it;
    const double mean = sum / static_cast<double>(out.train_end);
    for (auto it = begin; it != begin + out.train_end; ++it) squares += (*it - mean) * (*it - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(out.train_end));
    const double scale = deviation > 0 ? 1 / deviation : 1;
    std::transform(begin, begin + out.rows, out.values.begin() + c * out.rows,
                   [&](double v) { return static_cast<float>((v - mean) * scale); });
  }
}

}  // namespace

base::Result<ForecastDataset> find_forecast_dataset(std::string_view name) {
  std::string known;
  for (const ForecastDataset& d : kDatasets) {
    if (d.name == name) return d;
    known += (known.empty() ? "" : ", ") + std::string(d.name);
  }
  return wrong("dataset '" + std::string(name) + "': expected one of " + known);
}

base::Result<ForecastSeries> read_forecast_series(const fs::path& file, const ForecastDataset& dataset) {
  QT_TRY(const std::string text, read_text(file));
  const auto lines = lines_of(text);
  ForecastSeries out;
  out.dataset = dataset;
  out.rows = std::max<std::int64_t>(static_cast<std::int64_t>(lines.size()) - 1, 0);
  const auto columns = static_cast<std::size_t>(dataset.channels) + 1;
  std::vector<double> raw(static_cast<std::size_t>(dataset.channels * out.rows));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string where = file.string() + ":" + std::to_string(i + 1);
    const auto fields = fields_of(lines[i]);
    if (fields.size() != columns)
      return wrong(where + ": " + std::to_string(fields.size()) + " columns, expected " + std::to_string(columns) +
                   " (date and the " + std::to_string(dataset.channels) + " series of " + std::string(dataset.name) +
                   ")");
    if (i == 0) continue;  // names
    for (std::size_t c = 1; c < columns; ++c) {
      QT_TRY(const double value, number_of(fields[c], where));
      raw[(c - 1) * static_cast<std::size_t>(out.rows) + i - 1] = value;
    }
  }
  QT_TRY_VOID(cut(out, file));
  standardise(raw, out);
  return out;
}

base::Result<ForecastWindows> split_windows(const ForecastSeries& series, std::int64_t look_back, std::int64_t horizon,
                                            History history) {
  ForecastWindows out{look_back, horizon, {}, {}, {}};
  // The first row at which a training window may begin.
  const std::int64_t earliest = history == History::AnyLength ? 1 - look_back : 0;
  const auto part = [&](std::string_view name, std::int64_t begin, std::int64_t end) -> base::Result<WindowRange> {
    const WindowRange range{begin, end - begin - look_back - horizon + 1};
    if (horizon >= 1 && look_back <= series.train_end && range.count >= 1) return range;
    return wrong("horizon " + std::to_string(horizon) + " with look-back " + std::to_string(look_back) + ": the " +
                 std::string(name) + " part of " + std::string(series.dataset.name) +
                 " is too short (parts end at row " + std::to_string(series.train_end) + ", " +
                 std::to_string(series.validation_end) + " and " + std::to_string(series.test_end) + ")");
  };
  QT_TRY(out.train, part("training", earliest, series.train_end));
  QT_TRY(out.validation, part("validation", series.train_end - look_back, series.validation_end));
  QT_TRY(out.test, part("test", series.validation_end - look_back, series.test_end));
  return out;
}

base::Result<std::vector<ReportedError>> read_reported(const fs::path& file) {
  QT_TRY(const std::string text, read_text(file));
  std::vector<ReportedError> out;
  const auto lines = lines_of(text);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string where = file.string() + ":" + std::to_string(i + 1);
    const auto f = fields_of(lines[i]);
    if (f.size() < 7)
      return wrong(where + ": " + std::to_string(f.size()) +
                   " columns, expected model,dataset,setting,horizon,mse,mae,quoted_from");
    if (f[2] != "multivariate") continue;
    ReportedError row{std::string(f[0]), std::string(f[1]), std::string(f[6])};
    QT_TRY(const double horizon, number_of(f[3], where));
    row.horizon = static_cast<std::int64_t>(horizon);
    QT_TRY(row.mse, number_of(f[4], where));
    if (!f[5].empty()) {
      QT_TRY(row.mae, number_of(f[5], where));
    }
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace qtrader::training::deep
