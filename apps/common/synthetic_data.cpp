#include "apps/common/synthetic_data.hpp"

#include <vector>

#include "edge/history/bar_store.hpp"
#include "edge/history/instruments.hpp"
#include "edge/history/rate_file.hpp"

namespace qtrader::apps {
namespace {

namespace fs = std::filesystem;

base::Result<void> fill_directory(simvenue::SyntheticMarket& market, const simvenue::SyntheticConfig& config,
                                  const fs::path& directory, const std::function<void(double)>& progress) {
  const auto& instruments = market.instruments();
  std::vector<history::BarStoreWriter> writers;
  for (const auto& i : instruments) {
    QT_TRY(auto writer, history::BarStoreWriter::create(directory,
                                                        {.symbol = i.symbol,
                                                         .kind = history::SeriesKind::UsdmBars,
                                                         .synthetic = true,
                                                         .source = "synthetic, seed " + std::to_string(config.seed)},
                                                        config.timeframe));
    writers.push_back(std::move(writer));
  }
  std::vector<std::vector<domain::FundingRate>> funding(instruments.size());
  std::vector<domain::Bar> bars;
  for (std::uint64_t slot = 0; market.next(bars); ++slot) {
    for (std::size_t i = 0; i < bars.size(); ++i) QT_TRY_VOID(writers[i].append(bars[i]));
    for (const auto& rate : market.funding_at(bars.front().open_time)) funding[rate.symbol.value].push_back(rate);
    if (progress && slot % 1024 == 0)
      progress((bars.front().open_time - config.from).seconds() / (config.to - config.from).seconds());
  }
  for (std::size_t i = 0; i < writers.size(); ++i) {
    QT_TRY([[maybe_unused]] const auto stored, writers[i].commit());
    if (funding[i].empty()) continue;
    QT_TRY([[maybe_unused]] const auto rates, history::write_funding_csv(directory, instruments[i].symbol, funding[i]));
  }
  return history::save_instruments(directory / "instruments.json", instruments);
}

}  // namespace

base::Result<void> write_synthetic_market(const simvenue::SyntheticConfig& config, const fs::path& out,
                                          const std::function<void(double)>& progress) {
  std::error_code ec;
  if (fs::exists(out, ec))
    return base::Error{"synthetic", base::Errc::Conflict, out.string() + ": exists already; choose another --out"};
  QT_TRY(auto market, simvenue::SyntheticMarket::create(config));
  const fs::path partial = out.string() + ".partial";
  fs::remove_all(partial, ec);
  auto filled = fill_directory(market, config, partial, progress);
  if (filled) {
    fs::rename(partial, out, ec);
    if (!ec) return {};
    filled = base::Error{"synthetic", base::Errc::Io, out.string() + ": cannot rename from .partial: " + ec.message()};
  }
  fs::remove_all(partial, ec);
  return filled;
}

}  // namespace qtrader::apps
