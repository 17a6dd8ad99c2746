// SignatureVerifier: is this request signed by the owner of this API key? HMAC-SHA256, RSA (PKCS#1 v1.5, SHA-256) and
// Ed25519, over the bytes exactly as they were sent.
//
// In the flow: Api asks it once for each signed request. It keeps prepared keys, because preparing one costs more than
// verifying with it. It never sees parameters or time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "edge/exchange/accounts.hpp"

namespace qtrader::exchange {

class SignatureVerifier {
 public:
  SignatureVerifier();
  ~SignatureVerifier();
  SignatureVerifier(const SignatureVerifier&) = delete;
  SignatureVerifier& operator=(const SignatureVerifier&) = delete;

  /// signature is percent-decoded: hex of either case for HMAC, base64 for the others. False for a key whose PEM cannot
  /// be read or is of another type.
  bool verify(const ApiKey& key, std::string_view payload, std::string_view signature);

 private:
  struct Prepared;
  Prepared& prepare(const ApiKey& key);
  std::map<std::string, std::unique_ptr<Prepared>, std::less<>> prepared_;
};

}  // namespace qtrader::exchange
