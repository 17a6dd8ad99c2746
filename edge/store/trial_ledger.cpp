#include "edge/store/trial_ledger.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <deque>
#include <set>
#include <thread>

#include "core/base/hash.hpp"
#include "core/base/json.hpp"
#include "edge/store/posix_file.hpp"

namespace qtrader::store {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kMaxLineBytes = 1u << 20;  // a century of days
constexpr std::size_t kIdDigits = 16;
constexpr int kLockTries = 3'000;
constexpr std::chrono::milliseconds kLockPause{10};

Error failed(Errc code, const std::filesystem::path& path, const std::string& what) {
  return {"store", code, "trial ledger " + path.string() + ": " + what};
}

Result<File> open_file(const std::filesystem::path& path) {
  auto file = File::open(path, O_RDWR | O_CREAT | O_APPEND);
  if (file) return file;
  Error error = file.error();
  error.context = "trial ledger: " + error.context + "; every backtest is counted there (--trials FILE names another)";
  return error;
}

Result<Trial> parse(std::string_view line, const std::string& where, const std::filesystem::path& path) {
  namespace json = boost::json;
  json::error_code ec;
  const json::value value = json::parse(json::string_view(line.data(), line.size()), ec);
  if (ec) return failed(Errc::Corrupt, path, where + ": not JSON: " + ec.message());
  const json::value* schema = value.is_object() ? value.get_object().if_contains("schema") : nullptr;
  if (schema == nullptr || !schema->is_string()) return failed(Errc::Corrupt, path, where + ": no \"schema\"");
  if (schema->get_string() != Trial().schema.c_str())
    return failed(Errc::SchemaMismatch, path,
                  where + ": schema is " + std::string(schema->get_string()) + ", expected " + Trial().schema);
  auto trial = json::try_value_to<Trial>(value);
  if (!trial) return failed(Errc::Corrupt, path, where + ": not a trial: " + trial.error().message());
  return std::move(*trial);
}

/// What follows the last line break of the file.
struct Tail {
  std::uint64_t begins = 0;  // bytes before it
  std::string text;
};

/// Every line, in order, without its break, and the tail. `handle(line, where)`.
Result<Tail> for_each_line(File& file, const std::filesystem::path& path,
                           const std::function<Result<void>(std::string_view, const std::string&)>& handle) {
  std::vector<std::byte> chunk(1 << 16);
  Tail tail;
  for (std::uint64_t number = 1;;) {
    QT_TRY(const std::size_t n, file.read(chunk));
    if (n == 0) return tail;
    tail.text.append(reinterpret_cast<const char*>(chunk.data()), n);
    std::size_t from = 0;
    for (std::size_t end; (end = tail.text.find('\n', from)) != std::string::npos; from = end + 1)
      QT_TRY_VOID(handle(std::string_view(tail.text).substr(from, end - from), "line " + std::to_string(number++)));
    tail.begins += from;
    tail.text.erase(0, from);
    if (tail.text.size() > kMaxLineBytes)
      return failed(Errc::Corrupt, path,
                    "line " + std::to_string(number) + " is longer than " + std::to_string(kMaxLineBytes) + " bytes");
  }
}

bool related(const Trial& a, const Trial& b) {
  return a.synthetic == b.synthetic && a.from_ms < b.to_ms && b.from_ms < a.to_ms &&
         std::ranges::find_first_of(a.symbols, b.symbols) != a.symbols.end();
}

/// Collects the family of one trial from the lines of the file.
class FamilyScan {
 public:
  explicit FamilyScan(const Trial& trial) : trial_(trial) {}
  void add(Trial other) {
    if (other.id == trial_.id) {
      known_ = true;
      return;
    }
    if (!related(trial_, other) || !seen_.insert(other.id).second) return;
    newest_.push_back(std::move(other));
    if (newest_.size() > kFamilyTrials - 1) newest_.pop_front();
  }
  bool known() const { return known_; }
  TrialFamily take() {
    TrialFamily out{.id = trial_.id, .trials = seen_.size() + 1, .newest = {trial_}};
    std::ranges::move(newest_, std::back_inserter(out.newest));
    return out;
  }

 private:
  const Trial& trial_;
  bool known_ = false;
  std::set<std::string> seen_;
  std::deque<Trial> newest_;
};

Result<void> wait_for_lock(File& file, const std::filesystem::path& path) {
  for (int tried = 0; tried < kLockTries; ++tried) {
    auto locked = file.lock();
    if (locked || locked.error().code != Errc::Conflict) return locked;
    std::this_thread::sleep_for(kLockPause);
  }
  return failed(Errc::Conflict, path, "locked by another process for 30 s");
}

/// The file ends at `end` before and, if this fails, after.
Result<void> append(File& file, std::uint64_t end, const Trial& trial) {
  const std::string line = base::to_json(trial) + "\n";
  QT_CHECK(line.size() <= kMaxLineBytes, "a trial of at most a century");
  auto written = file.write(base::as_bytes(line));
  if (written) written = file.sync_data();
  if (!written) static_cast<void>(file.truncate(end).ok());  // the first error is the one to report
  return written;
}

}  // namespace

std::string trial_id(Trial trial) {
  trial.id.clear();
  trial.recorded_at.clear();
  return base::sha256_hex(base::to_json(trial)).substr(0, kIdDigits);
}

std::filesystem::path trials_beside(const std::filesystem::path& out) {
  const std::filesystem::path whole = std::filesystem::absolute(out).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).parent_path() / "trials.jsonl";
}

Result<TrialLedger> TrialLedger::open(std::filesystem::path path) {
  QT_TRY(File file, open_file(path));
  const auto verify = [&](std::string_view line, const std::string& where) -> Result<void> {
    auto trial = parse(line, where, path);
    if (!trial) return trial.error();
    return {};
  };
  QT_TRY(const Tail torn, for_each_line(file, path, verify));
  static_cast<void>(torn);  // another process may just be writing it; record() decides, under the lock
  return TrialLedger(std::move(path));
}

Result<TrialFamily> TrialLedger::record(Trial trial, base::Timestamp now) const {
  QT_TRY(File file, open_file(path_));
  QT_TRY_VOID(wait_for_lock(file, path_));
  trial.id = trial_id(trial);
  trial.recorded_at = base::format_timestamp(now);
  FamilyScan scan(trial);
  const auto collect = [&](std::string_view line, const std::string& where) -> Result<void> {
    QT_TRY(Trial other, parse(line, where, path_));
    scan.add(std::move(other));
    return {};
  };
  QT_TRY(const Tail tail, for_each_line(file, path_, collect));
  std::uint64_t end = tail.begins;
  bool cut = false;
  if (!tail.text.empty()) {
    if (auto whole = parse(tail.text, "last line", path_)) {  // only its line break is missing
      scan.add(std::move(*whole));
      QT_TRY_VOID(file.write(base::as_bytes("\n")));
      end += tail.text.size() + 1;
    } else {
      QT_TRY_VOID(file.truncate(end));
      cut = true;
    }
  }
  if (!scan.known()) QT_TRY_VOID(append(file, end, trial));
  TrialFamily family = scan.take();
  family.cut_torn_line = cut;
  return family;
}

}  // namespace qtrader::store
