// Streaming features: one symbol, one primary bar in, one vector of 64 out.
#include "bench/bench.hpp"
#include "bench/random_bars.hpp"
#include "core/features/feature_book.hpp"

namespace qtrader::bench {
namespace {

struct NullSink final : domain::AuditSink {
  void record(domain::AuditRecord) override {}
};

}  // namespace

base::Result<std::vector<Figure>> bench_features(const Options& options) {
  const std::size_t bars = options.quick ? 20'000 : 200'000;
  const auto series = random_bars(bars, domain::Timeframe::M15, 1);
  double checksum = 0;
  const Repeated market_only = repeat(5, [&] {
    market::MarketState market(1, {domain::Timeframe::M15, domain::Timeframe::M15, true});
    NullSink sink;
    for (const auto& bar : series) keep(market.on_bar({0}, bar, sink));
  });
  const Repeated with_features = repeat(5, [&] {
    market::MarketState market(1, {domain::Timeframe::M15, domain::Timeframe::M15, true});
    features::FeatureBook book(1, {.base = domain::Timeframe::M15,
                                   .primary = domain::Timeframe::M15,
                                   .warmup_bars = 800,
                                   .reference = domain::SymbolId{0}});
    NullSink sink;
    for (const auto& bar : series) {
      keep(market.on_bar({0}, bar, sink));
      book.on_base_bar({0}, bar);
      book.on_primary_bar({0}, bar);
      checksum += book.compute({0}, market[{0}], bar.close_time()).x[15];
    }
  });
  keep(checksum);
  const double n = static_cast<double>(bars);
  return std::vector<Figure>{
      {"features.update",
       {{"ns_per_update", (with_features.best - market_only.best) / n * 1e9},
        {"ns_per_update_median", (with_features.median - market_only.median) / n * 1e9},
        {"target_ns", 1'000}},
       "64 features of one symbol: push one primary bar, compute the vector"},
      {"market.on_bar", {{"ns_per_bar", market_only.best / n * 1e9}}, "data gate, ATR and regime detector"}};
}

}  // namespace qtrader::bench
