#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "edge/exchange/api_fixture.hpp"
#include "edge/exchange/signature.hpp"

namespace qtrader::exchange {
namespace {

constexpr std::string_view kSecret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
constexpr std::string_view kText =
    "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943";
constexpr std::string_view kSignature = "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9";

/// A generated private key and its public half in PEM.
struct KeyPair {
  EVP_PKEY* key = nullptr;
  explicit KeyPair(EVP_PKEY* k) : key(k) {}
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;
  ~KeyPair() { EVP_PKEY_free(key); }

  std::string pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, key);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
  }
  std::string sign(std::string_view text) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    const bool rsa = EVP_PKEY_base_id(key) == EVP_PKEY_RSA;
    EVP_DigestSignInit(context, nullptr, rsa ? EVP_sha256() : nullptr, nullptr, key);
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    EVP_DigestSign(context, nullptr, &size, bytes, text.size());
    std::vector<unsigned char> raw(size);
    EVP_DigestSign(context, raw.data(), &size, bytes, text.size());
    EVP_MD_CTX_free(context);
    std::string base64((size + 2) / 3 * 4 + 1, '\0');
    base64.resize(static_cast<std::size_t>(
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()), raw.data(), static_cast<int>(size))));
    return base64;
  }
};

TEST(Signature, DocumentedHmacVector) {
  SignatureVerifier verifier;
  const ApiKey key{"k", std::string(kSecret), ApiKeyType::Hmac, {}, true};
  EXPECT_TRUE(verifier.verify(key, kText, kSignature));
  std::string upper(kSignature);
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_TRUE(verifier.verify(key, kText, upper));
  EXPECT_TRUE(verifier.verify(key, kText, kSignature)) << "a prepared key must work again";
  EXPECT_FALSE(verifier.verify(key, std::string(kText) + "0", kSignature));
  EXPECT_FALSE(verifier.verify(key, kText, kSignature.substr(2)));
  EXPECT_FALSE(verifier.verify(key, kText, "not hex"));
  EXPECT_FALSE(verifier.verify({"k", "another secret", ApiKeyType::Hmac, {}, true}, kText, kSignature));
}

