#include "edge/history/download.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>

#include "core/base/hash.hpp"
#include "core/base/rng.hpp"
#include "edge/history/test_support.hpp"

namespace qtrader::history {
namespace {

using test::TempDir;

/// How the server treats requests for one path. Counters count down as requests come.
struct Served {
  std::string body;
  int refuse = 0;      // answer 503 so many times
  int truncate = 0;    // close in the middle of the body so many times
  bool ranges = true;  // honour Range
};

/// An HTTP/1.1 server on loopback, one connection at a time, closing after each answer.
class LoopbackServer {
 public:
  LoopbackServer() {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_, 16), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { loop(); });
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer() {
    stopping_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// Puts an archive file and its checksum at their places.
  Served& put(const std::string& path, const std::string& body) {
    const std::string name = path.substr(path.rfind('/') + 1) + ".zip";
    const std::lock_guard lock(mutex_);
    files_["/data/" + path + ".zip.CHECKSUM"] = {base::sha256_hex(body) + "  " + name + "\n"};
    return files_["/data/" + path + ".zip"] = {body};
  }
  Served& at(const std::string& path) { return files_["/data/" + path]; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void loop() {
    while (!stopping_) {
      const int client = ::accept(socket_, nullptr, nullptr);
      if (client < 0) continue;
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t n = ::read(client, buffer, sizeof buffer);
        if (n <= 0) break;
        request.append(buffer, static_cast<std::size_t>(n));
      }
      const std::string answer = respond(request);
      for (std::size_t sent = 0; sent < answer.size();) {
        const ssize_t n = ::send(client, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) break;
        sent += static_cast<std::size_t>(n);
      }
      ::close(client);
    }
  }

  static std::string head(const std::string& status, std::size_t length) {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(length) + "\r\nConnection: close\r\n\r\n";
  }

  std::string respond(const std::string& request) {
    const std::lock_guard lock(mutex_);
    const std::size_t from = request.find(' ') + 1;
    const std::string path = request.substr(from, request.find(' ', from) - from);
    std::size_t offset = 0;
    if (const auto range = request.find("Range: bytes="); range != std::string::npos)
      offset = std::stoul(request.substr(range + 13));
    requests_.push_back(path + (offset > 0 ? " from " + std::to_string(offset) : ""));
    const auto found = files_.find(path);
    if (found == files_.end()) return head("404 Not Found", 0);
    Served& file = found->second;
    if (file.refuse > 0) return --file.refuse, head("503 Service Unavailable", 4) + "busy";
    if (!file.ranges) offset = 0;
    if (offset > file.body.size()) return head("416 Range Not Satisfiable", 0);
    std::string body = file.body.substr(offset);
    const std::string start = head(offset > 0 ? "206 Partial Content" : "200 OK", body.size());
    if (file.truncate > 0) --file.truncate, body.resize(body.size() / 2);
    return start + body;
  }

  int socket_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::map<std::string, Served> files_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

std::string zip_bytes(const std::string& stem, int rows, const char* from) {
  TempDir dir;
  base::Rng rng(21);
  std::string text;
  for (int i = 0; i < rows; ++i)
    text += std::to_string(test::day(from).unix_ms() + i * 60'000LL) + ",1,2,1,1.5," +
            std::to_string(rng.next() >> 20) + ",0,1,1,1,1,0\n";
  test::write_zip(dir / "x.zip", stem + ".csv", text);
  return test::read_text(dir / "x.zip");
}

DownloadRequest request_of(const LoopbackServer& server, const TempDir& out, const char* from, const char* to) {
  DownloadRequest r;
  r.symbols = {"BTCUSDT"};
  r.window = {test::day(from), test::day(to)};
  r.out = out.path();
  r.kinds = {"klines"};
  r.base_url = server.url();
  r.http = {.attempts = 3, .backoff = base::milliseconds(1), .stall = base::seconds(5)};
  return r;
}

std::string kline_path(const char* date, bool monthly) {
  return vision_path("klines", "BTCUSDT", domain::Timeframe::M1, test::day(date), monthly);
}

TEST(Download, PathsAreThoseOfTheArchive) {
  EXPECT_EQ(kline_path("2024-02-01", true), "futures/um/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-02");
  EXPECT_EQ(kline_path("2024-02-29", false), "futures/um/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-02-29");
  EXPECT_EQ(vision_path("fundingRate", "BTCUSDT", domain::Timeframe::M1, test::day("2024-02-01"), true),
            "futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2024-02");
}

TEST(Download, WholeMonthsThenDaysAndTheCatalogReadsThem) {
  LoopbackServer server;
  TempDir out;
  server.put(kline_path("2024-01-01", true), zip_bytes("BTCUSDT-1m-2024-01", 31 * 1440, "2024-01-01"));
  for (const char* day : {"2024-02-01", "2024-02-02"}) server.put(kline_path(day, false), zip_bytes("d", 1440, day));
  const auto report = download_vision(request_of(server, out, "2024-01-01", "2024-02-03"), {});
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->fetched, 3u);
  EXPECT_TRUE(report->missing.empty());
  const auto bars = test::read_bars(out.path(), "BTCUSDT", domain::Timeframe::M1);
  ASSERT_TRUE(bars.ok()) << bars.error().message();
  EXPECT_EQ(bars->size(), 33u * 1440u);

  const auto again = download_vision(request_of(server, out, "2024-01-01", "2024-02-03"), {});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->kept, 3u);
  EXPECT_EQ(again->bytes, 0u) << "verified files are not asked for again";
}

TEST(Download, AMonthNotYetPublishedComesAsDays) {
  LoopbackServer server;
  TempDir out;
  for (const char* day : {"2024-02-01", "2024-02-02", "2024-02-04"})
    server.put(kline_path(day, false), zip_bytes("d", 1440, day));
  const auto report = download_vision(request_of(server, out, "2023-11-01", "2024-03-01"), {});
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->fetched, 3u);
  // Before the first file the symbol was not listed; after it a hole is a fault of the archive.
  ASSERT_EQ(report->missing.size(), 26u);
  EXPECT_NE(report->missing.front().find("2024-02-03"), std::string::npos);
  EXPECT_LE(server.requests().size(), 3u * 3u + 2u + 29u + 3u) << "unlisted months must not cost a request a day";
}

TEST(Download, RefusalsAreRetriedAndATruncatedBodyIsResumed) {
  LoopbackServer server;
  TempDir out;
  const std::string body = zip_bytes("d", 1440, "2024-02-01");
  Served& file = server.put(kline_path("2024-02-01", false), body);
  file.refuse = 1;
  file.truncate = 1;
  const auto report = download_vision(request_of(server, out, "2024-02-01", "2024-02-02"), {});
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(test::read_text(out.path() / (kline_path("2024-02-01", false) + ".zip")), body);
  EXPECT_EQ(server.requests().back(),
            "/data/" + kline_path("2024-02-01", false) + ".zip from " + std::to_string(body.size() / 2));
}

TEST(Download, AServerWithoutRangesSendsEverythingAgain) {
  LoopbackServer server;
  TempDir out;
  const std::string body = zip_bytes("d", 1440, "2024-02-01");
  Served& file = server.put(kline_path("2024-02-01", false), body);
  file.truncate = 1;
  file.ranges = false;
  ASSERT_TRUE(download_vision(request_of(server, out, "2024-02-01", "2024-02-02"), {}).ok());
  EXPECT_EQ(test::read_text(out.path() / (kline_path("2024-02-01", false) + ".zip")), body);
}

TEST(Download, AStalePartIsThrownAway) {
  LoopbackServer server;
  TempDir out;
  const std::string body = zip_bytes("d", 1440, "2024-02-01");
  server.put(kline_path("2024-02-01", false), body);
  const auto zip = out.path() / (kline_path("2024-02-01", false) + ".zip");
  for (const std::string& stale : {std::string(100, 'x'), body + "longer than what is there now", body}) {
    std::filesystem::remove(zip);
    test::write_text(zip.string() + ".part", stale);
    const auto report = download_vision(request_of(server, out, "2024-02-01", "2024-02-02"), {});
    ASSERT_TRUE(report.ok()) << report.error().message();
    EXPECT_EQ(test::read_text(zip), body);
    EXPECT_FALSE(std::filesystem::exists(zip.string() + ".part"));
  }
}

TEST(Download, AWrongChecksumIsCorruptAndNothingAppears) {
  LoopbackServer server;
  TempDir out;
  server.put(kline_path("2024-02-01", false), zip_bytes("d", 1440, "2024-02-01"));
  server.at(kline_path("2024-02-01", false) + ".zip.CHECKSUM").body = std::string(64, 'a') + "  x.zip\n";
  const auto report = download_vision(request_of(server, out, "2024-02-01", "2024-02-02"), {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, base::Errc::Corrupt) << report.error().message();
  EXPECT_TRUE(test::names_below(out.path()).empty());
}

TEST(Download, GivesUpAfterTheLastAttempt) {
  LoopbackServer server;
  TempDir out;
  server.put(kline_path("2024-02-01", false), "body").refuse = 3;
  const auto report = download_vision(request_of(server, out, "2024-02-01", "2024-02-02"), {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, base::Errc::Unavailable);
  EXPECT_TRUE(report.error().retryable);
  EXPECT_NE(report.error().context.find("HTTP status 503, after 3 attempts"), std::string::npos)
      << report.error().context;
}

TEST(Download, AnUnknownSymbolIsNotFound) {
  LoopbackServer server;
  TempDir out;
  const auto report = download_vision(request_of(server, out, "2024-01-01", "2024-03-01"), {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, base::Errc::NotFound);
  EXPECT_TRUE(test::names_below(out.path()).empty());
}

TEST(Download, StopsWhenAskedAndKeepsWhatIsVerified) {
  LoopbackServer server;
  TempDir out;
  for (const char* day : {"2024-02-01", "2024-02-02"}) server.put(kline_path(day, false), zip_bytes("d", 10, day));
  const auto report = download_vision(request_of(server, out, "2024-02-01", "2024-02-03"),
                                      [](const DownloadProgress&) { return false; });
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, base::Errc::Interrupted);
  EXPECT_EQ(test::names_below(out.path()).size(), 2u) << "one zip and its checksum";
}

TEST(Download, WrongRequestsAreRefusedBeforeAnyTraffic) {
  LoopbackServer server;
  TempDir out;
  auto r = request_of(server, out, "2024-02-02", "2024-02-02");
  EXPECT_EQ(download_vision(r, {}).error().code, base::Errc::InvalidArgument);
  r = request_of(server, out, "2024-02-01", "2024-02-02");
  r.kinds = {"aggTrades"};
  EXPECT_EQ(download_vision(r, {}).error().code, base::Errc::InvalidArgument);
  r = request_of(server, out, "2024-02-01", "2024-02-02");
  r.symbols = {"btc usdt"};
  EXPECT_EQ(download_vision(r, {}).error().code, base::Errc::InvalidArgument);
  r = request_of(server, out, "2024-02-01", "2024-02-02");
  r.base_url = "ftp://127.0.0.1";
  EXPECT_EQ(download_vision(r, {}).error().code, base::Errc::InvalidArgument);
  EXPECT_TRUE(server.requests().empty());
}

TEST(Download, AFullDiskIsNoSpaceAndLeavesNoPart) {
  LoopbackServer server;
  TempDir out;
  server.put(kline_path("2024-02-01", false), std::string(1 << 20, 'z'));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 100'000;
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto report = download_vision(request_of(server, out, "2024-02-01", "2024-02-02"), {});
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, base::Errc::NoSpace) << report.error().message();
  EXPECT_TRUE(test::names_below(out.path()).empty());
}

}  // namespace
}  // namespace qtrader::history
