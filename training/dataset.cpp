#include "training/dataset.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/det_math.hpp"
#include "core/features/feature_book.hpp"
#include "core/market/market_state.hpp"

namespace qtrader::training {
namespace {

using features::kFeatureCount;

/// From a bar's close to the decision on it (ExecutorConfig::settle_ms): funding settled at the close is known by then.
constexpr base::Duration kReaction = base::seconds(1);

/// Counts the market's data faults; training has no audit stream.
class FaultCounter final : public domain::AuditSink {
 public:
  explicit FaultCounter(std::map<std::string, std::int64_t>& counts) : counts_(counts) {}
  void record(domain::AuditRecord record) override {
    if (const auto* fault = std::get_if<domain::DataFault>(&record)) ++counts_[fault->rule];
  }

 private:
  std::map<std::string, std::int64_t>& counts_;
};

/// The recorded lanes, one moment at a time, through market state and feature book; collects vectors and price paths.
class Collector {
 public:
  Collector(std::vector<Lane> lanes, const DatasetSpec& spec)
      : spec_(spec),
        market_(lanes.size(), {.base = spec.base, .primary = spec.primary}),
        book_(
            lanes.size(),
            {.base = spec.base, .primary = spec.primary, .warmup_bars = spec.warmup_bars, .reference = spec.reference}),
        faults_(out_.stats.data_faults),
        paths_(lanes.size()) {
    for (Lane& lane : lanes) lanes_.push_back({std::move(lane), {}, 0});
  }

  base::Result<void> run(const Progress& progress) {
    for (Feed& feed : lanes_) {
      QT_TRY(feed.head, feed.lane.bars->next());
    }
    std::optional<base::Timestamp> first;
    for (std::uint64_t moments = 0;; ++moments) {
      const std::optional<base::Timestamp> open = next_open();
      if (!open) return {};
      if (!first) first = open;
      if (moments % 512 == 0)
        QT_TRY_VOID(report(progress, "features", whole_minutes(*open - *first), whole_minutes(spec_.rows.to - *first)));
      QT_TRY_VOID(feed_moment(*open));
    }
  }

  Dataset& dataset() { return out_; }
  const std::vector<std::vector<PathBar>>& paths() const { return paths_; }
  const std::vector<std::size_t>& path_index() const { return path_index_; }
  const std::vector<double>& sigma() const { return sigma_; }

 private:
  struct Feed {
    Lane lane;
    std::optional<domain::Bar> head;
    std::size_t next_funding = 0;
  };

