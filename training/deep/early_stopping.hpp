// EarlyStopping: remembers the best epoch by a loss that was not trained on, and says when to give up waiting for a
// better one.
#pragma once

#include <cstdint>

namespace qtrader::training::deep {

class EarlyStopping {
 public:
  /// Stops after `patience` epochs in a row without a new best.
  explicit EarlyStopping(std::int64_t patience) : patience_(patience) {}

  /// After an epoch (counted from 1): true if its loss is the lowest so far. A loss that is not a number never is.
  bool observe(std::int64_t epoch, double loss) {
    if (!(loss < best_loss_ || (best_epoch_ == 0 && loss == loss))) return false;
    best_epoch_ = epoch;
    best_loss_ = loss;
    return true;
  }
  bool should_stop(std::int64_t epoch) const { return epoch - best_epoch_ >= patience_; }

  std::int64_t best_epoch() const { return best_epoch_; }  // 0: none yet
  double best_loss() const { return best_loss_; }

  /// Goes on from what a checkpoint remembers.
  void resume(std::int64_t best_epoch, double best_loss) {
    best_epoch_ = best_epoch;
    best_loss_ = best_loss;
  }

 private:
  std::int64_t patience_;
  std::int64_t best_epoch_ = 0;
  double best_loss_ = 0;
};

}  // namespace qtrader::training::deep
