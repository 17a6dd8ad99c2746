// Arrange: the rows of one fold brought into the order trainers ask for.
//
// Trainers, weights and serving read contiguous ranges of a Dataset; a fold of a cross-validation learns from rows on
// both sides of what it tests. So each fold gets a dataset of its own: training rows, validation rows, test rows, and
// behind them the rows in between, which nobody learns from but which a sequence model may look back on. Every row
// keeps its link to the bar before it. Never drops a row, never changes a value.
#pragma once

#include "training/dataset.hpp"
#include "training/split.hpp"

namespace qtrader::training {

struct Arranged {
  Dataset dataset;
  IndexRange train, validation, test;
  std::vector<std::uint32_t> source;      // of each row: its index in the dataset it was taken from
  std::vector<std::int32_t> test_blocks;  // of each test row: the number of its block (CrossFold::blocks)
};

Arranged arrange(const Dataset& dataset, const CrossFold& fold);

}  // namespace qtrader::training
