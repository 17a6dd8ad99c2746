// N-HiTS (Challu et al., AAAI 2023): blocks that see the series at different resolutions and forecast at different
// rates.
//
// Channel-independent: one global model for all series, as in the paper and neuralforecast. Each block max-pools what
// is left of the input, runs an MLP, subtracts a backcast from the input and adds a forecast that it gives as a few
// knots, interpolated linearly over the horizon. The forecast starts from the last value of the input. Values before
// the beginning of a series are NaN; the blocks see 0 there, before and after each backcast. Only for sources of this
// room: the header names torch types.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "training/deep/forecast_net.hpp"

namespace qtrader::training::deep {

struct NhitsShape {
  std::int64_t look_back = 480, horizon = 96;
  std::vector<std::int64_t> pooling = {8, 4, 1};          // kernel and stride of each stack's max-pooling
  std::vector<std::int64_t> down_sampling = {24, 12, 1};  // steps of the horizon for each knot, by stack
  std::int64_t blocks = 1;                                // in each stack
  std::int64_t hidden = 512, layers = 2;                  // of each block's MLP
  double dropout = 0;
  bool relative = false;  // the blocks see values less the last one, whose level may be new to them (Zeng et al. 2023)
};

class NhitsBlockImpl : public torch::nn::Module {
 public:
  NhitsBlockImpl(const NhitsShape& shape, std::size_t stack);

  struct Output {
    torch::Tensor backcast, forecast;
  };
  /// x: [series, look-back].
  Output forward(const torch::Tensor& x);

 private:
  std::int64_t look_back_, horizon_, pooling_;
  double dropout_;
  std::vector<torch::nn::Linear> layers_;
  torch::nn::Linear backcast_{nullptr}, knots_{nullptr};
};
TORCH_MODULE(NhitsBlock);

class NhitsNet : public ForecastNet {
 public:
  explicit NhitsNet(const NhitsShape& shape);
  torch::Tensor forward(const torch::Tensor& x) override;

 private:
  NhitsShape shape_;
  std::vector<NhitsBlock> blocks_;
};

}  // namespace qtrader::training::deep
