#include "apps/qtrader-train/leakcheck_trader.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/kernel/envelope.hpp"
#include "edge/history/bar_store.hpp"
#include "edge/history/instruments.hpp"
#include "edge/history/rate_file.hpp"
#include "edge/store/journal_file.hpp"
#include "edge/system/process.hpp"

namespace qtrader::apps {
namespace {

namespace fs = std::filesystem;
using training::leakcheck::Decision;
using training::leakcheck::Recording;

base::Error fail(base::Errc code, std::string text) { return {"leakcheck", code, std::move(text)}; }

/// Marks were recorded as the close of a bar; only that is written back.
class MarkBars final : public history::BarCursor {
 public:
  MarkBars(const std::vector<domain::MarkPrice>& marks, domain::Timeframe timeframe)
      : marks_(marks), timeframe_(timeframe) {}
  base::Result<std::optional<domain::Bar>> next() override {
    if (next_ == marks_.size()) return std::optional<domain::Bar>();
    const domain::MarkPrice& mark = marks_[next_++];
    domain::Bar out;
    out.timeframe = timeframe_;
    out.open_time = mark.ts_event - domain::duration(timeframe_);
    out.open = out.high = out.low = out.close = mark.price;
    return std::optional<domain::Bar>(out);
  }

 private:
  const std::vector<domain::MarkPrice>& marks_;
  domain::Timeframe timeframe_;
  std::size_t next_ = 0;
};

/// Where the recording's bars end: after a truncation, earlier than its rows' window.
base::Timestamp end_of(const Recording& r) {
  base::Timestamp out = r.rows.from;
  for (const auto& bars : r.bars)
    if (!bars.empty()) out = std::max(out, bars.back().close_time());
  return out;
}

/// One bar more, without a price move: without it the backtest would end before the funding and marks that are known at
/// the end arrive. As much is traded in it as in the symbol's busiest bar, so that a run can close what it holds.
Recording with_still_bar(Recording r) {
  const base::Timestamp end = end_of(r);
  for (auto& bars : r.bars) {
    if (bars.empty() || bars.back().close_time() != end) continue;
    domain::Bar still = *std::ranges::max_element(bars, {}, &domain::Bar::volume);
    still.open_time = end;
    still.open = still.high = still.low = still.close = bars.back().close;
    bars.push_back(still);
  }
  return r;
}

base::Result<void> write_recording(const Recording& r, const fs::path& directory) {
  std::error_code ec;
  fs::create_directories(directory, ec);
  if (ec) return fail(base::Errc::Io, directory.string() + ": cannot create: " + ec.message());
  for (std::size_t s = 0; s < r.symbols(); ++s) {
    const std::string& symbol = r.instruments[s].symbol;
    QT_TRY(auto writer, history::BarStoreWriter::create(
                            directory, {.symbol = symbol, .synthetic = true, .source = "leakcheck"}, r.base));
    for (const domain::Bar& bar : r.bars[s]) QT_TRY_VOID(writer.append(bar));
    QT_TRY([[maybe_unused]] const auto stored, writer.commit());
    if (!r.funding[s].empty()) {
      QT_TRY([[maybe_unused]] const auto file, history::write_funding_csv(directory, symbol, r.funding[s]));
    }
    if (!r.marks[s].empty()) {
      MarkBars marks(r.marks[s], r.base);
      QT_TRY([[maybe_unused]] const auto file, history::write_mark_csv(directory, symbol, r.base, marks));
    }
  }
  return history::save_instruments(directory / "instruments.json", r.instruments);
}

std::string joined_symbols(const Recording& r) {
  std::string out;
  for (const auto& i : r.instruments) out += (out.empty() ? "" : ",") + i.symbol;
  return out;
}

bool ends_the_run(const kernel::Frame& frame) {
  kernel::Envelope envelope;
  return frame.kind == kernel::FrameKind::Input && base::from_bytes(frame.payload, envelope) &&
         std::holds_alternative<domain::RunEnding>(envelope.event);
}

/// Up to where the run is told to end, which makes it close its positions: that is the command line's doing.
base::Result<void> read_decisions(const fs::path& journal, const std::string& strategy, std::vector<Decision>& out) {
  QT_TRY(auto reader, store::JournalReader::open(journal));
  for (;;) {
    QT_TRY(const auto stored, reader.next());
    if (!stored || ends_the_run(stored->frame)) return {};
    const kernel::Frame& frame = stored->frame;
    if (frame.kind != kernel::FrameKind::Output && frame.kind != kernel::FrameKind::Command) continue;
    out.push_back(
        {frame.ts, strategy, frame.kind == kernel::FrameKind::Command, {frame.payload.begin(), frame.payload.end()}});
  }
}

std::string last_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line, last;
  while (std::getline(in, line))
    if (!line.empty()) last = line;
  return last;
}

}  // namespace

