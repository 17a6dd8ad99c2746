#include "training/deep/decision_trainer.hpp"

#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/det_math.hpp"
#include "core/base/hash.hpp"
#include "core/base/json.hpp"
#include "core/base/rng.hpp"
#include "training/deep/checkpoint.hpp"
#include "training/deep/decision_weights.hpp"
#include "training/deep/early_stopping.hpp"
#include "training/deep/runtime.hpp"

namespace qtrader::training::deep {
namespace {

using base::Errc;

constexpr std::size_t kPredictBatch = 32;  // that fits the cache
constexpr std::array kQuantiles = {0.1F, 0.5F, 0.9F};

base::Error fail(Errc code, std::string what) { return {"training", code, std::move(what)}; }

/// libtorch reports by exception; none crosses this room.
template <class Work>
auto guarded(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const c10::Error& e) {
    return fail(Errc::Unavailable, std::string("libtorch: ") + e.what_without_backtrace());
  } catch (const std::exception& e) {
    return fail(Errc::Unavailable, std::string("libtorch: ") + e.what());
  }
}

std::array<double, 3> softmax(const float* logits) {
  const auto top = static_cast<double>(std::max({logits[0], logits[1], logits[2]}));
  std::array<double, 3> p{};
  double sum = 0;
  for (std::size_t c = 0; c < p.size(); ++c) sum += p[c] = base::det::exp(static_cast<double>(logits[c]) - top);
  for (double& value : p) value /= sum;
  return p;
}

/// In batches; the network is in evaluation mode. `after` is told how many windows a batch had.
template <class After>
base::Result<DecisionProbabilities> predict(DecisionNet& net, const WindowTable& table,
                                            std::span<const std::uint32_t> ends, After after) {
  const torch::InferenceMode inference;
  DecisionProbabilities out;
  out.reserve(ends.size());
  for (std::size_t at = 0; at < ends.size(); at += kPredictBatch) {
    const auto some = ends.subspan(at, std::min(kPredictBatch, ends.size() - at));
    const torch::Tensor logits = net.forward(net.gather(table, some)).logits.contiguous();
    for (std::size_t i = 0; i < some.size(); ++i) out.push_back(softmax(logits.data_ptr<float>() + 3 * i));
    QT_TRY_VOID(after(some.size()));
  }
  return out;
}

double log_loss(std::span<const std::uint8_t> labels, const DecisionProbabilities& p) {
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) sum -= base::det::log(std::max(p[i][labels[i]], 1e-15));
  return sum / static_cast<double>(labels.size());
}

std::shared_ptr<DecisionNet> make_net(const DecisionSettings& settings) {
  if (settings.kind == DecisionKind::NHits) return std::make_shared<NhitsDecisionNet>();
  return std::make_shared<PatchTstDecisionNet>(PatchTstDecisionShape{.channels = settings.channels});
}

/// What a batch is scored by.
struct Answers {
  torch::Tensor labels, weights, targets;  // [windows], [windows], [windows, horizon] or undefined
};

Answers answers_of(const DecisionExamples& examples, std::span<const std::size_t> chosen) {
  const auto rows = static_cast<std::int64_t>(chosen.size());
  Answers out{torch::empty({rows}, torch::kInt64), torch::ones({rows}), {}};
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    out.labels.data_ptr<std::int64_t>()[i] = examples.labels[chosen[i]];
    if (!examples.weights.empty()) out.weights.data_ptr<float>()[i] = examples.weights[chosen[i]];
  }
  if (examples.targets.empty()) return out;
  out.targets = torch::empty({rows, static_cast<std::int64_t>(kForecastSteps)});
  for (std::size_t i = 0; i < chosen.size(); ++i)
    std::copy_n(&examples.targets[chosen[i] * kForecastSteps], kForecastSteps,
                out.targets.data_ptr<float>() + i * kForecastSteps);
  return out;
}

torch::Tensor class_loss(const torch::Tensor& shifted_logits, const Answers& answers, double smoothing) {
  const torch::Tensor log_p = torch::log_softmax(shifted_logits, 1);
  const torch::Tensor own = log_p.gather(1, answers.labels.unsqueeze(1)).squeeze(1);
  return -(((1 - smoothing) * own + smoothing * log_p.mean(1)) * answers.weights).mean();
}

