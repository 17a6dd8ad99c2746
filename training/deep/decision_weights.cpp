#include "training/deep/decision_weights.hpp"

#include <algorithm>
#include <cstring>
#include <list>
#include <map>

#include "core/base/hash.hpp"
#include "core/base/json.hpp"
#include "core/models/document.hpp"
#include "core/models/network/tensor_file.hpp"

namespace qtrader::training::deep {
namespace {

using base::Errc;
using models::TensorFile;
using models::TensorType;
using Integers = std::vector<std::int64_t>;

constexpr std::string_view kFormat = "qtrader-network-2";
constexpr std::int64_t kSteps = kWindowSteps, kFeatures = features::kFeatureCount;

base::Error mismatch(std::string what) {
  return {"training", Errc::SchemaMismatch, "network weights: " + std::move(what)};
}

/// The configuration in the file's metadata.
struct NhitsConfig {
  std::int64_t steps = kSteps, features = kFeatures, hidden = 0, exogenous = 0, blocks_per_stack = 0;
  Integers kernels, downsample;
  std::int64_t horizon = kForecastSteps, quantiles = 0;
};
QT_DESCRIBE(NhitsConfig, steps, features, hidden, exogenous, blocks_per_stack, kernels, downsample, horizon, quantiles)

struct PatchTstConfig {
  std::int64_t steps = kSteps, features = kFeatures;
  Integers channels, level_channels;
  std::int64_t patch = 0, stride = 0, d_model = 0, heads = 0, layers = 0, d_ff = 0, per_channel = 0;
};
QT_DESCRIBE(PatchTstConfig, steps, features, channels, level_channels, patch, stride, d_model, heads, layers, d_ff,
            per_channel)

NhitsConfig config_of(const NhitsDecisionShape& s) {
  return {.hidden = s.hidden,
          .exogenous = s.exogenous,
          .blocks_per_stack = s.blocks_per_stack,
          .kernels = s.kernels,
          .downsample = s.downsample,
          .quantiles = s.quantiles};
}

PatchTstConfig config_of(const PatchTstDecisionShape& s) {
  PatchTstConfig out{.patch = s.patch,
                     .stride = s.stride,
                     .d_model = s.d_model,
                     .heads = s.heads,
                     .layers = s.layers,
                     .d_ff = s.d_ff,
                     .per_channel = s.per_channel};
  for (const PatchChannel& c : s.channels) {
    out.channels.push_back(static_cast<std::int64_t>(c.feature));
    out.level_channels.push_back(c.level ? 1 : 0);
  }
  return out;
}

base::Result<void> read(const models::Value& value, std::string_view name, std::int64_t& out) {
  if (!value.integer(out) || out < 0) return mismatch("configuration member " + std::string(name) + " is no size");
  return {};
}

base::Result<void> read(const models::Value& value, std::string_view name, Integers& out) {
  const auto* numbers = value.as<models::Value::Numbers>();
  if (numbers == nullptr) return mismatch("configuration member " + std::string(name) + " is no list of numbers");
  for (const double n : *numbers) out.push_back(static_cast<std::int64_t>(n));
  return {};
}

/// Sizes are only ever compared with those of the tensors and the program, so nothing is allocated by them here.
template <class Config>
base::Result<Config> parse_config(const std::string& text) {
  QT_TRY(const models::Value root, models::parse_json(text));
  Config out;
  base::Result<void> status;
  base::for_each_member(out, [&](std::string_view name, auto& member) {
    const models::Value* value = root.find(name);
    if (!status) return;
    status = value == nullptr ? mismatch("configuration member " + std::string(name) + " is missing")
                              : read(*value, name, member);
  });
  if (!status) return status.error();
  if (out.steps != kSteps || out.features != kFeatures)
    return mismatch("made for " + std::to_string(out.steps) + " steps of " + std::to_string(out.features) +
                    " features, expected " + std::to_string(kSteps) + " of " + std::to_string(kFeatures));
  return out;
}

/// The name in the file of what a module registered as `name`, which may hold no further dots.
std::string served_name(std::string name) {
  constexpr std::string_view kBlock = "_block";
  if (const auto at = name.find(kBlock); at != std::string::npos) name[at] = '.';
  return name == "gamma" || name == "beta" ? "revin." + name : name;
}

bool stored_as_bf16(std::string_view served) { return served.starts_with("stack") && served.ends_with(".weight"); }

bool belongs_to_norm(std::string_view name) { return name.find(".norm") != std::string_view::npos; }

using Norms = std::vector<std::pair<std::string, torch::nn::BatchNorm1dImpl*>>;

Norms norms_of(const DecisionNet& net) {
  Norms out;
  for (const auto& module : net.named_modules({}, /*include_self=*/false))
    if (auto* norm = module.value()->as<torch::nn::BatchNorm1dImpl>()) out.emplace_back(module.key(), norm);
  return out;
}

/// Tensors and the bytes they view.
class Writer {
 public:
  void add(std::string name, const torch::Tensor& values, TensorType type) {
    const torch::Tensor flat = values.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    const std::span from(flat.data_ptr<float>(), static_cast<std::size_t>(flat.numel()));
    std::string& bytes = bytes_.emplace_back(from.size() * models::width(type), '\0');
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::uint16_t half = models::to_bf16(from[i]);
      if (type == TensorType::BF16)
        std::memcpy(&bytes[i * sizeof half], &half, sizeof half);
      else
        std::memcpy(&bytes[i * sizeof(float)], &from[i], sizeof(float));
    }
    models::Tensor tensor{.name = std::move(name), .type = type, .data = base::as_bytes(bytes)};
    for (const std::int64_t side : values.sizes()) tensor.shape.push_back(static_cast<std::size_t>(side));
    file_.tensors.push_back(std::move(tensor));
  }
  void add(const std::string& name, std::array<float, features::kFeatureCount> values) {
    add(name, torch::from_blob(values.data(), {kFeatures}), TensorType::F32);
  }
  std::string finish(std::string_view architecture, std::string config) {
    file_.metadata = {
        {"architecture", std::string(architecture)}, {"format", std::string(kFormat)}, {"config", std::move(config)}};
    return models::write_tensor_file(file_);
  }

