// Panel: equally long columns of numbers in one block, row by row. Rows are moments (days), columns what is compared.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "core/base/check.hpp"

namespace qtrader::statistics {

class Panel {
 public:
  Panel(std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns), values_(rows * columns) {}
  /// `values` row by row.
  Panel(std::size_t columns, std::vector<double> values)
      : rows_(columns == 0 ? 0 : values.size() / columns), columns_(columns), values_(std::move(values)) {
    QT_CHECK(rows_ * columns_ == values_.size(), "whole rows");
  }

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  double& at(std::size_t row, std::size_t column) { return values_[row * columns_ + column]; }
  double at(std::size_t row, std::size_t column) const { return values_[row * columns_ + column]; }
  std::span<const double> row(std::size_t r) const { return std::span(values_).subspan(r * columns_, columns_); }
  std::vector<double> column(std::size_t c) const {
    std::vector<double> out(rows_);
    for (std::size_t r = 0; r < rows_; ++r) out[r] = at(r, c);
    return out;
  }

 private:
  std::size_t rows_, columns_;
  std::vector<double> values_;
};

}  // namespace qtrader::statistics
