#include "edge/exchange/signature.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>

#include <array>
#include <optional>
#include <vector>

#include "core/base/check.hpp"

namespace qtrader::exchange {
namespace {

using Bytes = std::vector<unsigned char>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  Bytes out(text.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return out;
}

std::optional<Bytes> from_base64(std::string_view text) {
  std::string clean(text);
  for (char& c : clean)
    if (c == ' ') c = '+';  // a '+' that was sent without percent-encoding
  if (clean.empty() || clean.size() % 4 != 0) return std::nullopt;
  Bytes out(clean.size() / 4 * 3);
  const int n = EVP_DecodeBlock(out.data(), bytes_of(clean), static_cast<int>(clean.size()));
  if (n < 0) return std::nullopt;
  const std::size_t padding = clean.ends_with("==") ? 2 : clean.ends_with("=") ? 1 : 0;
  out.resize(static_cast<std::size_t>(n) - padding);
  return out;
}

}  // namespace

struct SignatureVerifier::Prepared {
  std::string secret;  // what was prepared: a keyring may replace a key
  ApiKeyType type = ApiKeyType::Hmac;
  EVP_MAC_CTX* mac = nullptr;
  EVP_PKEY* key = nullptr;

  Prepared() = default;
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  ~Prepared() {
    EVP_MAC_CTX_free(mac);
    EVP_PKEY_free(key);
  }

  void load_mac() {
    EVP_MAC* algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    QT_CHECK(algorithm != nullptr, "OpenSSL has no HMAC");
    mac = EVP_MAC_CTX_new(algorithm);
    EVP_MAC_free(algorithm);
    char digest[] = "SHA256";
    const std::array params{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                            OSSL_PARAM_construct_end()};
    QT_CHECK(mac != nullptr && EVP_MAC_CTX_set_params(mac, params.data()) == 1, "OpenSSL refuses HMAC-SHA256");
  }
  void load_public_key() {
    BIO* bio = BIO_new_mem_buf(secret.data(), static_cast<int>(secret.size()));
    key = PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    const int wanted = type == ApiKeyType::Rsa ? EVP_PKEY_RSA : EVP_PKEY_ED25519;
    if (key != nullptr && EVP_PKEY_base_id(key) != wanted) {
      EVP_PKEY_free(key);
      key = nullptr;
    }
  }
  bool verify_mac(std::string_view payload, std::string_view signature) {
    const auto given = from_hex(signature);
    std::array<unsigned char, EVP_MAX_MD_SIZE> expected{};
    std::size_t size = 0;
    // The key goes in again each time: contexts of OpenSSL 3.0 cannot all be restarted without it.
    const bool done = EVP_MAC_init(mac, bytes_of(secret), secret.size(), nullptr) == 1 &&
                      EVP_MAC_update(mac, bytes_of(payload), payload.size()) == 1 &&
                      EVP_MAC_final(mac, expected.data(), &size, expected.size()) == 1;
    return done && given && given->size() == size && CRYPTO_memcmp(given->data(), expected.data(), size) == 0;
  }
  bool verify_public_key(std::string_view payload, std::string_view signature) {
    const auto given = from_base64(signature);
    if (!given || key == nullptr) return false;
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    const EVP_MD* digest = type == ApiKeyType::Rsa ? EVP_sha256() : nullptr;  // Ed25519 hashes by itself
    const bool good = EVP_DigestVerifyInit(context, nullptr, digest, nullptr, key) == 1 &&
                      EVP_DigestVerify(context, given->data(), given->size(), bytes_of(payload), payload.size()) == 1;
    EVP_MD_CTX_free(context);
    return good;
  }
};

SignatureVerifier::SignatureVerifier() = default;
SignatureVerifier::~SignatureVerifier() = default;

SignatureVerifier::Prepared& SignatureVerifier::prepare(const ApiKey& key) {
  auto& slot = prepared_[key.key];
  if (slot && slot->secret == key.secret_or_public_key && slot->type == key.type) return *slot;
  slot = std::make_unique<Prepared>();
  slot->secret = key.secret_or_public_key;
  slot->type = key.type;
  if (key.type == ApiKeyType::Hmac)
    slot->load_mac();
  else
    slot->load_public_key();
  return *slot;
}

bool SignatureVerifier::verify(const ApiKey& key, std::string_view payload, std::string_view signature) {
  Prepared& prepared = prepare(key);
  return key.type == ApiKeyType::Hmac ? prepared.verify_mac(payload, signature)
                                      : prepared.verify_public_key(payload, signature);
}

}  // namespace qtrader::exchange
