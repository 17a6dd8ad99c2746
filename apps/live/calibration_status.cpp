#include "apps/live/calibration_status.hpp"

#include <fmt/format.h>

namespace qtrader::apps {
namespace {

std::string describe(const models::CalibrationMap& map) {
  if (map.number == 0) return "none: p_dir is as the models gave it";
  return fmt::format(
      "map {}, fitted on {} verdicts, in force since {}; Brier score {:.4f} on unseen verdicts, {:.4f} without",
      map.number, map.verdicts, base::format_date(base::Timestamp{} + base::days(map.day)), map.holdout_brier,
      map.raw_brier);
}

}  // namespace

CalibrationStatus status_of(const models::Calibrator& calibrator) {
  return {calibrator.current(), calibrator.can_roll_back(), calibrator.reliability()};
}

std::string to_text(const CalibrationStatus& s) {
  std::string out = "calibration  " + describe(s.in_force) + "\n";
  if (s.can_roll_back) out += "             `qtrader calibration rollback` goes back to the one before\n";
  const models::Reliability& r = s.reliability;
  if (r.verdicts == 0) return out + "verdicts     none has reached its horizon yet\n";
  out += fmt::format("verdicts     {} with an outcome\n", r.verdicts);
  out += fmt::format("Brier score  {:.4f} as given, {:.4f} uncalibrated\n", r.brier, r.brier_raw);
  out += fmt::format("ECE          {:.4f} as given, {:.4f} uncalibrated\n\n", r.ece, r.ece_raw);
  out += "p_dir         verdicts   claimed   right\n";
  for (const models::ReliabilityBin& bin : r.bins)
    if (bin.verdicts > 0)
      out += fmt::format("{:.2f} to {:.2f}  {:>8}   {:>7.3f} {:>7.3f}\n", bin.low, bin.high, bin.verdicts,
                         bin.mean_p_dir, bin.right);
  return out;
}

}  // namespace qtrader::apps
