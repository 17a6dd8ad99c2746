#include "apps/qtrader/data_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/qtrader/commands.hpp"
#include "core/base/json.hpp"
#include "edge/history/download.hpp"
#include "edge/history/import.hpp"
#include "edge/history/listing.hpp"
#include "edge/history/quality.hpp"

namespace qtrader::apps {
namespace {

using base::Result;

/// A line on a terminal that the next one overwrites; nothing where stderr is a file or a pipe.
class StatusLine {
 public:
  ~StatusLine() { clear(); }
  void show(const std::string& text) {
    if (!shown_) return;
    fmt::print(stderr, "\r\033[K{}", text.substr(0, 110));
    std::fflush(stderr);
  }
  void clear() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }

 private:
  bool shown_ = ::isatty(STDERR_FILENO) != 0;
};

struct DownloadOptions {
  std::vector<std::string> symbols, kinds = {"klines", "fundingRate", "markPriceKlines"};
  std::string timeframe = "1m", from, to, out, base_url = "https://data.binance.vision";
  int attempts = 5;
  bool json = false;
};

Result<history::DownloadRequest> to_request(const DownloadOptions& o) {
  history::DownloadRequest request;
  request.symbols = o.symbols;
  request.kinds = o.kinds;
  request.out = o.out;
  request.base_url = o.base_url;
  request.http.attempts = o.attempts;
  QT_TRY(request.timeframe, domain::parse_timeframe(o.timeframe));
  QT_TRY(request.window.from, base::parse_timestamp(o.from));
  QT_TRY(request.window.to, base::parse_timestamp(o.to));
  return request;
}

int run_download(const DownloadOptions& o) {
  const auto request = to_request(o);
  if (!request) return report_error(request.error());
  StatusLine line;
  std::uint64_t files = 0;
  const auto report = history::download_vision(*request, [&](const history::DownloadProgress& p) {
    const bool absent = p.what == history::DownloadProgress::What::Absent;
    files += absent ? 0 : 1;
    line.show(fmt::format("{} files, {:.1f} MB  {}{}", files, static_cast<double>(p.bytes) / 1e6,
                          p.file.substr(p.file.rfind('/') + 1), absent ? " is not there" : ""));
    return true;
  });
  line.clear();
  if (!report) return report_error(report.error());
  if (o.json) {
    fmt::print("{}\n", base::to_json(*report));
  } else {
    fmt::print("{}: {} files fetched and verified ({:.1f} MB), {} already there\n", o.out, report->fetched,
               static_cast<double>(report->bytes) / 1e6, report->kept);
    for (const auto& name : report->missing) fmt::print("missing in the archive: {}\n", name);
  }
  return report->missing.empty() ? 0 : 1;
}

struct ImportOptions {
  std::string source, out, timeframe, exchange_info, brackets;
  std::vector<std::string> symbols;
  bool json = false;
};

int run_import(const ImportOptions& o) {
  history::ImportRequest request;
  request.source = o.source;
  request.out = o.out;
  request.symbols = o.symbols;
  request.exchange_info = o.exchange_info;
  request.brackets = o.brackets;
  if (!o.timeframe.empty()) {
    const auto timeframe = domain::parse_timeframe(o.timeframe);
    if (!timeframe) return report_error(timeframe.error());
    request.timeframe = *timeframe;
  }
  StatusLine line;
  request.progress = [&](const std::string& text) { line.show(text); };
  const auto result = history::import_data(request);
  line.clear();
  if (!result) return report_error(result.error());
  if (o.json) {
    fmt::print("{}\n", base::to_json(*result));
    return 0;
  }
  fmt::print("{}: {} files, {} bars, {} funding rates, {} mark prices, {} instruments\n", o.out, result->files.size(),
             result->bars, result->rates, result->marks, result->instruments);
  for (const auto& skipped : result->skipped) fmt::print("not used, a better format was there: {}\n", skipped);
  return 0;
}

struct ListOptions {
  std::string directory;
  bool json = false;
};

int run_ls(const ListOptions& o) {
  const auto catalog = history::Catalog::scan(o.directory);
  if (!catalog) return report_error(catalog.error());
  const auto rows = history::list_series(*catalog);
  if (o.json)
    fmt::print("{}\n", base::to_json(rows));
  else
    fmt::print("{}", history::listing_table(rows));
  return rows.empty() ? 1 : 0;
}

int run_verify(const ListOptions& o) {
  const auto catalog = history::Catalog::scan(o.directory);
  if (!catalog) return report_error(catalog.error());
  StatusLine line;
  const auto report =
      history::check_catalog(*catalog, [&](std::size_t at, std::size_t of, const history::SeriesInfo& s) {
        line.show(fmt::format("{} of {}  {}", at + 1, of, s.path.filename().string()));
      });
  line.clear();
  if (o.json)
    fmt::print("{}\n", base::to_json(report));
  else
    fmt::print("{}", history::quality_table(report));
  return report.hard_faults == 0 && !report.files.empty() ? 0 : 1;
}

void add_download(CLI::App& data, int& exit_code) {
  auto* c = data.add_subcommand("download", "Fetch Binance's public archive: checksummed, resumable");
  auto o = std::make_shared<DownloadOptions>();
  c->add_option("--symbols", o->symbols, "BTCUSDT,ETHUSDT")->required()->delimiter(',');
  c->add_option("--timeframe", o->timeframe, "1m 3m 5m 15m 30m 1h 2h 4h 1d")->capture_default_str();
  c->add_option("--from", o->from, "First day, YYYY-MM-DD UTC")->required();
  c->add_option("--to", o->to, "Day after the last")->required();
  c->add_option("--out", o->out, "Directory to put the archive's files in")->required();
  c->add_option("--kinds", o->kinds, "klines,fundingRate,markPriceKlines")->delimiter(',')->capture_default_str();
  c->add_option("--base-url", o->base_url, "Archive to fetch from")->capture_default_str();
  c->add_option("--attempts", o->attempts, "Tries per file")->check(CLI::Range(1, 20))->capture_default_str();
  c->add_flag("--json", o->json, "Report as JSON");
  c->callback([o, &exit_code] { exit_code = run_download(*o); });
}

void add_import(CLI::App& data, int& exit_code) {
  auto* c = data.add_subcommand("import", "Convert recorded files to the columnar store");
  auto o = std::make_shared<ImportOptions>();
  c->add_option("source", o->source, "Directory or file: CSV[.zst], Binance Vision zip, freqtrade JSON")->required();
  c->add_option("--out", o->out, "Directory to write")->required();
  c->add_option("--symbols", o->symbols, "Only these")->delimiter(',');
  c->add_option("--timeframe", o->timeframe, "Only this; required for a file whose name does not say");
  c->add_option("--exchange-info", o->exchange_info, "Body of GET /fapi/v1/exchangeInfo, for instruments.json");
  c->add_option("--brackets", o->brackets, "Body of GET /fapi/v1/leverageBracket, or ccxt's leverage tiers");
  c->add_flag("--json", o->json, "Report as JSON");
  c->callback([o, &exit_code] { exit_code = run_import(*o); });
}

void add_directory_verb(CLI::App& data, int& exit_code, const char* name, const char* help,
                        int (*run)(const ListOptions&)) {
  auto* c = data.add_subcommand(name, help);
  auto o = std::make_shared<ListOptions>();
  c->add_option("directory", o->directory, "Directory or file")->required();
  c->add_flag("--json", o->json, "Report as JSON");
  c->callback([o, &exit_code, run] { exit_code = run(*o); });
}

}  // namespace

void add_data_command(CLI::App& app, int& exit_code) {
  auto* data = app.add_subcommand("data", "Recorded market data: download, import, list, verify");
  data->require_subcommand(1);
  add_download(*data, exit_code);
  add_import(*data, exit_code);
  add_directory_verb(*data, exit_code, "ls", "List the series under a directory", &run_ls);
  add_directory_verb(*data, exit_code, "verify", "Quality report: gaps, duplicates, broken bars; exit 1 on hard faults",
                     &run_verify);
}

}  // namespace qtrader::apps
