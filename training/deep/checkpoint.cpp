#include "training/deep/checkpoint.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>
#include <sstream>

#include "core/base/hash.hpp"
#include "training/deep/runtime.hpp"

namespace qtrader::training::deep {
namespace {

namespace fs = std::filesystem;
using base::Errc;

// "QTCKPT01", CRC-32C and length of what follows.
constexpr std::string_view kMagic = "QTCKPT01";
constexpr std::size_t kHeaderSize = kMagic.size() + sizeof(std::uint32_t) + sizeof(std::uint64_t);

base::Error io_error(const fs::path& file, const char* doing) {
  return {"training", errno == ENOSPC || errno == EDQUOT ? Errc::NoSpace : Errc::Io,
          file.string() + ": " + doing + ": " + std::strerror(errno)};
}

std::string with_header(const std::string& payload) {
  std::string out(kMagic);
  const std::uint32_t crc = base::crc32c(base::as_bytes(payload));
  const std::uint64_t length = payload.size();
  out.append(reinterpret_cast<const char*>(&crc), sizeof crc);
  out.append(reinterpret_cast<const char*>(&length), sizeof length);
  return out + payload;
}

/// The bytes after the header, or what is wrong with it.
struct Payload {
  std::string bytes, damage;
};

Payload without_header(std::string file) {
  if (file.size() < kHeaderSize || !file.starts_with(kMagic)) return {{}, "does not start like a checkpoint"};
  std::uint32_t crc = 0;
  std::uint64_t length = 0;
  std::memcpy(&crc, file.data() + kMagic.size(), sizeof crc);
  std::memcpy(&length, file.data() + kMagic.size() + sizeof crc, sizeof length);
  file.erase(0, kHeaderSize);
  if (file.size() != length)
    return {{}, "holds " + std::to_string(file.size()) + " bytes, expected " + std::to_string(length)};
  if (base::crc32c(base::as_bytes(file)) != crc) return {{}, "fails its checksum"};
  return {std::move(file), {}};
}

base::Result<void> write_all(int fd, const fs::path& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error(file, "write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return io_error(file, "sync");
  return {};
}

base::Result<void> replace_file(const fs::path& file, std::string_view bytes) {
  std::error_code ec;
  if (file.has_parent_path()) fs::create_directories(file.parent_path(), ec);
  if (ec) return base::Error{"training", Errc::Io, file.parent_path().string() + ": create: " + ec.message()};
  const fs::path temporary = file.string() + ".tmp";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return io_error(temporary, "create");
  auto written = write_all(fd, temporary, bytes);
  ::close(fd);
  if (written && ::rename(temporary.c_str(), file.c_str()) != 0) written = io_error(file, "rename");
  if (!written) ::unlink(temporary.c_str());
  return written;
}

at::Generator generator() { return at::globalContext().defaultGenerator(device()); }

torch::Tensor random_state() {
  at::Generator g = generator();
  const std::lock_guard lock(g.mutex());
  return g.get_state();
}

void set_random_state(const torch::Tensor& state) {
  at::Generator g = generator();
  const std::lock_guard lock(g.mutex());
  g.set_state(state);
}

std::string archived(const Checkpointed& t) {
  torch::serialize::OutputArchive out, model, optimiser;
  t.model.save(model);
  t.optimiser.save(optimiser);
  out.write("fingerprint", c10::IValue(t.fingerprint));
  out.write("epoch", c10::IValue(t.epoch));
  out.write("best_epoch", c10::IValue(t.stopping.best_epoch()));
  out.write("best_loss", c10::IValue(t.stopping.best_loss()));
  out.write("model", model);
  out.write("optimiser", optimiser);
  out.write("random", random_state());
  out.write("best_count", c10::IValue(static_cast<std::int64_t>(t.best.size())));
  for (std::size_t i = 0; i < t.best.size(); ++i) out.write("best_" + std::to_string(i), t.best[i]);
  std::ostringstream bytes;
  out.save_to(bytes);
  return std::move(bytes).str();
}

template <class T>
T value_of(torch::serialize::InputArchive& in, const std::string& key) {
  c10::IValue value;
  in.read(key, value);
  return value.to<T>();
}

/// Throws c10::Error where the archive lacks something.
base::Result<void> restore(const std::string& bytes, const fs::path& file, const Checkpointed& t) {
  std::istringstream stream(bytes);
  torch::serialize::InputArchive in, model, optimiser;
  in.load_from(stream);
  const auto fingerprint = value_of<std::string>(in, "fingerprint");
  if (fingerprint != t.fingerprint)
    return base::Error{"training", Errc::Conflict,
                       file.string() + ": is of another training (" + fingerprint + "), expected " + t.fingerprint +
                           "; give another directory, or start without resuming"};
  in.read("model", model);
  in.read("optimiser", optimiser);
  torch::Tensor random;
  in.read("random", random);
  t.model.load(model);
  t.optimiser.load(optimiser);
  t.best.resize(static_cast<std::size_t>(value_of<std::int64_t>(in, "best_count")));
  for (std::size_t i = 0; i < t.best.size(); ++i) in.read("best_" + std::to_string(i), t.best[i]);
  t.epoch = value_of<std::int64_t>(in, "epoch");
  t.stopping.resume(value_of<std::int64_t>(in, "best_epoch"), value_of<double>(in, "best_loss"));
  set_random_state(random);
  return {};
}

base::Error quarantined(const fs::path& file, const std::string& damage) {
  const fs::path aside = file.string() + ".corrupt";
  const std::string what = "checkpoint " + file.string() + ": " + damage;
  std::error_code ec;
  fs::rename(file, aside, ec);
  if (ec) return {"training", Errc::Corrupt, what + "; remove it to start from the beginning"};
  return {"training", Errc::Corrupt,
          what + "; moved to " + aside.string() + ": run the same command again to start from the beginning"};
}

}  // namespace

Weights copy_weights(const torch::nn::Module& model) {
  Weights out;
  for (const torch::Tensor& p : model.parameters()) out.push_back(p.detach().clone());
  for (const torch::Tensor& b : model.buffers()) out.push_back(b.detach().clone());
  return out;
}

void set_weights(torch::nn::Module& model, const Weights& weights) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> all = model.parameters();
  for (const torch::Tensor& b : model.buffers()) all.push_back(b);
  QT_CHECK(all.size() == weights.size(), "weights of another kind of model");
  for (std::size_t i = 0; i < all.size(); ++i) all[i].copy_(weights[i]);
}

base::Result<void> save_checkpoint(const fs::path& file, const Checkpointed& training) {
  return replace_file(file, with_header(archived(training)));
}

base::Result<bool> load_checkpoint(const fs::path& file, const Checkpointed& training) {
  if (!fs::exists(file)) return false;
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  if (!in || !bytes) return io_error(file, "read");
  const Payload payload = without_header(std::move(bytes).str());
  if (!payload.damage.empty()) return quarantined(file, payload.damage);
  try {
    QT_TRY_VOID(restore(payload.bytes, file, training));
  } catch (const c10::Error& e) {
    return quarantined(file, std::string("lacks a part of this training: ") + e.what_without_backtrace());
  }
  return true;
}

}  // namespace qtrader::training::deep
