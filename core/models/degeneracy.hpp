// DegeneracyGuard: takes a member out of the vote when it says the same thing about everything (ai.md 2.6).
//
// Watches the last 200 predictions of one model over at least 20 symbols: more than 95 % of one action and a standard
// deviation of the top probability below 0.02 make it inactive. It keeps being asked, and votes again after a fresh
// window that is clean. A run with fewer than 20 symbols is never judged: one symbol alone may well be HOLD for two
// days.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/base/ring.hpp"
#include "core/models/model.hpp"

namespace qtrader::models {

class DegeneracyGuard {
 public:
  explicit DegeneracyGuard(std::size_t symbols) : per_symbol_(symbols, 0) {}

  void add(domain::SymbolId symbol, const Prediction& prediction);
  bool inactive() const { return inactive_; }

  template <class Archive>
  void archive(Archive& a) {
    a(window_, per_symbol_, per_action_, symbols_seen_, sum_, sum_of_squares_, inactive_);
  }

 private:
  static constexpr std::size_t kWindow = 200;
  struct Entry {
    std::uint16_t symbol = 0;
    std::uint8_t action = 0;
    std::int64_t top_millionths = 0;  // top probability; an integer keeps the running sums exact
    template <class Archive>
    void archive(Archive& a) {
      a(symbol, action, top_millionths);
    }
  };
  void account(const Entry& entry, int sign);
  bool judged() const;
  bool degenerate() const;

  base::Ring<Entry> window_{kWindow};
  std::vector<std::uint16_t> per_symbol_;
  std::array<std::int32_t, 3> per_action_{};
  std::int32_t symbols_seen_ = 0;
  std::int64_t sum_ = 0;
  std::int64_t sum_of_squares_ = 0;
  bool inactive_ = false;
};

}  // namespace qtrader::models
