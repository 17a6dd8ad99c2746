#include "edge/net/certificate.hpp"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>

#include "edge/net/detail/text.hpp"

namespace qtrader::net {
namespace {

constexpr long kTenYears = 3'652L * 24 * 3'600;
constexpr long kClockSlack = 24L * 3'600;  // a peer whose clock is behind

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using Address = std::unique_ptr<ASN1_OCTET_STRING, Free<ASN1_OCTET_STRING_free>>;

base::Error openssl_error(const std::string& what) {
  char text[256] = "unknown";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return net_error(base::Errc::InvalidArgument, what + ": " + text);
}

bool is_address(const std::string& host) {
  const Address address(a2i_IPADDRESS(host.c_str()));
  ERR_clear_error();
  return address != nullptr;
}

bool is_host_name(const std::string& host) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*";
  return !host.empty() && host.size() <= 253 && host.find_first_not_of(kLetters) == std::string::npos;
}

bool add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  unsigned char bytes[8];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  std::uint64_t number = 0;
  std::memcpy(&number, bytes, sizeof number);
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number >> 1 | 1) == 1;
}

base::Result<Certificate> make_certificate(EVP_PKEY* key, const std::vector<std::string>& hosts) {
  std::string names;
  for (const auto& host : hosts) {
    const bool address = is_address(host);
    if (!address && !is_host_name(host))
      return net_error(base::Errc::InvalidArgument, "host '" + host + "': expected a host name or an IP address");
    names += (names.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + host;
  }
  Certificate made(X509_new());
  X509* const x = made.get();
  const std::string common = hosts.front().substr(0, 64);
  X509_NAME* const subject = x ? X509_get_subject_name(x) : nullptr;
  const bool ok =
      x && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
      X509_gmtime_adj(X509_getm_notBefore(x), -kClockSlack) && X509_gmtime_adj(X509_getm_notAfter(x), kTenYears) &&
      X509_set_pubkey(x, key) == 1 &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common.c_str()),
                                 -1, -1, 0) == 1 &&
      X509_set_issuer_name(x, subject) == 1 && add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
      add_extension(x, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
      add_extension(x, NID_ext_key_usage, "serverAuth") && add_extension(x, NID_subject_key_identifier, "hash") &&
      add_extension(x, NID_subject_alt_name, names) && X509_sign(x, key, EVP_sha256()) != 0;
  if (!ok) return openssl_error("cannot make a certificate for " + names);
  return made;
}

base::Result<void> write_pem(const std::filesystem::path& path, mode_t mode, const std::function<bool(FILE*)>& write) {
  const auto failed = [&path] {
    return net_error(base::Errc::Io, "cannot write '" + path.string() + "': " + std::strerror(errno));
  };
  // Removed first: an older file's permissions would stay otherwise.
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed();
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (descriptor < 0) return failed();
  FILE* const file = ::fdopen(descriptor, "w");
  if (file == nullptr) {
    ::close(descriptor);
    return failed();
  }
  const bool written = write(file);
  if (std::fclose(file) != 0 || !written) return failed();
  return {};
}

}  // namespace

base::Result<void> write_self_signed(const std::filesystem::path& certificate, const std::filesystem::path& key,
                                     std::vector<std::string> hosts) {
  if (hosts.empty()) return net_error(base::Errc::InvalidArgument, "a certificate needs at least one host");
  const Key pair(EVP_EC_gen("P-256"));
  if (!pair) return openssl_error("cannot make a P-256 key");
  QT_TRY(const Certificate made, make_certificate(pair.get(), hosts));
  QT_TRY_VOID(write_pem(key, 0600, [&](FILE* file) {
    return PEM_write_PrivateKey(file, pair.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
  }));
  return write_pem(certificate, 0644, [&](FILE* file) { return PEM_write_X509(file, made.get()) == 1; });
}

}  // namespace qtrader::net
