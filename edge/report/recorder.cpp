#include "edge/report/recorder.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "core/base/json.hpp"
#include "edge/report/chart_data.hpp"
#include "edge/report/csv_row.hpp"
#include "edge/report/result_file.hpp"
#include "edge/report/summarise.hpp"
#include "edge/report/tear_sheet.hpp"
#include "edge/store/posix_file.hpp"

namespace qtrader::report {

using base::Errc;
using base::Error;
using base::Result;
using base::Timestamp;

namespace {

constexpr std::string_view kTradesHeader =
    "trade_id,symbol,side,qty,entry_time_ms,entry_price,exit_time_ms,exit_price,gross_pnl_usd,fees_usd,funding_usd,"
    "slippage_usd,net_pnl_usd,r_multiple,mae_r,mfe_r,exit_reason,strategy,trace_id\n";
constexpr std::string_view kEquityHeader = "ts_ms,equity_usd,wallet_usd,upnl_usd,drawdown_frac,exposure_usd\n";
constexpr std::string_view kSignalsHeader =
    "ts_ms,trace_id,symbol,action,confidence,p_dir,p_sell,p_hold,p_buy,consensus,source,price\n";

/// A directory that is removed again unless kept, together with the parents that had to be made for it.
class NewDirectories {
 public:
  static Result<NewDirectories> make(const std::filesystem::path& directory) {
    NewDirectories out;
    std::error_code ec;
    for (auto p = std::filesystem::absolute(directory).lexically_normal();
         !p.empty() && !std::filesystem::exists(p, ec); p = p.parent_path())
      out.made_.push_back(p);
    std::filesystem::create_directories(directory, ec);
    if (!ec) return out;
    Error error = store::system_error("create directory", directory, ec.value());
    error.room = "report";
    return error;
  }
  NewDirectories(NewDirectories&& other) noexcept : made_(std::exchange(other.made_, {})) {}
  NewDirectories& operator=(NewDirectories&&) = delete;
  ~NewDirectories() {
    std::error_code not_empty;  // others may have put files there: then it stays
    for (const auto& p : made_) std::filesystem::remove(p, not_empty);
  }
  void keep() { made_.clear(); }

 private:
  NewDirectories() = default;
  std::vector<std::filesystem::path> made_;  // innermost first
};

}  // namespace

struct Recorder::Impl {
  RunInfo info;
  domain::InstrumentTable instruments;
  std::filesystem::path directory;
  NewDirectories made;  // declared before the files: removed after them
  ResultFile trades_csv, equity_csv, signals_csv;
  RunStatistics statistics;
  ChartData charts;
  double hold_growth_sum = 0;  // Σ last / first close of the symbols that have traded
  std::size_t hold_symbols = 0;
  domain::TraceId last_refused_trace;
  std::string last_refused_rule;
  CsvRow row;  // reused
  std::optional<Summary> summary;
  std::string json;

  Impl(RunInfo run, const domain::InstrumentTable& table, std::filesystem::path where, NewDirectories created,
       std::array<ResultFile, 3> files)
      : info(std::move(run)),
        instruments(table),
        directory(std::move(where)),
        made(std::move(created)),
        trades_csv(std::move(files[0])),
        equity_csv(std::move(files[1])),
        signals_csv(std::move(files[2])),
        statistics{.equity = EquityStatistics(info.initial_wallet.to_double(), domain::duration(info.timeframe)),
                   .trades = TradeStatistics(table.size()),
                   .prices = std::vector<PriceSpan>(table.size()),
                   .refusals = {},
                   .traded = 0,
                   .booked_fees = {},
                   .booked_funding = {},
                   .final_equity = {}} {
    charts.symbols.resize(table.size());
    trades_csv.write(kTradesHeader);
    equity_csv.write(kEquityHeader);
    signals_csv.write(kSignalsHeader);
  }

