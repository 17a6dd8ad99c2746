#include "core/models/network/tensor_file.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "core/base/check.hpp"
#include "core/base/json.hpp"
#include "core/models/document.hpp"

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kMaxHeaderBytes = 1 << 20;
constexpr std::size_t kMaxValues = std::size_t{1} << 32;
constexpr std::string_view kMetadata = "__metadata__";

Error corrupt(std::string what) { return Error{"models", Errc::Corrupt, "tensor file: " + std::move(what)}; }

Error corrupt(std::string_view tensor, std::string_view what) {
  return corrupt("tensor '" + std::string(tensor.substr(0, 80)) + "' " + std::string(what));
}

/// Number of values of a shape; empty if that is beyond any sensible file.
std::optional<std::size_t> values_of(std::span<const std::size_t> shape) {
  std::size_t values = 1;
  for (const std::size_t side : shape) {
    if (side != 0 && values > kMaxValues / side) return std::nullopt;
    values *= side;
  }
  return values;
}

/// A list of numbers ≥ 0 without fractions.
std::optional<std::vector<std::size_t>> sizes(const Value* list) {
  const auto* numbers = list == nullptr ? nullptr : list->as<Value::Numbers>();
  if (numbers == nullptr) return std::nullopt;
  std::vector<std::size_t> out;
  for (const double n : *numbers) {
    if (!(n >= 0 && n <= 1e15) || std::floor(n) != n) return std::nullopt;
    out.push_back(static_cast<std::size_t>(n));
  }
  return out;
}

Result<std::map<std::string, std::string>> read_metadata(const Value& value) {
  const auto* members = value.as<Value::Object>();
  if (members == nullptr) return corrupt("__metadata__ is not an object");
  std::map<std::string, std::string> out;
  for (const Value::Member& m : *members) {
    const auto* text = m.value.as<std::string>();
    if (text == nullptr) return corrupt("__metadata__ member " + m.key.substr(0, 80) + " is not a string");
    if (!out.emplace(m.key, *text).second) return corrupt("__metadata__ member " + m.key.substr(0, 80) + " twice");
  }
  return out;
}

Result<Tensor> read_tensor(const Value::Member& entry, std::span<const std::byte> data) {
  Tensor out{.name = entry.key};
  const Value* const type = entry.value.find("dtype");
  const auto* type_name = type == nullptr ? nullptr : type->as<std::string>();
  if (type_name == nullptr) return corrupt(entry.key, "has no dtype");
  if (*type_name == name(TensorType::BF16)) {
    out.type = TensorType::BF16;
  } else if (*type_name != name(TensorType::F32)) {
    return Error{"models", Errc::Unsupported,
                 "tensor file: tensor '" + entry.key.substr(0, 80) + "' holds " + type_name->substr(0, 20) +
                     ", expected F32 or BF16"};
  }
  const auto shape = sizes(entry.value.find("shape"));
  const auto values = shape ? values_of(*shape) : std::nullopt;
  if (!values) return corrupt(entry.key, "has no valid shape");
  const auto range = sizes(entry.value.find("data_offsets"));
  if (!range || range->size() != 2) return corrupt(entry.key, "has no valid data_offsets");
  const std::size_t begin = (*range)[0], end = (*range)[1];
  if (begin > end || end > data.size()) {
    return corrupt(entry.key, "lies at " + std::to_string(begin) + " to " + std::to_string(end) + " of " +
                                  std::to_string(data.size()) + " bytes");
  }
  if (end - begin != *values * width(out.type)) {
    return corrupt(entry.key, "has " + std::to_string(end - begin) + " bytes, its shape says " +
                                  std::to_string(*values * width(out.type)));
  }
  out.shape = *shape;
  out.data = data.subspan(begin, end - begin);
  return out;
}

