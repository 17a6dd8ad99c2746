#include <cstdio>

#include "apps/qtrader/commands.hpp"

namespace qtrader::apps {

int report_error(const base::Error& error) {
  std::fprintf(stderr, "qtrader: %s\n", error.message().c_str());
  switch (error.code) {
    case base::Errc::InvalidArgument:
    case base::Errc::NotFound:
    case base::Errc::Unsupported:
    case base::Errc::Conflict:
      return 2;
    default:
      return 1;
  }
}

}  // namespace qtrader::apps
