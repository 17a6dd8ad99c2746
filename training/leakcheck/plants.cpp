#include "training/leakcheck/plants.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/rng.hpp"

namespace qtrader::training::leakcheck {
namespace {

using features::kFeatureCount;

/// The sound pipeline, stage by stage; a plant overrides one.
class Passing : public Pipeline {
 public:
  explicit Passing(const Pipeline& sound) : sound_(sound) {}
  base::Result<Dataset> rows(const Recording& recording) const override { return sound_.rows(recording); }
  base::Result<Split> split(Dataset& dataset) const override { return sound_.split(dataset); }
  base::Result<std::vector<Statistic>> statistics(Dataset dataset, const Split& split) const override {
    return sound_.statistics(std::move(dataset), split);
  }
  base::Result<std::vector<Decision>> trade(const Recording& recording) const override {
    return sound_.trade(recording);
  }
  std::int32_t horizon_bars() const override { return sound_.horizon_bars(); }
  std::int32_t embargo_bars() const override { return sound_.embargo_bars(); }

 protected:
  const Pipeline& sound_;
};

class FutureScaledNormaliser final : public Passing {
 public:
  using Passing::Passing;
  base::Result<std::vector<Statistic>> statistics(Dataset dataset, const Split& split) const override {
    QT_TRY(auto out, sound_.statistics(dataset, split));
    Split all = split;
    all.train = {0, dataset.size()};
    QT_TRY(const auto scaled, sound_.statistics(std::move(dataset), all));
    for (std::size_t i = 0; i < out.size(); ++i) out[i].value = scaled[i].value;  // still said to be of training rows
    return out;
  }
};

class ShuffledSplit final : public Passing {
 public:
  using Passing::Passing;
  base::Result<Split> split(Dataset& dataset) const override {
    QT_TRY(Split out, sound_.split(dataset));
    base::Rng rng(1);
    for (std::size_t i = dataset.size(); i > 1; --i) swap_rows(dataset, i - 1, rng.below(i));
    return out;
  }

 private:
  static void swap_rows(Dataset& d, std::size_t a, std::size_t b) {
    std::swap(d.rows[a], d.rows[b]);
    std::swap(d.labels[a], d.labels[b]);
    for (std::size_t j = 0; j < kFeatureCount; ++j) std::swap(d.x[a * kFeatureCount + j], d.x[b * kFeatureCount + j]);
  }
};

class BackFill final : public Passing {
 public:
  using Passing::Passing;
  base::Result<Dataset> rows(const Recording& recording) const override {
    QT_TRY(Dataset out, sound_.rows(recording));
    std::map<std::pair<domain::SymbolId, std::size_t>, double> next_known;
    for (std::size_t i = out.size(); i-- > 0;) {
      for (std::size_t j = 0; j < kFeatureCount; ++j) {
        double& x = out.x[i * kFeatureCount + j];
        const auto known = next_known.find({out.rows[i].symbol, j});
        if ((out.rows[i].present_mask >> j & 1U) != 0) {
          next_known[{out.rows[i].symbol, j}] = x;
        } else if (known != next_known.end()) {
          x = known->second;
        }
      }
    }
    return out;
  }
};

class SameBarLabel final : public Passing {
 public:
  using Passing::Passing;
  base::Result<Dataset> rows(const Recording& recording) const override {
    QT_TRY(Dataset out, sound_.rows(recording));
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double body = out.x[i * kFeatureCount + static_cast<std::size_t>(features::Feature::BodyPct)];
      Label& label = out.rows[i].label;
      label.log_return = -std::log1p(-body);  // of the row's own bar, open to close
      label.label_class = body > 0.002 ? LabelClass::Buy : body < -0.002 ? LabelClass::Sell : LabelClass::Hold;
      out.labels[i] = label.label_class;
    }
    return out;
  }
};

class UnclosedBar final : public Passing {
 public:
  using Passing::Passing;
  base::Result<Dataset> rows(const Recording& recording) const override { return sound_.rows(early(recording)); }
  base::Result<std::vector<Decision>> trade(const Recording& recording) const override {
    return sound_.trade(early(recording));
  }

 private:
  /// Every base bar arrives one bar too early, so that a primary bar ends with the first of the next one.
  static Recording early(Recording recording) {
    for (auto& bars : recording.bars)
      for (domain::Bar& bar : bars) bar.open_time = bar.open_time - domain::duration(recording.base);
    return recording;
  }
};

bool gives_away(Plant plant, const Finding& f) {
  switch (plant) {
    case Plant::FutureScaledNormaliser:
      return f.leak == Leak::LookAhead && f.thing == Thing::Statistic && f.name.starts_with("logistic mean of ");
    case Plant::ShuffledSplit:
      return f.leak == Leak::SharedBars && f.thing == Thing::Part;
    case Plant::BackFill:
      return f.leak == Leak::LookAhead && f.thing == Thing::Feature && f.name == "funding";
    case Plant::SameBarLabel:
      return f.leak == Leak::SameBarLabel && f.thing == Thing::Label;
    case Plant::UnclosedBar:
      return f.leak == Leak::UnclosedBar && f.thing == Thing::Feature;
  }
  return false;
}

}  // namespace

std::string_view name(Plant plant) {
  switch (plant) {
    case Plant::FutureScaledNormaliser:
      return "future-scaled normaliser";
    case Plant::ShuffledSplit:
      return "shuffled split";
    case Plant::BackFill:
      return "back-fill of missing values";
    case Plant::SameBarLabel:
      return "same-bar label";
    case Plant::UnclosedBar:
      return "unclosed bar";
  }
  return "?";
}

std::unique_ptr<Pipeline> planted(Plant plant, const Pipeline& sound) {
  switch (plant) {
    case Plant::FutureScaledNormaliser:
      return std::make_unique<FutureScaledNormaliser>(sound);
    case Plant::ShuffledSplit:
      return std::make_unique<ShuffledSplit>(sound);
    case Plant::BackFill:
      return std::make_unique<BackFill>(sound);
    case Plant::SameBarLabel:
      return std::make_unique<SameBarLabel>(sound);
    case Plant::UnclosedBar:
      return std::make_unique<UnclosedBar>(sound);
  }
  return nullptr;
}

const Finding* uncovered(Plant plant, const CheckReport& report) {
  const auto found = std::ranges::find_if(report.findings, [&](const Finding& f) { return gives_away(plant, f); });
  return found == report.findings.end() ? nullptr : &*found;
}

bool passed(const SelfTestReport& report) {
  return report.sound_findings == 0 && std::ranges::all_of(report.plants, &PlantReport::found);
}

base::Result<SelfTestReport> self_test(const Source& source, const Pipeline& sound, const CheckSpec& spec,
                                       const Progress& progress) {
  SelfTestReport out;
  QT_TRY(const CheckReport clean, check(source, sound, spec, progress));
  out.sound_findings = static_cast<std::int64_t>(clean.findings.size());
  for (const Plant plant : kPlants) {
    const auto pipeline = planted(plant, sound);
    QT_TRY(const CheckReport report, check(source, *pipeline, spec, progress));
    const Finding* const finding = uncovered(plant, report);
    out.plants.push_back({std::string(name(plant)), finding != nullptr, finding ? describe(*finding) : "",
                          static_cast<std::int64_t>(report.findings.size())});
  }
  return out;
}

}  // namespace qtrader::training::leakcheck
