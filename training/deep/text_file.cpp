#include "training/deep/text_file.hpp"

#include <zstd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

namespace qtrader::training::deep {
namespace {

namespace fs = std::filesystem;
using base::Errc;

base::Result<std::string> decompressed(const std::string& bytes, const fs::path& file) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  std::string out, block(ZSTD_DStreamOutSize(), '\0');
  std::size_t left = 1;
  while (in.pos < in.size) {
    ZSTD_outBuffer to{block.data(), block.size(), 0};
    left = ZSTD_decompressStream(context.get(), &to, &in);
    if (ZSTD_isError(left) != 0)
      return base::Error{"training", Errc::Corrupt, file.string() + ": " + ZSTD_getErrorName(left)};
    out.append(block, 0, to.pos);
  }
  if (left != 0) return base::Error{"training", Errc::Corrupt, file.string() + ": ends within a Zstandard frame"};
  return out;
}

}  // namespace

base::Result<std::string> read_text(const fs::path& file) {
  std::error_code ec;
  if (!fs::is_regular_file(file, ec)) return base::Error{"training", Errc::NotFound, file.string() + ": no such file"};
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  if (!in) return base::Error{"training", Errc::Io, file.string() + ": read: " + std::strerror(errno)};
  if (file.extension() == ".zst") return decompressed(bytes.str(), file);
  return std::move(bytes).str();
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find(',', at), line.size());
    out.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

base::Result<double> number_of(std::string_view field, const std::string& where) {
  double out = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), out);
  if (error != std::errc() || end != field.data() + field.size() || !std::isfinite(out))
    return base::Error{"training", Errc::InvalidArgument, where + ": '" + std::string(field) + "', expected a number"};
  return out;
}

}  // namespace qtrader::training::deep
