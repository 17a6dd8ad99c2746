// write_self_signed: a certificate that vouches for itself, for an exchange of one's own on one's own machine.
//
// The certificate file serves as its clients' ca_file. Never for a server that others rely on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace qtrader::net {

/// EC P-256, valid for ten years from now, for the hosts given: names or IP addresses. Writes two PEM files; only the
/// owner may read the key. Errors: InvalidArgument if hosts is empty or one cannot stand in a certificate, Io naming
/// the file.
base::Result<void> write_self_signed(const std::filesystem::path& certificate, const std::filesystem::path& key,
                                     std::vector<std::string> hosts);

}  // namespace qtrader::net