/// Sorts by place; the tensors must fill the data one after the other, and no two may share a name.
Result<void> check_layout(std::vector<Tensor>& tensors, std::span<const std::byte> data) {
  std::ranges::stable_sort(tensors, {}, [](const Tensor& t) { return std::pair(t.data.data(), t.data.size()); });
  const std::byte* at = data.data();
  for (const Tensor& t : tensors) {
    if (t.data.data() < at) return corrupt(t.name, "overlaps the one before it");
    if (t.data.data() > at) return corrupt(t.name, "leaves a hole before it");
    at += t.data.size();
  }
  if (at != data.data() + data.size()) return corrupt("bytes after the last tensor");
  std::vector<std::string_view> names;
  for (const Tensor& t : tensors) names.push_back(t.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) return corrupt(*twice, "appears twice");
  return {};
}

}  // namespace

std::string_view name(TensorType type) { return type == TensorType::F32 ? "F32" : "BF16"; }
std::size_t width(TensorType type) { return type == TensorType::F32 ? 4 : 2; }

const Tensor* TensorFile::find(std::string_view name) const {
  const auto found = std::ranges::find(tensors, name, &Tensor::name);
  return found == tensors.end() ? nullptr : &*found;
}

Result<TensorFile> parse_tensor_file(std::span<const std::byte> file) {
  if (file.size() < kLengthBytes) return corrupt("shorter than its header length");
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  file = file.subspan(kLengthBytes);
  if (length > file.size() || length > kMaxHeaderBytes) {
    return corrupt("header of " + std::to_string(length) + " bytes in " + std::to_string(file.size()));
  }
  std::string header(static_cast<std::size_t>(length), '\0');
  std::memcpy(header.data(), file.data(), header.size());
  QT_TRY(const Value root, parse_json(header));
  const auto* members = root.as<Value::Object>();
  if (members == nullptr) return corrupt("header is not a JSON object");
  const std::span<const std::byte> data = file.subspan(header.size());
  TensorFile out;
  bool described = false;
  for (const Value::Member& m : *members) {
    if (m.key == kMetadata) {
      if (described) return corrupt("__metadata__ twice");
      QT_TRY(out.metadata, read_metadata(m.value));
      described = true;
      continue;
    }
    QT_TRY(Tensor tensor, read_tensor(m, data));
    out.tensors.push_back(std::move(tensor));
  }
  QT_TRY_VOID(check_layout(out.tensors, data));
  return out;
}

std::string write_tensor_file(const TensorFile& file) {
  std::string header = "{\"__metadata__\":{";
  for (const auto& [key, text] : file.metadata) {
    if (header.back() != '{') header += ',';
    base::append_json_string(header, key);
    header += ':';
    base::append_json_string(header, text);
  }
  header += '}';
  std::size_t at = 0;
  for (const Tensor& t : file.tensors) {
    const auto values = values_of(t.shape);
    QT_CHECK(values && t.data.size() == *values * width(t.type), "a tensor's data have the size of its shape");
    QT_CHECK(file.find(t.name) == &t && t.name != kMetadata, "tensor names differ");
    header += ',';
    base::append_json_string(header, t.name);
    header += ":{\"dtype\":\"" + std::string(name(t.type)) + "\",\"shape\":[";
    for (std::size_t i = 0; i < t.shape.size(); ++i) header += (i > 0 ? "," : "") + std::to_string(t.shape[i]);
    header += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + t.data.size()) + "]}";
    at += t.data.size();
  }
  header += '}';
  while (header.size() % kLengthBytes != 0) header += ' ';  // so that the data are aligned when the file is mapped
  const std::uint64_t length = header.size();
  std::string out(kLengthBytes, '\0');
  std::memcpy(out.data(), &length, kLengthBytes);
  out += header;
  out.reserve(out.size() + at);
  for (const Tensor& t : file.tensors) {
    if (!t.data.empty()) out.append(reinterpret_cast<const char*>(t.data.data()), t.data.size());
  }
  return out;
}

std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (value != value) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);  // a NaN whose payload was in the low bits
  const std::uint32_t half_and_odd = 0x7FFFu + (bits >> 16 & 1u);
  return static_cast<std::uint16_t>((bits + half_and_odd) >> 16);
}

float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

}  // namespace qtrader::models