 private:
  std::list<std::string> bytes_;
  TensorFile file_;
};

base::Result<std::shared_ptr<DecisionNet>> empty_net(const TensorFile& file) {
  const auto find = [&](const std::string& key) {
    const auto at = file.metadata.find(key);
    return at == file.metadata.end() ? std::string() : at->second;
  };
  if (find("format") != kFormat) return mismatch("format '" + find("format") + "', expected " + std::string(kFormat));
  const std::string architecture = find("architecture");
  if (architecture == "nhits") {
    QT_TRY(const NhitsConfig config, parse_config<NhitsConfig>(find("config")));
    const NhitsDecisionShape shape;
    if (base::to_json(config) != base::to_json(config_of(shape))) return mismatch("another shape of N-HiTS");
    return std::shared_ptr<DecisionNet>(std::make_shared<NhitsDecisionNet>(shape));
  }
  if (architecture != "patchtst") return mismatch("architecture '" + architecture + "', expected nhits or patchtst");
  QT_TRY(const PatchTstConfig config, parse_config<PatchTstConfig>(find("config")));
  PatchTstDecisionShape shape;
  if (config.channels.size() != config.level_channels.size())
    return mismatch("a channel is not said to be level or not");
  shape.channels.clear();
  for (std::size_t c = 0; c < config.channels.size(); ++c) {
    if (config.channels[c] >= kFeatures) return mismatch("channel " + std::to_string(config.channels[c]));
    shape.channels.push_back({static_cast<features::Feature>(config.channels[c]), config.level_channels[c] != 0});
  }
  if (base::to_json(config) != base::to_json(config_of(shape))) return mismatch("another shape of PatchTST");
  return std::shared_ptr<DecisionNet>(std::make_shared<PatchTstDecisionNet>(shape));
}

/// Takes tensors out of a file and notices which are left.
class Reader {
 public:
  explicit Reader(const TensorFile& file) {
    for (const models::Tensor& t : file.tensors) left_[t.name] = &t;
  }

