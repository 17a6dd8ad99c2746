// Clients nobody here wrote trade a full cycle against `qtrader exchange`: ccxt and Binance's own connector,
// unmodified, as tests/clients/package.json pins them. The scripts check every answer; here it counts that all of them
// ran.
#include <algorithm>

#include "tests/e2e/program.hpp"

namespace qtrader::e2e {
namespace {

// What the scripts call today. A call that goes missing is as bad as one that fails.
constexpr int kCcxtCalls = 145, kConnectorCalls = 142;

const fs::path kScripts = fs::path(QT_SOURCE_DIR) / "tests" / "clients";

bool node_runs() {
  const TempDir scratch;
  Program node(scratch);
  return node.wait(node.start_command({"node", "--version"})).status == 0;
}

std::string missing() {
  if (!fs::is_directory(kScripts / "node_modules")) return "needs `npm ci` in tests/clients";
  if (!node_runs()) return "needs node on the PATH";
  return "";
}

/// One exchange at wall-clock speed, for as long as this lives.
class Exchange {
 public:
  explicit Exchange(const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"exchange",  "--port",          "0",          "--timeframe", "1m",
                                          "--symbols", "BTCUSDT,ETHUSDT", "--duration", "10m"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    pid_ = program_.start(arguments);
    url_ = program_.await_line(pid_, "listening on ").value_or("");
  }
  ~Exchange() {
    if (pid_ > 0) stop();
  }
  const std::string& url() const { return url_; }  // empty: it did not start
  Outcome stop() { return program_.stop(std::exchange(pid_, -1)); }

 private:
  TempDir scratch_;
  Program program_{scratch_};
  pid_t pid_ = -1;
  std::string url_;
};

/// The number in "N calls passed, M failed"; -1 if the line is another.
int passed(const std::string& line) {
  int n = -1, failed = -1;
  return std::sscanf(line.c_str(), "%d calls passed, %d failed", &n, &failed) == 2 ? n : -1;
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const auto at = text.rfind('\n');
  return at == std::string::npos ? text : text.substr(at + 1);
}

void trade(const std::string& script, int calls, const std::vector<std::string>& options = {},
           const std::map<std::string, std::string>& environment = {}) {
  Exchange exchange(options);
  ASSERT_NE(exchange.url(), "") << exchange.stop().err;
  const TempDir scratch;
  Program node(scratch);
  const auto r = node.wait(node.start_command({"node", (kScripts / script).string(), exchange.url()}, environment));
  const std::string last = last_line(r.out);
  std::printf("%s: %s\n", script.c_str(), last.c_str());
  EXPECT_EQ(r.status, 0) << r.out << r.err;
  EXPECT_GE(passed(last), calls) << r.out << r.err;
  const auto stopped = exchange.stop();
  EXPECT_EQ(stopped.status, 0) << stopped.err;
  EXPECT_EQ(stopped.err, "") << "the exchange had nothing to complain about";
}

std::map<std::string, std::string> trust_in(const TempDir& certificates) {
  return {{"NODE_EXTRA_CA_CERTS", (certificates / "exchange.pem").string()}};
}

class Clients : public testing::Test {
 protected:
  void SetUp() override {
    const std::string what = missing();
    if (what.empty()) return;
    if (std::getenv("CI") != nullptr) FAIL() << what;
    GTEST_SKIP() << what;
  }
};

TEST_F(Clients, Ccxt) { trade("ccxt.mjs", kCcxtCalls); }

/// All its calls together weigh more than a minute allows: three of those that are refused weigh 1000 each.
TEST_F(Clients, BinanceConnector) { trade("connector.mjs", kConnectorCalls, {"--no-limits"}); }

/// Encrypted, with a certificate the exchange makes: clients trust it like any other authority's.
TEST_F(Clients, CcxtOverTls) {
  const TempDir certificates;
  trade("ccxt.mjs", kCcxtCalls, {"--tls-self-signed", certificates.path().string()}, trust_in(certificates));
}

TEST_F(Clients, BinanceConnectorOverTls) {
  const TempDir certificates;
  trade("connector.mjs", kConnectorCalls, {"--no-limits", "--tls-self-signed", certificates.path().string()},
        trust_in(certificates));
}

/// Trust is checked: without that certificate the same client makes no call.
TEST_F(Clients, AnUntrustedCertificateIsRefused) {
  const TempDir certificates;
  Exchange exchange({"--tls-self-signed", certificates.path().string()});
  ASSERT_NE(exchange.url(), "") << exchange.stop().err;
  const TempDir scratch;
  Program node(scratch);
  const auto r = node.wait(node.start_command({"node", (kScripts / "ccxt.mjs").string(), exchange.url()}));
  EXPECT_NE(r.status, 0);
  EXPECT_NE((r.out + r.err).find("self-signed certificate"), std::string::npos) << r.out << r.err;
}

}  // namespace
}  // namespace qtrader::e2e
