#include "edge/binance/endpoints.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "edge/binance/signer.hpp"

namespace qtrader::binance {
namespace {

base::Error bad(base::Errc code, std::string text) { return {"binance", code, std::move(text)}; }

std::string trimmed(std::string text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto from = text.find_first_not_of(kSpace);
  if (from == std::string::npos) return {};
  return text.substr(from, text.find_last_not_of(kSpace) - from + 1);
}

base::Result<std::string> read_private_file(const std::string& reference, const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0)
    return bad(base::Errc::NotFound, "credential '" + reference + "': " + std::strerror(errno) + ", expected a file");
  if (!S_ISREG(info.st_mode))
    return bad(base::Errc::InvalidArgument, "credential '" + reference + "': not a regular file");
  if ((info.st_mode & 077) != 0) {
    std::ostringstream mode;
    mode << std::oct << (info.st_mode & 0777);
    return bad(base::Errc::InvalidArgument,
               "credential '" + reference + "': mode 0" + mode.str() + " lets others read it, expected 0600");
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return bad(base::Errc::NotFound, "credential '" + reference + "': cannot be read");
  return text.str();
}

base::Result<std::string> resolve(std::string_view reference) {
  const std::string name(reference);
  std::string value;
  if (reference.starts_with("env:")) {
    const char* found = std::getenv(name.substr(4).c_str());
    if (found == nullptr)
      return bad(base::Errc::NotFound, "credential '" + name + "': the environment variable is not set");
    value = found;
  } else if (reference.starts_with("file:")) {
    QT_TRY(value, read_private_file(name, name.substr(5)));
  } else {
    // The text is not repeated: it may be the secret itself, pasted in the wrong place.
    return bad(base::Errc::InvalidArgument, "credential reference: expected env:NAME or file:PATH");
  }
  value = trimmed(std::move(value));
  if (value.empty()) return bad(base::Errc::NotFound, "credential '" + name + "': it is empty");
  return value;
}

}  // namespace

Endpoints live_endpoints() { return {Environment::Live, "https://fapi.binance.com", "wss://fstream.binance.com", {}}; }

Endpoints testnet_endpoints() {
  return {Environment::Testnet, "https://testnet.binancefuture.com", "wss://fstream.binancefuture.com", {}};
}

base::Result<Endpoints> endpoints_at(std::string_view base_url, std::string ca_file) {
  const bool secure = base_url.starts_with("https://");
  std::string_view authority;
  if (secure || base_url.starts_with("http://")) authority = base_url.substr(secure ? 8 : 7);
  if (authority.ends_with('/')) authority.remove_suffix(1);
  if (authority.empty() || authority.find_first_of("/?#@ \t\r\n") != std::string_view::npos)
    return bad(base::Errc::InvalidArgument,
               "base URL '" + std::string(base_url) + "': expected http://HOST[:PORT] or https://HOST[:PORT]");
  const std::string host(authority);
  return Endpoints{Environment::Testnet, (secure ? "https://" : "http://") + host, (secure ? "wss://" : "ws://") + host,
                   std::move(ca_file)};
}

base::Result<Credentials> load_credentials(std::string_view key_reference, std::string_view secret_reference) {
  Credentials out;
  QT_TRY(out.api_key, resolve(key_reference));
  for (const char c : out.api_key)
    if (c <= ' ' || c > '~')
      return bad(base::Errc::InvalidArgument,
                 "credential '" + std::string(key_reference) + "': expected one word of printable ASCII");
  QT_TRY(std::string secret, resolve(secret_reference));
  out.secret = Secret(std::move(secret));
  const auto type = key_type_of(out.secret);
  if (!type)
    return bad(type.error().code, "credential '" + std::string(secret_reference) + "': " + type.error().context);
  out.type = *type;
  return out;
}

}  // namespace qtrader::binance
