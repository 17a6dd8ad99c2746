// Source: where the checker cuts its recordings from: recorded data by catalog, or a whole market held in memory.
#pragma once

#include <string>
#include <vector>

#include "training/leakcheck/recording.hpp"
#include "training/universe.hpp"

namespace qtrader::training::leakcheck {

class Source {
 public:
  virtual ~Source() = default;
  virtual domain::Timeframe primary() const = 0;
  virtual domain::Timeframe base() const = 0;
  virtual std::vector<std::string> symbols() const = 0;
  /// From the first bar all symbols have to the end; the warm-up takes its share of it.
  virtual history::Window span() const = 0;
  /// Bars and funding of `rows` and the `warmup_bars` primary bars before it. Errors: those of reading.
  virtual base::Result<Recording> cut_out(history::Window rows, std::int32_t warmup_bars) const = 0;
};

class CatalogSource final : public Source {
 public:
  /// Errors: those of choose_universe and of reading.
  static base::Result<CatalogSource> open(const history::Catalog& catalog, const UniverseRequest& request);
  domain::Timeframe primary() const override { return primary_; }
  domain::Timeframe base() const override { return universe_.base; }
  std::vector<std::string> symbols() const override { return universe_.symbols; }
  history::Window span() const override { return span_; }
  base::Result<Recording> cut_out(history::Window rows, std::int32_t warmup_bars) const override;

 private:
  CatalogSource(history::Catalog catalog, domain::Timeframe primary)
      : catalog_(std::move(catalog)), primary_(primary) {}
  history::Catalog catalog_;
  domain::Timeframe primary_;
  Universe universe_;
  history::Window span_;
  std::vector<domain::Instrument> instruments_;
};

class MemorySource final : public Source {
 public:
  /// At least one symbol, each with at least one bar (QT_CHECK).
  explicit MemorySource(Recording whole);
  domain::Timeframe primary() const override { return whole_.primary; }
  domain::Timeframe base() const override { return whole_.base; }
  std::vector<std::string> symbols() const override;
  history::Window span() const override;
  base::Result<Recording> cut_out(history::Window rows, std::int32_t warmup_bars) const override;

 private:
  Recording whole_;
};

}  // namespace qtrader::training::leakcheck
