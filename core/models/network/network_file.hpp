// NetworkFile: checked access to the weight file of one network. Private to this room.
//
// Checks architecture, format and config, hands out each tensor once with its type, shape and values checked, and in
// the end complains of tensors nobody asked for.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/models/document.hpp"
#include "core/models/network/tensor_file.hpp"
#include "core/models/network/window.hpp"

namespace qtrader::models {

class NetworkFile {
 public:
  using Shape = std::vector<std::size_t>;

  /// `file` must outlive this. Errors: Unsupported (format, architecture), Corrupt (no metadata, config not JSON).
  static base::Result<NetworkFile> create(const TensorFile& file, std::string_view architecture);

  /// Error: Unsupported unless the config's number, or list of numbers, is this.
  base::Result<void> expect(std::string_view member, double value) const;
  base::Result<void> expect(std::string_view member, const std::vector<double>& values) const;
  base::Result<std::vector<double>> list(std::string_view member) const;

  /// Errors naming the tensor: Corrupt (missing, another shape or type, a value that is not finite).
  base::Result<std::vector<float>> floats(const std::string& name, const Shape& shape);
  base::Result<std::vector<std::uint16_t>> bf16(const std::string& name, const Shape& shape);
  /// "normaliser.median" and "normaliser.iqr".
  base::Result<Normaliser> normaliser();
  /// Error: Corrupt naming a tensor that was not taken.
  base::Result<void> finish() const;

 private:
  NetworkFile(const TensorFile& file, std::string_view architecture, Value config)
      : file_(&file), architecture_(architecture), config_(std::move(config)) {}
  base::Error failure(base::Errc code, std::string what) const;
  base::Result<const Tensor*> take(const std::string& name, TensorType type, const Shape& shape);

  const TensorFile* file_;
  std::string architecture_;
  Value config_;
  std::set<std::string> taken_;
};

}  // namespace qtrader::models
