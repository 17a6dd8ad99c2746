#include "core/base/result.hpp"

namespace qtrader::base {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::InvalidArgument:
      return "invalid argument";
    case Errc::NotFound:
      return "not found";
    case Errc::Corrupt:
      return "corrupt";
    case Errc::SchemaMismatch:
      return "schema mismatch";
    case Errc::Io:
      return "input/output error";
    case Errc::NoSpace:
      return "no space left";
    case Errc::Unsupported:
      return "unsupported";
    case Errc::Conflict:
      return "conflict";
    case Errc::Unavailable:
      return "unavailable";
    case Errc::Interrupted:
      return "interrupted";
  }
  return "unknown";
}

std::string Error::message() const {
  std::string out;
  out.append(room).append(": ").append(to_string(code)).append(": ").append(context);
  return out;
}

}  // namespace qtrader::base
