#include "core/models/artifact.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/models/document.hpp"

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;

Error wrong_type(const std::string& path, std::string_view expected) {
  return Error{"models", Errc::SchemaMismatch, "model card: member " + path + " is not " + std::string(expected)};
}

Error out_of_range(const std::string& member, const std::string& value, std::string_view expected) {
  return Error{"models", Errc::InvalidArgument,
               "model card: " + member + " is " + value + ", expected " + std::string(expected)};
}

Result<void> read(const Value& v, std::string& out, const std::string& path) {
  const auto* text = v.as<std::string>();
  if (text == nullptr) return wrong_type(path, "a string");
  out = *text;
  return {};
}

Result<void> read(const Value& v, bool& out, const std::string& path) {
  const auto* flag = v.as<bool>();
  if (flag == nullptr) return wrong_type(path, "a boolean");
  out = *flag;
  return {};
}

Result<void> read(const Value& v, double& out, const std::string& path) {
  if (!v.number(out)) return wrong_type(path, "a number");
  return {};
}

Result<void> read(const Value& v, std::int64_t& out, const std::string& path) {
  if (!v.integer(out)) return wrong_type(path, "an integer");
  return {};
}

Result<void> read(const Value& v, std::uint64_t& out, const std::string& path) {
  if (!v.unsigned_integer(out)) return wrong_type(path, "an unsigned integer");
  return {};
}

Result<void> read(const Value& v, std::int32_t& out, const std::string& path) {
  std::int64_t wide = 0;
  if (!v.integer(wide) || wide < std::numeric_limits<std::int32_t>::min() ||
      wide > std::numeric_limits<std::int32_t>::max()) {
    return wrong_type(path, "a 32-bit integer");
  }
  out = static_cast<std::int32_t>(wide);
  return {};
}

Result<void> read(const Value& v, base::Timestamp& out, const std::string& path) {
  const auto* text = v.as<std::string>();
  if (text == nullptr) return wrong_type(path, "a time");
  auto parsed = base::parse_timestamp(*text);
  if (!parsed) return wrong_type(path, "an ISO-8601 time");
  out = *parsed;
  return {};
}

template <base::DescribedEnum E>
Result<void> read(const Value& v, E& out, const std::string& path) {
  const auto* text = v.as<std::string>();
  if (text == nullptr || !base::enum_from_name(*text, out)) return wrong_type(path, "one of the known names");
  return {};
}

Result<void> read(const Value& v, std::vector<std::string>& out, const std::string& path) {
  out.clear();
  if (const auto* none = v.as<Value::Numbers>(); none != nullptr && none->empty()) return {};
  const auto* list = v.as<Value::Array>();
  if (list == nullptr) return wrong_type(path, "a list of strings");
  for (const Value& e : *list) QT_TRY_VOID(read(e, out.emplace_back(), path + "[]"));
  return {};
}

Result<void> read(const Value& v, std::vector<double>& out, const std::string& path) {
  const auto* list = v.as<Value::Numbers>();
  if (list == nullptr) return wrong_type(path, "a list of numbers");
  out = *list;
  return {};
}

template <class T, std::size_t N>
Result<void> read(const Value& v, std::array<T, N>& out, const std::string& path) {
  const auto* list = v.as<Value::Numbers>();
  if (list == nullptr || list->size() != N) return wrong_type(path, "a list of " + std::to_string(N) + " numbers");
  for (std::size_t i = 0; i < N; ++i) QT_TRY_VOID(read(Value((*list)[i]), out[i], path + "[]"));
  return {};
}

template <class T>
Result<void> read(const Value& v, std::map<std::string, T>& out, const std::string& path) {
  const auto* object = v.as<Value::Object>();
  if (object == nullptr) return wrong_type(path, "an object");
  out.clear();
  for (const auto& [key, value] : *object) {
    if (value.is_null()) continue;  // a number that was not finite when written: absent
    QT_TRY_VOID(read(value, out[key], path + "." + key));
  }
  return {};
}

template <base::DescribedStruct T>
Result<void> read(const Value& v, T& out, const std::string& path) {
  if (v.as<Value::Object>() == nullptr) return wrong_type(path.empty() ? "(top)" : path, "an object");
  Result<void> status;
  base::for_each_member(out, [&](std::string_view name, auto& member) {
    if (!status) return;
    const std::string member_path = path.empty() ? std::string(name) : path + "." + std::string(name);
    const Value* found = v.find(name);
    if (found == nullptr) {
      status = Error{"models", Errc::SchemaMismatch, "model card: member " + member_path + " is missing"};
    } else {
      status = read(*found, member, member_path);
    }
  });
  return status;
}

Result<void> validate(const ModelCard& card) {
  if (!std::isfinite(card.temperature) || card.temperature <= 0) {
    return out_of_range("temperature", std::to_string(card.temperature), "a finite number > 0");
  }
  for (const double r : card.class_mean_abs_r) {
    if (!std::isfinite(r) || r < 0) return out_of_range("class_mean_abs_r", std::to_string(r), "finite numbers >= 0");
  }
  for (const std::int64_t n : card.class_counts) {
    if (n < 0) return out_of_range("class_counts", std::to_string(n), "counts >= 0");
  }
  if (card.n_rows < 0) return out_of_range("n_rows", std::to_string(card.n_rows), "a count >= 0");
  if (card.label_spec.horizon_bars < 1) {
    return out_of_range("label_spec.horizon_bars", std::to_string(card.label_spec.horizon_bars), "at least 1");
  }
  const bool hex =
      std::ranges::all_of(card.sha256, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (card.sha256.size() != 64 || !hex) return out_of_range("sha256", card.sha256, "64 lower-case hexadecimal digits");
  QT_TRY_VOID(Novelty::create(card.novelty));
  return {};
}

}  // namespace

base::Result<ModelCard> parse_card(std::string_view json) {
  QT_TRY(const Value root, parse_json(json));
  ModelCard card;
  QT_TRY_VOID(read(root, card, ""));
  QT_TRY_VOID(validate(card));
  return card;
}

ModelTraits traits_of(const ModelCard& card) {
  std::shared_ptr<const Novelty> novelty;
  if (auto made = Novelty::create(card.novelty); made.ok()) novelty = std::make_shared<const Novelty>(std::move(*made));
  return ModelTraits{.kind = card.type,
                     .schema_id = card.schema_id,
                     .artifact_sha256 = card.sha256,
                     .temperature = card.temperature,
                     .class_mean_abs_r = card.class_mean_abs_r,
                     .horizon_bars = card.label_spec.horizon_bars,
                     .synthetic = card.synthetic,
                     .novelty = std::move(novelty)};
}

}  // namespace qtrader::models
