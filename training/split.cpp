#include "training/split.hpp"

#include <algorithm>
#include <array>

namespace qtrader::training {
namespace {

using Times = std::span<const base::Timestamp>;

/// Index of the first row at or after `from`.
std::size_t lower_index(Times times, base::Timestamp from) {
  return static_cast<std::size_t>(std::ranges::lower_bound(times, from) - times.begin());
}

/// Rows in [from, until] whose label, and the embargo after it, end by `until`.
IndexRange between(Times times, base::Timestamp from, base::Timestamp until_less_gap) {
  const std::size_t begin = lower_index(times, from);
  const auto end = static_cast<std::size_t>(std::ranges::upper_bound(times, until_less_gap) - times.begin());
  return {begin, std::max(begin, end)};
}

base::Timestamp at_share(Times times, double share) {
  const auto span = static_cast<double>((times.back() - times.front()).ns);
  return times.front() + base::Duration{static_cast<std::int64_t>(span * share)};
}

base::Error invalid(std::string text) { return {"training", base::Errc::InvalidArgument, std::move(text)}; }

template <class Spec>
base::Error too_short(Times times, const Spec& spec) {
  std::string have = "no rows";
  if (!times.empty())
    have = std::to_string(times.size()) + " rows from " + base::format_timestamp(times.front()) + " to " +
           base::format_timestamp(times.back());
  return {"training", base::Errc::InvalidArgument,
          have + ": too short to split by time with gaps of " + std::to_string(spec.horizon_bars) + " + " +
              std::to_string(spec.embargo_bars) + " bars of " + std::string(domain::to_string(spec.timeframe)) +
              " between the parts; give a longer window"};
}

base::Result<void> validate(Times times, const SplitSpec& spec) {
  QT_CHECK(std::ranges::is_sorted(times), "rows are sorted by time");
  if (!(spec.train_share > 0) || !(spec.validation_share > 0) || !(spec.train_share + spec.validation_share < 1))
    return base::Error{"training", base::Errc::InvalidArgument,
                       "split shares " + std::to_string(spec.train_share) + " and " +
                           std::to_string(spec.validation_share) + ": expected both above 0 and their sum below 1"};
  if (spec.horizon_bars < 1 || spec.embargo_bars < 0)
    return base::Error{"training", base::Errc::InvalidArgument,
                       "split horizon " + std::to_string(spec.horizon_bars) + ", embargo " +
                           std::to_string(spec.embargo_bars) + " bars: expected at least 1 and 0"};
  if (times.empty()) return too_short(times, spec);
  return {};
}

bool walks_forward(Scheme scheme) { return scheme == Scheme::Anchored || scheme == Scheme::Rolling; }

base::Result<void> validate(Times times, const CrossSpec& spec) {
  QT_CHECK(std::ranges::is_sorted(times), "rows are sorted by time");
  const auto out_of_range = [&](std::string_view expected) {
    return invalid(std::string(name(spec.scheme)) + " with " + std::to_string(spec.folds) + " folds and " +
                   std::to_string(spec.test_groups) + " test groups: expected " + std::string(expected));
  };
  constexpr std::int32_t kMostFolds = 100, kMostGroups = 12;
  if (walks_forward(spec.scheme) && (spec.folds < 1 || spec.folds > kMostFolds)) return out_of_range("1 to 100 folds");
  if (spec.scheme == Scheme::KFold && (spec.folds < 3 || spec.folds > kMostFolds))
    return out_of_range("3 to 100 folds");
  if (spec.scheme == Scheme::Cpcv &&
      (spec.folds > kMostGroups || spec.test_groups < 1 || spec.folds - spec.test_groups < 2))
    return out_of_range("at most 12 groups, at least one tested and at least two not");
  if (!(spec.initial_share > 0 && spec.initial_share < 1) || !(spec.validation_share > 0 && spec.validation_share < 1))
    return invalid("shares " + std::to_string(spec.initial_share) + " and " + std::to_string(spec.validation_share) +
                   ": expected both between 0 and 1");
  if (spec.horizon_bars < 1 || spec.embargo_bars < 0)
    return invalid("horizon " + std::to_string(spec.horizon_bars) + ", embargo " + std::to_string(spec.embargo_bars) +
                   " bars: expected at least 1 and 0");
  if (times.empty()) return too_short(times, spec);
  return {};
}

/// [from, to) in time; the last block of a span is closed by a bound beyond its last row.
struct Block {
  base::Timestamp from, to;
};

/// Rows of `block` that are at least a gap away from every block of `others`.
IndexRange rows_apart(Times times, Block block, std::span<const Block> others, base::Duration gap) {
  for (const Block& o : others) {
    if (o.from >= block.to) block.to = std::min(block.to, o.from - gap + base::Duration{1});
    if (o.to <= block.from) block.from = std::max(block.from, o.to + gap);
  }
  const std::size_t begin = lower_index(times, block.from);
  return {begin, std::max(begin, lower_index(times, block.to))};
}

/// The span from `share` of it on, in `count` blocks of equal time.
std::vector<Block> blocks_of(Times times, double share, std::int32_t count) {
  std::vector<Block> out;
  const auto bound = [&](std::int32_t i) {
    return i == count ? times.back() + base::Duration{1} : at_share(times, share + (1 - share) * i / count);
  };
  for (std::int32_t i = 0; i < count; ++i) out.push_back({bound(i), bound(i + 1)});
  return out;
}

bool complete(const CrossFold& fold) {
  return !fold.train.empty() && fold.validation.size() > 0 &&
         std::ranges::all_of(fold.test, [](IndexRange r) { return r.size() > 0; });
}

std::vector<CrossFold> walk_forward(Times times, const CrossSpec& spec) {
  std::vector<CrossFold> out;
  const auto blocks = blocks_of(times, spec.initial_share, spec.folds);
  const base::Duration initial = blocks.front().from - times.front();
  for (std::int32_t i = 0; i < spec.folds; ++i) {
    const Block& test = blocks[static_cast<std::size_t>(i)];
    const base::Timestamp start = spec.scheme == Scheme::Rolling ? test.from - initial : times.front();
    const auto past = static_cast<double>((test.from - start).ns);
    const Block validation = {test.from - base::Duration{static_cast<std::int64_t>(past * spec.validation_share)},
                              test.from};
    CrossFold fold;
    const IndexRange train = rows_apart(times, {start, validation.from}, std::array{validation}, spec.gap());
    if (train.size() > 0) fold.train = {train};
    fold.validation = rows_apart(times, validation, std::array{test}, spec.gap());
    fold.test = {rows_apart(times, test, {}, spec.gap())};
    fold.blocks = {i};
    out.push_back(std::move(fold));
  }
  return out;
}

/// A fold that tests the given groups; the last other one validates.
CrossFold fold_of(Times times, std::span<const Block> groups, std::vector<std::int32_t> tested, base::Duration gap) {
  CrossFold fold;
  std::vector<Block> apart;
  for (const std::int32_t g : tested) apart.push_back(groups[static_cast<std::size_t>(g)]);
  std::vector<Block> rest;
  for (std::size_t g = 0; g < groups.size(); ++g)
    if (std::ranges::find(tested, static_cast<std::int32_t>(g)) == tested.end()) rest.push_back(groups[g]);
  fold.validation = rows_apart(times, rest.back(), apart, gap);
  for (const Block& t : apart) fold.test.push_back(rows_apart(times, t, {}, gap));
  apart.push_back(rest.back());
  rest.pop_back();
  for (const Block& r : rest) {
    const IndexRange rows = rows_apart(times, r, apart, gap);
    if (rows.size() > 0) fold.train.push_back(rows);
  }
  fold.blocks = std::move(tested);
  return fold;
}

/// Every choice of `count` of the numbers from `first` to below `end`, in lexicographic order.
void choose(std::int32_t first, std::int32_t end, std::int32_t count, std::vector<std::int32_t>& chosen,
            std::vector<std::vector<std::int32_t>>& out) {
  if (count == 0) return out.push_back(chosen);
  for (std::int32_t i = first; i + count <= end; ++i) {
    chosen.push_back(i);
    choose(i + 1, end, count - 1, chosen, out);
    chosen.pop_back();
  }
}

std::vector<CrossFold> combinations(Times times, const CrossSpec& spec) {
  std::vector<std::vector<std::int32_t>> choices;
  std::vector<std::int32_t> chosen;
  choose(0, spec.folds, spec.scheme == Scheme::KFold ? 1 : spec.test_groups, chosen, choices);
  const auto groups = blocks_of(times, 0, spec.folds);
  std::vector<CrossFold> out;
  for (auto& tested : choices) out.push_back(fold_of(times, groups, std::move(tested), spec.gap()));
  return out;
}

}  // namespace

base::Result<Split> split_by_time(Times times, const SplitSpec& spec) {
  QT_TRY_VOID(validate(times, spec));
  Split out;
  out.validation_from = at_share(times, spec.train_share);
  out.test_from = at_share(times, spec.train_share + spec.validation_share);
  out.train = between(times, times.front(), out.validation_from - spec.gap());
  out.validation = between(times, out.validation_from, out.test_from - spec.gap());
  out.test = {lower_index(times, out.test_from), times.size()};
  if (out.train.size() == 0 || out.validation.size() == 0 || out.test.size() == 0) return too_short(times, spec);
  return out;
}

base::Result<std::vector<Fold>> walk_forward_folds(Times times, int folds, const SplitSpec& spec) {
  if (folds < 1)
    return base::Error{"training", base::Errc::InvalidArgument,
                       "walk-forward folds " + std::to_string(folds) + ": expected at least 1"};
  QT_TRY_VOID(validate(times, spec));
  std::vector<Fold> out;
  const double blocks = folds + 1;
  for (int i = 1; i <= folds; ++i) {
    const base::Timestamp from = at_share(times, i / blocks);
    Fold fold;
    fold.train = between(times, times.front(), from - spec.gap());
    fold.test = {lower_index(times, from),
                 i == folds ? times.size() : lower_index(times, at_share(times, (i + 1) / blocks))};
    if (fold.train.size() == 0 || fold.test.size() == 0) return too_short(times, spec);
    out.push_back(fold);
  }
  return out;
}

std::string_view name(Scheme scheme) {
  constexpr std::array<std::string_view, 4> kNames = {"anchored", "rolling", "kfold", "cpcv"};
  return kNames[static_cast<std::size_t>(scheme)];
}

base::Result<Scheme> parse_scheme(std::string_view text) {
  for (const Scheme s : {Scheme::Anchored, Scheme::Rolling, Scheme::KFold, Scheme::Cpcv})
    if (name(s) == text) return s;
  return invalid("scheme '" + std::string(text) + "': expected anchored, rolling, kfold or cpcv");
}

base::Result<std::vector<CrossFold>> cross_folds(Times times, const CrossSpec& spec) {
  QT_TRY_VOID(validate(times, spec));
  std::vector<CrossFold> out = walks_forward(spec.scheme) ? walk_forward(times, spec) : combinations(times, spec);
  if (!std::ranges::all_of(out, complete)) return too_short(times, spec);
  return out;
}

std::vector<std::vector<std::size_t>> backtest_paths(std::span<const CrossFold> folds) {
  std::vector<std::vector<std::size_t>> folds_of;  // by block
  for (std::size_t f = 0; f < folds.size(); ++f)
    for (const std::int32_t block : folds[f].blocks) {
      const auto b = static_cast<std::size_t>(block);
      if (b >= folds_of.size()) folds_of.resize(b + 1);
      folds_of[b].push_back(f);
    }
  std::vector<std::vector<std::size_t>> paths(folds_of.empty() ? 0 : folds_of.front().size());
  for (std::size_t p = 0; p < paths.size(); ++p)
    for (const auto& of_block : folds_of) {
      QT_CHECK(of_block.size() == paths.size(), "every block is tested equally often");
      paths[p].push_back(of_block[p]);
    }
  return paths;
}

}  // namespace qtrader::training