  void on(Timestamp ts, const domain::SignalGenerated& e) {
    const domain::Signal& s = e.signal;
    if (s.action == domain::Action::Hold) {
      ++statistics.refusals[fmt::format("hold.{}", base::enum_name(s.hold_reason))];
      return;
    }
    row.begin();
    row.add(ts.unix_ms()).add(s.trace.value).add(instruments.name(s.symbol));
    row.add(s.action == domain::Action::Buy ? "BUY" : "SELL").add(s.confidence).add(s.p_dir);
    row.add(s.p[0]).add(s.p[1]).add(s.p[2]).add(base::enum_name(s.consensus)).add_text(s.source).add(s.price);
    signals_csv.write(row.end());
  }

  /// A refusal by the gate may be reported both by the gate and by the pipeline it stopped: counted once.
  void refused(domain::TraceId trace, const std::string& rule) {
    if (trace.value != 0 && trace == last_refused_trace && rule == last_refused_rule) return;
    last_refused_trace = trace;
    last_refused_rule = rule;
    ++statistics.refusals[rule];
  }
  void on(Timestamp, const domain::SignalRejected& e) { refused(e.trace, e.reason); }
  void on(Timestamp, const domain::OrderRefused& e) { refused(e.trace, e.rule); }

  void on(Timestamp, const domain::FillBooked& e) {
    statistics.traded += (e.price * e.quantity).to_double();
    statistics.booked_fees += e.fee;
  }
  void on(Timestamp, const domain::FundingBooked& e) { statistics.booked_funding += e.amount; }

  void on(Timestamp, const domain::TradeClosed& e) {
    row.begin();
    row.add(e.trade.value).add(instruments.name(e.symbol));
    row.add(e.side == domain::PositionSide::Long ? "LONG" : "SHORT").add(e.quantity);
    row.add(e.entry_time.unix_ms()).add(e.entry_price).add(e.exit_time.unix_ms()).add(e.exit_price);
    row.add(e.gross_pnl).add(e.fees).add(e.funding).add(e.slippage).add(e.net_pnl);
    row.add(e.r_multiple).add(e.mae_r).add(e.mfe_r).add(base::enum_name(e.exit_reason));
    row.add_text(e.strategy).add(e.trace.value);
    trades_csv.write(row.end());
    statistics.trades.add(e);
    charts.dots.add({e.trade.value, e.mae_r, e.mfe_r, e.r_multiple});
    charts.symbols[e.symbol.value].trades.add({e.trade.value, e.entry_time.unix_ms(), e.exit_time.unix_ms(),
                                               e.entry_price.to_double(), e.exit_price.to_double(), e.side,
                                               e.net_pnl.is_positive()});
  }

  void on(Timestamp, const domain::EquitySample& e) {
    const double equity = e.equity.to_double();
    statistics.equity.add(e.ts, equity, !e.exposure.is_zero());
    statistics.final_equity = e.equity;
    const double drawdown = statistics.equity.drawdown();
    const std::int64_t ms = e.ts.unix_ms();
    // The drawdown of the same peak as the metrics', so that the files agree with each other.
    row.begin();
    row.add(ms).add(e.equity).add(e.wallet).add(e.unrealised).add(drawdown).add(e.exposure);
    equity_csv.write(row.end());
    charts.equity.add({ms, equity});
    charts.underwater.add({ms, drawdown});
    if (hold_symbols > 0) {
      const double growth = hold_growth_sum / static_cast<double>(hold_symbols);
      charts.buy_and_hold.add({ms, info.initial_wallet.to_double() * growth});
    }
  }

  /// Hook verdicts, sizing, approvals, transitions, alerts: the journal keeps them, the report does not.
  template <class Other>
  void on(Timestamp, const Other&) {}

  void on_bar(domain::SymbolId symbol, const domain::Bar& bar) {
    PriceSpan& p = statistics.prices[symbol.value];
    if (p.bars++ == 0) {
      p.first = bar.close;
      ++hold_symbols;
      hold_growth_sum += 1;
    } else {
      hold_growth_sum += (bar.close.to_double() - p.last.to_double()) / p.first.to_double();
    }
    p.last = bar.close;
    charts.symbols[symbol.value].price.add({bar.close_time().unix_ms(), bar.close.to_double()});
  }