/// Koenker & Bassett 1978, over the steps that are known. Not weighted: class weights would bend the quantiles.
torch::Tensor pinball_loss(const torch::Tensor& forecast, const torch::Tensor& targets) {
  const torch::Tensor known = (targets > kUnknownTarget / 2).unsqueeze(-1);
  const torch::Tensor q = torch::tensor({kQuantiles[0], kQuantiles[1], kQuantiles[2]});
  const torch::Tensor error = torch::where(known, targets.unsqueeze(-1) - forecast, torch::zeros({1}));
  return torch::maximum(q * error, (q - 1) * error).sum() / (known.sum() * q.size(0)).clamp_min(1);
}

std::string fingerprint_of(const DecisionData& data, const DecisionSettings& s) {
  std::uint64_t hash = s.seed;
  const auto add = [&](auto values) { hash = base::xxh64(std::as_bytes(std::span(values)), hash); };
  add(data.table.z);
  add(data.table.log_close);
  add(data.table.rv_20);
  for (const DecisionExamples* part : {&data.train, &data.validation}) {
    add(part->ends);
    add(part->labels);
    add(part->weights);
    add(part->targets);
  }
  const std::array sizes = {static_cast<std::int64_t>(s.kind),
                            s.epochs,
                            s.patience,
                            s.batch,
                            s.windows_per_epoch,
                            s.validation_windows,
                            static_cast<std::int64_t>(s.schedule),
                            std::int64_t{s.threads}};
  for (const PatchChannel& c : s.channels)
    hash = base::xxh64({}, hash ^ (static_cast<std::uint64_t>(c.feature) * 2 + (c.level ? 1 : 0)));
  const std::array rates = {s.learning_rate, s.weight_decay, s.clip, s.label_smoothing, s.quantile_share};
  add(std::span(data.class_offset));
  if (data.start) {
    add(std::span(data.start->bias));
    add(std::span(data.start->weights));
  }
  add(std::span(sizes));
  add(std::span(rates));
  return base::hex64(hash);
}

/// Every stride-th example, `wanted` of them; all if wanted is 0.
std::vector<std::size_t> evenly_spaced(std::size_t size, std::int64_t wanted) {
  const std::size_t n = wanted > 0 ? std::min(size, static_cast<std::size_t>(wanted)) : size;
  std::vector<std::size_t> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = i * size / n;
  return out;
}

class DecisionTraining {
 public:
  DecisionTraining(const DecisionData& data, const DecisionSettings& settings)
      : data_(data), s_(settings), rng_(base::Rng(settings.seed).fork(name(settings.kind))), stopping_(s_.patience) {
    set_threads(s_.threads);
    keep_freed_memory();
    start_deterministically(s_.seed, std::string(name(s_.kind)) + " start");
    net_ = make_net(s_);
    optimiser_.emplace(net_->parameters(), torch::optim::AdamWOptions(s_.learning_rate).weight_decay(s_.weight_decay));
    const auto windows = static_cast<std::int64_t>(data.train.size());
    windows_ = s_.windows_per_epoch > 0 ? std::min(windows, s_.windows_per_epoch) : windows;
    schedule_ = {.kind = s_.schedule,
                 .peak = s_.learning_rate,
                 .epochs = s_.epochs,
                 .steps_per_epoch = std::max<std::int64_t>(1, windows_ / s_.batch)};
    offset_ = torch::tensor({data.class_offset[0], data.class_offset[1], data.class_offset[2]}, torch::kFloat32);
    net_->start_from(data.start ? *data.start : class_shares());
    for (const std::size_t i : evenly_spaced(data.validation.size(), s_.validation_windows)) {
      watched_ends_.push_back(data.validation.ends[i]);
      watched_labels_.push_back(data.validation.labels[i]);
    }
  }

  base::Result<DecisionFit> run() {
    QT_TRY_VOID(open_scratch());
    while (epoch_ < s_.epochs && !(epoch_ > 0 && stopping_.should_stop(epoch_))) {
      QT_TRY(const double loss, train_epoch());
      QT_TRY(const double validation, validate());
      ++epoch_;
      if (stopping_.observe(epoch_, validation)) best_ = copy_weights(*net_);
      QT_TRY_VOID(record(loss, validation));
    }
    return finish();
  }

