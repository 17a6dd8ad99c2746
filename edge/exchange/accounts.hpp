// Accounts: who may call: API keys with their type and permissions, and the listen keys of user streams.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/matching/types.hpp"

namespace qtrader::exchange {

enum class ApiKeyType : std::uint8_t { Hmac, Rsa, Ed25519 };
struct ApiKey {
  std::string key;
  std::string secret_or_public_key;  // HMAC secret, or the public key in PEM
  ApiKeyType type = ApiKeyType::Hmac;
  matching::AccountId account;
  bool can_trade = true;
};

class Keyring {
 public:
  void add(ApiKey key) { keys_[key.key] = std::move(key); }
  const ApiKey* find(std::string_view key) const {
    const auto it = keys_.find(std::string(key));
    return it == keys_.end() ? nullptr : &it->second;
  }

 private:
  std::map<std::string, ApiKey> keys_;
};

/// One listen key an account; 60 minutes from the last start or ping.
class ListenKeys {
 public:
  explicit ListenKeys(std::uint64_t seed) : seed_(seed) {}
  /// The active key, extended, or a new one of 64 characters.
  std::string start(matching::AccountId account, base::Timestamp now);
  bool extend(matching::AccountId account, base::Timestamp now);  // false: none active
  bool close(matching::AccountId account);
  std::optional<matching::AccountId> account_of(std::string_view key, base::Timestamp now) const;
  /// Keys that have run out since the last call, with their account.
  std::vector<std::pair<std::string, matching::AccountId>> take_expired(base::Timestamp now);

 private:
  struct Entry {
    std::string key;
    base::Timestamp until;
  };
  void retire(std::map<matching::AccountId, Entry>::iterator it);

  std::uint64_t seed_, issued_ = 0;
  std::map<matching::AccountId, Entry> keys_;
  std::vector<std::pair<std::string, matching::AccountId>> expired_;  // ran out, not yet taken; one an account at most
};

}  // namespace qtrader::exchange
