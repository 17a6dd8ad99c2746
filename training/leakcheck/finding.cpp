#include "training/leakcheck/finding.hpp"

namespace qtrader::training::leakcheck {
namespace {

std::string_view article(Thing thing) {
  switch (thing) {
    case Thing::Row:
      return "row";
    case Thing::Feature:
      return "feature";
    case Thing::Label:
      return "label";
    case Thing::Part:
      return "split";
    case Thing::Statistic:
      return "statistic";
    case Thing::Decision:
      return "decision";
  }
  return "?";
}

std::string minute(base::Timestamp ts) {
  std::string text = base::format_timestamp(ts).substr(0, 16);
  text[10] = ' ';
  return text;
}

std::string what_happened(const Finding& f) {
  switch (f.leak) {
    case Leak::LookAhead:
      return "looks ahead: " + f.before + " became " + f.after;
    case Leak::UnclosedBar:
      return "is made from a bar that had not closed: " + f.before + " became " + f.after;
    case Leak::SameBarLabel:
      return "does not follow the bars after its row: " + f.before + " after a jump up, " + f.after +
             " after a fall (same-bar label)";
    case Leak::SharedBars:
      return "shares bars: " + f.before + "; " + f.after;
  }
  return "?";
}

}  // namespace

std::string key(const Finding& f) {
  return std::string(base::enum_name(f.leak)) + " " + std::string(base::enum_name(f.thing)) + " " + f.name;
}

std::string describe(const Finding& f) {
  std::string out = std::string(article(f.thing)) + " " + f.name;
  if (!f.symbol.empty()) out += " of " + f.symbol;
  out += " at " + minute(f.row) + " " + what_happened(f);
  if (!f.change.empty()) out += ", when the market was " + f.change + " from " + minute(f.cut);
  if (f.first_bar) out += "; first moved by the bar of " + minute(*f.first_bar);
  if (f.last_bar) out += ", nothing after the bar of " + minute(*f.last_bar) + " matters";
  if (f.count > 1) out += " (" + std::to_string(f.count) + " alike)";
  return out;
}

void Findings::add(Finding finding) {
  const std::string name = key(finding);
  const auto [it, fresh] = found_.try_emplace(name, finding);
  if (fresh) return;
  const std::int64_t count = it->second.count + finding.count;
  // One that has been traced to its bars is worth more than one closer to a cut.
  if (!it->second.first_bar && !it->second.last_bar && finding.row > it->second.row) it->second = std::move(finding);
  it->second.count = count;
}

void Findings::add(const Findings& other) {
  for (const auto& [name, finding] : other.found_) add(finding);
}

}  // namespace qtrader::training::leakcheck
