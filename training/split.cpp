#include "training/split.hpp"

#include <algorithm>

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

base::Error too_short(Times times, const SplitSpec& spec) {
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

}  // namespace qtrader::training
