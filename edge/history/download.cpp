#include "edge/history/download.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "edge/history/atomic_file.hpp"
#include "edge/history/byte_source.hpp"

namespace qtrader::history {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::Timestamp;
namespace fs = std::filesystem;

Error invalid(const std::string& what) { return {"history", Errc::InvalidArgument, what}; }

Timestamp month_start(Timestamp ts) {
  const base::CivilDate c = base::civil_date(ts);
  return base::from_civil({c.year, c.month, 1});
}
Timestamp next_month(Timestamp ts) {
  const base::CivilDate c = base::civil_date(ts);
  return base::from_civil({c.month == 12 ? c.year + 1 : c.year, c.month % 12 + 1, 1});
}

class Downloader {
 public:
  Downloader(const DownloadRequest& request, HttpFetch http,
             const std::function<bool(const DownloadProgress&)>& progress)
      : request_(request), http_(std::move(http)), progress_(progress) {}

  Result<void> series(const std::string& kind, const std::string& symbol);
  DownloadReport finish() {
    report_.bytes = http_.bytes();
    return report_;
  }

 private:
  enum class Outcome { Present, Absent };

  Result<void> month(const std::string& kind, const std::string& symbol, Window window, Timestamp start);
  Result<Outcome> unit(const std::string& kind, const std::string& symbol, Timestamp day, bool monthly);
  Result<Outcome> obtain(const std::string& path);
  Result<bool> already_there(const fs::path& zip, const fs::path& checksum) const;
  Result<void> report_progress(const std::string& path, DownloadProgress::What what);
  void note(Outcome outcome, const std::string& name) {
    if (outcome == Outcome::Present)
      any_ = true;
    else if (any_)
      report_.missing.push_back(name);
  }

  const DownloadRequest& request_;
  HttpFetch http_;
  const std::function<bool(const DownloadProgress&)>& progress_;
  DownloadReport report_;
  bool any_ = false;  // of the series at hand: before its first file a symbol was not yet listed
};

Result<void> Downloader::report_progress(const std::string& path, DownloadProgress::What what) {
  if (progress_ && !progress_({path, what, http_.bytes()}))
    return Error{"history", Errc::Interrupted, "download stopped after " + path, true};
  return {};
}

Result<bool> Downloader::already_there(const fs::path& zip, const fs::path& checksum) const {
  std::error_code ec;
  if (!fs::exists(zip, ec) || !fs::exists(checksum, ec)) return false;
  QT_TRY(const std::string text, read_all(checksum, 4096));
  const auto expected = parse_checksum(text, checksum.string());
  if (!expected) return false;  // damaged: fetch it again
  QT_TRY(const std::string actual, file_sha256(zip));
  return actual == *expected;
}

Result<Downloader::Outcome> Downloader::obtain(const std::string& path) {
  const fs::path zip = request_.out / (path + ".zip");
  const fs::path checksum_file = request_.out / (path + ".zip.CHECKSUM");
  QT_TRY(const bool kept, already_there(zip, checksum_file));
  if (kept) {
    ++report_.kept;
    QT_TRY_VOID(report_progress(path, DownloadProgress::What::Kept));
    return Outcome::Present;
  }
  const std::string url = request_.base_url + "/data/" + path + ".zip";
  QT_TRY(const auto listed, http_.text(url + ".CHECKSUM"));
  if (!listed) {
    QT_TRY_VOID(report_progress(path, DownloadProgress::What::Absent));
    return Outcome::Absent;
  }
  QT_TRY(const std::string expected, parse_checksum(*listed, url + ".CHECKSUM"));
  std::error_code ec;
  fs::create_directories(zip.parent_path(), ec);
  if (ec) return io_error(zip.parent_path(), "create directory", ec.value());
  fs::path part = zip;
  part += ".part";
  for (int attempt = 0; attempt < 2; ++attempt) {  // a resumed part may be of an archive since replaced
    QT_TRY(const bool found, http_.file(url, part));
    if (!found) return Error{"history", Errc::Corrupt, url + ": has a CHECKSUM but is not there itself"};
    QT_TRY(const std::string actual, file_sha256(part));
    if (actual != expected) {
      fs::remove(part, ec);
      if (attempt == 1)
        return Error{"history", Errc::Corrupt, url + ": SHA-256 " + actual + ", its CHECKSUM says " + expected};
      continue;
    }
    QT_TRY_VOID(write_file_atomically(checksum_file, *listed));
    if (::rename(part.c_str(), zip.c_str()) != 0) return io_error(zip, "rename", errno);
    QT_TRY_VOID(sync_directory(zip.parent_path()));
    break;
  }
  ++report_.fetched;
  QT_TRY_VOID(report_progress(path, DownloadProgress::What::Fetched));
  return Outcome::Present;
}

Result<Downloader::Outcome> Downloader::unit(const std::string& kind, const std::string& symbol, Timestamp day,
                                             bool monthly) {
  return obtain(vision_path(kind, symbol, request_.timeframe, day, monthly));
}

Result<void> Downloader::month(const std::string& kind, const std::string& symbol, Window window, Timestamp start) {
  const Timestamp end = next_month(start);
  const bool whole = window.from <= start && end <= window.to;
  const bool by_month_only = kind == "fundingRate";
  const std::string name = vision_path(kind, symbol, request_.timeframe, start, true);
  if (whole || by_month_only) {
    QT_TRY(const Outcome outcome, unit(kind, symbol, start, true));
    if (outcome == Outcome::Present || by_month_only) {
      note(outcome, name);
      return {};
    }
    // Monthly files come out early in the month after; until then there are daily ones. A month of which neither the
    // first nor the last day is there is not in the archive.
    QT_TRY(const Outcome first, unit(kind, symbol, start, false));
    if (first == Outcome::Absent) {
      QT_TRY(const Outcome last, unit(kind, symbol, end - base::days(1), false));
      if (last == Outcome::Absent) {
        note(last, name);
        return {};
      }
    }
  }
  for (Timestamp day = std::max(start, window.from); day < std::min(end, window.to); day = day + base::days(1)) {
    QT_TRY(const Outcome outcome, unit(kind, symbol, day, false));
    note(outcome, vision_path(kind, symbol, request_.timeframe, day, false));
  }
  return {};
}

Result<void> Downloader::series(const std::string& kind, const std::string& symbol) {
  any_ = false;
  const Window& w = request_.window;
  for (Timestamp start = month_start(w.from); start < w.to; start = next_month(start))
    QT_TRY_VOID(month(kind, symbol, w, start));
  if (any_) return {};
  return Error{"history", Errc::NotFound,
               symbol + ": the archive has no " + kind + " from " + base::format_date(w.from) + " to " +
                   base::format_date(w.to) + "; is the symbol right?"};
}

}  // namespace