  base::Result<void> into(const std::string& name, const torch::Tensor& out) {
    const auto found = left_.find(name);
    if (found == left_.end()) return mismatch("tensor " + name + " is missing");
    const models::Tensor& from = *found->second;
    if (!std::ranges::equal(from.shape, out.sizes(),
                            [](std::size_t a, std::int64_t b) { return static_cast<std::int64_t>(a) == b; }))
      return mismatch("tensor " + name + " has another shape");
    torch::Tensor values = torch::empty(out.sizes());
    float* to = values.data_ptr<float>();
    const std::size_t width = models::width(from.type);
    for (std::size_t i = 0; i * width < from.data.size(); ++i) {
      std::uint16_t half = 0;
      if (from.type == TensorType::BF16)
        std::memcpy(&half, &from.data[i * width], width);
      else
        std::memcpy(&to[i], &from.data[i * width], width);
      if (from.type == TensorType::BF16) to[i] = models::from_bf16(half);
    }
    const torch::NoGradGuard no_grad;
    torch::Tensor(out).copy_(values);
    left_.erase(found);
    return {};
  }
  base::Result<void> into(const std::string& name, std::array<float, features::kFeatureCount>& out) {
    return into(name, torch::from_blob(out.data(), {kFeatures}));
  }
  base::Result<void> finish() const {
    if (!left_.empty()) return mismatch("tensor " + left_.begin()->first + " is not known");
    return {};
  }

 private:
  std::map<std::string, const models::Tensor*> left_;
};

}  // namespace

void freeze(DecisionNet& net) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : net.named_parameters())
    if (stored_as_bf16(served_name(parameter.key())))
      parameter.value().copy_(parameter.value().to(torch::kBFloat16).to(torch::kFloat32));
}

std::string export_decision(const DecisionNet& net, const Quartiles& quartiles) {
  Writer out;
  out.add("normaliser.median", quartiles.median);
  out.add("normaliser.iqr", quartiles.iqr);
  for (const auto& parameter : net.named_parameters()) {
    if (belongs_to_norm(parameter.key())) continue;
    const std::string name = served_name(parameter.key());
    out.add(name, parameter.value(), stored_as_bf16(name) ? TensorType::BF16 : TensorType::F32);
  }
  const torch::NoGradGuard no_grad;
  for (const auto& [name, norm] : norms_of(net)) {
    const auto exact = [](const torch::Tensor& t) { return t.to(torch::kFloat64); };
    const torch::Tensor scale = exact(norm->weight) / torch::sqrt(exact(norm->running_var) + norm->options.eps());
    out.add(name + ".scale", scale, TensorType::F32);
    out.add(name + ".shift", exact(norm->bias) - exact(norm->running_mean) * scale, TensorType::F32);
  }
  if (const auto* nhits = dynamic_cast<const NhitsDecisionNet*>(&net))
    return out.finish("nhits", base::to_json(config_of(nhits->shape())));
  return out.finish("patchtst", base::to_json(config_of(dynamic_cast<const PatchTstDecisionNet&>(net).shape())));
}

base::Result<ImportedDecision> import_decision(std::string_view bytes) {
  QT_TRY(const TensorFile file, models::parse_tensor_file(base::as_bytes(bytes)));
  ImportedDecision out;
  QT_TRY(out.net, empty_net(file));
  Reader reader(file);
  QT_TRY_VOID(reader.into("normaliser.median", out.quartiles.median));
  QT_TRY_VOID(reader.into("normaliser.iqr", out.quartiles.iqr));
  for (const auto& parameter : out.net->named_parameters())
    if (!belongs_to_norm(parameter.key())) QT_TRY_VOID(reader.into(served_name(parameter.key()), parameter.value()));
  for (const auto& [name, norm] : norms_of(*out.net)) {
    QT_TRY_VOID(reader.into(name + ".scale", norm->weight));
    QT_TRY_VOID(reader.into(name + ".shift", norm->bias));
    norm->running_mean.zero_();
    norm->running_var.fill_(1);
    norm->options.eps(0);
  }
  QT_TRY_VOID(reader.finish());
  out.net->eval();
  return out;
}

}  // namespace qtrader::training::deep
