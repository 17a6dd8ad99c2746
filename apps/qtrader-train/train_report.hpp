// What `qtrader-train train` shows: progress with an estimate on stderr, the result as a table or JSON on stdout.
#pragma once

#include <string>

#include "training/train.hpp"

namespace qtrader::apps {

/// One line that rewrites itself on a terminal; on a pipe or file, a line every ten seconds and at each new stage.
class ProgressLine {
 public:
  ProgressLine();
  /// Shows it; false once the user has pressed Ctrl-C. What follows a comma in `stage` is detail of the same stage.
  bool operator()(std::string_view stage, std::uint64_t done, std::uint64_t total);
  /// Ends the line, so that what follows starts on a fresh one.
  void finish();

 private:
  bool terminal_;
  std::string stage_;
  double stage_started_ = 0, last_shown_ = -1e9;
  double stage_begun_ = 0;  // the fraction done when the stage began: not 0 if it goes on from a checkpoint
  bool open_ = false;
};

std::string format_report(const training::TrainReport& report);

}  // namespace qtrader::apps
