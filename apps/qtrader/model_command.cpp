#include "apps/qtrader/model_command.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "apps/common/model_comparison.hpp"
#include "apps/common/model_record.hpp"
#include "apps/common/strategies.hpp"
#include "apps/qtrader/commands.hpp"
#include "core/base/json.hpp"
#include "edge/system/process.hpp"

namespace qtrader::apps {
namespace {

using base::Errc;
using base::Result;

struct Common {
  std::string registry;
  bool json = false;
};

std::string login_name() {
  const passwd* user = ::getpwuid(::getuid());
  return user != nullptr ? user->pw_name : "uid " + std::to_string(::getuid());
}

/// 1 for what was understood and refused, as report_error otherwise.
int report_refusal(const base::Error& error) {
  const int status = report_error(error);
  return error.code == Errc::Conflict || error.code == Errc::Unsupported ? 1 : status;
}

std::string figure(const std::optional<double>& value) { return value ? fmt::format("{:.6g}", *value) : "-"; }

struct ModelRow {
  std::string type, id;
  store::Stage stage = store::Stage::CANDIDATE;
  base::Timestamp trained_at;
  models::DataRange data_range;
  bool synthetic = false;
  std::optional<double> log_loss, prior_log_loss, logistic_log_loss;  // of the test rows
  std::string fault;  // why the model cannot be read; then the other members but type, id and stage say nothing
};
QT_DESCRIBE(ModelRow, type, id, stage, trained_at, data_range, synthetic, log_loss, prior_log_loss, logistic_log_loss,
            fault)

ModelRow row_of(const store::ModelEntry& entry) {
  ModelRow out{.type = entry.type, .id = entry.id, .stage = entry.stage};
  const auto record = read_record(entry);
  if (!record) {
    out.fault = record.error().message();
    return out;
  }
  out.trained_at = record->card.trained_at;
  out.data_range = record->card.data_range;
  out.synthetic = record->card.synthetic;
  out.log_loss = record->metric("test.log_loss");
  out.prior_log_loss = record->metric("baseline.prior.test.log_loss");
  out.logistic_log_loss = record->metric("baseline.logistic.test.log_loss");
  return out;
}

std::string table(const std::vector<ModelRow>& rows) {
  std::string out = fmt::format("{:<9} {:<12} {:<9} {:<16} {:<24} {:>9} {:>9} {:>9}\n", "type", "id", "stage",
                                "trained", "training rows", "log-loss", "prior", "logistic");
  for (const ModelRow& r : rows) {
    out += fmt::format("{:<9} {:<12} {:<9} ", r.type, r.id, base::enum_name(r.stage));
    if (!r.fault.empty()) {
      out += r.fault + "\n";
      continue;
    }
    out += fmt::format("{:<16} {} to {} {:>9} {:>9} {:>9}{}\n", minute_text(r.trained_at),
                       base::format_date(r.data_range.first), base::format_date(r.data_range.last), figure(r.log_loss),
                       figure(r.prior_log_loss), figure(r.logistic_log_loss), r.synthetic ? "  synthetic" : "");
  }
  return out;
}

int run_ls(const Common& o) {
  const auto entries = store::list_models(o.registry);
  if (!entries) return report_error(entries.error());
  std::vector<ModelRow> rows;
  for (const store::ModelEntry& entry : *entries) rows.push_back(row_of(entry));
  if (o.json)
    fmt::print("{}\n", base::to_json(rows));
  else if (rows.empty())
    fmt::print("{}: no model; qtrader train --out makes one\n", o.registry);
  else
    fmt::print("{}", table(rows));
  return std::ranges::all_of(rows, [](const ModelRow& r) { return r.fault.empty(); }) ? 0 : 1;
}

struct ShowOptions : Common {
  std::string id;
};

/// The changes of stage that a model took part in.
std::vector<store::StageChange> changes_of(const store::ModelHistory& history, const std::string& id) {
  std::vector<store::StageChange> out;
  for (const store::StageChange& c : history.changes())
    if (c.model == id || (c.champion == id && c.to == store::Stage::ACTIVE)) out.push_back(c);
  return out;
}

std::string change_line(const std::string& id, const store::StageChange& c) {
  const bool displaced = c.model != id;
  return fmt::format(
      "  {}  {} -> {}{} by {}: {}\n", minute_text(c.at), base::enum_name(displaced ? store::Stage::ACTIVE : c.from),
      base::enum_name(displaced ? store::Stage::RETIRED : c.to), displaced ? " for " + c.model : "", c.by, c.reason);
}

std::string lineage_lines(const ModelRecord& m) {
  const models::ModelCard& c = m.card;
  const std::string identity = identity_of(m);
  return fmt::format("  weights  {}\n  card     {}{}\n  data     {}\n  code     {}, {}\n  seed     {}\n  schema   {}\n",
                     m.weights_sha256, m.entry.id,
                     identity == m.entry.id ? " (verified)" : ", BUT ITS CONTENT IS " + identity, m.training.data_hash,
                     c.code_version, m.training.library, c.seed, c.schema_id);
}

std::string card_lines(const ModelRecord& m) {
  const models::ModelCard& c = m.card;
  const TrainingFacts& t = m.training;
  std::string out = fmt::format("{}  {}  trained {}{}\n", m.name(), base::enum_name(m.entry.stage),
                                minute_text(c.trained_at), c.synthetic ? "  ON SYNTHETIC DATA" : "");
  out += fmt::format("\nlineage\n{}\ntraining\n", lineage_lines(m));
  out += fmt::format("  symbols      {}\n  bars         {} made of {}\n  labels       {}\n", fmt::join(c.symbols, ","),
                     domain::to_string(c.timeframe), t.base_timeframe, base::to_json(c.label_spec));
  out += fmt::format("  training     {}\n  validation   {}\n  test         {}\n", to_text(t.train),
                     to_text(t.validation), to_text(t.test));
  out += fmt::format("  classes      SELL {}, HOLD {}, BUY {}\n  temperature  {:.6g}\n", c.class_counts[0],
                     c.class_counts[1], c.class_counts[2], c.temperature);
  if (!t.neutral_features.empty()) out += fmt::format("  held neutral {}\n", fmt::join(t.neutral_features, ","));
  for (const auto& [name, value] : c.hyper_parameters) out += fmt::format("  {:<24} {}\n", name, value);
  return out;
}

std::string importance_lines(const TrainingFacts& training) {
  constexpr std::size_t kShown = 10;
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [name, share] : training.importance) order.emplace_back(share, name);
  std::ranges::sort(order, std::greater());
  std::string out = order.empty() ? "" : "\nshare of the split gain\n";
  for (std::size_t i = 0; i < std::min(kShown, order.size()); ++i)
    out += fmt::format("  {:<13} {:.4f}\n", order[i].second, order[i].first);
  return out;
}

Result<std::string> show(const ShowOptions& o) {
  QT_TRY(const store::ModelEntry entry, find_model(o.registry, o.id));
  QT_TRY(const ModelRecord record, read_record(entry));
  QT_TRY(const store::ModelHistory history, store::read_history(o.registry, entry.type));
  const std::vector<store::StageChange> changes = changes_of(history, entry.id);
  if (o.json) {
    std::string out = "{\"type\":";
    base::append_json(out, entry.type);
    out += ",\"id\":";
    base::append_json(out, entry.id);
    out += ",\"stage\":";
    base::append_json(out, entry.stage);
    out +=
        fmt::format(",\"identity_verified\":{},\"weights_sha256\":\"{}\",\"history\":", identity_of(record) == entry.id,
                    record.weights_sha256);
    base::append_json(out, changes);
    return out + ",\"card\":" + record.card_json.substr(0, record.card_json.find_last_not_of('\n') + 1) + "}\n";
  }
  std::string out = card_lines(record) + "\nmetrics\n";
  for (const auto& [name, value] : record.card.metrics) out += fmt::format("  {:<48} {:>12.6g}\n", name, value);
  out += importance_lines(record.training) + "\nhistory\n";
  if (changes.empty()) out += "  never promoted\n";
  for (const store::StageChange& c : changes) out += change_line(entry.id, c);
  return out;
}

int run_show(const ShowOptions& o) {
  const auto text = show(o);
  if (!text) return report_error(text.error());
  fmt::print("{}", *text);
  return 0;
}

struct CompareOptions : Common {
  std::string a, b;
};

std::string to_text(const ModelComparison& c) {
  std::string out = fmt::format("A  {}\nB  {}\n", c.a, c.b);
  if (!c.warning.empty()) out += "\nWARNING: " + c.warning + "\n";
  out += fmt::format("\n{:<48} {:>12} {:>12} {:>12}\n", "metric", "A", "B", "B - A");
  for (const MetricPair& m : c.metrics)
    out += fmt::format("{:<48} {:>12} {:>12} {:>12}\n", m.name, figure(m.a), figure(m.b),
                       m.a && m.b ? fmt::format("{:+.6g}", *m.b - *m.a) : "-");
  out += c.differences.empty() ? "\nmade alike\n" : "\nmade differently\n";
  for (const MakingDifference& d : c.differences)
    out += fmt::format("  {}\n    A  {}\n    B  {}\n", d.what, d.a.empty() ? "-" : d.a, d.b.empty() ? "-" : d.b);
  return out;
}

Result<ModelComparison> compare(const CompareOptions& o) {
  QT_TRY(const store::ModelEntry first, find_model(o.registry, o.a));
  QT_TRY(const store::ModelEntry second, find_model(o.registry, o.b));
  QT_TRY(const ModelRecord a, read_record(first));
  QT_TRY(const ModelRecord b, read_record(second));
  return compare(a, b);
}

int run_compare(const CompareOptions& o) {
  const auto comparison = compare(o);
  if (!comparison) return report_error(comparison.error());
  fmt::print("{}", o.json ? base::to_json(*comparison) + "\n" : to_text(*comparison));
  return 0;
}

struct ChangeOptions : Common {
  std::string subject;  // id, or type for a rollback
  std::string reason, by = login_name(), to = "active";
  store::Approval approval() const { return {.by = by, .reason = reason, .at = system::wall_now()}; }
};

struct MadeChange {
  std::string type;
  store::StageChange change;
};
QT_DESCRIBE(MadeChange, type, change)

Result<MadeChange> promote(const ChangeOptions& o) {
  QT_TRY(const store::ModelEntry entry, find_model(o.registry, o.subject));
  QT_TRY(const store::StoredModel stored, store::load_model(entry));
  QT_TRY_VOID(check_promotable(stored));
  QT_TRY([[maybe_unused]] const LoadedModel runs, load_model(stored));
  const store::Stage to = o.to == "shadow" ? store::Stage::SHADOW : store::Stage::ACTIVE;
  QT_TRY(store::StageChange change, store::promote(o.registry, {entry.type, entry.id, to}, o.approval()));
  return MadeChange{entry.type, std::move(change)};
}

Result<MadeChange> roll_back(const ChangeOptions& o) {
  QT_TRY(store::StageChange change, store::roll_back(o.registry, o.subject, o.approval()));
  return MadeChange{o.subject, std::move(change)};
}

int run_change(const ChangeOptions& o, Result<MadeChange> (*make)(const ChangeOptions&)) {
  const auto made = make(o);
  if (!made) return report_refusal(made.error());
  if (o.json) {
    fmt::print("{}\n", base::to_json(*made));
    return 0;
  }
  const store::StageChange& c = made->change;
  fmt::print("{}/{}  {} -> {}\n", made->type, c.model, base::enum_name(c.from), base::enum_name(c.to));
  if (c.to == store::Stage::ACTIVE && !c.champion.empty())
    fmt::print("{}/{}  ACTIVE -> RETIRED\n", made->type, c.champion);
  return 0;
}

void add_common(CLI::App& verb, Common& options) {
  verb.add_option("--registry", options.registry, "Model registry")->required();
  verb.add_flag("--json", options.json, "Machine-readable");
}

void add_reading_verbs(CLI::App& model, int& status) {
  auto* ls = model.add_subcommand("ls", "List the models, their stages and their test log-loss");
  auto list = std::make_shared<Common>();
  add_common(*ls, *list);
  ls->callback([list, &status] { status = run_ls(*list); });

  auto* show = model.add_subcommand("show", "All that is known of a model: lineage, training, metrics, history");
  auto shown = std::make_shared<ShowOptions>();
  show->add_option("id", shown->id, "Id, or enough of its start to be the only one; TYPE/ID too")->required();
  add_common(*show, *shown);
  show->callback([shown, &status] { status = run_show(*shown); });

  auto* compare = model.add_subcommand("compare", "Two models side by side: metrics, and how they were made");
  auto pair = std::make_shared<CompareOptions>();
  compare->add_option("a", pair->a, "Id of the first")->required();
  compare->add_option("b", pair->b, "Id of the second")->required();
  add_common(*compare, *pair);
  compare->callback([pair, &status] { status = run_compare(*pair); });
}

void add_changing_verbs(CLI::App& model, int& status) {
  auto* promote_verb =
      model.add_subcommand("promote", "Let a model decide, or watch; the champion before it is retired");
  auto promotion = std::make_shared<ChangeOptions>();
  promote_verb->add_option("id", promotion->subject, "Id, or enough of its start to be the only one")->required();
  promote_verb->add_option("--to", promotion->to, "Stage")
      ->check(CLI::IsMember({"shadow", "active"}))
      ->capture_default_str();
  auto* rollback_verb = model.add_subcommand("rollback", "Return to the champion before the present one");
  auto rollback = std::make_shared<ChangeOptions>();
  rollback_verb->add_option("type", rollback->subject, "xgboost, lightgbm, nhits or patchtst")->required();
  for (const auto& [verb, options] : {std::pair(promote_verb, promotion), {rollback_verb, rollback}}) {
    verb->add_option("--reason", options->reason, "Why, one line; kept in the history")->required();
    verb->add_option("--by", options->by, "Who; kept in the history")->capture_default_str();
    add_common(*verb, *options);
  }
  promote_verb->callback([promotion, &status] { status = run_change(*promotion, &promote); });
  rollback_verb->callback([rollback, &status] { status = run_change(*rollback, &roll_back); });
}

}  // namespace

void add_model_command(CLI::App& app, int& status) {
  auto* model = app.add_subcommand("model", "Fitted models: list, show, compare, promote, roll back");
  model->require_subcommand(1);
  add_reading_verbs(*model, status);
  add_changing_verbs(*model, status);
}

}  // namespace qtrader::apps
