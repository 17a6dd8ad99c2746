// DecisionTrainer: fits a trading network (ai.md 2.4, 2.5) and says what fitted weights predict.
//
// One example is one window. Loss: cross-entropy with label smoothing, weighted, the class offset added to the logits;
// for N-HiTS half the pinball loss of its quantiles on top. AdamW with gradient clipping; early stopping on the
// validation log-loss of the weights as they will be served. The result is a function of (data, settings but those
// named below): every epoch draws its windows and dropout from its own child stream, so a fit that was killed goes on
// from its last whole epoch to the same bytes. Never sees a test row; holds no tensor type.
#pragma once

#include <filesystem>

#include "core/base/result.hpp"
#include "training/deep/decision_data.hpp"
#include "training/deep/event_file.hpp"
#include "training/deep/progress.hpp"
#include "training/deep/schedule.hpp"

namespace qtrader::training::deep {

enum class DecisionKind : std::uint8_t { NHits, PatchTst };
/// "nhits", "patchtst".
std::string_view name(DecisionKind kind);

struct DecisionSettings {
  DecisionKind kind = DecisionKind::NHits;
  std::int64_t epochs = 80, patience = 10;
  std::int64_t batch = 256;
  std::int64_t windows_per_epoch = 0;   // drawn anew for each epoch, without replacement; 0: all
  std::int64_t validation_windows = 0;  // evenly spaced, for early stopping; 0: all
  ScheduleKind schedule = ScheduleKind::Cosine;
  double learning_rate = 1e-4;
  double weight_decay = 1e-4;
  double clip = 1;  // largest norm of the gradient
  double label_smoothing = 0.05;
  double quantile_share = 0.5;                                    // of the pinball loss
  std::vector<PatchChannel> channels = default_patch_channels();  // PatchTST's
  std::uint64_t seed = 0;
  std::int32_t threads = 1;  // of tensor operations; part of a fit's identity, as some sums change their last bits
  // Without influence on the result:
  std::filesystem::path scratch;  // checkpoint and event file go to SCRATCH/<name>-<fingerprint>; empty: nowhere
  UnixSeconds now;                // for the event file; without it there is none
  Progress progress;
};

/// The settings of ai.md 2.4 and 2.5, but for the rate (ADR 0019).
DecisionSettings decision_settings(DecisionKind kind);

/// Softmax of the logits: SELL, HOLD, BUY.
using DecisionProbabilities = std::vector<std::array<double, 3>>;

struct DecisionFit {
  std::string weights;  // safetensors
  std::int64_t epochs = 0, best_epoch = 0;
  DecisionProbabilities validation;  // of all validation examples, by the values of `weights`
};

/// Errors: InvalidArgument (no training or validation example, a loss that is not finite), Interrupted, those of the
/// checkpoint and the event file, Unavailable with libtorch's message.
base::Result<DecisionFit> fit_decision(const DecisionData& data, const DecisionSettings& settings);

/// The statistics the table must be normalised with. Errors: those of import_decision.
base::Result<Quartiles> decision_quartiles(std::string_view weights);

/// The trainer's own probabilities of the windows that end at `ends`. Errors: those of import_decision; Unavailable.
base::Result<DecisionProbabilities> predict_decision(std::string_view weights, const WindowTable& table,
                                                     std::span<const std::uint32_t> ends);

/// "libtorch 1.13.0".
std::string_view library_version();

}  // namespace qtrader::training::deep
