#include "training/deep/runtime.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <dlfcn.h>
#include <malloc.h>

#include <limits>
#include <mutex>

#include "core/base/rng.hpp"

namespace qtrader::training::deep {
namespace {

std::uint64_t next_key() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

/// A 32-bit mixer without fixed patterns in its low bits (C. Wellons, "Prospecting for hash functions", lowbias32).
std::uint32_t mixed(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x7FEB352DU;
  x ^= x >> 15;
  x *= 0x846CA68BU;
  x ^= x >> 16;
  return x;
}

/// 0 with probability `rate`, else 1 / (1 − rate). Blocks of fixed length, so that the compiler vectorises the mixer.
void fill_mask(float* out, std::size_t size, double rate, std::uint64_t key) {
  constexpr std::size_t kBlock = 64;
  const auto threshold = static_cast<std::int32_t>(rate * 0x1p31);
  const auto kept = static_cast<float>(1 / (1 - rate));
  const auto low = static_cast<std::uint32_t>(key), high = static_cast<std::uint32_t>(key >> 32);
  const auto element = [&](std::uint32_t i) {
    const auto draw = static_cast<std::int32_t>(mixed(mixed(i ^ low) + high) >> 1);
    return draw < threshold ? 0.0F : kept;
  };
  std::size_t at = 0;
  for (; at + kBlock <= size; at += kBlock)
    for (std::size_t j = 0; j < kBlock; ++j) out[at + j] = element(static_cast<std::uint32_t>(at + j));
  for (; at < size; ++at) out[at] = element(static_cast<std::uint32_t>(at));
}

}  // namespace

torch::Device device() { return torch::cuda::is_available() ? torch::Device(torch::kCUDA, 0) : torch::kCPU; }

void set_threads(std::int32_t threads) {
  at::set_num_threads(threads);
  using SetThreads = void (*)(int);
  if (const auto set = reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(threads);
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  ::mallopt(M_MMAP_MAX, 0);  // a mapping of its own would be returned, and faulted in again, each time
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  ::mallopt(M_TOP_PAD, 256 << 20);
#endif
}

void start_deterministically(std::uint64_t seed, std::string_view name) {
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/device().is_cuda());
  torch::manual_seed(base::Rng(seed).fork(name).next());
}

void set_rates(torch::optim::Optimizer& optimiser, double learning_rate, double momentum) {
  for (auto& group : optimiser.param_groups()) {
    auto& options = group.options();
    options.set_lr(learning_rate);
    if (auto* adam = dynamic_cast<torch::optim::AdamOptions*>(&options))
      adam->betas({momentum, std::get<1>(adam->betas())});
    if (auto* adamw = dynamic_cast<torch::optim::AdamWOptions*>(&options))
      adamw->betas({momentum, std::get<1>(adamw->betas())});
  }
}

torch::Tensor hashed_dropout(const torch::Tensor& x, double rate, bool training) {
  if (!training || rate == 0) return x;
  if (!x.device().is_cpu()) return torch::dropout(x, rate, training);
  const std::uint64_t key = next_key();
  torch::Tensor mask = torch::empty(x.sizes(), torch::kFloat32);
  fill_mask(mask.data_ptr<float>(), static_cast<std::size_t>(mask.numel()), rate, key);
  return x * mask.to(x.scalar_type());
}

}  // namespace qtrader::training::deep
