// qtrader replay: runs a journal through the core again; --verify proves that it says the same, byte for byte.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>

#include "apps/common/replay.hpp"
#include "apps/qtrader/commands.hpp"
#include "core/base/hash.hpp"
#include "core/base/json.hpp"

namespace qtrader::apps {
namespace {

struct Options {
  std::string journal, pace = "fast";
  double speed = 1;
  bool verify = false, json = false;
};

/// `backtest --out DIR` writes DIR/journal; both are accepted.
std::filesystem::path journal_directory(const std::string& given) {
  const std::filesystem::path inner = std::filesystem::path(given) / "journal";
  std::error_code ec;
  return std::filesystem::is_directory(inner, ec) ? inner : std::filesystem::path(given);
}

void show(const kernel::Envelope& envelope, const engine::Outbox& outbox) {
  for (const auto& record : outbox.audit)
    fmt::print("{} #{} {}\n", base::format_timestamp(envelope.ts_recv), envelope.seq, base::to_json(record));
}

ReplayObserver paced(const Options& o) {
  if (o.pace == "step") {
    return [](const kernel::Envelope& envelope, const engine::Outbox& outbox) {
      fmt::print("{} #{} {}\n", base::format_timestamp(envelope.ts_recv), envelope.seq, base::to_json(envelope.event));
      show(envelope, outbox);
      std::string line;
      std::getline(std::cin, line);
    };
  }
  if (o.pace == "real") {
    auto last = std::make_shared<base::Timestamp>();
    return [last, speed = o.speed](const kernel::Envelope& envelope, const engine::Outbox& outbox) {
      if (last->ns != 0) {
        const double wait_ns = static_cast<double>((envelope.ts_recv - *last).ns) / speed;
        std::this_thread::sleep_for(std::chrono::nanoseconds(static_cast<std::int64_t>(wait_ns)));
      }
      *last = envelope.ts_recv;
      show(envelope, outbox);
      std::fflush(stdout);
    };
  }
  return nullptr;
}

std::string outcome_json(const ReplayOutcome& r) {
  std::string out =
      fmt::format("{{\"identical\":{},\"frames\":{},\"events\":{},\"complete\":{},\"torn\":{},\"digest\":\"{}\"",
                  !r.difference, r.frames, r.events, r.complete, r.torn, base::hex64(r.digest));
  if (r.difference) {
    out +=
        fmt::format(",\"difference\":{{\"frame\":{},\"seq\":{},\"recorded\":", r.difference->frame, r.difference->seq);
    base::append_json_string(out, r.difference->recorded);
    out += ",\"replayed\":";
    base::append_json_string(out, r.difference->replayed);
    out += "}";
  }
  return out + "}";
}

int run(const Options& o) {
  if (!(o.speed > 0)) {
    fmt::print(stderr, "qtrader: --speed {}: expected a positive multiplier\n", o.speed);
    return 2;
  }
  const auto outcome = replay(journal_directory(o.journal), paced(o));
  if (!outcome) {
    const int status = report_error(outcome.error());
    return o.verify ? 1 : status;
  }
  if (o.json) {
    fmt::print("{}\n", outcome_json(*outcome));
  } else if (outcome->difference) {
    fmt::print("first difference at frame {}, event #{}\n  recorded: {}\n  replayed: {}\n", outcome->difference->frame,
               outcome->difference->seq, outcome->difference->recorded, outcome->difference->replayed);
  } else {
    fmt::print("identical: {} frames, {} events, digest {}{}\n", outcome->frames, outcome->events,
               base::hex64(outcome->digest),
               outcome->complete ? "" : " (the run was interrupted: it has no end frame)");
  }
  return outcome->difference ? 1 : 0;
}

}  // namespace

void add_replay_command(CLI::App& app, int& status) {
  auto* c = app.add_subcommand("replay", "Run a journal through the core again");
  auto o = std::make_shared<Options>();
  c->add_option("journal", o->journal, "Journal directory, or the OUT of a backtest")->required();
  c->add_flag("--verify", o->verify, "Exit 0 only if every output is byte-identical");
  c->add_option("--pace", o->pace, "fast, step (Enter for each event) or real")
      ->default_val("fast")
      ->check(CLI::IsMember({"fast", "step", "real"}));
  c->add_option("--speed", o->speed, "Multiplier of --pace real")->default_val(1);
  c->add_flag("--json", o->json, "Machine-readable outcome");
  c->callback([o, &status] { status = run(*o); });
}

}  // namespace qtrader::apps
