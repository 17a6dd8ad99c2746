// TensorFile: the weights of a network as a safetensors file.
//
// The format is Hugging Face's safetensors (docs/formats/network-weights.md): length of a JSON header, the header, the
// values. parse_tensor_file() makes views into the caller's bytes and copies no value; write_tensor_file() is what
// training calls. Only F32 and BF16 are known. Which tensors a network needs is the network's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace qtrader::models {

enum class TensorType : std::uint8_t { F32, BF16 };
/// "F32", "BF16".
std::string_view name(TensorType type);
/// Bytes of one value.
std::size_t width(TensorType type);

struct Tensor {
  std::string name;
  TensorType type = TensorType::F32;
  std::vector<std::size_t> shape;   // row-major; empty: one value
  std::span<const std::byte> data;  // little-endian, not necessarily aligned; owned by who made the tensor
};

struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<Tensor> tensors;  // in the order of their data

  /// nullptr if there is none of that name.
  const Tensor* find(std::string_view name) const;
};

/// Views into `file`, which must outlive them. Errors: Corrupt, naming the tensor where it is one's fault: offsets out
/// of range, overlapping, leaving a hole, or not of the size that type and shape say; two tensors of one name.
/// Unsupported: another type of values.
base::Result<TensorFile> parse_tensor_file(std::span<const std::byte> file);

/// The bytes of a file with these tensors in this order. Each tensor's data must have the size that its type and shape
/// say, and names must differ (QT_CHECK).
std::string write_tensor_file(const TensorFile& file);

/// Rounded to the nearest bfloat16, ties to even. NaN stays NaN; what is beyond the largest becomes infinite.
std::uint16_t to_bf16(float value);
float from_bf16(std::uint16_t bits);

}  // namespace qtrader::models
