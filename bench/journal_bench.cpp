// Journal append with group commit: frames of a market event's size.
#include "bench/bench.hpp"
#include "edge/store/journal_file.hpp"

namespace qtrader::bench {

base::Result<std::vector<Figure>> bench_journal(const Options& options) {
  const std::uint64_t events = options.quick ? 100'000 : 2'000'000;
  constexpr std::size_t kPayload = 100;
  const base::Bytes payload(kPayload, std::byte{42});
  base::Result<void> failed;
  int run = 0;
  const Repeated time = repeat(3, [&] {
    const auto directory = options.scratch / ("journal" + std::to_string(run++));
    auto journal = store::JournalWriter::create(directory, {});
    if (!journal) {
      failed = journal.error();
      return;
    }
    for (std::uint64_t i = 0; i < events; ++i) {
      if (auto r = (*journal)->append({kernel::FrameKind::Input, i, {}, payload}); !r) failed = r;
      if (i % 1'000 == 999) failed = (*journal)->sync();
    }
    failed = (*journal)->sync();
    journal->reset();
    std::filesystem::remove_all(directory);
  });
  QT_TRY_VOID(failed);
  return std::vector<Figure>{{"journal.append",
                              {{"events_per_s", static_cast<double>(events) / time.best},
                               {"events_per_s_median", static_cast<double>(events) / time.median},
                               {"target_events_per_s", 500'000}},
                              "100-byte frames, handed to the operating system every 1 000"}};
}

}  // namespace qtrader::bench
