#include "apps/live/state_dir.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "core/base/hash.hpp"
#include "edge/history/atomic_file.hpp"

namespace qtrader::apps {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kSnapshotMagic = 0x31535451;  // "QTS1"
constexpr std::size_t kKept = 2;

std::string read_whole(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Newest first.
std::vector<fs::path> snapshot_files(const fs::path& directory) {
  std::vector<fs::path> out;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(directory, ec))
    if (entry.path().extension() == ".qts") out.push_back(entry.path());
  std::sort(out.rbegin(), out.rend());
  return out;
}

std::optional<CoreSnapshot> decode(const std::string& text) {
  const base::ByteView bytes(reinterpret_cast<const std::byte*>(text.data()), text.size());
  CoreSnapshot s;
  std::uint32_t magic = 0;
  std::uint64_t hash = 0;
  base::Reader reader(bytes);
  reader(magic, hash, s.segment, s.seq, s.now, s.digest, s.engine);
  if (!reader.complete() || magic != kSnapshotMagic || base::xxh64(s.engine, s.digest) != hash) return std::nullopt;
  return s;
}

}  // namespace

base::Result<StateDir> StateDir::open(const fs::path& root) {
  std::error_code ec;
  fs::create_directories(root / "snapshots", ec);
  if (ec)
    return base::Error{"state", base::Errc::Io, (root / "snapshots").string() + ": cannot create: " + ec.message()};
  return StateDir(root);
}

bool StateDir::has_journal() const { return fs::exists(journal() / "journal-000001.qtj"); }

base::Result<void> StateDir::save(const CoreSnapshot& s) const {
  base::Bytes bytes;
  base::Writer writer(bytes);
  writer(kSnapshotMagic, base::xxh64(s.engine, s.digest), s.segment, s.seq, s.now, s.digest, s.engine);
  const fs::path directory = root_ / "snapshots";
  QT_TRY_VOID(
      history::write_file_atomically(directory / fmt::format("{:06}.qts", s.segment),
                                     std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())));
  const auto files = snapshot_files(directory);
  std::error_code ec;
  for (std::size_t i = kKept; i < files.size(); ++i) fs::remove(files[i], ec);
  return {};
}

std::optional<CoreSnapshot> StateDir::newest_snapshot() const {
  for (const fs::path& file : snapshot_files(root_ / "snapshots"))
    if (auto snapshot = decode(read_whole(file))) return snapshot;
  return std::nullopt;
}

std::optional<std::string> StateDir::kill_reason() const {
  const fs::path file = root_ / "KILLED";
  if (!fs::exists(file)) return std::nullopt;
  return read_whole(file);
}

base::Result<void> StateDir::latch_kill(const std::string& reason) const {
  return history::write_file_atomically(root_ / "KILLED", reason);
}

base::Result<void> StateDir::clear_kill() const {
  std::error_code ec;
  fs::remove(root_ / "KILLED", ec);
  if (ec) return base::Error{"state", base::Errc::Io, (root_ / "KILLED").string() + ": cannot remove: " + ec.message()};
  return {};
}

}  // namespace qtrader::apps
