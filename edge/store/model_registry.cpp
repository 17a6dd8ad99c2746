#include "edge/store/model_registry.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <chrono>

#include <algorithm>
#include <map>
#include <system_error>
#include <thread>

#include "core/base/hash.hpp"
#include "edge/store/posix_file.hpp"

namespace qtrader::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCardFile = "card.json";
constexpr std::string_view kSumsFile = "SHA256SUMS";
constexpr std::string_view kHistoryFile = "HISTORY";
constexpr std::string_view kLockFile = ".lock";

base::Error failed(base::Errc code, std::string context) { return {"store", code, std::move(context)}; }

bool plain_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find_first_of("/\n \\") == std::string_view::npos;
}

bool hexadecimal(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

/// Removes what was begun unless it is kept.
class Unfinished {
 public:
  explicit Unfinished(fs::path path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  void keep() { path_.clear(); }

 private:
  fs::path path_;
};

base::Result<void> sync_directory(const fs::path& path) {
  QT_TRY(File directory, File::open(path, O_RDONLY | O_DIRECTORY));
  return directory.sync_data();
}

base::Result<void> write_file(const fs::path& path, std::string_view bytes) {
  QT_TRY(File file, File::open(path, O_WRONLY | O_CREAT | O_TRUNC));
  QT_TRY_VOID(file.write(base::as_bytes(bytes)));
  return file.sync_data();
}

base::Result<std::string> read_file(const fs::path& path) {
  QT_TRY(File file, File::open(path, O_RDONLY));
  std::string out;
  std::vector<std::byte> chunk(1 << 16);
  for (;;) {
    QT_TRY(const std::size_t n, file.read(chunk));
    if (n == 0) return out;
    out.append(reinterpret_cast<const char*>(chunk.data()), n);
  }
}

base::Result<void> make_directory(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_directory(status))
    return failed(base::Errc::Conflict, path.string() + " exists and is not a directory");
  fs::create_directories(path, error);
  if (error) return system_error("create directory", path, error.value());
  return {};
}

/// A name no other process uses, hidden from list_models.
fs::path scratch_path(const fs::path& parent, std::string_view what) {
  return parent / ("." + std::string(what) + "-" + std::to_string(::getpid()));
}

std::string sums_line(std::string_view bytes, std::string_view file) {
  return base::sha256_hex(bytes) + "  " + std::string(file) + "\n";
}

/// file → hash. Corrupt unless every line is 64 hex digits, two spaces and a plain name.
base::Result<std::map<std::string, std::string>> parse_sums(const std::string& text, const fs::path& path) {
  std::map<std::string, std::string> out;
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    const std::string line = text.substr(from, end - from);
    from = end + 1;
    if (line.size() < 67 || !hexadecimal(line.substr(0, 64)) || line.substr(64, 2) != "  " ||
        !plain_name(line.substr(66)))
      return failed(base::Errc::Corrupt, path.string() + ": not a line of sha256sum: '" + line + "'");
    out[line.substr(66)] = line.substr(0, 64);
  }
  return out;
}

base::Result<std::vector<fs::path>> subdirectories(const fs::path& parent) {
  std::error_code error;
  fs::directory_iterator it(parent, error);
  if (error) return system_error("list", parent, error.value());
  std::vector<fs::path> out;
  for (; it != fs::directory_iterator(); it.increment(error)) {
    if (error) return system_error("list", parent, error.value());
    std::error_code ignored;
    if (it->is_directory(ignored) && plain_name(it->path().filename().string())) out.push_back(it->path());
  }
  std::ranges::sort(out);
  return out;
}

/// NotFound naming the ids there are, unless the model is there; Corrupt unless its files are what they were.
base::Result<void> verify_files(const fs::path& root, std::string_view type, std::string_view id) {
  const fs::path directory = root / type;
  std::error_code error;
  if (plain_name(type) && plain_name(id) && fs::is_directory(directory / id, error)) {
    QT_TRY([[maybe_unused]] const StoredModel model,
           load_model({.type = std::string(type), .id = std::string(id), .directory = directory / id}));
    return {};
  }
  std::string known;
  if (auto there = subdirectories(directory))
    for (const fs::path& p : *there) known += " " + p.filename().string();
  return failed(base::Errc::NotFound, "no model " + std::string(type) + "/" + std::string(id) + " in " + root.string() +
                                          "; there are:" + (known.empty() ? " none" : known));
}

