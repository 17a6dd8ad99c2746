#include "training/leakcheck/source.hpp"

#include <algorithm>

namespace qtrader::training::leakcheck {
namespace {

history::Window with_warmup(history::Window rows, domain::Timeframe primary, std::int32_t warmup_bars) {
  return {rows.from - domain::duration(primary) * warmup_bars, rows.to};
}

base::Result<std::vector<domain::Bar>> read_all(history::BarCursor& cursor) {
  std::vector<domain::Bar> out;
  for (;;) {
    QT_TRY(const auto bar, cursor.next());
    if (!bar) return out;
    out.push_back(*bar);
  }
}

template <class T>
void number(std::vector<T>& events, std::size_t symbol) {
  for (T& e : events) e.symbol = domain::SymbolId{static_cast<std::uint16_t>(symbol)};
}

}  // namespace

base::Result<CatalogSource> CatalogSource::open(const history::Catalog& catalog, const UniverseRequest& request) {
  CatalogSource out(catalog, request.primary);
  QT_TRY(out.universe_, choose_universe(catalog, request));
  out.span_ = out.universe_.bars;
  for (const std::string& symbol : out.universe_.symbols) {
    QT_TRY(auto instrument, catalog.instrument(symbol));
    out.instruments_.push_back(std::move(instrument));
    QT_TRY(const auto bars, catalog.bars(symbol, out.universe_.base, out.universe_.bars));
    QT_TRY(const auto first, bars->next());
    if (!first)
      return base::Error{"leakcheck", base::Errc::NotFound,
                         symbol + ": no bars from " + base::format_timestamp(out.universe_.bars.from)};
    out.span_.from = std::max(out.span_.from, first->open_time);
  }
  return out;
}

base::Result<Recording> CatalogSource::cut_out(history::Window rows, std::int32_t warmup_bars) const {
  Recording out;
  out.base = universe_.base;
  out.primary = primary_;
  out.instruments = instruments_;
  out.rows = rows;
  const history::Window window = with_warmup(rows, primary_, warmup_bars);
  for (std::size_t i = 0; i < universe_.symbols.size(); ++i) {
    const std::string& symbol = universe_.symbols[i];
    QT_TRY(const auto cursor, catalog_.bars(symbol, universe_.base, window));
    QT_TRY(auto bars, read_all(*cursor));
    QT_TRY(auto funding, catalog_.funding(symbol, window));
    QT_TRY(auto marks, catalog_.marks(symbol, universe_.base, window));
    number(funding, i);
    number(marks, i);
    out.bars.push_back(std::move(bars));
    out.funding.push_back(std::move(funding));
    out.marks.push_back(std::move(marks));
  }
  return out;
}

MemorySource::MemorySource(Recording whole) : whole_(std::move(whole)) {
  QT_CHECK(whole_.symbols() > 0, "a market has symbols");
  for (const auto& bars : whole_.bars) QT_CHECK(!bars.empty(), "every symbol has bars");
}

std::vector<std::string> MemorySource::symbols() const {
  std::vector<std::string> out;
  for (const auto& i : whole_.instruments) out.push_back(i.symbol);
  return out;
}

history::Window MemorySource::span() const {
  history::Window out{whole_.bars[0].front().open_time, whole_.bars[0].back().close_time()};
  for (const auto& bars : whole_.bars) {
    out.from = std::max(out.from, bars.front().open_time);
    out.to = std::max(out.to, bars.back().close_time());
  }
  return out;
}

base::Result<Recording> MemorySource::cut_out(history::Window rows, std::int32_t warmup_bars) const {
  const history::Window window = with_warmup(rows, whole_.primary, warmup_bars);
  Recording nothing = whole_;
  for (std::size_t s = 0; s < nothing.symbols(); ++s) {
    nothing.bars[s].clear();
    nothing.funding[s].clear();
    nothing.marks[s].clear();
  }
  Recording out = splice(nothing, whole_, window.from, window.to);
  out.rows = rows;
  return out;
}

}  // namespace qtrader::training::leakcheck