  Result<void> write_reports() {
    QT_TRY(ResultFile report_json, ResultFile::create(directory / "report.json"));
    QT_TRY(ResultFile report_html, ResultFile::create(directory / "report.html"));
    report_json.write(json);
    report_json.write("\n");
    report_html.write(tear_sheet(*summary, charts));
    const std::array<ResultFile*, 5> files = {&trades_csv, &equity_csv, &signals_csv, &report_json, &report_html};
    for (ResultFile* file : files) QT_TRY_VOID(file->finish());
    for (std::size_t i = 0; i < files.size(); ++i) {
      auto committed = files[i]->commit();
      if (committed) continue;
      std::error_code ignored;  // the first error is the one to report
      for (std::size_t k = 0; k < i; ++k) std::filesystem::remove(files[k]->target(), ignored);
      return committed;
    }
    return {};
  }
};

Recorder::Recorder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recorder::~Recorder() = default;

Result<std::unique_ptr<Recorder>> Recorder::create(std::filesystem::path directory, RunInfo info,
                                                   const domain::InstrumentTable& instruments) {
  if (!info.initial_wallet.is_positive())
    return Error{"report", Errc::InvalidArgument,
                 "initial_wallet is " + info.initial_wallet.to_string() + ", expected more than 0"};
  QT_TRY(NewDirectories made, NewDirectories::make(directory));
  QT_TRY(ResultFile trades, ResultFile::create(directory / "trades.csv"));
  QT_TRY(ResultFile equity, ResultFile::create(directory / "equity.csv"));
  QT_TRY(ResultFile signals, ResultFile::create(directory / "signals.csv"));
  std::array<ResultFile, 3> files = {std::move(trades), std::move(equity), std::move(signals)};
  return std::unique_ptr<Recorder>(new Recorder(
      std::make_unique<Impl>(std::move(info), instruments, std::move(directory), std::move(made), std::move(files))));
}

void Recorder::on(Timestamp ts, const domain::AuditRecord& record) {
  QT_CHECK(impl_ && !impl_->summary, "no records after finish");
  std::visit([&](const auto& e) { impl_->on(ts, e); }, record);
}

void Recorder::on_primary_bar(domain::SymbolId symbol, const domain::Bar& bar) {
  QT_CHECK(impl_ && !impl_->summary && symbol.value < impl_->statistics.prices.size(), "a bar of a symbol of the run");
  impl_->on_bar(symbol, bar);
}

store::Trial Recorder::trial() const {
  QT_CHECK(impl_ && !impl_->summary, "trial() comes before finish()");
  const RunInfo& run = impl_->info;
  store::Trial out;
  out.config_hash = run.config_hash;
  out.venue_hash = run.venue_hash;
  out.data_hash = run.data_hash;
  out.strategy = run.strategy;
  out.models = run.models;
  out.symbols = run.symbols;
  out.timeframe = domain::to_string(run.timeframe);
  out.from_ms = run.from.unix_ms();
  out.to_ms = run.to.unix_ms();
  out.seed = run.seed;
  out.synthetic = run.synthetic;
  put_returns(out, impl_->statistics.equity.dated_returns());
  return out;
}

Result<void> Recorder::finish(const RunOutcome& outcome) {
  QT_CHECK(impl_ && !impl_->summary, "finish is called once");
  impl_->charts.histogram = impl_->statistics.trades.histogram;
  impl_->summary = summarise(impl_->info, impl_->instruments, impl_->statistics, outcome);
  impl_->json = base::to_json(*impl_->summary);
  auto written = impl_->write_reports();
  if (written) {
    impl_->made.keep();
  } else {
    auto failed = std::move(impl_);  // temporary files and new directories go now, not when the caller gets round to it
    impl_ = nullptr;
  }
  return written;
}

std::string Recorder::terminal_summary(bool colour) const { return terminal_text(summary(), colour); }

const std::string& Recorder::report_json() const {
  QT_CHECK(impl_ && impl_->summary, "report_json() follows a finish() that succeeded");
  return impl_->json;
}

const Summary& Recorder::summary() const {
  QT_CHECK(impl_ && impl_->summary, "summary() follows a finish() that succeeded");
  return *impl_->summary;
}

}  // namespace qtrader::report
