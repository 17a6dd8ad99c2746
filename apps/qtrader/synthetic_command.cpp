// qtrader data synthetic: a seeded market for machines without recorded data.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "apps/common/synthetic_data.hpp"
#include "apps/qtrader/commands.hpp"

namespace qtrader::apps {
namespace {

struct Options {
  std::string out, from = "2025-01-01", timeframe = "5m";
  std::int32_t symbols = 12, days = 120;
  std::uint64_t seed = 1;
};

int run(const Options& o) {
  simvenue::SyntheticConfig config;
  config.symbols = o.symbols;
  config.seed = o.seed;
  const auto from = base::parse_timestamp(o.from);
  if (!from) return report_error(from.error());
  const auto timeframe = domain::parse_timeframe(o.timeframe);
  if (!timeframe) return report_error(timeframe.error());
  config.from = *from;
  config.to = *from + base::days(o.days);
  config.timeframe = *timeframe;
  const bool shown = ::isatty(STDERR_FILENO) != 0;
  const auto written = write_synthetic_market(config, o.out, [&](double share) {
    if (shown) fmt::print(stderr, "\r\033[Ksynthetic market {:3.0f} %", share * 100);
  });
  if (shown) std::fputs("\r\033[K", stderr);
  if (!written) return report_error(written.error());
  fmt::print("{}: {} synthetic symbols, {} bars from {} to {}\n", o.out, o.symbols, o.timeframe,
             base::format_date(config.from), base::format_date(config.to));
  return 0;
}

}  // namespace

void add_synthetic_command(CLI::App& data, int& status) {
  auto* c = data.add_subcommand("synthetic", "Make a synthetic market (always tagged as such)");
  auto o = std::make_shared<Options>();
  c->add_option("--out", o->out, "Directory to create")->required();
  c->add_option("--symbols", o->symbols, "1..64; the first is BTCUSDT")->default_val(12);
  c->add_option("--days", o->days, "Length of the history")->default_val(120)->check(CLI::Range(1, 3650));
  c->add_option("--from", o->from, "First day, UTC")->default_val("2025-01-01");
  c->add_option("--timeframe", o->timeframe, "Bar length")->default_val("5m");
  c->add_option("--seed", o->seed, "Same seed, same market")->default_val(1);
  c->callback([o, &status] { status = run(*o); });
}

}  // namespace qtrader::apps
