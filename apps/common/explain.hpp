// Explain: walks one trade of a journal back from its result to the bars it was decided on, and from the votes to the
// features that moved them and the data the models came from.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/common/attribution.hpp"
#include "core/base/result.hpp"
#include "core/domain/audit.hpp"
#include "core/domain/bar.hpp"
#include "core/domain/instrument.hpp"

namespace qtrader::apps {

struct TimedRecord {
  base::Timestamp ts;
  domain::AuditRecord record;
};

struct Explanation {
  domain::TradeId trade;
  domain::TraceId trace;
  std::string symbol;
  std::vector<TimedRecord> records;               // everything that concerns the trade or its decision, in order
  std::vector<domain::Bar> bars;                  // the base bars the decision saw last, oldest first
  std::vector<ModelLineage> models;               // of the run, and any that came in later
  std::vector<DecisionAttribution> attributions;  // of the records' signals that models voted on, in their order
};

/// Errors: NotFound naming the trades there are; those of reading.
base::Result<Explanation> explain(const std::filesystem::path& journal, domain::TradeId trade);

/// For a person.
std::string to_text(const Explanation& explanation);
std::string to_json(const Explanation& explanation);

}  // namespace qtrader::apps
