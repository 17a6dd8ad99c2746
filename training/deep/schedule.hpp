// Schedule: the learning rate of each optimiser step, as a pure function of the step.
//
// Stateless, so a training that resumes at epoch 17 needs no schedule state. Steps and epochs count from 0.
#pragma once

#include <cstdint>

namespace qtrader::training::deep {

enum class ScheduleKind : std::uint8_t {
  Constant,
  Cosine,    // from the peak to 0 over all steps (Loshchilov & Hutter 2017, without restarts)
  OneCycle,  // torch.optim.lr_scheduler.OneCycleLR with its defaults (Smith & Topin 2018)
  Type3,     // of the PatchTST repository: three epochs at the peak, then × 0.9 from one epoch to the next
  Halving,   // of the N-HiTS experiments: halved after each third of the steps
};

struct Schedule {
  ScheduleKind kind = ScheduleKind::Constant;
  double peak = 1e-3;
  std::int64_t epochs = 1;
  std::int64_t steps_per_epoch = 1;
  double rising_share = 0.3;       // OneCycle: share of the steps on the way up to the peak
  double first_epoch_divisor = 1;  // the first epoch's rate is so many times smaller

  std::int64_t steps() const { return epochs * steps_per_epoch; }
  /// Rate of step 0 … steps() − 1; later steps get the last one's.
  double learning_rate(std::int64_t step) const;
  /// OneCycle moves the first momentum (Adam's β₁) against the rate: 0.95 → 0.85 → 0.95. `usual` for all others.
  double momentum(std::int64_t step, double usual) const;
};

}  // namespace qtrader::training::deep
