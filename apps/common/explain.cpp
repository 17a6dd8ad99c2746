#include "apps/common/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "apps/common/replay.hpp"
#include "core/base/json.hpp"
#include "core/features/feature_vector.hpp"
#include "core/kernel/envelope.hpp"
#include "edge/store/journal_file.hpp"

namespace qtrader::apps {
namespace {

constexpr std::size_t kBarsShown = 6;

template <class R>
domain::TradeId trade_of(const R& r) {
  if constexpr (requires { r.trade; })
    return r.trade;
  else if constexpr (requires { r.order.trade; })
    return r.order.trade;
  else
    return {};
}

template <class R>
domain::TraceId trace_of(const R& r) {
  if constexpr (requires { r.trace; })
    return r.trace;
  else if constexpr (requires { r.signal.trace; })
    return r.signal.trace;
  else if constexpr (requires { r.order.trace; })
    return r.order.trace;
  else
    return {};
}

/// Calls fn(frame) for each frame of the journal.
template <class Fn>
base::Result<void> scan(const std::filesystem::path& journal, Fn&& fn) {
  QT_TRY(auto reader, store::JournalReader::open(journal));
  for (;;) {
    QT_TRY(const auto frame, reader.next());
    if (!frame) return {};
    fn(frame->frame);
  }
}

struct Target {
  domain::TraceId trace;
  domain::SymbolId symbol;
  bool found = false;
  std::uint64_t first = 0, last = 0;  // trade ids seen
};

base::Result<Target> find_trade(const std::filesystem::path& journal, domain::TradeId trade) {
  Target target;
  QT_TRY_VOID(scan(journal, [&](const kernel::Frame& frame) {
    domain::AuditRecord record;
    if (frame.kind != kernel::FrameKind::Output || !base::from_bytes(frame.payload, record)) return;
    const auto* transition = std::get_if<domain::TradeTransition>(&record);
    if (transition == nullptr) return;
    if (target.first == 0) target.first = transition->trade.value;
    target.last = std::max(target.last, transition->trade.value);
    if (target.found || transition->trade != trade) return;
    target.found = true;
    target.trace = transition->trace;
    target.symbol = transition->symbol;
  }));
  return target;
}

std::string feature_lines(const domain::Signal& s) {
  std::string out;
  for (std::size_t i = 0; i < s.features.size(); ++i) {
    const bool present = (s.feature_mask >> i & 1) != 0;
    out += fmt::format("    {:>2} {:<13} {}", i + 1, features::kFeatureNames[i],
                       present ? fmt::format("{:>12.6f}", s.features[i]) : std::string("      absent"));
    out += i % 4 == 3 ? "\n" : "";
  }
  return out;
}

/// Whatever is wrong with a model is said in its place: the rest of the explanation does not depend on it.
void attribute_votes(const std::filesystem::path& models, const std::vector<std::string>& names, Explanation& e) {
  const std::vector<ExplainableModel> explainable = read_explainable(models, names);
  for (const ExplainableModel& m : explainable) e.models.push_back(m.lineage);
  for (const TimedRecord& r : e.records) {
    const auto* generated = std::get_if<domain::SignalGenerated>(&r.record);
    if (generated == nullptr || generated->signal.votes.empty()) continue;
    if (generated->signal.features.size() == features::kFeatureCount)
      e.attributions.push_back(attribute(generated->signal, explainable));
  }
}

std::string lineage_lines(const ModelLineage& m) {
  const std::string name = m.type + (m.id.empty() ? "" : "/" + m.id);
  if (!m.fault.empty()) return fmt::format("  {}  {}{}\n", name, m.weights_sha256, " " + m.fault);
  return fmt::format("  {}  trained {}{}\n    weights {}\n    data    {}\n    schema  {}\n    code    {}, seed {}\n",
                     name, base::format_timestamp(m.trained_at), m.synthetic ? " on synthetic data" : "",
                     m.weights_sha256, m.data_hash, m.schema_id, m.code_version, m.seed);
}

std::string contribution_lines(const std::vector<FeatureContribution>& top) {
  std::string out;
  for (const FeatureContribution& c : top)
    out += fmt::format("      {:<13} {:>12.6f} {:>+10.4f}{}\n", c.feature, c.value, c.contribution,
                       c.known ? "" : "  (absent: the neutral value)");
  return out;
}

std::string attribution_lines(const DecisionAttribution& d) {
  std::string out = fmt::format("  {}  {}\n", base::format_timestamp(d.bar_close), base::enum_name(d.side));
  for (const VoteAttribution& v : d.votes) {
    out += fmt::format("    {} {}: ", v.model, v.version);
    if (!v.why_none.empty())
      out += v.why_none + "\n";
    else
      out += fmt::format("margin {:+.4f}, {:+.4f} on average\n", v.margin, v.base) + contribution_lines(v.top);
  }
  if (!d.together.empty()) out += "    the tree models together, by weight\n" + contribution_lines(d.together);
  return out;
}

std::string verdict_lines(const domain::Signal& s) {
  std::string out = fmt::format(
      "\n    confidence {:.3f}, p_dir {:.4f}, P(sell, hold, buy) = {:.4f} {:.4f} {:.4f}, consensus {}, "
      "expected edge {:.2f} bps",
      s.confidence, s.p_dir, s.p[0], s.p[1], s.p[2], base::enum_name(s.consensus), s.expected_edge_frac * 1e4);
  if (s.calibration > 0)
    out += fmt::format("\n    p_dir was {:.4f} before calibration {} of {}", s.p_dir_raw, s.calibration,
                       base::format_date(base::Timestamp{} + base::days(s.calibration_day)));
  if (s.interval_low_frac && s.interval_high_frac)
    out += fmt::format("\n    interval of the move in favour {:.2f} to {:.2f} bps over {} minutes",
                       *s.interval_low_frac * 1e4, *s.interval_high_frac * 1e4, s.horizon_minutes);
  return out;
}

std::string vote_line(const domain::ModelVote& v) {
  std::string out = fmt::format("vote {:<9} {:<5} weight {:.3f}  P = {:.4f} {:.4f} {:.4f}  {}", v.model,
                                base::enum_name(v.action), v.effective_weight, v.p[0], v.p[1], v.p[2], v.version);
  if (v.ood_score) out += fmt::format("  unusual {:.4f}", *v.ood_score);
  if (v.ood_factor < 1) out += fmt::format(", direction shrunk to {:.3f}", v.ood_factor);
  return v.counted ? out : out + "  not counted: " + v.note;
}

struct TextOf {
  std::string operator()(const domain::SignalGenerated& r) const {
    const domain::Signal& s = r.signal;
    std::string out = fmt::format("signal {} from {}: price {}, ATR {:.3f} %, regime {}", base::enum_name(s.action),
                                  s.source, s.price.to_string(), s.atr_frac * 100, base::enum_name(s.regime));
    if (s.confidence > 0) out += verdict_lines(s);
    for (const auto& v : s.votes) out += "\n    " + vote_line(v);
    if (!s.features.empty()) out += "\n  features\n" + feature_lines(s);
    return out;
  }
  std::string operator()(const domain::PositionSized& r) const {
    std::string out = fmt::format("sized {} = {} USDT notional, {} margin at {}x, {} at risk", r.quantity.to_string(),
                                  r.notional.to_string(), r.margin.to_string(), r.leverage.value, r.risk.to_string());
    for (const auto& s : r.steps) out += fmt::format("\n    {:<28} {:.6g}", s.name, s.result);
    return out;
  }
  std::string operator()(const domain::OrderApproved& r) const {
    std::string out =
        fmt::format("approved {} {} {} {}{}", base::enum_name(r.order.purpose), base::enum_name(r.order.side),
                    r.order.quantity.to_string(), base::enum_name(r.order.type),
                    r.order.trigger_price.is_zero() ? "" : " at " + r.order.trigger_price.to_string());
    for (const auto& c : r.checks)
      out += fmt::format("\n    {} {:<24} {:.6g} against {:.6g}", c.passed ? "ok" : "NO", c.rule, c.value, c.limit);
    return out;
  }
  std::string operator()(const domain::TradeTransition& r) const {
    return fmt::format("{} -> {}{}", base::enum_name(r.from), base::enum_name(r.to),
                       r.note.empty() ? "" : " (" + r.note + ")");
  }
  std::string operator()(const domain::FillBooked& r) const {
    return fmt::format("filled {} {} {} at {}: fee {}, slippage {}, realised {}", base::enum_name(r.purpose),
                       base::enum_name(r.side), r.quantity.to_string(), r.price.to_string(), r.fee.to_string(),
                       r.slippage.to_string(), r.realised.to_string());
  }
  std::string operator()(const domain::StopMoved& r) const {
    return fmt::format("stop at {} ({})", r.stop.to_string(), r.reason);
  }
  std::string operator()(const domain::FundingBooked& r) const {
    return fmt::format("funding {} at rate {}", r.amount.to_string(), r.rate.to_string());
  }
  std::string operator()(const domain::TradeClosed& r) const {
    return fmt::format("closed {} by {}: gross {}, fees {}, funding {}, net {} = {:.2f} R (MAE {:.2f}, MFE {:.2f})",
                       base::enum_name(r.side), base::enum_name(r.exit_reason), r.gross_pnl.to_string(),
                       r.fees.to_string(), r.funding.to_string(), r.net_pnl.to_string(), r.r_multiple, r.mae_r,
                       r.mfe_r);
  }
  template <class R>
  std::string operator()(const R& r) const {
    return std::string(R::kName) + " " + base::to_json(r);
  }
};

}  // namespace

base::Result<Explanation> explain(const std::filesystem::path& journal, domain::TradeId trade) {
  QT_TRY(const RunHeader header, read_header(journal));
  QT_TRY(const Target target, find_trade(journal, trade));
  if (!target.found)
    return base::Error{"explain", base::Errc::NotFound,
                       target.last == 0
                           ? journal.string() + ": no trade in this journal"
                           : fmt::format("trade {}: the journal has {} to {}", trade.value, target.first, target.last)};
  Explanation out;
  out.trade = trade;
  out.trace = target.trace;
  out.symbol = header.instruments[target.symbol.value].symbol;
  std::deque<domain::Bar> recent;
  QT_TRY_VOID(scan(journal, [&](const kernel::Frame& frame) {
    if (frame.kind == kernel::FrameKind::Input && out.records.empty()) {
      kernel::Envelope envelope;
      if (!base::from_bytes(frame.payload, envelope)) return;
      const auto* bar = std::get_if<domain::BarClosed>(&envelope.event);
      if (bar == nullptr || bar->symbol != target.symbol) return;
      recent.push_back(bar->bar);
      if (recent.size() > kBarsShown) recent.pop_front();
    }
    domain::AuditRecord record;
    if (frame.kind != kernel::FrameKind::Output || !base::from_bytes(frame.payload, record)) return;
    const auto [t, id] = std::visit([](const auto& r) { return std::pair(trace_of(r), trade_of(r)); }, record);
    if (id == trade || (t == target.trace && t.value != 0)) out.records.push_back({frame.ts, std::move(record)});
  }));
  out.bars.assign(recent.begin(), recent.end());
  attribute_votes(journal / "models", header.models, out);
  return out;
}

std::string to_text(const Explanation& e) {
  std::string out = fmt::format("trade {} in {}, trace {}\n", e.trade.value, e.symbol, e.trace.value);
  out += "\nthe last bars it was decided on\n";
  for (const auto& b : e.bars)
    out += fmt::format("  {} {:<4} open {} high {} low {} close {} volume {:.3f}\n",
                       base::format_timestamp(b.open_time), domain::to_string(b.timeframe), b.open.to_string(),
                       b.high.to_string(), b.low.to_string(), b.close.to_string(), b.volume);
  if (!e.models.empty()) {
    out += "\nmodels\n";
    for (const ModelLineage& m : e.models) out += lineage_lines(m);
  }
  out += "\nwhat happened\n";
  for (const auto& r : e.records)
    out += fmt::format("  {}  {}\n", base::format_timestamp(r.ts), std::visit(TextOf{}, r.record));
  if (!e.attributions.empty()) {
    out += "\nwhy the tree models voted so: features that moved the side's margin most (TreeSHAP, log-odds)\n";
    for (const DecisionAttribution& d : e.attributions) out += attribution_lines(d);
  }
  return out;
}

std::string to_json(const Explanation& e) {
  std::string out = fmt::format("{{\"trade\":{},\"trace\":{},\"symbol\":", e.trade.value, e.trace.value);
  base::append_json_string(out, e.symbol);
  out += ",\"models\":";
  base::append_json(out, e.models);
  out += ",\"bars\":";
  base::append_json(out, e.bars);
  out += ",\"records\":[";
  for (std::size_t i = 0; i < e.records.size(); ++i) {
    if (i > 0) out += ",";
    out += "{\"ts\":";
    base::append_json(out, e.records[i].ts);
    out += ",\"record\":";
    base::append_json(out, e.records[i].record);
    out += "}";
  }
  out += "],\"attributions\":";
  base::append_json(out, e.attributions);
  return out + "}\n";
}

}  // namespace qtrader::apps
