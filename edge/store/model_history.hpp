// ModelHistory: which stage each model of one type is in, and how it came there: REGISTRY/<type>/HISTORY.
//
// The file is the only record; every stage follows from it. One line a change, oldest first, never rewritten, each
// chained to the one before by its hash, so that an edit in the middle shows. A text that contradicts itself is
// Corrupt: nothing here guesses what was meant. Pure: model_registry reads, locks and writes the file.
//
//   CANDIDATE → SHADOW → ACTIVE → RETIRED, CANDIDATE → ACTIVE, and by rollback RETIRED → ACTIVE.
//
// At most one model is ACTIVE: a promotion to ACTIVE retires the champion before it in the same line.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace qtrader::store {

enum class Stage : std::uint8_t { CANDIDATE, SHADOW, ACTIVE, RETIRED };
QT_DESCRIBE_ENUM(Stage, CANDIDATE, SHADOW, ACTIVE, RETIRED)

/// How many earlier champions a rollback can go back through.
inline constexpr std::size_t kChampionsKept = 5;

/// Who changes a stage, why and when. All of it is the caller's word.
struct Approval {
  std::string by;
  std::string reason;
  base::Timestamp at;
};

struct StageChange {
  base::Timestamp at;
  std::string model;  // id
  Stage from = Stage::CANDIDATE;
  Stage to = Stage::CANDIDATE;
  std::string champion;  // ACTIVE before; RETIRED by this change if `to` is ACTIVE. Empty if none was.
  std::string by;
  std::string reason;
};
QT_DESCRIBE(StageChange, at, model, from, to, champion, by, reason)

class ModelHistory {
 public:
  /// An empty history of a type: every model is a CANDIDATE.
  explicit ModelHistory(std::string type);

  /// Reads what text() wrote. Errors: Corrupt naming the line; Unsupported for a later format.
  static base::Result<ModelHistory> parse(std::string type, std::string_view text);
  /// The whole file.
  const std::string& text() const { return text_; }

  /// CANDIDATE for a model that was never promoted.
  Stage stage_of(std::string_view id) const;
  /// Empty if no model decides.
  std::string champion() const { return champions_.empty() ? "" : champions_.back(); }
  /// What rollbacks go back to, the next one first; at most kChampionsKept.
  std::vector<std::string> earlier_champions() const;
  const std::vector<StageChange>& changes() const { return changes_; }

  /// Appends the promotion of a model to SHADOW or ACTIVE. Errors: Conflict naming the stage it is in; InvalidArgument
  /// for another stage, a missing reason or name, or a line break in one.
  base::Result<StageChange> promote(const std::string& id, Stage to, const Approval& approval);
  /// Appends the return to the champion before the present one, which is retired. Error: Conflict if there is none.
  base::Result<StageChange> roll_back(const Approval& approval);

 private:
  base::Result<void> check(const StageChange& change) const;
  void apply(const StageChange& change);
  base::Result<StageChange> append(StageChange change);

  std::string type_;
  std::string text_;
  std::string last_hash_;
  std::vector<StageChange> changes_;
  std::map<std::string, Stage, std::less<>> stages_;
  std::vector<std::string> champions_;  // ids, each deciding after the one before it; the last is ACTIVE
};

}  // namespace qtrader::store
