// PatchTst: the forward pass of PatchTST (Nie et al. 2023), decision variant: class logits.
//
// Each chosen feature is one sequence of 15 overlapping patches through the same three transformer layers; eight
// numbers of each then meet in the class logits, to which the last bar's features add a linear part. Formulas and file
// in docs/formats/network-weights.md. Made from a weight file when a model is loaded; forward() allocates nothing and
// gives the same bits on every machine, alone or in a batch. Never trains.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "core/models/network/kernels.hpp"
#include "core/models/network/tensor_file.hpp"
#include "core/models/network/window.hpp"

namespace qtrader::models {

class PatchTst {
 public:
  using Logits = std::array<float, 3>;  // SELL, HOLD, BUY

  static constexpr std::size_t kPatch = 16;
  static constexpr std::size_t kStride = 8;
  static constexpr std::size_t kLayers = 3;
  static constexpr std::size_t kFeedForward = 128;

  /// Copies what it needs of the file. The file chooses the channels (1 to 64 different features) and which of them are
  /// levels; other sizes than the constants are Unsupported. Other errors as NetworkFile: Corrupt naming the tensor.
  static base::Result<PatchTst> create(const TensorFile& file, const Kernels& kernels = best_kernels());

  PatchTst(PatchTst&&) noexcept;
  PatchTst& operator=(PatchTst&&) noexcept;
  ~PatchTst();

  Logits forward(const NetworkWindow& window) const;
  /// The same for several symbols; as many logits as windows (QT_CHECK). Fills the kernels' groups of sequences across
  /// symbols, which pays where the channels of one are no multiple of six.
  void forward(std::span<const NetworkWindow> windows, std::span<Logits> logits) const;
  const Normaliser& normaliser() const { return normaliser_; }

 private:
  struct Weights;
  struct Scratch;
  PatchTst(std::unique_ptr<Weights> weights, const Normaliser& normaliser, const Kernels& kernels);

  Normaliser normaliser_;
  const Kernels* kernels_;
  std::unique_ptr<const Weights> weights_;
  std::unique_ptr<Scratch> scratch_;  // written by forward(), which no two threads may call at once: core is one thread
};

}  // namespace qtrader::models
