#include "training/deep/forecast_fit.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "core/base/rng.hpp"
#include "training/deep/checkpoint.hpp"
#include "training/deep/early_stopping.hpp"
#include "training/deep/runtime.hpp"

namespace qtrader::training::deep {
namespace {

constexpr std::int64_t kScoredWindows = 256;  // at a time

/// `count` windows of the range in an order drawn for this epoch: none comes again before all have come.
std::vector<std::int64_t> drawn_windows(WindowRange range, std::int64_t count, base::Rng rng) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(range.count)), out;
  std::iota(all.begin(), all.end(), range.first);
  while (std::ssize(out) < count) {
    for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[rng.below(i)]);
    const std::int64_t taken = std::min(count - std::ssize(out), range.count);
    out.insert(out.end(), all.begin(), all.begin() + taken);
  }
  return out;
}

class Fit {
 public:
  Fit(ForecastNet& net, const WindowSource& source, const FitPlan& plan, const FitRecord& record)
      : net_(net),
        source_(source),
        plan_(plan),
        record_(record),
        optimiser_(net.parameters(), torch::optim::AdamOptions(plan.learning_rate)),
        stopping_(plan.patience) {
    const std::int64_t windows = plan.windows_per_epoch > 0 ? plan.windows_per_epoch : source.windows().train.count;
    batch_ = std::min(plan.batch, windows);
    schedule_ = {plan.schedule, plan.learning_rate, plan.epochs, windows / batch_};
    schedule_.first_epoch_divisor = plan.first_epoch_divisor;
  }

  base::Result<FitSummary> run() {
    if (record_.resume) {
      QT_TRY_VOID(load_checkpoint(record_.checkpoint, saved()));
    }
    while (epoch_ < plan_.epochs && !(epoch_ > 0 && !plan_.keep_last && stopping_.should_stop(epoch_))) {
      QT_TRY(const double train_loss, train_epoch());
      net_.eval();
      const ForecastScore validation =
          score_forecast(net_, source_, source_.windows().validation, plan_.validation_windows);
      ++epoch_;
      const double judged = plan_.loss == ForecastLoss::Squared ? validation.mse : validation.mae;
      if (stopping_.observe(epoch_, judged)) best_ = copy_weights(net_);
      QT_TRY_VOID(log(train_loss, validation));
      if (!record_.checkpoint.empty()) QT_TRY_VOID(save_checkpoint(record_.checkpoint, saved()));
    }
    if (stopping_.best_epoch() == 0)
      return base::Error{"training", base::Errc::InvalidArgument,
                         record_.stage + ": the loss is not a number after every epoch; lower the learning rate"};
    if (!plan_.keep_last) set_weights(net_, best_);
    net_.eval();
    return FitSummary{epoch_, stopping_.best_epoch(), stopping_.best_loss()};
  }

 private:
  Checkpointed saved() { return {net_, optimiser_, best_, stopping_, epoch_, record_.fingerprint}; }

  /// Mean loss of the epoch's batches.
  base::Result<double> train_epoch() {
    net_.train();
    const std::int64_t steps = schedule_.steps_per_epoch;
    const base::Rng rng = base::Rng(plan_.seed).fork("epoch " + std::to_string(epoch_));
    const auto windows = drawn_windows(source_.windows().train, steps * batch_, rng);
    double sum = 0;
    for (std::int64_t i = 0; i < steps; ++i) {
      const std::int64_t step = epoch_ * steps + i;
      QT_TRY_VOID(report(record_.progress, record_.stage, static_cast<std::uint64_t>(step),
                         static_cast<std::uint64_t>(schedule_.steps())));
      set_rates(optimiser_, schedule_.learning_rate(step), schedule_.momentum(step, plan_.momentum));
      const auto begin = windows.begin() + i * batch_;
      sum += train_step({begin, begin + batch_});
    }
    return sum / static_cast<double>(steps);
  }

  double train_step(const std::vector<std::int64_t>& starts) {
    const WindowSource::Batch batch = source_.at(starts);
    optimiser_.zero_grad();
    const torch::Tensor forecast = net_.forward(batch.input);
    const torch::Tensor loss = plan_.loss == ForecastLoss::Squared ? torch::mse_loss(forecast, batch.target)
                                                                   : torch::l1_loss(forecast, batch.target);
    loss.backward();
    optimiser_.step();
    return loss.item<double>();
  }

  base::Result<void> log(double train_loss, const ForecastScore& validation) {
    if (record_.events == nullptr) return {};
    QT_TRY_VOID(record_.events->scalar("loss/train", epoch_, train_loss));
    QT_TRY_VOID(record_.events->scalar("mse/validation", epoch_, validation.mse));
    QT_TRY_VOID(record_.events->scalar("mae/validation", epoch_, validation.mae));
    const std::int64_t last_step = epoch_ * schedule_.steps_per_epoch - 1;
    return record_.events->scalar("learning_rate", epoch_, schedule_.learning_rate(last_step));
  }

  ForecastNet& net_;
  const WindowSource& source_;
  const FitPlan& plan_;
  const FitRecord& record_;
  torch::optim::Adam optimiser_;
  EarlyStopping stopping_;
  Schedule schedule_;
  std::int64_t batch_ = 0, epoch_ = 0;
  Weights best_;
};

}  // namespace

WindowSource::WindowSource(const ForecastSeries& series, const ForecastWindows& windows)
    : windows_(windows), unknown_(std::max<std::int64_t>(-windows.train.first, 0)) {
  const torch::Tensor by_channel = torch::tensor(series.values).view({series.dataset.channels, series.rows});
  constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
  rows_ = torch::constant_pad_nd(by_channel.t(), {0, 0, unknown_, 0}, kUnknown).contiguous().to(device());
  steps_ = torch::arange(windows.look_back + windows.horizon).to(device());
}

// Row by row: a view of all windows would be copied whole to select from it.
WindowSource::Batch WindowSource::at(const std::vector<std::int64_t>& starts) const {
  const torch::Tensor first = (torch::tensor(starts) + unknown_).to(rows_.device());
  const torch::Tensor index = (first.unsqueeze(1) + steps_).flatten();
  const torch::Tensor windows = rows_.index_select(0, index).view({first.size(0), steps_.size(0), -1}).transpose(1, 2);
  return {windows.slice(2, 0, windows_.look_back).contiguous(), windows.slice(2, windows_.look_back).contiguous()};
}

base::Result<FitSummary> fit_forecast(ForecastNet& net, const WindowSource& source, const FitPlan& plan,
                                      const FitRecord& record) {
  return Fit(net, source, plan, record).run();
}

ForecastScore score_forecast(ForecastNet& net, const WindowSource& source, WindowRange range, std::int64_t count) {
  const torch::NoGradGuard no_grad;
  const std::int64_t scored = count > 0 ? std::min(count, range.count) : range.count;
  ForecastScore sum;
  std::int64_t values = 0;
  for (std::int64_t at = 0; at < scored;) {
    std::vector<std::int64_t> starts;
    for (; at < scored && std::ssize(starts) < kScoredWindows; ++at)
      starts.push_back(range.first + at * range.count / scored);
    const WindowSource::Batch batch = source.at(starts);
    const torch::Tensor error = net.forward(batch.input) - batch.target;
    sum.mse += error.square().sum(torch::kFloat64).item<double>();
    sum.mae += error.abs().sum(torch::kFloat64).item<double>();
    values += error.numel();
  }
  return {sum.mse / static_cast<double>(values), sum.mae / static_cast<double>(values)};
}

}  // namespace qtrader::training::deep