 private:
  /// The log of the shares there are, so that no step is spent on learning them.
  LinearStart class_shares() const {
    std::array<double, 3> shares = {1, 1, 1};  // one of each beforehand, so that none is zero
    for (const std::uint8_t label : data_.train.labels) shares[label] += 1;
    LinearStart out;
    for (std::size_t c = 0; c < shares.size(); ++c)
      out.bias[c] = static_cast<float>(base::det::log(shares[c] / static_cast<double>(data_.train.size() + 3)));
    return out;
  }

  Checkpointed checkpointed() { return {*net_, *optimiser_, best_, stopping_, epoch_, fingerprint_}; }

  base::Result<void> open_scratch() {
    if (s_.scratch.empty()) return {};
    fingerprint_ = fingerprint_of(data_, s_);
    const auto directory = s_.scratch / (std::string(name(s_.kind)) + "-" + fingerprint_);
    checkpoint_ = directory / "checkpoint";
    QT_TRY([[maybe_unused]] const bool resumed, load_checkpoint(checkpoint_, checkpointed()));
    if (!s_.now) return {};
    QT_TRY(events_, EventFile::create(directory, s_.now));
    return {};
  }

  /// The windows of this epoch, in the order they are trained on.
  std::vector<std::size_t> draw() const {
    base::Rng rng = rng_.fork("epoch " + std::to_string(epoch_));
    std::vector<std::size_t> order(data_.train.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (std::size_t i = 0; i < static_cast<std::size_t>(windows_); ++i)
      std::swap(order[i], order[i + rng.below(order.size() - i)]);
    order.resize(static_cast<std::size_t>(windows_));
    return order;
  }

  /// Mean loss.
  base::Result<double> train_epoch() {
    start_deterministically(s_.seed, std::string(name(s_.kind)) + " epoch " + std::to_string(epoch_));
    net_->train();
    const std::vector<std::size_t> order = draw();
    const auto batch = std::min(order.size(), static_cast<std::size_t>(s_.batch));
    double sum = 0;
    for (std::int64_t step = 0; step < schedule_.steps_per_epoch; ++step) {
      const std::int64_t done = epoch_ * schedule_.steps_per_epoch + step;
      set_rates(*optimiser_, schedule_.learning_rate(done), schedule_.momentum(done, 0.9));
      sum += train_step(std::span(order).subspan(static_cast<std::size_t>(step) * batch, batch));
      done_ = epoch_work() * static_cast<std::uint64_t>(epoch_) + static_cast<std::uint64_t>(step + 1) * 3 * batch;
      QT_TRY_VOID(report_progress());
    }
    const double mean = sum / static_cast<double>(schedule_.steps_per_epoch);
    if (!std::isfinite(mean))
      return fail(Errc::InvalidArgument, std::string(name(s_.kind)) + ": the loss is not finite");
    return mean;
  }

  double train_step(std::span<const std::size_t> chosen) {
    std::vector<std::uint32_t> ends;
    for (const std::size_t i : chosen) ends.push_back(data_.train.ends[i]);
    const Answers answers = answers_of(data_.train, chosen);
    optimiser_->zero_grad();
    const DecisionOutput out = net_->forward(net_->gather(data_.table, ends));
    torch::Tensor loss = class_loss(out.logits + offset_, answers, s_.label_smoothing);
    if (out.quantiles.defined() && answers.targets.defined())
      loss = loss + s_.quantile_share * pinball_loss(out.quantiles, answers.targets);
    loss.backward();
    torch::nn::utils::clip_grad_norm_(net_->parameters(), s_.clip);
    optimiser_->step();
    return loss.item<double>();
  }

  /// Log-loss of the weights as they would be served now.
  base::Result<double> validate() {
    const Weights living = copy_weights(*net_);
    freeze(*net_);
    net_->eval();
    auto p = predict(*net_, data_.table, watched_ends_, [&](std::size_t windows) {
      done_ += windows;
      return report_progress();
    });
    set_weights(*net_, living);
    if (!p) return p.error();
    return log_loss(watched_labels_, *p);
  }

  base::Result<void> record(double loss, double validation) {
    if (!checkpoint_.empty()) QT_TRY_VOID(save_checkpoint(checkpoint_, checkpointed()));
    last_ = validation;
    if (!events_) return {};
    const std::int64_t step = epoch_ * schedule_.steps_per_epoch;
    QT_TRY_VOID(events_->scalar("loss/train", step, loss));
    QT_TRY_VOID(events_->scalar("log_loss/validation", step, validation));
    return events_->scalar("learning_rate", step, schedule_.learning_rate(step - 1));
  }

  base::Result<DecisionFit> finish() {
    if (stopping_.best_epoch() == 0)
      return fail(Errc::InvalidArgument, std::string(name(s_.kind)) + ": no epoch gave a finite validation loss");
    set_weights(*net_, best_);
    freeze(*net_);
    net_->eval();
    DecisionFit out;
    out.weights = export_decision(*net_, data_.quartiles);
    out.epochs = epoch_;
    out.best_epoch = stopping_.best_epoch();
    done_ = epoch_work() * static_cast<std::uint64_t>(s_.epochs);
    QT_TRY(out.validation, predict(*net_, data_.table, data_.validation.ends, [&](std::size_t windows) {
             done_ += windows;
             return report_progress();
           }));
    std::error_code ignored;  // a checkpoint left behind costs space and nothing else
    if (!checkpoint_.empty()) std::filesystem::remove(checkpoint_, ignored);
    return out;
  }

  /// In windows looked at: a training step costs about three times a look.
  std::uint64_t epoch_work() const {
    return 3 * static_cast<std::uint64_t>(schedule_.steps_per_epoch * std::min(s_.batch, windows_)) +
           watched_ends_.size();
  }

  base::Result<void> report_progress() const {
    std::string stage = std::string(name(s_.kind)) + ", epoch " + std::to_string(std::min(epoch_ + 1, s_.epochs)) +
                        " of " + std::to_string(s_.epochs);
    const auto append = [&](std::string_view what, double loss) {
      stage += what;
      base::append_json_number(stage, std::round(loss * 1e4) / 1e4);
    };
    if (last_) append(", validation log-loss ", *last_);
    if (epoch_ > 0) append(", best ", stopping_.best_loss());
    return report(s_.progress, stage, done_,
                  epoch_work() * static_cast<std::uint64_t>(s_.epochs) + data_.validation.size());
  }

  const DecisionData& data_;
  const DecisionSettings& s_;
  base::Rng rng_;
  EarlyStopping stopping_;
  std::shared_ptr<DecisionNet> net_;
  std::optional<torch::optim::AdamW> optimiser_;
  Schedule schedule_;
  torch::Tensor offset_;
  std::int64_t windows_ = 0;  // of an epoch
  std::vector<std::uint32_t> watched_ends_;
  std::vector<std::uint8_t> watched_labels_;

  std::int64_t epoch_ = 0;  // epochs done
  Weights best_;
  std::optional<double> last_;  // validation loss of the last epoch, once this run has had one
  std::uint64_t done_ = 0;
  std::string fingerprint_;
  std::filesystem::path checkpoint_;
  std::optional<EventFile> events_;
};

}  // namespace

