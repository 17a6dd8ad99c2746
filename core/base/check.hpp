// Invariant checks that stay on in release builds.
//
// QT_CHECK stops the process with the condition, the place and a message: a broken invariant means the state is
// corrupt, and stopping is safer than trading on it. QT_DCHECK is for O(n) checks on hot paths and vanishes in release.
// Never used on external input: bad input is a Result<T> (core/base/result.hpp).
#pragma once

#include <string_view>

namespace qtrader::base {

[[noreturn]] void check_failed(const char* condition, const char* file, int line, std::string_view message);

}  // namespace qtrader::base

#define QT_CHECK(condition, message)                                          \
  do {                                                                        \
    if (!(condition)) [[unlikely]]                                            \
      ::qtrader::base::check_failed(#condition, __FILE__, __LINE__, message); \
  } while (false)

#ifdef NDEBUG
#define QT_DCHECK(condition, message) \
  do {                                \
  } while (false)
#else
#define QT_DCHECK(condition, message) QT_CHECK(condition, message)
#endif
