// Doctor: what must be true before a trader starts, checked one by one, each with what was found and what was expected
// (`qtrader doctor`; platform.md 7.3 preflight). It only looks: it places no order.
#pragma once

#include <string>
#include <vector>

#include "apps/live/run.hpp"

namespace qtrader::apps {

enum class Finding : std::uint8_t { Ok, Warning, Failed, Skipped };
QT_DESCRIBE_ENUM(Finding, Ok, Warning, Failed, Skipped)

struct Check {
  std::string name;  // "clock", "key permissions", …
  Finding finding = Finding::Ok;
  std::string detail;
};
QT_DESCRIBE(Check, name, finding, detail)

std::vector<Check> examine(const RunSpec& spec);
/// No check failed.
bool healthy(const std::vector<Check>& checks);

}  // namespace qtrader::apps