TEST(Signature, RsaAndEd25519RoundTrip) {
  const KeyPair rsa(EVP_RSA_gen(2'048)), ed(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const KeyPair stranger(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  SignatureVerifier verifier;
  const ApiKey rsa_key{"r", rsa.pem(), ApiKeyType::Rsa, {}, true}, ed_key{"e", ed.pem(), ApiKeyType::Ed25519, {}, true};
  EXPECT_TRUE(verifier.verify(rsa_key, kText, rsa.sign(kText)));
  EXPECT_TRUE(verifier.verify(ed_key, kText, ed.sign(kText)));
  EXPECT_FALSE(verifier.verify(rsa_key, kText, rsa.sign("other text")));
  EXPECT_FALSE(verifier.verify(ed_key, kText, stranger.sign(kText)));
  EXPECT_FALSE(verifier.verify(ed_key, kText, "%%%"));
  EXPECT_FALSE(verifier.verify({"x", ed.pem(), ApiKeyType::Rsa, {}, true}, kText, ed.sign(kText)))
      << "the key's type is a property of the key";
  EXPECT_FALSE(verifier.verify({"y", "no pem", ApiKeyType::Ed25519, {}, true}, kText, ed.sign(kText)));
}

class ApiSignature : public ApiFixture {};

TEST_F(ApiSignature, QueryAndBodyAreJoinedWithoutSeparator) {
  const std::string query = "symbol=BTCUSDT&leverage=9";
  const std::string body = "timestamp=" + std::to_string(now().unix_ms());
  const std::string signature = hmac_hex("secret", query + body);
  const net::Headers key{{"X-MBX-APIKEY", "demo"}};
  for (const bool in_body : {false, true}) {
    const auto response = request("POST", "/fapi/v1/leverage?" + query + (in_body ? "" : "&signature=" + signature),
                                  body + (in_body ? "&signature=" + signature : ""), key);
    EXPECT_EQ(response.status, 200) << response.body;
  }
  const auto wrong =
      request("POST", "/fapi/v1/leverage?" + query + "&signature=" + hmac_hex("secret", query + "&" + body), body, key);
  EXPECT_EQ(code_of(wrong), -1022);
}

TEST_F(ApiSignature, CoversTheBytesAsSent) {
  // A client may escape what need not be escaped: what counts is what was sent.
  const std::string query = "symbol=%42TCUSDT&timestamp=" + std::to_string(now().unix_ms());
  const auto response = request("GET", "/fapi/v1/openOrders?" + query + "&signature=" + hmac_hex("secret", query), "",
                                {{"X-MBX-APIKEY", "demo"}});
  EXPECT_EQ(response.status, 200) << response.body;
}

TEST_F(ApiSignature, SignatureNeedNotBeLast) {
  const std::string query = "timestamp=" + std::to_string(now().unix_ms());
  const auto response = request("GET", "/fapi/v1/openOrders?signature=" + hmac_hex("secret", query) + "&" + query, "",
                                {{"X-MBX-APIKEY", "demo"}});
  EXPECT_EQ(response.status, 200) << response.body;
}

TEST_F(ApiSignature, Ed25519KeyOverRestAndSessionLogon) {
  const KeyPair ed(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  keys_.add({"ed", ed.pem(), ApiKeyType::Ed25519, account_, true});
  const std::string stamp = std::to_string(now().unix_ms()), query = "timestamp=" + stamp;
  const auto rest = request("GET", "/fapi/v3/balance?" + query + "&signature=" + net::percent_encode(ed.sign(query)),
                            "", {{"X-MBX-APIKEY", "ed"}});
  EXPECT_EQ(rest.status, 200) << rest.body;

  ApiSession session;
  session.peer = peer_;
  session.connected = now();
  const auto frame = [&](const std::string& text) { return json::parse(api_->handle_frame(text, session)); };
  const auto refused = frame(R"({"id":1,"method":"v2/account.balance","params":{"timestamp":)" + stamp + "}}");
  EXPECT_EQ(refused.at("status").as_int64(), 401);
  const auto logon = frame(R"({"id":2,"method":"session.logon","params":{"apiKey":"ed","timestamp":)" + stamp +
                           R"(,"signature":")" + ed.sign("apiKey=ed&timestamp=" + stamp) + "\"}}");
  ASSERT_EQ(logon.at("status").as_int64(), 200) << json::serialize(logon);
  EXPECT_EQ(logon.at("result").at("apiKey").as_string(), "ed");
  EXPECT_EQ(logon.at("result").at("authorizedSince").as_int64(), now().unix_ms());
  const auto balance = frame(R"({"id":3,"method":"v2/account.balance","params":{"timestamp":)" + stamp + "}}");
  EXPECT_EQ(balance.at("status").as_int64(), 200);
  const auto late = frame(R"({"id":3,"method":"v2/account.balance","params":{}})");
  EXPECT_EQ(late.at("error").at("code").as_int64(), -1102) << "a session does not replace the timestamp";
  const auto logout = frame(R"({"id":4,"method":"session.logout"})");
  EXPECT_TRUE(logout.at("result").at("apiKey").is_null());
  EXPECT_EQ(
      frame(R"({"id":5,"method":"v2/account.balance","params":{"timestamp":)" + stamp + "}}").at("status").as_int64(),
      401);
}

TEST_F(ApiSignature, OnlyEd25519KeysLogOn) {
  ApiSession session;
  session.peer = peer_;
  const std::string text = "apiKey=demo&timestamp=" + std::to_string(now().unix_ms());
  const auto reply = json::parse(
      api_->handle_frame(R"({"id":"a","method":"session.logon","params":{"apiKey":"demo","timestamp":)" +
                             std::to_string(now().unix_ms()) + R"(,"signature":")" + hmac_hex("secret", text) + "\"}}",
                         session));
  EXPECT_EQ(reply.at("status").as_int64(), 400);
  EXPECT_EQ(reply.at("error").at("code").as_int64(), -1020);
  EXPECT_EQ(session.logged_on, nullptr);
}

}  // namespace
}  // namespace qtrader::exchange
