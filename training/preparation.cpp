#include "training/preparation.hpp"

#include "core/base/det_math.hpp"

namespace qtrader::training {

base::Result<Dataset> load_dataset(const history::Catalog& catalog, const Universe& universe, const RowSpec& spec,
                                   const Progress& progress) {
  DatasetSpec out;
  out.base = universe.base;
  out.primary = spec.primary;
  out.warmup_bars = spec.warmup_bars;
  out.rows = universe.rows;
  out.labels = spec.labels;
  std::vector<Lane> lanes;
  for (const std::string& symbol : universe.symbols) {
    if (symbol == kReferenceSymbol) out.reference = domain::SymbolId{static_cast<std::uint16_t>(lanes.size())};
    Lane lane;
    QT_TRY(lane.bars, catalog.bars(symbol, universe.base, universe.bars));
    QT_TRY(lane.funding, catalog.funding(symbol, universe.bars));
    lanes.push_back(std::move(lane));
  }
  return build_dataset(std::move(lanes), out, progress);
}

Preparation prepare(Dataset& dataset, IndexRange train) {
  Preparation out;
  out.neutral_features = hold_uncovered_neutral(dataset, train);
  out.weights = sample_weights(dataset, train);
  const auto weights = class_weights(dataset, train);
  for (std::size_t c = 0; c < kClassCount; ++c) out.class_offset[c] = base::det::log(weights[c]);
  return out;
}

FitInput fit_input(const Dataset& dataset, const Preparation& preparation, IndexRange train, IndexRange validation) {
  return {.train = dataset.block(train),
          .weights = preparation.weights,
          .class_offset = preparation.class_offset,
          .validation = dataset.block(validation),
          .progress = {},
          .dataset = &dataset,
          .train_rows = train,
          .validation_rows = validation,
          .scratch = {},
          .unix_seconds = {}};
}

}  // namespace qtrader::training
