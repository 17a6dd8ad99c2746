#include "core/models/network/network_file.hpp"

#include <cmath>
#include <cstring>

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr std::string_view kFormat = "qtrader-network-2";

std::string text(const std::vector<double>& values) {
  std::string out = "[";
  for (const double v : values) out += (out.size() > 1 ? "," : "") + std::to_string(v);
  return out + "]";
}

std::string text(const std::vector<std::size_t>& shape) {
  std::string out = "[";
  for (const std::size_t side : shape) out += (out.size() > 1 ? "," : "") + std::to_string(side);
  return out + "]";
}

Result<std::string> metadata(const TensorFile& file, std::string_view architecture, const std::string& key) {
  const auto found = file.metadata.find(key);
  if (found != file.metadata.end()) return found->second;
  return Error{"models", Errc::Corrupt, std::string(architecture) + " weights: metadata '" + key + "' is missing"};
}

}  // namespace

Error NetworkFile::failure(Errc code, std::string what) const {
  return Error{"models", code, architecture_ + " weights: " + std::move(what)};
}

Result<NetworkFile> NetworkFile::create(const TensorFile& file, std::string_view architecture) {
  for (const auto& [key, expected] : {std::pair("format", kFormat), std::pair("architecture", architecture)}) {
    QT_TRY(const std::string found, metadata(file, architecture, key));
    if (found != expected) {
      return Error{"models", Errc::Unsupported,
                   std::string(architecture) + " weights: " + key + " is '" + found.substr(0, 40) + "', expected " +
                       std::string(expected)};
    }
  }
  QT_TRY(const std::string config, metadata(file, architecture, "config"));
  QT_TRY(Value parsed, parse_json(config));
  NetworkFile out(file, architecture, std::move(parsed));
  QT_TRY_VOID(out.expect("steps", static_cast<double>(kWindowBars)));
  QT_TRY_VOID(out.expect("features", static_cast<double>(features::kFeatureCount)));
  return out;
}

Result<void> NetworkFile::expect(std::string_view member, double value) const {
  const Value* const found = config_.find(member);
  double number = 0;
  if (found == nullptr || !found->number(number)) {
    return failure(Errc::Corrupt, "config has no number '" + std::string(member) + "'");
  }
  if (number == value) return {};
  return failure(Errc::Unsupported, "config '" + std::string(member) + "' is " + std::to_string(number) +
                                        ", expected " + std::to_string(value));
}

Result<std::vector<double>> NetworkFile::list(std::string_view member) const {
  const Value* const found = config_.find(member);
  const auto* numbers = found == nullptr ? nullptr : found->as<Value::Numbers>();
  if (numbers == nullptr) return failure(Errc::Corrupt, "config has no list of numbers '" + std::string(member) + "'");
  return *numbers;
}

Result<void> NetworkFile::expect(std::string_view member, const std::vector<double>& values) const {
  QT_TRY(const std::vector<double> found, list(member));
  if (found == values) return {};
  return failure(Errc::Unsupported,
                 "config '" + std::string(member) + "' is " + text(found) + ", expected " + text(values));
}

Result<const Tensor*> NetworkFile::take(const std::string& name, TensorType type, const Shape& shape) {
  const Tensor* const found = file_->find(name);
  if (found == nullptr) return failure(Errc::Corrupt, "tensor '" + name + "' is missing");
  if (found->type != type) {
    return failure(Errc::Corrupt, "tensor '" + name + "' is " + std::string(models::name(found->type)) + ", expected " +
                                      std::string(models::name(type)));
  }
  if (found->shape != shape) {
    return failure(Errc::Corrupt,
                   "tensor '" + name + "' has shape " + text(found->shape) + ", expected " + text(shape));
  }
  taken_.insert(name);
  return found;
}

Result<std::vector<float>> NetworkFile::floats(const std::string& name, const Shape& shape) {
  QT_TRY(const Tensor* const tensor, take(name, TensorType::F32, shape));
  std::vector<float> out(tensor->data.size() / sizeof(float));
  if (!out.empty()) std::memcpy(out.data(), tensor->data.data(), tensor->data.size());
  for (const float value : out) {
    if (!std::isfinite(value)) return failure(Errc::Corrupt, "tensor '" + name + "' has a value that is not finite");
  }
  return out;
}

Result<std::vector<std::uint16_t>> NetworkFile::bf16(const std::string& name, const Shape& shape) {
  QT_TRY(const Tensor* const tensor, take(name, TensorType::BF16, shape));
  std::vector<std::uint16_t> out(tensor->data.size() / sizeof(std::uint16_t));
  if (!out.empty()) std::memcpy(out.data(), tensor->data.data(), tensor->data.size());
  for (const std::uint16_t bits : out) {
    if (!std::isfinite(from_bf16(bits)))
      return failure(Errc::Corrupt, "tensor '" + name + "' has a value that is not finite");
  }
  return out;
}

Result<Normaliser> NetworkFile::normaliser() {
  Normaliser::Row median{}, iqr{};
  QT_TRY(const std::vector<float> medians, floats("normaliser.median", {median.size()}));
  QT_TRY(const std::vector<float> iqrs, floats("normaliser.iqr", {iqr.size()}));
  for (std::size_t f = 0; f < median.size(); ++f) {
    if (iqrs[f] < 0) return failure(Errc::Corrupt, "tensor 'normaliser.iqr' has a negative value");
    median[f] = medians[f];
    iqr[f] = iqrs[f];
  }
  return Normaliser::of(median, iqr);
}

Result<void> NetworkFile::finish() const {
  for (const Tensor& tensor : file_->tensors) {
    if (!taken_.contains(tensor.name)) {
      return failure(Errc::Corrupt, "tensor '" + tensor.name.substr(0, 80) + "' is unknown");
    }
  }
  return {};
}

}  // namespace qtrader::models
