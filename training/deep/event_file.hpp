// EventFile: writes the learning curves of a training as a TensorBoard event file.
//
// The file is a TFRecord stream of tensorflow.Event messages (tensorflow/core/lib/io/record_writer.h,
// tensorflow/core/util/event.proto), of which only the scalar summaries are written, encoded by hand: no TensorFlow is
// needed to write it, TensorBoard reads it. Each record is flushed, so a curve can be watched while it grows.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace qtrader::training::deep {

/// Wall clock, seconds since the Unix epoch; handed in, as nothing here reads a clock.
using UnixSeconds = std::function<double()>;

class EventFile {
 public:
  /// Creates DIRECTORY/events.out.tfevents.<seconds>.qtrader, and the directory. A resumed training opens a further
  /// file; TensorBoard joins the files of a directory. Errors: Io, NoSpace.
  static base::Result<EventFile> create(const std::filesystem::path& directory, UnixSeconds now);

  /// One point of the curve `tag` ("loss/train", "learning_rate"). Errors: Io, NoSpace.
  base::Result<void> scalar(std::string_view tag, std::int64_t step, double value);

  const std::filesystem::path& path() const { return path_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  EventFile(std::filesystem::path path, UnixSeconds now, std::FILE* file);
  base::Result<void> append(const std::string& event);

  std::filesystem::path path_;
  UnixSeconds now_;
  std::unique_ptr<std::FILE, Close> file_;
};

/// TFRecord's checksum of bytes: CRC-32C, rotated and offset so that a checksum of data holding checksums stays good.
std::uint32_t masked_crc32c(std::string_view bytes);

}  // namespace qtrader::training::deep