std::string_view name(DecisionKind kind) { return kind == DecisionKind::NHits ? "nhits" : "patchtst"; }

DecisionSettings decision_settings(DecisionKind kind) {
  DecisionSettings out;
  out.kind = kind;
  if (kind == DecisionKind::NHits) return out;
  out.epochs = 60;
  out.batch = 128;
  out.schedule = ScheduleKind::OneCycle;
  return out;
}

base::Result<DecisionFit> fit_decision(const DecisionData& data, const DecisionSettings& settings) {
  if (data.train.size() == 0 || data.validation.size() == 0)
    return fail(Errc::InvalidArgument, std::string(name(settings.kind)) + ": " + std::to_string(data.train.size()) +
                                           " training and " + std::to_string(data.validation.size()) +
                                           " validation rows follow " + std::to_string(kWindowSteps - 1) +
                                           " bars without a gap, expected some of each");
  return guarded([&]() -> base::Result<DecisionFit> { return DecisionTraining(data, settings).run(); });
}

base::Result<Quartiles> decision_quartiles(std::string_view weights) {
  return guarded([&]() -> base::Result<Quartiles> {
    QT_TRY(const ImportedDecision imported, import_decision(weights));
    return imported.quartiles;
  });
}

base::Result<DecisionProbabilities> predict_decision(std::string_view weights, const WindowTable& table,
                                                     std::span<const std::uint32_t> ends) {
  return guarded([&]() -> base::Result<DecisionProbabilities> {
    keep_freed_memory();
    QT_TRY(const ImportedDecision imported, import_decision(weights));
    return predict(*imported.net, table, ends, [](std::size_t) { return base::Result<void>(); });
  });
}

std::string_view library_version() { return "libtorch " TORCH_VERSION; }

}  // namespace qtrader::training::deep
