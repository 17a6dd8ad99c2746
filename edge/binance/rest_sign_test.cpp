#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "edge/binance/rest_client.hpp"
#include "edge/net/http.hpp"

namespace qtrader::binance {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSecret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
constexpr const char* kPayload =
    "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943";

struct KeyPair {
  explicit KeyPair(EVP_PKEY* made) : key(made) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long n = BIO_get_mem_data(bio, &data);
    pem.assign(data, static_cast<std::size_t>(n));
    BIO_free(bio);
  }
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;
  ~KeyPair() { EVP_PKEY_free(key); }

  /// Whether the percent-encoded base64 is this key's signature of the payload.
  bool verifies(const std::string& signature, std::string_view payload, const EVP_MD* digest) const {
    const std::string text = net::percent_decode(signature);
    std::vector<unsigned char> raw(text.size());
    const int n =
        EVP_DecodeBlock(raw.data(), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (n < 0) return false;
    const auto padding = static_cast<std::size_t>(std::count(text.begin(), text.end(), '='));
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    const bool good = EVP_DigestVerifyInit(context, nullptr, digest, nullptr, key) == 1 &&
                      EVP_DigestVerify(context, raw.data(), static_cast<std::size_t>(n) - padding,
                                       reinterpret_cast<const unsigned char*>(payload.data()), payload.size()) == 1;
    EVP_MD_CTX_free(context);
    return good;
  }
  EVP_PKEY* key;
  std::string pem;
};

TEST(Sign, HmacVectorOfTheDocumentation) {
  const auto s = sign({"key", Secret(kSecret), KeyType::Hmac}, kPayload);
  ASSERT_TRUE(s.ok());
  EXPECT_EQ(*s, "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9");
}

TEST(Sign, RsaAndEd25519VerifyWithTheirPublicKeys) {
  const KeyPair rsa(EVP_RSA_gen(2048)), ed(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const auto by_rsa = sign({"key", Secret(rsa.pem), KeyType::Rsa}, kPayload);
  ASSERT_TRUE(by_rsa.ok()) << by_rsa.error().message();
  EXPECT_TRUE(rsa.verifies(*by_rsa, kPayload, EVP_sha256()));
  EXPECT_FALSE(rsa.verifies(*by_rsa, std::string(kPayload) + "0", EVP_sha256()));
  EXPECT_EQ(by_rsa->find_first_of("+/="), std::string::npos);
  const auto by_ed = sign({"key", Secret(ed.pem), KeyType::Ed25519}, kPayload);
  ASSERT_TRUE(by_ed.ok()) << by_ed.error().message();
  EXPECT_TRUE(ed.verifies(*by_ed, kPayload, nullptr));
  EXPECT_FALSE(sign({"key", Secret(ed.pem), KeyType::Rsa}, kPayload).ok());
  EXPECT_FALSE(sign({"key", Secret(), KeyType::Hmac}, kPayload).ok());
}

class CredentialFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("qt-credentials-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string file(const std::string& name, const std::string& text, fs::perms mode = fs::perms(0600)) {
    std::ofstream(folder_ / name) << text;
    fs::permissions(folder_ / name, mode);
    return "file:" + (folder_ / name).string();
  }
  fs::path folder_;
};

TEST_F(CredentialFiles, TypeFollowsFromTheSecretsForm) {
  const KeyPair rsa(EVP_RSA_gen(2048)), ed(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const std::string key = file("key", "my-key\n");
  const auto hmac = load_credentials(key, file("hmac", std::string(kSecret) + "\n"));
  ASSERT_TRUE(hmac.ok()) << hmac.error().message();
  EXPECT_EQ(hmac->api_key, "my-key");
  EXPECT_EQ(hmac->type, KeyType::Hmac);
  EXPECT_EQ(hmac->secret.reveal(), kSecret);
  EXPECT_EQ(hmac->secret.to_string(), "***");
  EXPECT_EQ(load_credentials(key, file("rsa", rsa.pem))->type, KeyType::Rsa);
  EXPECT_EQ(load_credentials(key, file("ed", ed.pem))->type, KeyType::Ed25519);
  const auto broken = load_credentials(key, file("broken", "-----BEGIN PRIVATE KEY-----\nMIIxyz\n"));
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().context.find("MIIxyz"), std::string::npos);
}

TEST_F(CredentialFiles, AFileOthersCanReadIsRefused) {
  const std::string key = file("key", "k");
  for (const int mode : {0640, 0604, 0644, 0660}) {
    const auto result = load_credentials(key, file("s" + std::to_string(mode), kSecret, fs::perms(mode)));
    ASSERT_FALSE(result.ok()) << mode;
    EXPECT_EQ(result.error().code, base::Errc::InvalidArgument);
    EXPECT_NE(result.error().context.find("0600"), std::string::npos);
    EXPECT_EQ(result.error().context.find(kSecret), std::string::npos);
  }
}

TEST_F(CredentialFiles, MissingOnesAreNamedAndSecretsAreNot) {
  const auto absent = load_credentials("env:QT_NO_SUCH_VARIABLE", "env:X");
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, base::Errc::NotFound);
  EXPECT_NE(absent.error().context.find("QT_NO_SUCH_VARIABLE"), std::string::npos);
  EXPECT_EQ(load_credentials("file:/no/such/file", "env:X").error().code, base::Errc::NotFound);
  const auto pasted = load_credentials(kSecret, "env:X");
  ASSERT_FALSE(pasted.ok());
  EXPECT_EQ(pasted.error().context.find(kSecret), std::string::npos);
  ::setenv("QT_TEST_KEY", "abc", 1);
  ::setenv("QT_TEST_SECRET", kSecret, 1);
  EXPECT_EQ(load_credentials("env:QT_TEST_KEY", "env:QT_TEST_SECRET")->api_key, "abc");
}

TEST(EndpointUrls, OneBaseUrlServesAll) {
  const auto e = endpoints_at("https://127.0.0.1:9001", "ca.pem");
  ASSERT_TRUE(e.ok());
  EXPECT_EQ(e->rest, "https://127.0.0.1:9001");
  EXPECT_EQ(e->stream, "wss://127.0.0.1:9001");
  EXPECT_EQ(e->ca_file, "ca.pem");
  EXPECT_EQ(endpoints_at("http://localhost:80/", "")->stream, "ws://localhost:80");
  for (const char* bad : {"", "ftp://x", "https://", "127.0.0.1:1", "https://x/y", "https://a@b", "https://x?y"})
    EXPECT_FALSE(endpoints_at(bad, "").ok()) << bad;
  EXPECT_EQ(live_endpoints().environment, Environment::Live);
  EXPECT_EQ(testnet_endpoints().environment, Environment::Testnet);
}

}  // namespace
}  // namespace qtrader::binance