std::string vision_path(const std::string& kind, const std::string& symbol, domain::Timeframe timeframe,
                        base::Timestamp day, bool monthly) {
  const bool funding = kind == "fundingRate";
  const std::string tf(to_string(timeframe));
  const std::string date = base::format_date(day).substr(0, monthly ? 7 : 10);
  return "futures/um/" + std::string(monthly ? "monthly/" : "daily/") + kind + "/" + symbol + "/" +
         (funding ? "" : tf + "/") + symbol + "-" + (funding ? kind : tf) + "-" + date;
}

Result<DownloadReport> download_vision(const DownloadRequest& request,
                                       const std::function<bool(const DownloadProgress&)>& progress) {
  const Window& w = request.window;
  if (w.from >= w.to || base::day_start(w.from) != w.from || base::day_start(w.to) != w.to)
    return invalid("download from " + base::format_timestamp(w.from) + " to " + base::format_timestamp(w.to) +
                   ": expected two dates, the first before the second");
  for (const auto& kind : request.kinds)
    if (kind != "klines" && kind != "fundingRate" && kind != "markPriceKlines")
      return invalid("kind '" + kind + "': expected klines, fundingRate or markPriceKlines");
  if (!request.base_url.starts_with("https://") && !request.base_url.starts_with("http://"))
    return invalid("base address '" + request.base_url + "': expected https://…");
  if (request.symbols.empty()) return invalid("no symbols to download");
  std::vector<std::string> symbols;
  for (const auto& text : request.symbols) {
    QT_TRY(auto symbol, domain::canonical_symbol(text));
    symbols.push_back(std::move(symbol));
  }
  QT_TRY(auto http, HttpFetch::create(request.http, {}));
  Downloader downloader(request, std::move(http), progress);
  for (const auto& symbol : symbols)
    for (const auto& kind : request.kinds) QT_TRY_VOID(downloader.series(kind, symbol));
  return downloader.finish();
}

}  // namespace qtrader::history