base::Result<ScratchDirectory> ScratchDirectory::create() {
  std::error_code ec;
  std::string pattern = (fs::temp_directory_path(ec) / "qtrader-leakcheck-XXXXXX").string();
  if (ec || ::mkdtemp(pattern.data()) == nullptr)
    return fail(base::Errc::Io, pattern + ": cannot create a temporary directory");
  return ScratchDirectory(pattern);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ec;
  if (!path_.empty()) fs::remove_all(path_, ec);
}

base::Result<void> run_qtrader(const std::vector<std::string>& arguments, const fs::path& scratch) {
  const std::string program = system::executable_directory() / "qtrader";
  const std::string said = scratch / "stderr";
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, said.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t pid = 0;
  const int failure = ::posix_spawn(&pid, program.c_str(), &files, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (failure != 0) return fail(base::Errc::Io, program + ": cannot start");
  int raw = 0;
  while (::waitpid(pid, &raw, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(raw) && WEXITSTATUS(raw) == 0) return {};
  if (WIFSIGNALED(raw) || system::interrupted())
    return fail(base::Errc::Interrupted, "qtrader " + arguments.front() + " was ended by a signal");
  const auto code = WEXITSTATUS(raw) == 2 ? base::Errc::InvalidArgument : base::Errc::Io;
  return fail(code, "qtrader " + arguments.front() + " failed: " + last_line(said));
}

base::Result<std::vector<Decision>> ProgramTrader::trade(const Recording& original) const {
  const Recording recording = with_still_bar(original);
  QT_TRY(const ScratchDirectory scratch, ScratchDirectory::create());
  const fs::path market = scratch.path() / "market";
  QT_TRY_VOID(write_recording(recording, market));
  std::vector<Decision> out;
  for (const std::string& strategy : settings_.strategies) {
    const fs::path run = scratch.path() / strategy;
    std::vector<std::string> arguments = {"backtest",
                                          "--data",
                                          market.string(),
                                          "--symbols",
                                          joined_symbols(recording),
                                          "--from",
                                          base::format_timestamp(recording.rows.from),
                                          "--to",
                                          base::format_timestamp(end_of(recording)),
                                          "--timeframe",
                                          std::string(domain::to_string(recording.primary)),
                                          "--base-timeframe",
                                          std::string(domain::to_string(recording.base)),
                                          "--strategy",
                                          strategy,
                                          "--seed",
                                          std::to_string(settings_.seed),
                                          "--out",
                                          run.string(),
                                          "--allow-gaps",
                                          "--quiet"};
    if (strategy == "ai") arguments.insert(arguments.end(), {"--registry", settings_.registry.string()});
    QT_TRY_VOID(run_qtrader(arguments, scratch.path()));
    QT_TRY_VOID(read_decisions(run / "journal", strategy, out));
    std::error_code ec;
    fs::remove_all(run, ec);  // the next run's disk space
  }
  return out;
}

}  // namespace qtrader::apps
