// Explain: walks one trade of a journal back from its result to the bars it was decided on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

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
  std::vector<TimedRecord> records;  // everything that concerns the trade or its decision, in order
  std::vector<domain::Bar> bars;     // the base bars the decision saw last, oldest first
  std::vector<std::string> models;   // the header's
};

/// Errors: NotFound naming the trades there are; those of reading.
base::Result<Explanation> explain(const std::filesystem::path& journal, domain::TradeId trade);

/// For a person.
std::string to_text(const Explanation& explanation);
std::string to_json(const Explanation& explanation);

}  // namespace qtrader::apps
