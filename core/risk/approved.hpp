// Approved<T>: proof, in the type system, that the risk gate has allowed T.
//
// Only risk::Gate can make one, and Venue::submit takes nothing else: no order without approval compiles.
#pragma once

#include <utility>

namespace qtrader::risk {

template <class T>
class Approved {
 public:
  const T& get() const { return value_; }
  const T* operator->() const { return &value_; }

 private:
  friend class Gate;
  explicit Approved(T value) : value_(std::move(value)) {}
  T value_;
};

}  // namespace qtrader::risk