/// The only writer's lock of a type. Conflict if another process keeps it for longer than any change takes.
base::Result<File> lock_type(const fs::path& type_directory) {
  constexpr auto kPatience = std::chrono::seconds(5);
  constexpr auto kPause = std::chrono::milliseconds(10);
  QT_TRY(File file, File::open(type_directory / kLockFile, O_RDWR | O_CREAT));
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const auto locked = file.lock();
    if (locked) return file;
    if (locked.error().code != base::Errc::Conflict || std::chrono::steady_clock::now() > give_up)
      return locked.error();
    std::this_thread::sleep_for(kPause);
  }
}

/// Replaces HISTORY by itself and one line more, under the lock.
template <class Change>
base::Result<StageChange> change_history(const fs::path& root, std::string_view type, Change&& change) {
  const fs::path directory = root / type;
  std::error_code error;
  if (!plain_name(type) || !fs::is_directory(directory, error))
    return failed(base::Errc::NotFound, root.string() + " has no models of type '" + std::string(type) + "'");
  QT_TRY([[maybe_unused]] const File lock, lock_type(directory));
  QT_TRY(ModelHistory history, read_history(root, type));
  QT_TRY(StageChange made, change(history));
  const fs::path scratch = scratch_path(directory, "history");
  Unfinished cleanup(scratch);
  QT_TRY_VOID(write_file(scratch, history.text()));
  fs::rename(scratch, directory / kHistoryFile, error);
  if (error) return system_error("replace", directory / kHistoryFile, error.value());
  cleanup.keep();
  QT_TRY_VOID(sync_directory(directory));
  return made;
}

base::Result<void> validate(const ModelDraft& draft) {
  for (const std::string& name : {draft.type, draft.weights_file})
    if (!plain_name(name))
      return failed(base::Errc::InvalidArgument, "model name '" + name + "': expected a plain name");
  if (draft.id.size() < 12 || !hexadecimal(draft.id))
    return failed(base::Errc::InvalidArgument, "model id '" + draft.id + "': expected 12 or more hex digits");
  return {};
}

}  // namespace

base::Result<void> prepare_registry(const fs::path& root) {
  QT_TRY_VOID(make_directory(root));
  const fs::path probe = scratch_path(root, "probe");
  const Unfinished cleanup(probe);
  return write_file(probe, "writable\n");
}

base::Result<fs::path> store_model(const fs::path& root, const ModelDraft& draft) {
  QT_TRY_VOID(validate(draft));
  const fs::path type_directory = root / draft.type;
  const fs::path target = type_directory / draft.id;
  QT_TRY_VOID(make_directory(type_directory));
  std::error_code error;
  if (fs::is_directory(target, error)) return target;

  const fs::path scratch = scratch_path(type_directory, draft.id);
  Unfinished cleanup(scratch);
  fs::remove_all(scratch, error);  // of a dead process with our number
  QT_TRY_VOID(make_directory(scratch));
  QT_TRY_VOID(write_file(scratch / draft.weights_file, draft.weights));
  QT_TRY_VOID(write_file(scratch / kCardFile, draft.card_json));
  QT_TRY_VOID(write_file(scratch / kSumsFile,
                         sums_line(draft.card_json, kCardFile) + sums_line(draft.weights, draft.weights_file)));
  QT_TRY_VOID(sync_directory(scratch));
  fs::rename(scratch, target, error);
  if (error) return system_error("rename to", target, error.value());
  cleanup.keep();
  QT_TRY_VOID(sync_directory(type_directory));
  return target;
}

