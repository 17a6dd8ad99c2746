#include "edge/store/model_history.hpp"

#include <algorithm>
#include <array>

#include "core/base/hash.hpp"

namespace qtrader::store {
namespace {

using base::Errc;
using base::Result;

constexpr std::string_view kFormat = "qtrader-model-history/";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kNone = "-";
constexpr std::size_t kFields = 8;  // hash, at, model, from, to, champion, by, reason

base::Error failed(Errc code, std::string context) { return {"store", code, std::move(context)}; }

std::string header_of(std::string_view type) {
  return std::string(kFormat) + std::string(kVersion) + "\t" + std::string(type);
}

/// All of a line but its hash.
std::string body_of(const StageChange& c) {
  std::string out = base::format_timestamp(c.at);
  for (const std::string_view field :
       {std::string_view(c.model), base::enum_name(c.from), base::enum_name(c.to),
        c.champion.empty() ? kNone : std::string_view(c.champion), std::string_view(c.by), std::string_view(c.reason)})
    out.append("\t").append(field);
  return out;
}

/// The hash that starts a line: of the hash before it (for the first line, of the header) and the line itself.
std::string link(std::string_view before, std::string_view body) {
  return base::Sha256().update(before).update("\t").update(body).finish_hex();
}

/// What follows the hash and its tab, as a change. False if it is not exactly what body_of writes.
bool parse_body(std::string_view body, StageChange& out) {
  std::array<std::string_view, kFields - 1> field;
  std::string_view rest = body;
  for (std::string_view& f : field) {
    f = rest.substr(0, rest.find('\t'));
    rest.remove_prefix(std::min(f.size() + 1, rest.size()));
  }
  const auto at = base::parse_timestamp(field[0]);
  if (!at || !base::enum_from_name(field[2], out.from) || !base::enum_from_name(field[3], out.to)) return false;
  out.at = *at;
  out.model = field[1];
  out.champion = field[4] == kNone ? "" : field[4];
  out.by = field[5];
  out.reason = field[6];
  return body_of(out) == body;
}

bool one_line(std::string_view text) { return !text.empty() && text.find_first_of("\t\r\n") == std::string_view::npos; }

}  // namespace

ModelHistory::ModelHistory(std::string type)
    : type_(std::move(type)), text_(header_of(type_) + "\n"), last_hash_(header_of(type_)) {}

base::Result<ModelHistory> ModelHistory::parse(std::string type, std::string_view text) {
  ModelHistory out(std::move(type));
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const auto corrupt = [&](std::string_view why) {
      return failed(Errc::Corrupt, "line " + std::to_string(number) + " " + std::string(why));
    };
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return corrupt("is cut off");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (number == 1) {
      if (line.starts_with(kFormat) && !line.substr(kFormat.size()).starts_with(std::string(kVersion) + "\t"))
        return failed(Errc::Unsupported, "format " + std::string(line.substr(0, line.find('\t'))) + ", expected " +
                                             std::string(kFormat) + std::string(kVersion));
      if (line != header_of(out.type_)) return corrupt("is not '" + header_of(out.type_) + "'");
      continue;
    }
    const std::size_t tab = std::min(line.find('\t'), line.size());
    const std::string_view body = line.substr(std::min(tab + 1, line.size()));
    if (line.substr(0, tab) != link(out.last_hash_, body))
      return corrupt("does not follow from the line before: its hash differs");
    StageChange change;
    if (!parse_body(body, change)) return corrupt("is not a change of stage");
    if (auto possible = out.check(change); !possible)
      return corrupt("contradicts the lines before: " + possible.error().context);
    out.apply(change);
  }
  if (number == 0) return failed(Errc::Corrupt, "line 1 is missing");
  return out;
}

Stage ModelHistory::stage_of(std::string_view id) const {
  const auto found = stages_.find(id);
  return found == stages_.end() ? Stage::CANDIDATE : found->second;
}

std::vector<std::string> ModelHistory::earlier_champions() const {
  if (champions_.empty()) return {};
  return {champions_.rbegin() + 1, champions_.rend()};
}

base::Result<StageChange> ModelHistory::promote(const std::string& id, Stage to, const Approval& approval) {
  if (to != Stage::SHADOW && to != Stage::ACTIVE)
    return failed(Errc::InvalidArgument,
                  "promotion to " + std::string(base::enum_name(to)) + ": expected SHADOW or ACTIVE");
  if (stage_of(id) == Stage::RETIRED)
    return failed(Errc::Conflict, type_ + "/" + id + " is RETIRED and not promoted again: train a new model, or roll " +
                                      "back to bring back the champion before the present one");
  return append({approval.at, id, stage_of(id), to, champion(), approval.by, approval.reason});
}

base::Result<StageChange> ModelHistory::roll_back(const Approval& approval) {
  const std::vector<std::string> earlier = earlier_champions();
  if (earlier.empty())
    return failed(Errc::Conflict, type_ + ": no earlier champion to roll back to" +
                                      (champions_.empty() ? "; no model is ACTIVE" : "; ACTIVE is " + champion()));
  return append(
      {approval.at, earlier.front(), Stage::RETIRED, Stage::ACTIVE, champion(), approval.by, approval.reason});
}

/// Whether the change can follow what is there.
base::Result<void> ModelHistory::check(const StageChange& c) const {
  for (const auto& [what, text] : {std::pair("model", &c.model), {"name", &c.by}, {"reason", &c.reason}})
    if (!one_line(*text))
      return failed(Errc::InvalidArgument, "the " + std::string(what) + " of a change of stage is '" + *text +
                                               "': expected one line of text without tabs");
  const std::string subject = type_ + "/" + c.model + " is " + std::string(base::enum_name(stage_of(c.model)));
  if (c.from != stage_of(c.model)) return failed(Errc::Conflict, subject);
  if (c.champion != champion())
    return failed(Errc::Conflict, type_ + ": ACTIVE is '" + champion() + "' and not '" + c.champion + "'");
  const std::vector<std::string> earlier = earlier_champions();
  const bool shadow = c.to == Stage::SHADOW && c.from == Stage::CANDIDATE;
  const bool promotion = c.to == Stage::ACTIVE && (c.from == Stage::CANDIDATE || c.from == Stage::SHADOW);
  const bool rollback = c.to == Stage::ACTIVE && c.from == Stage::RETIRED && !earlier.empty() && earlier[0] == c.model;
  if (!shadow && !promotion && !rollback)
    return failed(Errc::Conflict, subject + " and cannot become " + std::string(base::enum_name(c.to)));
  return {};
}

void ModelHistory::apply(const StageChange& c) {
  const std::string body = body_of(c);
  last_hash_ = link(last_hash_, body);
  text_ += last_hash_ + "\t" + body + "\n";
  changes_.push_back(c);
  stages_[c.model] = c.to;
  if (c.to != Stage::ACTIVE) return;
  if (!c.champion.empty()) stages_[c.champion] = Stage::RETIRED;
  if (c.from == Stage::RETIRED) {
    champions_.pop_back();
    return;
  }
  champions_.push_back(c.model);
  if (champions_.size() > kChampionsKept + 1) champions_.erase(champions_.begin());
}

base::Result<StageChange> ModelHistory::append(StageChange change) {
  QT_TRY_VOID(check(change));
  apply(change);
  return change;
}

}  // namespace qtrader::store
