// ModelComparison: two stored models side by side: what they score, and what was different in how they were made.
//
// Metrics of different rows say little about which model is better, so a comparison says first whether the test rows
// are the same. Decides nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/common/model_record.hpp"

namespace qtrader::apps {

struct MetricPair {
  std::string name;  // "test.log_loss", …
  std::optional<double> a, b;
};
QT_DESCRIBE(MetricPair, name, a, b)

/// Something of the making that is not the same, as text; empty where one has no such thing.
struct MakingDifference {
  std::string what;
  std::string a, b;
};
QT_DESCRIBE(MakingDifference, what, a, b)

struct ModelComparison {
  std::string a, b;  // "xgboost/3c7e1a5e4a1b"
  bool same_test_rows = false;
  std::string warning;  // why the metrics are not comparable; empty if they are
  std::vector<MakingDifference> differences;
  std::vector<MetricPair> metrics;  // of either, by name
};
QT_DESCRIBE(ModelComparison, a, b, same_test_rows, warning, differences, metrics)

ModelComparison compare(const ModelRecord& a, const ModelRecord& b);

/// "12345 rows, 2025-08-05 10:15 to 2025-09-01 00:00"
std::string to_text(const DataPart& part);
/// "2025-08-05 10:15"
std::string minute_text(base::Timestamp ts);

}  // namespace qtrader::apps
