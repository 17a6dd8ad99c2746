// What the market's sockets cost: stream messages parsed, against a JSON parser that only finds the structure, and
// diffs written into the local book. On recorded text.
#include <simdjson.h>

#include "bench/bench.hpp"
#include "edge/binance/local_book.hpp"
#include "edge/history/byte_source.hpp"

namespace qtrader::bench {
namespace {

constexpr std::size_t kFileLimit = 1u << 30;
constexpr const char* kFeed = "feed/binance-usdm/BTCUSDT-rawfeed_20240808T235415-235959.jsonl-ts.zst";
constexpr const char* kCapture = "wire/capture/cryptofeed-BINANCE_FUTURES.ws.1.0.txt.zst";

/// Messages one after the other, each with the padding a frame has.
struct Messages {
  std::string text;
  std::vector<std::pair<std::size_t, std::size_t>> at;  // offset, length
  std::string_view operator[](std::size_t i) const { return std::string_view(text).substr(at[i].first, at[i].second); }
  void add(std::string_view message) {
    at.emplace_back(text.size(), message.size());
    text.append(message).append(binance::kPadding, ' ');
  }
};

/// The JSON of each line ("<time> {…}", "<time>: {…}") that contains all of `needles`.
Messages select(std::string_view text, const std::vector<std::string_view>& needles) {
  Messages out;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto begin = line.find('{');
    if (begin == std::string_view::npos || line.starts_with("wss:")) continue;
    const auto message = line.substr(begin);
    if (std::all_of(needles.begin(), needles.end(),
                    [&](std::string_view n) { return message.find(n) != std::string_view::npos; }))
      out.add(message);
  }
  return out;
}

base::Result<Figure> parse_figure(const char* kind, const Messages& messages, const Options& options) {
  const std::size_t rounds = std::max<std::size_t>(1, (options.quick ? 100'000 : 2'000'000) / messages.at.size());
  const double n = static_cast<double>(rounds * messages.at.size());
  std::size_t wrong = 0;
  const Repeated ours = repeat(5, [&] {
    for (std::size_t r = 0; r < rounds; ++r)
      for (std::size_t i = 0; i < messages.at.size(); ++i) {
        const auto parsed = binance::parse_market(messages[i]);
        if (!parsed) ++wrong;
        keep(parsed);
      }
  });
  simdjson::dom::parser parser;
  const Repeated dom = repeat(5, [&] {
    for (std::size_t r = 0; r < rounds; ++r)
      for (std::size_t i = 0; i < messages.at.size(); ++i) {
        const auto text = messages[i];
        const auto parsed = parser.parse(text.data(), text.size(), false);
        if (parsed.error() != simdjson::SUCCESS) ++wrong;
        keep(parsed);
      }
  });
  if (wrong > 0)
    return base::Error{"bench", base::Errc::Corrupt, std::to_string(wrong) + " " + kind + " messages are unreadable"};
  return Figure{std::string("wire.parse.") + kind,
                {{"messages_per_s", n / ours.best},
                 {"messages_per_s_median", n / ours.median},
                 {"dom_per_s", n / dom.best},
                 {"times_dom", dom.best / ours.best},
                 {"target_messages_per_s", 1e6}},
                std::to_string(messages.at.size()) +
                    " recorded messages to typed values, one core; dom: simdjson's "
                    "dom parse of the same text, nothing extracted"};
}

base::Result<Figure> book_figure(std::string_view feed, const Options& options) {
  std::vector<binance::DepthUpdate> diffs;
  const Messages depth = select(feed, {"\"e\":\"depthUpdate\""});
  for (std::size_t i = 0; i < depth.at.size(); ++i) {
    QT_TRY(auto message, binance::parse_market(depth[i]));
    diffs.push_back(std::get<binance::DepthUpdate>(std::move(message)));
  }
  const Messages snapshots = select(feed, {"\"lastUpdateId\""});
  if (snapshots.at.empty()) return base::Error{"bench", base::Errc::NotFound, "the feed has no REST snapshot"};
  QT_TRY(const auto snapshot, binance::parse_depth(snapshots[0]));
  std::size_t applied = 0, levels = 0;
  const int rounds = options.quick ? 1 : 10;
  const Repeated time = repeat(5, [&] {
    applied = levels = 0;
    for (int r = 0; r < rounds; ++r) {
      binance::LocalBook book;
      bool joined = false;
      for (const auto& diff : diffs) {
        if (!joined && diff.last_update_id >= snapshot.last_update_id) joined = book.apply_snapshot(snapshot);
        if (book.apply(diff) != binance::LocalBook::Applied::Applied) continue;
        ++applied;
        levels += diff.bids.size() + diff.asks.size();
      }
      keep(book.top());
    }
  });
  if (applied == 0) return base::Error{"bench", base::Errc::Corrupt, "no diff of the feed joins its snapshot"};
  return Figure{"wire.local_book",
                {{"updates_per_s", static_cast<double>(applied) / time.best},
                 {"levels_per_s", static_cast<double>(levels) / time.best},
                 {"levels_an_update", static_cast<double>(levels) / static_cast<double>(applied)}},
                "recorded depth diffs of BTCUSDT into the local book, 1 000 levels a side at the start"};
}

}  // namespace

base::Result<std::vector<Figure>> bench_wire(const Options& options) {
  std::vector<Figure> out;
  const auto feed_file = options.data / kFeed, capture_file = options.data / kCapture;
  if (options.data.empty() || !std::filesystem::exists(feed_file) || !std::filesystem::exists(capture_file))
    return std::vector<Figure>{{"wire", {}, "left out: recorded sessions are not under --data"}};
  QT_TRY(const std::string feed, history::read_all(feed_file, kFileLimit));
  QT_TRY(const std::string capture, history::read_all(capture_file, kFileLimit));
  for (const auto& [kind, messages] : {std::pair{"bookTicker", select(feed, {"\"e\":\"bookTicker\""})},
                                       std::pair{"aggTrade", select(capture, {"\"e\":\"aggTrade\""})},
                                       std::pair{"trade", select(feed, {"\"e\":\"trade\""})},
                                       std::pair{"depthUpdate", select(capture, {"\"e\":\"depthUpdate\""})}}) {
    QT_TRY(auto figure, parse_figure(kind, messages, options));
    out.push_back(std::move(figure));
  }
  QT_TRY(auto book, book_figure(feed, options));
  out.push_back(std::move(book));
  return out;
}

}  // namespace qtrader::bench
