#include "core/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace qtrader::base {

void check_failed(const char* condition, const char* file, int line, std::string_view message) {
  std::fprintf(stderr, "invariant broken: %s at %s:%d: %.*s\n", condition, file, line, static_cast<int>(message.size()),
               message.data());
  std::abort();
}

}  // namespace qtrader::base
