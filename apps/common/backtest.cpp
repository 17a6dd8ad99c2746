#include "apps/common/backtest.hpp"

#include <fstream>

#include "apps/common/session.hpp"
#include "apps/common/strategies.hpp"
#include "edge/report/recorder.hpp"
#include "edge/store/journal_file.hpp"
#include "edge/store/trial_ledger.hpp"
#include "edge/system/process.hpp"
#include "version.hpp"

namespace qtrader::apps {
namespace {

namespace fs = std::filesystem;

base::Error bad(base::Errc code, std::string what) { return {"backtest", code, std::move(what)}; }

/// OUT.partial while working; removed on failure unless it is worth resuming.
class WorkingDirectory {
 public:
  static base::Result<WorkingDirectory> open(const fs::path& out, bool resume) {
    WorkingDirectory w;
    w.out_ = out;
    w.partial_ = out.string() + ".partial";
    std::error_code ec;
    if (fs::exists(w.out_, ec))
      return bad(base::Errc::Conflict, out.string() + ": exists already; choose another --out or remove it");
    const bool interrupted = fs::exists(w.partial_, ec);
    if (interrupted && !resume)
      return bad(base::Errc::Conflict, w.partial_.string() +
                                           ": an interrupted run; --resume continues it, removing it "
                                           "starts over");
    if (!interrupted && resume) return bad(base::Errc::NotFound, w.partial_.string() + ": nothing to resume");
    fs::create_directories(w.partial_, ec);
    if (ec) return bad(base::Errc::Io, w.partial_.string() + ": cannot create: " + ec.message());
    return w;
  }
  WorkingDirectory(WorkingDirectory&& o) noexcept
      : out_(std::move(o.out_)), partial_(std::exchange(o.partial_, {})), keep_(o.keep_) {}
  WorkingDirectory& operator=(WorkingDirectory&&) = delete;
  ~WorkingDirectory() {
    std::error_code ec;
    if (!partial_.empty() && !keep_) fs::remove_all(partial_, ec);
  }
  const fs::path& path() const { return partial_; }
  void keep() { keep_ = true; }
  base::Result<void> publish() {
    std::error_code ec;
    fs::rename(partial_, out_, ec);
    if (ec) return bad(base::Errc::Io, out_.string() + ": cannot rename from .partial: " + ec.message());
    partial_.clear();
    return {};
  }

 private:
  WorkingDirectory() = default;
  fs::path out_, partial_;
  bool keep_ = false;
};

class RecorderFeed final : public SessionObserver {
 public:
  RecorderFeed(report::Recorder& recorder, base::Timestamp from) : recorder_(recorder), from_(from) {}
  void on_step(const kernel::Envelope& envelope, const engine::Outbox& outbox) override {
    for (const auto& record : outbox.audit) recorder_.on(envelope.ts_recv, record);
    if (outbox.primary_bar && outbox.primary_bar->second.open_time >= from_)
      recorder_.on_primary_bar(outbox.primary_bar->first, outbox.primary_bar->second);
  }

