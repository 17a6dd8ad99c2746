// FeatureHistory: the last primary bars of one symbol, as the networks read them.
//
// Fed once per closed primary bar, by whoever asks the models (fund::AiStrategy live, training when it evaluates), with
// every vector computed, the invalid ones too: a window with a hole must be seen to have one. Holds raw values; each
// model normalises its window by its own statistics. Never drops or repairs a bar.
#pragma once

#include <array>
#include <cstddef>

#include "core/base/ring.hpp"
#include "core/features/feature_vector.hpp"

namespace qtrader::models {

class FeatureHistory {
 public:
  struct Bar {
    std::array<float, features::kFeatureCount> x{};  // raw; ±inf where a value is beyond float, NaN where it was NaN
    double log_close = 0;                            // ln of the close; not finite if the close was not above 0
    base::Timestamp bar_close;
    bool valid = false;   // FeatureVector::valid
    bool finite = false;  // every x is a finite float

    template <class Archive>
    void archive(Archive& a) {
      a(x, log_close, bar_close, valid, finite);
    }
  };

  /// Keeps the last `bars` bars, at least one (QT_CHECK).
  explicit FeatureHistory(std::size_t bars = 1) : bars_(bars) {}

  /// Appends a vector. One that is not newer than the newest is ignored: asking about a bar again adds no bar.
  void push(const features::FeatureVector& vector);

  std::size_t size() const { return bars_.size(); }
  std::size_t capacity() const { return bars_.capacity(); }
  /// The bar pushed `age` bars ago; 0 is the newest. age < size().
  const Bar& operator[](std::size_t age) const { return bars_[age]; }

  template <class Archive>
  void archive(Archive& a) {
    a(bars_);
  }

 private:
  base::Ring<Bar> bars_;
};

}  // namespace qtrader::models
