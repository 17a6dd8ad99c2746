// NetworkModel: N-HiTS or PatchTST behind the Model interface; what load_network() returns.
//
// Private to this room. Forms the window from the symbol's FeatureHistory, normalises it by the statistics in the
// weight file, runs the network, softmax of logits / temperature. A window training could not have seen — too short,
// with a gap, with an invalid vector — is invalid, never a guess.
#pragma once

#include <cmath>
#include <string>

#include "core/models/model.hpp"
#include "core/models/network/nhits.hpp"
#include "core/models/network/patch_tst.hpp"

namespace qtrader::models {

template <class Network>
class NetworkModel final : public Model {
 public:
  /// `spacing` is the primary bar's length.
  NetworkModel(ModelTraits traits, Network network, base::Duration spacing)
      : traits_(std::move(traits)),
        network_(std::move(network)),
        spacing_(spacing),
        window_(std::make_unique<NetworkWindow>()) {}

  const ModelTraits& traits() const override { return traits_; }
  std::size_t history_bars() const override { return kWindowBars; }

  Prediction predict(const ModelInput& input) const override {
    Prediction out{.model = traits_.kind};
    out.why_invalid = why_not(input);
    if (!out.why_invalid.empty()) return out;
    std::array<float, 3> logits{};
    if constexpr (std::is_same_v<Network, NHits>) {
      const NHits::Output answer = network_.forward(*window_);
      if (!finite(answer.quantiles)) {
        out.why_invalid = "a quantile is not finite";
        return out;
      }
      logits = answer.logits;
      out.quantiles = answer.quantiles;
    } else {
      logits = network_.forward(*window_);
    }
    finish_prediction({static_cast<double>(logits[0]), static_cast<double>(logits[1]), static_cast<double>(logits[2])},
                      traits_.temperature, out);
    return out;
  }

  const Network& network() const { return network_; }

 private:
  static bool finite(const QuantileForecast& forecast) {
    for (const auto& step : forecast) {
      for (const float q : step) {
        if (!std::isfinite(q)) return false;
      }
    }
    return true;
  }

  /// Fills the window, or says why there is none.
  std::string_view why_not(const ModelInput& input) const {
    if (!input.now.valid) return "feature vector is invalid";
    if (input.history == nullptr || input.history->size() == 0) return "history is shorter than 120 bars";
    if ((*input.history)[0].bar_close != input.now.bar_close) return "history does not end with this bar";
    return form_window(*input.history, network_.normaliser(), spacing_, *window_);
  }

  ModelTraits traits_;
  Network network_;
  base::Duration spacing_;
  std::unique_ptr<NetworkWindow> window_;  // written by predict(); core is one thread
};

}  // namespace qtrader::models
