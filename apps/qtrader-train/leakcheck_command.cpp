#include "apps/qtrader-train/leakcheck_command.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/qtrader-train/leakcheck_trader.hpp"
#include "apps/qtrader-train/train_report.hpp"
#include "apps/qtrader-train/verb.hpp"
#include "core/base/json.hpp"
#include "edge/system/process.hpp"
#include "training/leakcheck/plants.hpp"
#include "training/leakcheck/product_pipeline.hpp"

namespace qtrader::apps {
namespace {

namespace lc = training::leakcheck;

struct Arguments {
  UniverseArguments universe;
  std::string data, registry, label_mode = "fixed_horizon";
  std::int32_t cuts = lc::CheckSpec{}.cuts;
  std::uint64_t seed = 1;
  bool json = false, self_test = false;
};

constexpr std::int32_t kLookbackDays = 180;

base::Error fail(std::string text) { return {"leakcheck", base::Errc::InvalidArgument, std::move(text)}; }

template <class Report>
bool print_report(const Report& report, bool json, std::string (*format)(const Report&)) {
  return print(json ? base::to_json(report) + "\n" : format(report));
}

std::string day(base::Timestamp ts) { return base::format_date(ts); }

std::string format_report(const lc::CheckReport& r) {
  const lc::Coverage& c = r.coverage;
  const auto count = [](std::int64_t n) { return std::to_string(n); };
  std::string out = std::to_string(r.symbols.size()) + " symbols, " + std::string(domain::to_string(r.timeframe)) +
                    " bars from " + std::string(domain::to_string(r.base_timeframe)) + ", data from " + day(r.from) +
                    " to " + day(r.to) + ", seed " + std::to_string(r.seed) + "\n";
  for (const lc::CutRecord& cut : r.cuts)
    out += "  cut " + base::format_timestamp(cut.at).substr(0, 16) + "  rows from " + day(cut.rows_from) + " to " +
           day(cut.rows_to) + ", " + count(cut.rows) + " before the cut  (" + cut.reason + ")\n";
  out += "  compared: " + count(c.feature_values) + " feature values, " + count(c.labels) + " labels, " +
         count(c.label_directions) + " label directions, " + count(c.statistics) + " fitted statistics, " +
         count(c.decisions) + " records and commands of the trading core\n\n";
  for (const lc::Finding& finding : r.findings) out += "  LEAK  " + lc::describe(finding) + "\n";
  return out + count(static_cast<std::int64_t>(r.findings.size())) + " leaks in " + count(c.rows) + " rows, " +
         std::to_string(r.cuts.size()) + " cuts\n";
}

std::string format_self_test(const lc::SelfTestReport& r) {
  std::string out = "without a plant: " + std::to_string(r.sound_findings) + " leaks\n";
  for (const lc::PlantReport& plant : r.plants)
    out += plant.plant + ": " + (plant.found ? "found: " + plant.finding : std::string("NOT FOUND")) + "\n";
  return out;
}

/// What the self-test runs on: small enough for seconds, and with a hole of two days in one symbol's funding.
struct SelfTestMarket {
  static constexpr const char *kSymbols = "3", *kDays = "10", *kFirstDay = "2025-01-01";
  static constexpr base::Duration kHoleFrom = base::hours(144), kHoleTo = base::hours(192);  // exclusive
  static constexpr std::size_t kHoleIn = 1;                                                  // symbol
  static constexpr lc::CheckSpec kSpec{.cuts = 4, .seed = 1, .warmup_bars = 250, .row_bars = 640, .trace_rebuilds = 60};
  static constexpr std::int32_t kEmbargoBars = 24;
};

base::Result<lc::Recording> self_test_market(std::uint64_t seed) {
  QT_TRY(const ScratchDirectory scratch, ScratchDirectory::create());
  const std::string market = scratch.path() / "market";
  QT_TRY_VOID(run_qtrader(
      {"data", "synthetic", "--out", market, "--symbols", SelfTestMarket::kSymbols, "--from", SelfTestMarket::kFirstDay,
       "--days", SelfTestMarket::kDays, "--timeframe", "5m", "--seed", std::to_string(seed)},
      scratch.path()));
  QT_TRY(const auto catalog, history::Catalog::scan(market));
  training::UniverseRequest request;
  request.warmup_bars = 0;
  QT_TRY(const auto source, lc::CatalogSource::open(catalog, request));
  QT_TRY(lc::Recording out, source.cut_out(source.span(), 0));
  const base::Timestamp start = source.span().from;
  std::erase_if(out.funding[SelfTestMarket::kHoleIn], [&](const domain::FundingRate& rate) {
    return rate.ts_event > start + SelfTestMarket::kHoleFrom && rate.ts_event < start + SelfTestMarket::kHoleTo;
  });
  return out;
}

base::Result<int> run_self_test(const Arguments& a, const training::Progress& progress) {
  QT_TRY(auto market, self_test_market(a.seed));
  const lc::MemorySource source(std::move(market));
  lc::CheckSpec spec = SelfTestMarket::kSpec;
  spec.seed = a.seed;
  lc::PipelineSettings settings;
  settings.warmup_bars = spec.warmup_bars;
  settings.split.embargo_bars = SelfTestMarket::kEmbargoBars;
  settings.seed = a.seed;
  const lc::ProductPipeline pipeline(settings, nullptr);
  QT_TRY(const auto report, lc::self_test(source, pipeline, spec, progress));
  const bool printed = print_report(report, a.json, format_self_test);
  return printed && lc::passed(report) ? 0 : 1;
}

base::Result<int> run_check(const Arguments& a, const training::Progress& progress) {
  if (a.data.empty()) return fail("--data DIR is missing: the candles to check; --self-test needs none");
  lc::CheckSpec spec;
  spec.cuts = a.cuts;
  spec.seed = a.seed;
  QT_TRY(auto request, a.universe.parsed());
  request.warmup_bars = spec.warmup_bars;
  QT_TRY(const auto catalog, history::Catalog::scan(a.data));
  QT_TRY(const auto source, lc::CatalogSource::open(catalog, request));
  TraderSettings trading;
  trading.seed = a.seed;
  if (!a.registry.empty()) {
    trading.registry = a.registry;
    trading.strategies.insert(trading.strategies.begin(), "ai");
  }
  const ProgramTrader trader(trading);
  lc::PipelineSettings settings;
  settings.warmup_bars = spec.warmup_bars;
  settings.labels.mode = a.label_mode;
  settings.split.timeframe = request.primary;
  settings.seed = a.seed;
  const lc::ProductPipeline pipeline(settings, &trader);
  QT_TRY(const auto report, lc::check(source, pipeline, spec, progress));
  const bool printed = print_report(report, a.json, format_report);
  return printed && report.findings.empty() ? 0 : 1;
}

int run(const Arguments& a) {
  system::catch_interrupts();
  ProgressLine line;
  const training::Progress progress = std::ref(line);
  const auto result = a.self_test ? run_self_test(a, progress) : run_check(a, progress);
  line.finish();
  return result ? *result : report_error("leakcheck", result.error());
}

}  // namespace

void add_leakcheck_command(CLI::App& app, int& status) {
  auto* c = app.add_subcommand("leakcheck", "Change the future of recorded candles and see whether the past moves");
  auto a = std::make_shared<Arguments>();
  a->universe.request.lookback_days = kLookbackDays;
  c->add_option("--data", a->data, "Directory (or file) of recorded data")->type_name("DIR");
  a->universe.add_to(*c);
  c->add_option("--registry", a->registry, "Models whose decisions are checked too")->type_name("DIR");
  c->add_option("--label-mode", a->label_mode, "fixed_horizon or triple_barrier")->capture_default_str();
  c->add_option("--cuts", a->cuts, "Moments after which the future is changed")->capture_default_str();
  c->add_option("--seed", a->seed, "Of the cuts and the changed futures")->capture_default_str();
  c->add_flag("--json", a->json, "Print the report as JSON");
  c->add_flag("--self-test", a->self_test, "Plant five known leaks, one at a time, and say which are found");
  c->callback([a, &status] { status = run(*a); });
}

}  // namespace qtrader::apps
