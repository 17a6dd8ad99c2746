#include "training/leakcheck/leakcheck.hpp"

#include "training/leakcheck/cuts.hpp"
#include "training/leakcheck/trace.hpp"

namespace qtrader::training::leakcheck {
namespace {

constexpr Stages kAll{};
constexpr Stages kUnfitted{.rows = true, .fits = false, .trade = true};
constexpr std::uint64_t kStepsPerCut = 4;

class Checker {
 public:
  Checker(const Source& source, const Pipeline& pipeline, const CheckSpec& spec, const Progress& progress)
      : source_(source),
        pipeline_(pipeline),
        spec_(spec),
        progress_(progress),
        tracer_(pipeline, spec.trace_rebuilds),
        rng_(base::Rng(spec.seed).fork("cuts")) {}

  base::Result<CheckReport> run() {
    QT_TRY(const auto windows, choose_windows(source_, spec_));
    report_.symbols = source_.symbols();
    report_.timeframe = source_.primary();
    report_.base_timeframe = source_.base();
    report_.from = source_.span().from;
    report_.to = source_.span().to;
    report_.seed = spec_.seed;
    for (std::size_t i = 0; i < windows.size(); ++i) QT_TRY_VOID(cut(windows[i], static_cast<std::int32_t>(i)));
    for (auto& [name, finding] : findings_.all()) report_.findings.push_back(std::move(finding));
    return std::move(report_);
  }

 private:
  base::Result<void> step() {
    return report(progress_, "cuts", steps_++, kStepsPerCut * static_cast<std::uint64_t>(spec_.cuts));
  }

  base::Result<void> cut(history::Window rows, std::int32_t index) {
    QT_TRY_VOID(step());
    QT_TRY(const Recording recording, source_.cut_out(rows, spec_.warmup_bars));
    QT_TRY(const Snapshot real, take_snapshot(pipeline_, recording, kAll));
    const base::Rng rng = rng_.fork(std::to_string(index));
    QT_TRY(const Place place, choose_cut(recording, real, index, rng.fork("place")));
    record(rows, place, real);

    Cut cut;
    cut.at = place.at;
    cut.primary = domain::duration(recording.primary);
    cut.horizon_bars = pipeline_.horizon_bars();
    Outcome outcome;
    check_parts(real, pipeline_.embargo_bars(), cut.primary, outcome.findings);
    QT_TRY_VOID(against_nothing(recording, real, cut, outcome));
    const Recording up = scramble(recording, cut.at, Direction::Up, rng.seed());
    const Recording down = scramble(recording, cut.at, Direction::Down, rng.seed());
    cut.change = "scrambled up";
    QT_TRY(const Snapshot risen, against(up, real, cut, outcome));
    cut.change = "scrambled down";
    QT_TRY(const Snapshot fallen, against(down, real, cut, outcome));
    compare_directions(risen, fallen, cut, outcome);

    for (auto& [name, finding] : outcome.findings.all())
      if (!findings_.has(name)) QT_TRY_VOID(tracer_.trace({recording, real, up, down, cut}, finding));
    findings_.add(outcome.findings);
    report_.coverage += outcome.coverage;
    return {};
  }

  base::Result<void> against_nothing(const Recording& recording, const Snapshot& real, Cut cut, Outcome& outcome) {
    QT_TRY_VOID(step());
    QT_TRY(const Snapshot truncated, take_snapshot(pipeline_, truncate(recording, cut.at), kUnfitted));
    cut.change = "truncated";
    cut.truncated = true;
    compare(real, truncated, cut, outcome);
    return {};
  }

  base::Result<Snapshot> against(const Recording& changed, const Snapshot& real, const Cut& cut, Outcome& outcome) {
    QT_TRY_VOID(step());
    QT_TRY(Snapshot snapshot, take_snapshot(pipeline_, changed, kAll));
    compare(real, snapshot, cut, outcome);
    return snapshot;
  }

  void record(history::Window rows, const Place& place, const Snapshot& real) {
    CutRecord out{place.at, rows.from, rows.to, place.reason, 0};
    for (const Row& row : real.dataset.rows) out.rows += row.bar_close <= place.at ? 1 : 0;
    report_.coverage.rows += out.rows;
    report_.cuts.push_back(std::move(out));
  }

  const Source& source_;
  const Pipeline& pipeline_;
  const CheckSpec& spec_;
  const Progress& progress_;
  Tracer tracer_;
  base::Rng rng_;
  CheckReport report_;
  Findings findings_;
  std::uint64_t steps_ = 0;
};

}  // namespace

base::Result<CheckReport> check(const Source& source, const Pipeline& pipeline, const CheckSpec& spec,
                                const Progress& progress) {
  return Checker(source, pipeline, spec, progress).run();
}

}  // namespace qtrader::training::leakcheck