base::Result<ModelHistory> read_history(const fs::path& root, std::string_view type) {
  const fs::path path = root / type / kHistoryFile;
  std::error_code error;
  if (!fs::exists(path, error)) return ModelHistory(std::string(type));
  QT_TRY(const std::string text, read_file(path));
  auto history = ModelHistory::parse(std::string(type), text);
  if (!history) return failed(history.error().code, path.string() + ": " + history.error().context);
  const std::string champion = history->champion();
  if (!champion.empty() && !fs::is_directory(root / type / champion, error))
    return failed(base::Errc::Corrupt,
                  path.string() + " says that " + champion + " is ACTIVE, which is not a model in this directory");
  return history;
}

base::Result<StageChange> promote(const fs::path& root, const Promotion& promotion, const Approval& approval) {
  QT_TRY_VOID(verify_files(root, promotion.type, promotion.id));
  return change_history(root, promotion.type, [&](ModelHistory& history) -> base::Result<StageChange> {
    return history.promote(promotion.id, promotion.to, approval);
  });
}

base::Result<StageChange> roll_back(const fs::path& root, std::string_view type, const Approval& approval) {
  return change_history(root, type, [&](ModelHistory& history) -> base::Result<StageChange> {
    QT_TRY(StageChange change, history.roll_back(approval));
    QT_TRY_VOID(verify_files(root, type, change.model));
    return change;
  });
}

base::Result<std::vector<ModelEntry>> list_models(const fs::path& root) {
  std::error_code error;
  if (!fs::is_directory(root, error))
    return failed(base::Errc::NotFound, "model registry " + root.string() + ": no such directory");
  QT_TRY(const std::vector<fs::path> types, subdirectories(root));
  std::vector<ModelEntry> out;
  for (const fs::path& type : types) {
    const std::string type_name = type.filename().string();
    QT_TRY(const ModelHistory history, read_history(root, type_name));
    QT_TRY(const std::vector<fs::path> models, subdirectories(type));
    for (const fs::path& model : models) {
      if (!fs::exists(model / kSumsFile, error)) continue;  // not a model's directory
      const std::string id = model.filename().string();
      out.push_back({type_name, id, history.stage_of(id), history.champion() == id, model});
    }
  }
  return out;
}

base::Result<StoredModel> load_model(const ModelEntry& entry) {
  const fs::path sums_path = entry.directory / kSumsFile;
  std::error_code error;
  if (!fs::exists(sums_path, error))
    return failed(base::Errc::NotFound,
                  entry.directory.string() + ": no model there (no " + std::string(kSumsFile) + ")");
  QT_TRY(const std::string sums_text, read_file(sums_path));
  QT_TRY(const auto sums, parse_sums(sums_text, sums_path));
  if (sums.size() != 2 || !sums.contains(std::string(kCardFile)))
    return failed(base::Errc::Corrupt, sums_path.string() + ": expected card.json and one weights file");
  StoredModel out;
  out.entry = entry;
  for (const auto& [file, expected] : sums) {
    if (!fs::exists(entry.directory / file, error))
      return failed(base::Errc::Corrupt, (entry.directory / file).string() + " is missing");
    QT_TRY(std::string bytes, read_file(entry.directory / file));
    const std::string actual = base::sha256_hex(bytes);
    if (actual != expected)
      return failed(base::Errc::Corrupt,
                    (entry.directory / file).string() + ": SHA-256 is " + actual + ", expected " + expected);
    if (file == kCardFile) {
      out.card_json = std::move(bytes);
      continue;
    }
    out.weights_file = file;
    out.weights_sha256 = actual;
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
    out.weights.assign(data, data + bytes.size());
  }
  return out;
}

base::Result<std::vector<StoredModel>> load_active_models(const fs::path& root) {
  QT_TRY(const std::vector<ModelEntry> entries, list_models(root));
  std::vector<StoredModel> out;
  for (const ModelEntry& entry : entries) {
    if (!entry.active) continue;
    QT_TRY(StoredModel model, load_model(entry));
    out.push_back(std::move(model));
  }
  return out;
}

}  // namespace qtrader::store