  static std::uint64_t whole_minutes(base::Duration d) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, d.ns / base::minutes(1).ns));
  }

  std::optional<base::Timestamp> next_open() const {
    std::optional<base::Timestamp> open;
    for (const Feed& feed : lanes_)
      if (feed.head && (!open || feed.head->open_time < *open)) open = feed.head->open_time;
    return open;
  }

  base::Result<void> feed_moment(base::Timestamp open) {
    const base::Timestamp close = open + domain::duration(spec_.base);
    closed_.clear();
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      Feed& feed = lanes_[i];
      const domain::SymbolId symbol{static_cast<std::uint16_t>(i)};
      settle_funding(feed, symbol, close + kReaction);
      if (!feed.head || feed.head->open_time != open) continue;
      const auto result = market_.on_bar(symbol, *feed.head, faults_);
      if (result.accepted) book_.on_base_bar(symbol, *feed.head);
      if (result.primary) {
        book_.on_primary_bar(symbol, *result.primary);
        closed_.push_back(symbol);
        paths_[i].push_back({result.primary->close_time(), result.primary->high.to_double(),
                             result.primary->low.to_double(), result.primary->close.to_double()});
      }
      QT_TRY(feed.head, feed.lane.bars->next());
    }
    for (const domain::SymbolId symbol : closed_) collect(symbol, close);
    return {};
  }

  void settle_funding(Feed& feed, domain::SymbolId symbol, base::Timestamp before) {
    auto& next = feed.next_funding;
    for (; next < feed.lane.funding.size() && feed.lane.funding[next].ts_event < before; ++next) {
      domain::FundingRate rate = feed.lane.funding[next];
      rate.symbol = symbol;
      market_.on(rate);
    }
  }

  void collect(domain::SymbolId symbol, base::Timestamp close) {
    ++out_.stats.primary_bars;
    if (close <= spec_.rows.from || close > spec_.rows.to) return;
    const features::FeatureVector v = book_.compute(symbol, market_[symbol], close + kReaction);
    if (!v.valid) {
      ++out_.stats.invalid[std::string(v.invalid_reason)];
      return;
    }
    Row row;
    row.bar_close = close;
    row.symbol = symbol;
    row.present_mask = v.present_mask;
    row.regime = market_[symbol].regime;
    out_.rows.push_back(row);
    out_.x.insert(out_.x.end(), v.x.begin(), v.x.end());
    path_index_.push_back(paths_[symbol.value].size() - 1);
    sigma_.push_back(book_.sigma100(symbol));
  }

  const DatasetSpec& spec_;
  market::MarketState market_;
  features::FeatureBook book_;
  Dataset out_;
  FaultCounter faults_;
  std::vector<std::vector<PathBar>> paths_;  // primary bars by symbol
  std::vector<std::size_t> path_index_;      // of each row, in its symbol's path
  std::vector<double> sigma_;                // σ100 of each row
  std::vector<Feed> lanes_;
  std::vector<domain::SymbolId> closed_;
};

/// Labels the collected rows and drops, in place, those that have none.
void attach_labels(Collector& collected, const Labeler& labeler) {
  Dataset& d = collected.dataset();
  std::vector<std::vector<LabelSpan>> spans(collected.paths().size());
  std::vector<std::vector<std::size_t>> kept_of(spans.size());
  std::vector<std::uint32_t> last_of(spans.size(), kNoRow);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < d.rows.size(); ++i) {
    Row row = d.rows[i];
    const auto& path = collected.paths()[row.symbol.value];
    const std::size_t t = collected.path_index()[i];
    row.close = path[t].close;
    const auto label = labeler.label(path, t, collected.sigma()[i]);
    if (!label) {
      ++d.stats.unlabelled;
      continue;
    }
    row.label = *label;
    row.horizon_sigma = labeler.horizon_sigma(collected.sigma()[i]);
    if (labeler.triple_barrier()) {
      std::size_t end = t + 1;
      while (path[end].close_time < label->end) ++end;
      spans[row.symbol.value].push_back({t + 1, end});
      kept_of[row.symbol.value].push_back(kept);
    }
    std::uint32_t& last = last_of[row.symbol.value];
    if (last != kNoRow && d.rows[last].bar_close + labeler.bar() == row.bar_close) row.previous = last;
    last = static_cast<std::uint32_t>(kept);
    d.rows[kept] = row;
    std::copy_n(d.x.begin() + static_cast<std::ptrdiff_t>(i * kFeatureCount), kFeatureCount,
                d.x.begin() + static_cast<std::ptrdiff_t>(kept * kFeatureCount));
    d.labels.push_back(label->label_class);
    ++kept;
  }
  d.rows.resize(kept);
  d.x.resize(kept * kFeatureCount);
  for (std::size_t s = 0; s < spans.size(); ++s) {
    const std::vector<double> uniqueness = average_uniqueness(spans[s]);
    for (std::size_t i = 0; i < uniqueness.size(); ++i) d.rows[kept_of[s][i]].uniqueness = uniqueness[i];
  }
}

}  // namespace

RowBlock Dataset::block(IndexRange range) const {
  return {std::span(x).subspan(range.begin * kFeatureCount, range.size() * kFeatureCount),
          std::span(labels).subspan(range.begin, range.size())};
}

