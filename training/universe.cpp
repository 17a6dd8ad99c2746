#include "training/universe.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "core/domain/instrument.hpp"

namespace qtrader::training {
namespace {

using base::Errc;
using history::SeriesInfo;
using history::SeriesKind;
using history::Window;

base::Error fail(Errc code, std::string text) { return {"training", code, std::move(text)}; }

/// The first dozen by name; a catalog may hold hundreds.
std::string joined(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 12;
  if (names.empty()) return "none";
  std::string out;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kShown) out += " and " + std::to_string(names.size() - kShown) + " more";
  return out;
}

/// Canonical, sorted, without repetition; all of them recorded.
base::Result<std::vector<std::string>> resolve(const history::Catalog& catalog, const std::vector<std::string>& asked) {
  const std::vector<std::string> there = catalog.symbols(SeriesKind::UsdmBars);
  std::vector<std::string> out;
  for (const std::string& text : asked) {
    QT_TRY(std::string symbol, domain::canonical_symbol(text));
    if (std::ranges::find(there, symbol) == there.end())
      return fail(Errc::NotFound, "no futures candles of " + symbol + " under " + catalog.root().string() +
                                      "; there are: " + joined(there));
    out.push_back(std::move(symbol));
  }
  if (asked.empty())  // one quote currency: a coin's USDC contract would only repeat its USDT rows
    std::ranges::copy_if(there, std::back_inserter(out), [](const std::string& s) { return s.ends_with("USDT"); });
  if (out.empty()) return fail(Errc::NotFound, "no futures candles of USDT contracts under " + catalog.root().string());
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// Recorded span of each symbol in timeframes that can be aggregated to the primary one.
std::map<std::string, Window> spans(const history::Catalog& catalog, const std::vector<std::string>& symbols,
                                    domain::Timeframe primary) {
  std::map<std::string, Window> out;
  for (const SeriesInfo& s : catalog.series()) {
    if (s.kind != SeriesKind::UsdmBars || s.from == s.to) continue;
    if (domain::minutes(primary) % domain::minutes(s.timeframe) != 0) continue;
    if (!std::ranges::binary_search(symbols, s.symbol)) continue;
    const auto [it, fresh] = out.try_emplace(s.symbol, Window{s.from, s.to});
    if (!fresh) it->second = {std::min(it->second.from, s.from), std::max(it->second.to, s.to)};
  }
  return out;
}

/// What the request leaves open: named symbols must all be covered, so the tightest bounds; otherwise the widest.
base::Result<Window> choose_window(const history::Catalog& catalog, const std::vector<std::string>& symbols,
                                   const UniverseRequest& request) {
  const auto recorded = spans(catalog, symbols, request.primary);
  if (recorded.empty())
    return fail(Errc::NotFound, "no candles of " + joined(symbols) + " in a timeframe that divides " +
                                    std::string(domain::to_string(request.primary)));
  const bool named = !request.symbols.empty();
  Window out = recorded.begin()->second;
  for (const auto& [symbol, span] : recorded) {
    out.from = named ? std::max(out.from, span.from) : std::min(out.from, span.from);
    out.to = named ? std::min(out.to, span.to) : std::max(out.to, span.to);
  }
  if (request.to) out.to = *request.to;
  out.from = request.from ? *request.from : std::max(out.from, out.to - base::days(request.lookback_days));
  if (out.from >= out.to)
    return fail(Errc::InvalidArgument, "window from " + base::format_timestamp(out.from) + " to " +
                                           base::format_timestamp(out.to) + ": expected from before to");
  return out;
}

/// The base timeframe most symbols share, and who they are.
base::Result<std::pair<domain::Timeframe, std::vector<std::string>>> largest_group(
    const history::Catalog& catalog, const std::vector<std::string>& symbols, domain::Timeframe primary,
    Window window) {
  std::map<domain::Timeframe, std::vector<std::string>> groups;
  for (const std::string& symbol : symbols)
    if (const auto base = catalog.base_timeframe({symbol}, primary, window)) groups[*base].push_back(symbol);
  if (groups.empty())
    return fail(Errc::NotFound, "no symbol covers " + base::format_timestamp(window.from) + " to " +
                                    base::format_timestamp(window.to) + " under " + catalog.root().string());
  const auto best = std::ranges::max_element(groups, {}, [](const auto& group) { return group.second.size(); });
  return std::pair(best->first, best->second);
}

}  // namespace

base::Result<Universe> choose_universe(const history::Catalog& catalog, const UniverseRequest& request) {
  if (request.lookback_days < 1)
    return fail(Errc::InvalidArgument,
                "lookback of " + std::to_string(request.lookback_days) + " days: expected at least 1");
  Universe out;
  QT_TRY(out.symbols, resolve(catalog, request.symbols));
  QT_TRY(out.rows, choose_window(catalog, out.symbols, request));
  if (request.symbols.empty()) {
    QT_TRY(auto group, largest_group(catalog, out.symbols, request.primary, out.rows));
    out.base = group.first;
    out.symbols = std::move(group.second);
  } else {
    QT_TRY(out.base, catalog.base_timeframe(out.symbols, request.primary, out.rows));
  }
  out.bars = {out.rows.from - domain::duration(request.primary) * request.warmup_bars, out.rows.to};
  return out;
}

}  // namespace qtrader::training
