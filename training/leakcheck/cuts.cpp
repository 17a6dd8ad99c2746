#include "training/leakcheck/cuts.hpp"

#include <algorithm>

namespace qtrader::training::leakcheck {
namespace {

base::Error bad(std::string text) { return {"leakcheck", base::Errc::InvalidArgument, std::move(text)}; }

base::Timestamp floor_to(base::Timestamp ts, base::Duration step) { return {ts.ns - ts.ns % step.ns}; }

/// Uniform over the grid points of `step` in [from, to).
base::Timestamp draw(base::Timestamp from, base::Timestamp to, base::Duration step, base::Rng& rng) {
  const base::Timestamp first = floor_to(from - base::Duration{1}, step) + step;
  if (first >= to) return first;
  const auto places = static_cast<std::uint64_t>((to - first - base::Duration{1}).ns / step.ns) + 1;
  return first + step * static_cast<std::int64_t>(rng.below(places));
}

base::Timestamp last_end(const Dataset& dataset, IndexRange range) {
  base::Timestamp out;
  for (std::size_t i = range.begin; i < range.end; ++i) out = std::max(out, dataset.rows[i].label.end);
  return out;
}

}  // namespace

base::Result<std::vector<history::Window>> choose_windows(const Source& source, const CheckSpec& spec) {
  if (spec.cuts < 1 || spec.cuts > 10'000) return bad("cuts " + std::to_string(spec.cuts) + ": expected 1 to 10000");
  const base::Duration bar = domain::duration(source.primary());
  const history::Window span = source.span();
  const base::Timestamp earliest = floor_to(span.from, bar) + bar * (spec.warmup_bars + 1);
  const base::Timestamp latest = floor_to(span.to, bar) - bar * spec.row_bars;
  if (earliest > latest)
    return bad("data from " + base::format_timestamp(span.from) + " to " + base::format_timestamp(span.to) +
               ": too short; a window takes " + std::to_string(spec.warmup_bars + 1) + " bars of warm-up and " +
               std::to_string(spec.row_bars) + " of rows of " + std::string(domain::to_string(source.primary())));
  base::Rng rng = base::Rng(spec.seed).fork("windows");
  std::vector<history::Window> out;
  const auto bars = static_cast<double>((latest - earliest).ns / bar.ns);
  for (std::int32_t i = 0; i < spec.cuts; ++i) {
    const auto at = static_cast<std::int64_t>(bars * (i + rng.uniform()) / spec.cuts);
    const base::Timestamp from = earliest + bar * at;
    out.push_back({from, from + bar * spec.row_bars});
  }
  return out;
}

std::vector<base::Timestamp> hole_ends(const Recording& r) {
  std::vector<base::Timestamp> out;
  for (std::size_t s = 0; s < r.symbols(); ++s) {
    for (std::size_t i = 1; i < r.bars[s].size(); ++i)
      if (r.bars[s][i].open_time > r.bars[s][i - 1].close_time()) out.push_back(r.bars[s][i].open_time);
    for (std::size_t i = 1; i < r.funding[s].size(); ++i)
      if (r.funding[s][i].ts_event - r.funding[s][i - 1].ts_event > features::kFundingTtl)
        out.push_back(r.funding[s][i].ts_event);
  }
  std::ranges::sort(out);
  return out;
}

base::Result<Place> choose_cut(const Recording& recording, const Snapshot& real, std::int32_t index, base::Rng rng) {
  QT_CHECK(real.split.has_value(), "the real future is split");
  const Split& split = *real.split;
  const base::Duration base = domain::duration(recording.base), primary = domain::duration(recording.primary);
  const base::Timestamp trained = last_end(real.dataset, split.train);
  const base::Timestamp validated = std::max(trained, last_end(real.dataset, split.validation));
  if (index % 2 == 1) {
    std::vector<base::Timestamp> holes = hole_ends(recording);
    std::erase_if(holes, [&](base::Timestamp at) { return at < trained + kReaction + base || at > split.test_from; });
    if (!holes.empty()) return Place{floor_to(holes[rng.below(holes.size())] - kReaction, base), "end of a hole"};
  }
  const bool after_validation = index / 2 % 2 == 1;
  const base::Timestamp from = after_validation ? validated : trained;
  const base::Timestamp to = std::max(after_validation ? split.test_from : split.validation_from, from + primary);
  return Place{draw(from, to, index % 2 == 0 ? primary : base, rng),
               after_validation ? "after validation" : "after training"};
}

}  // namespace qtrader::training::leakcheck