 private:
  report::Recorder& recorder_;
  base::Timestamp from_;
};

std::vector<std::string> covering_symbols(const history::Catalog& catalog, const BacktestSpec& spec) {
  std::vector<std::string> out;
  for (const auto& s : catalog.series()) {
    if (s.kind != history::SeriesKind::UsdmBars) continue;
    if (std::find(out.begin(), out.end(), s.symbol) != out.end()) continue;
    if (catalog.base_timeframe({s.symbol}, spec.engine.primary, {spec.from, spec.to})) out.push_back(s.symbol);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string join(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& n : names) out += (out.empty() ? "" : ", ") + n;
  return out;
}

/// Everything resolved from the spec before the first bar is played.
struct Prepared {
  RunHeader header;
  domain::InstrumentTable instruments;
  std::vector<LoadedModel> models;
  std::unique_ptr<MarketFeed> feed;
  history::Window window;  // including warm-up
  bool in_sample = false;  // it plays rows that a model was fitted on
};

void add_caveats(RunHeader& header, const MarketFeed& feed) {
  if (!feed.without_funding().empty())
    header.caveats.push_back("No funding data, so no funding is charged: " + join(feed.without_funding()) + ".");
  const std::int32_t rearm = header.engine.limits.drawdown_rearm_days;
  if (rearm > 0)
    header.caveats.push_back("A drawdown pause ends by itself after " + std::to_string(rearm) +
                             " flat days; a live account waits for its operator.");
}

/// A result on rows the model has seen is no evidence. The card names the rows it was fitted on; those it was validated
/// and tested on follow them, for less than half that time again (ai.md 2.1: 70/15/15).
void add_training_caveat(Prepared& p, const LoadedModel& model) {
  RunHeader& header = p.header;
  const models::DataRange& fitted = model.card.data_range;
  const std::string type = model.stored.entry.type;
  if (header.from <= fitted.last && header.to > fitted.first) {
    p.in_sample = true;
    header.caveats.push_back("IN-SAMPLE: the " + type + " model was fitted on rows of " +
                             base::format_date(fitted.first) + " to " + base::format_date(fitted.last) +
                             ", which this run plays.");
  } else if (header.from > fitted.last &&
             header.from - fitted.last < base::Duration{(fitted.last - fitted.first).ns / 2}) {
    header.caveats.push_back("The " + type + " model was fitted until " + base::format_date(fitted.last) +
                             "; the weeks after that chose its rounds and temperature.");
  }
}

base::Result<Prepared> prepare(BacktestSpec& spec) {
  Prepared p;
  QT_TRY(const auto catalog, history::Catalog::scan(spec.data));
  if (spec.from >= spec.to)
    return bad(base::Errc::InvalidArgument, "--from " + base::format_timestamp(spec.from) + " must be before --to " +
                                                base::format_timestamp(spec.to));
  if (spec.symbols.empty()) spec.symbols = covering_symbols(catalog, spec);
  if (spec.symbols.empty())
    return bad(base::Errc::NotFound, spec.data.string() + ": no symbol's candles cover " +
                                         base::format_timestamp(spec.from) + " to " + base::format_timestamp(spec.to));
  const history::Window decided{spec.from, spec.to};
  if (spec.base) {
    spec.engine.base = *spec.base;
  } else {
    QT_TRY(spec.engine.base, catalog.base_timeframe(spec.symbols, spec.engine.primary, decided));
  }
  spec.engine.limits.mark_max_age_ms = 2 * domain::duration(spec.engine.base).ns / 1'000'000;
  QT_TRY_VOID(engine::validate(spec.engine));

  RunHeader& h = p.header;
  for (const auto& symbol : spec.symbols) {
    QT_TRY(auto instrument, catalog.instrument(symbol));
    h.instruments.push_back(std::move(instrument));
  }
  QT_TRY(p.instruments, domain::InstrumentTable::create(h.instruments));
  h.synthetic = catalog.synthetic();
  h.from = spec.from;
  h.to = spec.to;
  if (spec.engine.strategy == "ai") {
    if (spec.registry.empty())
      return bad(base::Errc::InvalidArgument, "--strategy ai needs --registry DIR with fitted models (qtrader train)");
    QT_TRY(p.models, load_current_models(spec.registry));
    for (const auto& m : p.models) {
      if (m.card.synthetic && !h.synthetic)
        return bad(base::Errc::Conflict, m.name() + " was trained on synthetic data and may not judge a real market");
      h.models.push_back(m.name());
      if (!m.stored.entry.active)
        h.caveats.push_back("The " + m.stored.entry.type +
                            " model is a candidate: it was not better than its baselines, "
                            "or nobody has promoted it.");
      add_training_caveat(p, m);
    }
  }
  p.window = {spec.from - domain::duration(spec.engine.primary) * lead_bars(spec.engine, p.models), spec.to};
  QT_TRY(p.feed, MarketFeed::create(catalog, {spec.symbols, spec.engine.base, p.window, spec.allow_gaps}));
  QT_TRY(h.data_hash, catalog.content_hash(spec.symbols, spec.engine.base, p.window));
  h.code_version = kCodeVersion;
  h.engine = spec.engine;
  h.venue = spec.venue;
  h.seed = spec.seed;
  add_caveats(h, *p.feed);
  return p;
}

report::RunInfo run_info(const Prepared& p, const BacktestSpec& spec) {
  const RunHeader& h = p.header;
  report::RunInfo info;
  info.seed = h.seed;
  info.strategy = h.engine.strategy;
  info.symbols = spec.symbols;
  info.timeframe = h.engine.primary;
  info.from = h.from;
  info.to = h.to;
  info.initial_wallet = h.venue.initial_wallet;
  info.config_hash = engine::config_hash(h.engine);
  info.venue_hash = base::Sha256().update(base::to_bytes(h.venue)).finish_hex();
  info.data_hash = h.data_hash;
  info.models = h.models;
  info.synthetic = h.synthetic;
  info.in_sample = p.in_sample;
  info.command = spec.command;
  info.caveats = h.caveats;
  return info;
}

base::Result<void> play_all(Session& session, MarketFeed& feed, const history::Window& window,
                            const std::function<void(const Progress&)>& progress) {
  Slot slot;
  const double span = static_cast<double>((window.to - window.from).ns);
  for (std::uint64_t n = 0;; ++n) {
    QT_TRY(const bool more, feed.next(slot));
    if (!more) return {};
    QT_TRY_VOID(session.play(slot));
    if (n % 256 != 0) continue;
    if (system::interrupted()) return bad(base::Errc::Interrupted, "stopped by the operator; --resume continues it");
    if (progress) progress({static_cast<double>((slot.close - window.from).ns) / span, slot.close, session.bars()});
  }
}

base::Result<std::unique_ptr<store::JournalWriter>> open_journal(const fs::path& directory, bool resume) {
  if (resume) {
    auto journal = store::JournalWriter::resume(directory, {});
    // Interrupted before the first segment was there: nothing to compare with, the run starts from the beginning.
    if (journal || journal.error().code != base::Errc::NotFound) return journal;
  }
  return store::JournalWriter::create(directory, {});
}

}  // namespace

base::Result<BacktestResult> run_backtest(BacktestSpec spec, const std::function<void(const Progress&)>& progress) {
  const double started = system::steady_seconds();
  QT_TRY(auto p, prepare(spec));
  QT_TRY(auto work, WorkingDirectory::open(spec.out, spec.resume));
  QT_TRY(const auto ledger,
         store::TrialLedger::open(spec.trials.empty() ? store::trials_beside(spec.out) : spec.trials));
  std::unique_ptr<store::JournalWriter> journal;
  if (spec.journal) {
    QT_TRY(journal, open_journal(work.path() / "journal", spec.resume));
    QT_TRY_VOID(copy_models(p.models, work.path() / "journal" / "models"));
  }
  QT_TRY(auto recorder, report::Recorder::create(work.path(), run_info(p, spec), p.instruments));
  QT_TRY(auto strategy, make_strategy(spec.engine, p.instruments.size(), std::move(p.models)));
  QT_TRY(auto engine, engine::Engine::create(spec.engine, p.instruments, std::move(strategy)));
  simvenue::SimVenue venue(p.instruments, spec.venue, base::Rng(spec.seed).fork("venue"));
  kernel::Sequencer sequencer(journal.get());
  RecorderFeed observer(*recorder, spec.from);
  Session session(*engine, venue, sequencer, &observer);

  QT_TRY_VOID(sequencer.begin(base::to_bytes(p.header)));
  QT_TRY_VOID(session.start({spec.venue.initial_wallet, spec.seed, spec.from, spec.to}, p.window.from));
  auto played = play_all(session, *p.feed, p.window, progress);
  if (!played) {
    if (played.error().code == base::Errc::Interrupted && journal) {
      QT_TRY_VOID(journal->sync());
      work.keep();
    }
    return played.error();
  }
  QT_TRY_VOID(session.finish());
  BacktestResult result;
  result.digest = sequencer.digest();
  auto family = ledger.record(recorder->trial(), system::wall_now());
  if (!family) {
    if (journal) work.keep();  // --resume finishes it once the ledger can be written
    return family.error();
  }
  QT_TRY_VOID(recorder->finish({.timing = {.wall_s = system::steady_seconds() - started,
                                           .bars = session.bars(),
                                           .events = session.events(),
                                           .rss_mb = system::resident_mib()},
                                .digest = base::hex64(result.digest),
                                .family = std::move(*family)}));
  journal.reset();
  QT_TRY_VOID(work.publish());
  result.summary = recorder->terminal_summary();
  result.report_json = recorder->report_json();
  return result;
}

}  // namespace qtrader::apps