features::FeatureVector Dataset::vector(std::size_t row) const {
  features::FeatureVector out;
  out.symbol = rows[row].symbol;
  out.bar_close = rows[row].bar_close;
  out.close = rows[row].close;
  out.present_mask = rows[row].present_mask;
  out.valid = true;
  std::copy_n(&x[row * kFeatureCount], kFeatureCount, out.x.begin());
  return out;
}

std::vector<base::Timestamp> Dataset::times() const {
  std::vector<base::Timestamp> out;
  out.reserve(rows.size());
  for (const Row& row : rows) out.push_back(row.bar_close);
  return out;
}

base::Result<Dataset> build_dataset(std::vector<Lane> lanes, const DatasetSpec& spec, const Progress& progress) {
  QT_TRY(const Labeler labeler, Labeler::create(spec.labels, spec.primary));
  Collector collector(std::move(lanes), spec);
  QT_TRY_VOID(collector.run(progress));
  QT_CHECK(collector.dataset().rows.size() < kNoRow, "rows are linked by 32 bits");
  attach_labels(collector, labeler);
  return std::move(collector.dataset());
}

std::vector<std::string> hold_uncovered_neutral(Dataset& dataset, IndexRange train, double coverage) {
  std::vector<std::string> held;
  for (std::size_t j = 0; j < kFeatureCount; ++j) {
    std::size_t present = 0;
    for (std::size_t i = train.begin; i < train.end; ++i) present += dataset.rows[i].present_mask >> j & 1U;
    if (static_cast<double>(present) >= coverage * static_cast<double>(train.size())) continue;
    held.emplace_back(features::kFeatureNames[j]);
    const double neutral = features::neutral_value(static_cast<features::Feature>(j));
    for (std::size_t i = 0; i < dataset.size(); ++i) dataset.x[i * kFeatureCount + j] = neutral;
  }
  return held;
}

std::array<std::int64_t, kClassCount> class_counts(std::span<const LabelClass> labels) {
  std::array<std::int64_t, kClassCount> out{};
  for (const LabelClass c : labels) ++out[static_cast<std::size_t>(c)];
  return out;
}

std::array<double, kClassCount> class_weights(const Dataset& dataset, IndexRange train) {
  constexpr double kMaxWeight = 3;
  const auto counts = class_counts(std::span(dataset.labels).subspan(train.begin, train.size()));
  std::array<double, kClassCount> out{};
  for (std::size_t c = 0; c < kClassCount; ++c)
    out[c] = counts[c] == 0
                 ? 1
                 : std::min(kMaxWeight, static_cast<double>(train.size()) / (3 * static_cast<double>(counts[c])));
  return out;
}

std::vector<double> sample_weights(const Dataset& dataset, IndexRange train) {
  constexpr double kAgeDays = 60;
  const auto class_weight = class_weights(dataset, train);
  const base::Timestamp last = dataset.rows[train.end - 1].bar_close;
  std::vector<double> out;
  out.reserve(train.size());
  for (std::size_t i = train.begin; i < train.end; ++i) {
    const Row& row = dataset.rows[i];
    const double age_days = (last - row.bar_close).seconds() / 86'400;
    out.push_back(class_weight[static_cast<std::size_t>(dataset.labels[i])] * base::det::exp(-age_days / kAgeDays) *
                  row.uniqueness);
  }
  return out;
}

std::array<double, kClassCount> class_mean_abs_return(const Dataset& dataset, IndexRange range) {
  std::array<double, kClassCount> sum{}, count{};
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const auto c = static_cast<std::size_t>(dataset.labels[i]);
    sum[c] += std::abs(dataset.rows[i].label.log_return) / dataset.rows[i].horizon_sigma;
    count[c] += 1;
  }
  for (std::size_t c = 0; c < kClassCount; ++c)
    if (count[c] > 0) sum[c] /= count[c];
  return sum;
}

}  // namespace qtrader::training
