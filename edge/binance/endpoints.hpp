// Endpoints and credentials: which exchange is talked to, and as whom. One environment for prices, filters, orders and
// fills: all URLs of a struct belong to one backend.
//
// Secrets are read from the files or environment variables a reference names and are never printed: Secret has no
// operator<< and its to_string says "***".
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace qtrader::binance {

enum class Environment : std::uint8_t { Live, Testnet };

struct Endpoints {
  Environment environment = Environment::Testnet;
  std::string rest;     // "https://fapi.binance.com"
  std::string stream;   // "wss://fstream.binance.com"; /public, /market and /private are appended
  std::string ca_file;  // of a private certificate authority (qtrader exchange); empty: the system's
};
Endpoints live_endpoints();
Endpoints testnet_endpoints();
/// All of them from one base URL such as "https://127.0.0.1:9001" (qtrader exchange): environment Testnet.
base::Result<Endpoints> endpoints_at(std::string_view base_url, std::string ca_file);

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  std::string to_string() const { return value_.empty() ? "(none)" : "***"; }

 private:
  std::string value_;
};

enum class KeyType : std::uint8_t { Hmac, Rsa, Ed25519 };
struct Credentials {
  std::string api_key;
  Secret secret;  // HMAC secret, or the private key in PEM
  KeyType type = KeyType::Hmac;
};
/// reference: "env:NAME" or "file:PATH" (mode 0600 demanded); the type follows from the secret's form.
/// Errors: NotFound naming the reference, InvalidArgument for a file others can read.
base::Result<Credentials> load_credentials(std::string_view key_reference, std::string_view secret_reference);

}  // namespace qtrader::binance
