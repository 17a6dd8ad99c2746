#include "training/deep/progress.hpp"

#include <string>

namespace qtrader::training::deep {

base::Result<void> report(const Progress& progress, std::string_view stage, std::uint64_t done, std::uint64_t total) {
  if (progress && !progress(stage, done, total))
    return base::Error{"training", base::Errc::Interrupted, std::string(stage) + ": cancelled"};
  return {};
}

}  // namespace qtrader::training::deep
