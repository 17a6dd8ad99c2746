#include "apps/common/model_comparison.hpp"

#include <fmt/format.h>

#include <set>

#include "core/base/json.hpp"

namespace qtrader::apps {
namespace {

using Making = std::vector<std::pair<std::string, std::string>>;

/// Everything that went into a model, in the order it is shown.
Making making_of(const ModelRecord& m) {
  const models::ModelCard& c = m.card;
  const TrainingFacts& t = m.training;
  Making out = {{"type", m.entry.type},
                {"data hash", t.data_hash},
                {"symbols", fmt::format("{}", fmt::join(c.symbols, ","))},
                {"candles", t.base_timeframe},
                {"timeframe", std::string(domain::to_string(c.timeframe))},
                {"synthetic", c.synthetic ? "yes" : "no"},
                {"schema", c.schema_id},
                {"labels", base::to_json(c.label_spec)},
                {"training rows", to_text(t.train)},
                {"validation rows", to_text(t.validation)},
                {"test rows", to_text(t.test)},
                {"class counts", fmt::format("{}", fmt::join(c.class_counts, ", "))},
                {"held neutral", fmt::format("{}", fmt::join(t.neutral_features, ","))},
                {"code", c.code_version},
                {"library", t.library},
                {"seed", std::to_string(c.seed)}};
  for (const auto& [name, value] : c.hyper_parameters) out.emplace_back(name, value);
  return out;
}

const std::string* find(const Making& making, const std::string& what) {
  for (const auto& [name, value] : making)
    if (name == what) return &value;
  return nullptr;
}

std::vector<MakingDifference> differences(const Making& a, const Making& b) {
  std::vector<MakingDifference> out;
  for (const auto& [what, in_a] : a) {
    const std::string* in_b = find(b, what);
    if (in_b == nullptr || *in_b != in_a) out.push_back({what, in_a, in_b == nullptr ? "" : *in_b});
  }
  for (const auto& [what, in_b] : b)
    if (find(a, what) == nullptr) out.push_back({what, "", in_b});
  return out;
}

/// Why the metrics of the test rows are not of the same rows; empty if they are.
std::string why_incomparable(const ModelRecord& a, const ModelRecord& b) {
  if (a.training.test != b.training.test) return "the test rows differ: the test metrics are not comparable";
  if (a.card.symbols != b.card.symbols || a.card.timeframe != b.card.timeframe)
    return "the test rows are of other symbols or bars: the test metrics are not comparable";
  if (base::to_json(a.card.label_spec) != base::to_json(b.card.label_spec))
    return "the rows are labelled differently: the metrics are not comparable";
  if (a.training.data_hash != b.training.data_hash)
    return "the test rows have the same bounds but come from different data: compare the test metrics with care";
  return "";
}

}  // namespace

std::string minute_text(base::Timestamp ts) {
  std::string out = base::format_timestamp(ts).substr(0, 16);
  out[10] = ' ';
  return out;
}

std::string to_text(const DataPart& part) {
  return fmt::format("{} rows, {} to {}", part.rows, minute_text(part.first), minute_text(part.last));
}

ModelComparison compare(const ModelRecord& a, const ModelRecord& b) {
  ModelComparison out{.a = a.name(), .b = b.name()};
  out.warning = why_incomparable(a, b);
  out.same_test_rows = out.warning.empty();
  out.differences = differences(making_of(a), making_of(b));
  std::set<std::string> names;
  for (const ModelRecord* m : {&a, &b})
    for (const auto& [name, value] : m->card.metrics) names.insert(name);
  for (const std::string& name : names) out.metrics.push_back({name, a.metric(name), b.metric(name)});
  return out;
}

}  // namespace qtrader::apps
