// Signer: signs payloads with one set of credentials; a private key is read once.
//
// Used by RestClient for every signed call. The key never leaves it, and no error text shows any of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "edge/binance/endpoints.hpp"

namespace qtrader::binance {

/// Hmac, unless the secret is a PEM text. Errors: InvalidArgument for PEM that is not an RSA or Ed25519 private key.
base::Result<KeyType> key_type_of(const Secret& secret);

class Signer {
 public:
  /// Errors: InvalidArgument: no secret, or not a key of the stated type.
  static base::Result<Signer> create(const Credentials& credentials);
  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;
  ~Signer();

  /// As it goes into the URL: hex for HMAC, percent-encoded base64 else. Errors: Unsupported if the library fails.
  base::Result<std::string> sign(std::string_view payload) const;

 private:
  struct Impl;
  explicit Signer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qtrader::binance
