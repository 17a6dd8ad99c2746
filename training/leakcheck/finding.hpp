// Finding: one thing that has seen the future, with the evidence.
//
// Of many rows moved in one way only the one closest to the cut is kept, and how many there were.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/time.hpp"

namespace qtrader::training::leakcheck {

enum class Leak : std::uint8_t {
  LookAhead,     // moved by what happened after it was settled
  UnclosedBar,   // made from a primary bar that was still forming
  SameBarLabel,  // a label that does not follow the bars after its row
  SharedBars,    // two parts of a split that share bars through a label or a history
};
QT_DESCRIBE_ENUM(Leak, LookAhead, UnclosedBar, SameBarLabel, SharedBars)

enum class Thing : std::uint8_t {
  Row,        // that there is a row at all
  Feature,    // of a row
  Label,      // of a row
  Part,       // of the split, that a row belongs to
  Statistic,  // fitted on a part
  Decision,   // of the trading core
};
QT_DESCRIBE_ENUM(Thing, Row, Feature, Label, Part, Statistic, Decision)

struct Finding {
  Leak leak = Leak::LookAhead;
  Thing thing = Thing::Feature;
  std::string name;     // "rsi_14", "logistic mean of rsi_14", "ema_cross signal.generated"
  std::string symbol;   // empty where it belongs to none
  base::Timestamp row;  // close of its bar; of a statistic or a decision: when it was settled
  base::Timestamp cut;
  std::string change;         // of the future: "truncated", "scrambled up", "scrambled down"; "" if none was needed
  std::string before, after;  // the value on the real future and on the changed one
  std::int64_t count = 1;     // rows (or statistics, decisions) moved in this way
  std::optional<base::Timestamp> first_bar;  // earliest bar (open time) that moves it together with those before it
  std::optional<base::Timestamp> last_bar;   // latest bar that moves it together with those after it
};
QT_DESCRIBE(Finding, leak, thing, name, symbol, row, cut, change, before, after, count, first_bar, last_bar)

/// Names the same way of leaking: leak, thing and name.
std::string key(const Finding& finding);

/// One sentence for a person, ending in how far it looks ahead.
std::string describe(const Finding& finding);

class Findings {
 public:
  /// Merges with one of the same key: the later row is kept, counts add up.
  void add(Finding finding);
  void add(const Findings& other);
  bool empty() const { return found_.empty(); }
  bool has(const std::string& finding_key) const { return found_.contains(finding_key); }
  std::map<std::string, Finding>& all() { return found_; }
  const std::map<std::string, Finding>& all() const { return found_; }

 private:
  std::map<std::string, Finding> found_;
};

}  // namespace qtrader::training::leakcheck
