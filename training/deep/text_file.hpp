// Lines and fields of the comma-separated files that the benchmarks read.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace qtrader::training::deep {

/// The whole text of a file, decompressed if its name ends in .zst. Errors: NotFound, Io, Corrupt.
base::Result<std::string> read_text(const std::filesystem::path& file);

/// Views into text, without line ends; an empty last line is left out.
std::vector<std::string_view> lines_of(std::string_view text);
std::vector<std::string_view> fields_of(std::string_view line);

/// The number that the whole field is. Error: InvalidArgument naming `where`.
base::Result<double> number_of(std::string_view field, const std::string& where);

}  // namespace qtrader::training::deep
