#include "edge/binance/signer.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>
#include <vector>

#include "edge/binance/rest_client.hpp"
#include "edge/net/http.hpp"

namespace qtrader::binance {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;

base::Error bad(std::string text) { return {"binance", base::Errc::InvalidArgument, std::move(text)}; }
base::Error failed(const char* what) {
  return {"binance", base::Errc::Unsupported, std::string("signing: ") + what + " failed"};
}

bool is_pem(const Secret& secret) { return secret.reveal().find("-----BEGIN") != std::string::npos; }

/// A key under a passphrase is refused, not asked for on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Key read_key(const Secret& secret) {
  const std::string& pem = secret.reveal();
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
}

std::string to_hex(const unsigned char* bytes, std::size_t n) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < n; ++i) {
    out.push_back(kDigits[bytes[i] >> 4]);
    out.push_back(kDigits[bytes[i] & 15]);
  }
  return out;
}

std::string to_base64(const std::vector<unsigned char>& bytes) {
  std::vector<unsigned char> out(4 * ((bytes.size() + 2) / 3) + 1);
  const int n = EVP_EncodeBlock(out.data(), bytes.data(), static_cast<int>(bytes.size()));
  return {out.begin(), out.begin() + n};
}

}  // namespace

struct Signer::Impl {
  KeyType type = KeyType::Hmac;
  Secret secret;  // HMAC
  Key key;        // RSA, Ed25519
};

Signer::Signer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;
Signer::~Signer() = default;

base::Result<KeyType> key_type_of(const Secret& secret) {
  if (!is_pem(secret)) return KeyType::Hmac;
  const Key key = read_key(secret);
  if (!key) return bad("not a readable PEM private key (without passphrase)");
  switch (EVP_PKEY_base_id(key.get())) {
    case EVP_PKEY_RSA:
      return KeyType::Rsa;
    case EVP_PKEY_ED25519:
      return KeyType::Ed25519;
    default:
      return bad("a private key of another kind, expected RSA or Ed25519");
  }
}

base::Result<Signer> Signer::create(const Credentials& credentials) {
  if (credentials.secret.empty()) return bad("signing: there is no secret");
  QT_TRY(const KeyType actual, key_type_of(credentials.secret));
  if (actual != credentials.type) return bad("signing: the secret is not a key of the stated type");
  auto impl = std::make_unique<Impl>();
  impl->type = actual;
  if (actual == KeyType::Hmac)
    impl->secret = credentials.secret;
  else
    impl->key = read_key(credentials.secret);
  return Signer(std::move(impl));
}

base::Result<std::string> Signer::sign(std::string_view payload) const {
  const auto* text = reinterpret_cast<const unsigned char*>(payload.data());
  if (impl_->type == KeyType::Hmac) {
    const std::string& secret = impl_->secret.reveal();
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int n = 0;
    if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), text, payload.size(), digest.data(), &n) ==
        nullptr)
      return failed("HMAC");
    return to_hex(digest.data(), n);
  }
  // EVP_DigestSign with an RSA key pads by PKCS#1 v1.5 unless told otherwise; Ed25519 hashes by itself.
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  const EVP_MD* digest = impl_->type == KeyType::Rsa ? EVP_sha256() : nullptr;
  std::size_t n = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, impl_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &n, text, payload.size()) != 1)
    return failed("EVP_DigestSignInit");
  std::vector<unsigned char> signature(n);
  if (EVP_DigestSign(context.get(), signature.data(), &n, text, payload.size()) != 1) return failed("EVP_DigestSign");
  signature.resize(n);
  return net::percent_encode(to_base64(signature));
}

base::Result<std::string> sign(const Credentials& credentials, std::string_view payload) {
  QT_TRY(const Signer signer, Signer::create(credentials));
  return signer.sign(payload);
}

}  // namespace qtrader::binance
