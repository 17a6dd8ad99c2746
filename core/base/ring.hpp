// Ring<T>: the last `capacity` values, newest first by index; push is O(1) and never allocates after construction.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/check.hpp"

namespace qtrader::base {

template <class T>
class Ring {
 public:
  explicit Ring(std::size_t capacity) : slots_(capacity) { QT_CHECK(capacity > 0, "a ring holds at least one value"); }

  void push(const T& value) {
    head_ = head_ + 1 == slots_.size() ? 0 : head_ + 1;
    slots_[head_] = value;
    if (size_ < slots_.size()) ++size_;
  }

  /// The value pushed `age` pushes ago; 0 is the newest. age < size().
  const T& operator[](std::size_t age) const {
    QT_DCHECK(age < size_, "ring index");
    return slots_[head_ >= age ? head_ - age : head_ + slots_.size() - age];
  }

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return slots_.size(); }
  bool full() const { return size_ == slots_.size(); }

  template <class Archive>
  void archive(Archive& a) {
    a(slots_, head_, size_);
  }

 private:
  std::vector<T> slots_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace qtrader::base
