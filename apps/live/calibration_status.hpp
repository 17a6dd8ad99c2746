// CalibrationStatus: how honest a running trader's p_dir has been and what corrects it now (ai.md 4.6), as the
// operator's side tells it. Reads the core's calibrator, never changes it.
#pragma once

#include <string>

#include "core/models/calibrator.hpp"

namespace qtrader::apps {

struct CalibrationStatus {
  models::CalibrationMap in_force;  // number 0: none, p_dir is as the models gave it
  bool can_roll_back = false;
  models::Reliability reliability;
};
QT_DESCRIBE(CalibrationStatus, in_force, can_roll_back, reliability)

CalibrationStatus status_of(const models::Calibrator& calibrator);

/// For a terminal: the map, the scores with and without it, and the reliability table.
std::string to_text(const CalibrationStatus& status);

}  // namespace qtrader::apps
