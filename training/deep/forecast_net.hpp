// ForecastNet: what a forecasting network takes and gives, so that one trainer and one benchmark serve all of them.
//
// Only for sources of this room: the header names torch types.
#pragma once

#include <memory>

#include "training/deep/torch.hpp"

namespace qtrader::training::deep {

class ForecastNet : public torch::nn::Module {
 public:
  /// [windows, channels, look-back] → [windows, channels, horizon], in the units of the input.
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;
};

using ForecastNetPtr = std::shared_ptr<ForecastNet>;

}  // namespace qtrader::training::deep
