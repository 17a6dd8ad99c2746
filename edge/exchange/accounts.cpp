#include "edge/exchange/accounts.hpp"

#include <algorithm>

#include "core/base/rng.hpp"

namespace qtrader::exchange {
namespace {

constexpr base::Duration kLifetime = base::minutes(60);
constexpr std::size_t kLength = 64;

std::string random_key(std::uint64_t seed, std::uint64_t number) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  base::Rng rng = base::Rng(seed).fork("listen-key-" + std::to_string(number));
  std::string key(kLength, '0');
  for (char& c : key) c = kAlphabet[rng.below(kAlphabet.size())];
  return key;
}

}  // namespace

// A key that ran out is reported once, even if the account starts a new one before anybody asked.
void ListenKeys::retire(std::map<matching::AccountId, Entry>::iterator it) {
  std::erase_if(expired_, [&](const auto& e) { return e.second == it->first; });
  expired_.emplace_back(std::move(it->second.key), it->first);
  keys_.erase(it);
}

std::string ListenKeys::start(matching::AccountId account, base::Timestamp now) {
  if (const auto it = keys_.find(account); it != keys_.end()) {
    if (it->second.until > now) {
      it->second.until = now + kLifetime;
      return it->second.key;
    }
    retire(it);
  }
  const auto& entry = keys_[account] = {random_key(seed_, issued_++), now + kLifetime};
  return entry.key;
}

bool ListenKeys::extend(matching::AccountId account, base::Timestamp now) {
  const auto it = keys_.find(account);
  if (it == keys_.end() || it->second.until <= now) return false;
  it->second.until = now + kLifetime;
  return true;
}

bool ListenKeys::close(matching::AccountId account) { return keys_.erase(account) != 0; }

std::optional<matching::AccountId> ListenKeys::account_of(std::string_view key, base::Timestamp now) const {
  for (const auto& [account, entry] : keys_)
    if (entry.key == key && entry.until > now) return account;
  return std::nullopt;
}

std::vector<std::pair<std::string, matching::AccountId>> ListenKeys::take_expired(base::Timestamp now) {
  for (auto it = keys_.begin(); it != keys_.end();) {
    const auto next = std::next(it);
    if (it->second.until <= now) retire(it);
    it = next;
  }
  return std::exchange(expired_, {});
}

}  // namespace qtrader::exchange
