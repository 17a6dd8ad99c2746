// Plants: the five classic ways of leaking the future, built into the product's own pipeline one at a time.
//
// The checker must find and name each; `qtrader leakcheck --self-test` and the unit tests run them. Each changes one
// stage and leaves the rest as it is. Never part of anything that trains or trades.
#pragma once

#include <memory>

#include "training/leakcheck/finding.hpp"
#include "training/leakcheck/leakcheck.hpp"

namespace qtrader::training::leakcheck {

enum class Plant : std::uint8_t {
  FutureScaledNormaliser,  // statistics fitted on all rows
  ShuffledSplit,           // rows shuffled before they are divided
  BackFill,                // an unknown value replaced by the next known one
  SameBarLabel,            // the label is the return of its own bar
  UnclosedBar,             // features of a primary bar that takes in a base bar too many
};
inline constexpr std::array kPlants = {Plant::FutureScaledNormaliser, Plant::ShuffledSplit, Plant::BackFill,
                                       Plant::SameBarLabel, Plant::UnclosedBar};

/// "future-scaled normaliser", …
std::string_view name(Plant plant);

/// `sound` with the mistake; it must outlive the result.
std::unique_ptr<Pipeline> planted(Plant plant, const Pipeline& sound);

/// The finding that gives this plant away, if the report has it.
const Finding* uncovered(Plant plant, const CheckReport& report);

/// What became of one plant.
struct PlantReport {
  std::string plant;
  bool found = false;
  std::string finding;        // in words; "" if missed
  std::int64_t findings = 0;  // in all
};
QT_DESCRIBE(PlantReport, plant, found, finding, findings)

struct SelfTestReport {
  std::int64_t sound_findings = 0;  // of the pipeline without a plant: expected none
  std::vector<PlantReport> plants;
};
QT_DESCRIBE(SelfTestReport, sound_findings, plants)
bool passed(const SelfTestReport& report);

/// Checks the sound pipeline and then each plant. The market must have a hole in some symbol's funding, as only that
/// lets a back-fill show. Errors: those of check().
base::Result<SelfTestReport> self_test(const Source& source, const Pipeline& sound, const CheckSpec& spec,
                                       const Progress& progress);

}  // namespace qtrader::training::leakcheck
