// Checkpoints: everything a training needs to go on after a kill as if it had never stopped.
//
// One file: a header with length and CRC-32C, then a libtorch archive of the model, the best weights so far, the
// optimiser and torch's random state, beside the numbers of TrainingState. Written to a temporary file and renamed, so
// a kill leaves the last whole one. Only for sources of this room: the header names torch types.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "training/deep/early_stopping.hpp"
#include "training/deep/torch.hpp"

namespace qtrader::training::deep {

/// Values of all parameters and buffers (running means and the like), in the module's order.
using Weights = std::vector<torch::Tensor>;

/// A copy that further training does not touch.
Weights copy_weights(const torch::nn::Module& model);
/// Sets what copy_weights of the same kind of model gave.
void set_weights(torch::nn::Module& model, const Weights& weights);

/// What is saved; the references are the living training.
struct Checkpointed {
  torch::nn::Module& model;
  torch::optim::Optimizer& optimiser;
  Weights& best;  // empty before the first epoch
  EarlyStopping& stopping;
  std::int64_t& epoch;  // epochs done
  /// Says what was trained on what and how; a checkpoint of another fingerprint is refused.
  std::string fingerprint;
};

/// Errors: Io, NoSpace.
base::Result<void> save_checkpoint(const std::filesystem::path& file, const Checkpointed& training);

/// Restores the training; false if there is no such file. A damaged file is renamed to FILE.corrupt first, so that the
/// same command can start over. Errors: Corrupt naming both files, Conflict (another fingerprint), Io.
base::Result<bool> load_checkpoint(const std::filesystem::path& file, const Checkpointed& training);

}  // namespace qtrader::training::deep
