// ResultFile: a file that appears under its name only when it is whole.
//
// Rows are buffered into a hidden temporary beside the target; commit() renames it, anything else removes it. The first
// error is kept and returned by finish(), so that a hot loop may write without looking.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "edge/store/posix_file.hpp"

namespace qtrader::report {

class ResultFile {
 public:
  static base::Result<ResultFile> create(const std::filesystem::path& target);
  ResultFile(ResultFile&& other) noexcept;
  ResultFile& operator=(ResultFile&&) = delete;
  ~ResultFile();

  void write(std::string_view text);
  /// Everything written has reached the temporary file. Errors: NoSpace, Io.
  base::Result<void> finish();
  /// After finish(). The file is then visible under its name.
  base::Result<void> commit();
  const std::filesystem::path& target() const { return target_; }

 private:
  ResultFile(store::File file, std::filesystem::path target, std::filesystem::path temporary);
  void flush();

  std::optional<store::File> file_;
  std::filesystem::path target_, temporary_;  // temporary_ is empty once there is none to remove
  std::string buffer_;
  std::optional<base::Error> failed_;
};

}  // namespace qtrader::report
