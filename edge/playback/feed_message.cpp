#include "edge/playback/feed_message.hpp"

#include <simdjson.h>

#include <cstring>

#include "edge/history/byte_source.hpp"

namespace qtrader::playback {
namespace {

using domain::Price;
using domain::Quantity;
using simdjson::ondemand::object;
using Text = std::string_view;

constexpr std::size_t kChunk = 1 << 18, kLongestLine = 1 << 24;

/// Reads fields of one JSON object; remembers that one was missing or malformed instead of answering each time.
class Fields {
 public:
  explicit Fields(object value) : object_(value) {}
  Text text(const char* key) {
    Text out;
    note(object_[key].get_string().get(out), key);
    return out;
  }
  std::int64_t integer(const char* key) {
    std::int64_t out = 0;
    note(object_[key].get_int64().get(out), key);
    return out;
  }
  bool boolean(const char* key) {
    bool out = false;
    note(object_[key].get_bool().get(out), key);
    return out;
  }
  template <class T>
  T decimal(const char* key) {
    return number<T>(text(key), key);
  }
  std::vector<matching::BookLevel> levels(const char* key) {
    std::vector<matching::BookLevel> out;
    simdjson::ondemand::array rows;
    if (!note(object_[key].get_array().get(rows), key)) return out;
    for (auto row : rows) {
      simdjson::ondemand::array pair;
      if (!note(row.get_array().get(pair), key)) return out;
      Text parts[2];
      std::size_t n = 0;
      for (auto part : pair)
        if (n < 2 && !note(part.get_string().get(parts[n++]), key)) return out;
      out.push_back({number<Price>(parts[0], key), number<Quantity>(parts[1], key)});
    }
    return out;
  }
  std::optional<Text> optional_text(const char* key) {
    Text out;
    if (object_[key].get_string().get(out) != simdjson::SUCCESS) return std::nullopt;
    return out;
  }
  const std::string& fault() const { return fault_; }

 private:
  bool note(simdjson::error_code error, const char* key) {
    if (error != simdjson::SUCCESS && fault_.empty())
      fault_ = std::string("field \"") + key + "\" is missing or malformed";
    return error == simdjson::SUCCESS;
  }
  template <class T>
  T number(Text text, const char* key) {
    auto parsed = T::parse(text);
    if (parsed) return *parsed;
    if (fault_.empty()) fault_ = std::string("field \"") + key + "\": \"" + std::string(text) + "\" is no number";
    return {};
  }
  object object_;
  std::string fault_;
};

base::Timestamp time_of(Fields& f) { return base::Timestamp::from_unix_ms(f.integer("T")); }

// On-demand parsing reads forward: each reads its fields in the order the exchange writes them.

std::optional<FeedMessage> read_depth(Fields& f, bool snapshot) {
  FeedMessage m;
  DepthMessage d;
  d.snapshot = snapshot;
  if (snapshot) {
    d.first_id = d.last_id = static_cast<std::uint64_t>(f.integer("lastUpdateId"));
    m.time = time_of(f);
    d.bids = f.levels("bids");
    d.asks = f.levels("asks");
  } else {
    m.time = time_of(f);
    m.symbol = f.text("s");
    d.first_id = static_cast<std::uint64_t>(f.integer("U"));
    d.last_id = static_cast<std::uint64_t>(f.integer("u"));
    d.previous_id = static_cast<std::uint64_t>(f.integer("pu"));
    d.bids = f.levels("b");
    d.asks = f.levels("a");
  }
  m.body = std::move(d);
  return m;
}

std::optional<FeedMessage> read_ticker(Fields& f) {
  FeedMessage m;
  TickerMessage t;
  t.id = static_cast<std::uint64_t>(f.integer("u"));
  m.symbol = f.text("s");
  t.bid.price = f.decimal<Price>("b");
  t.bid.quantity = f.decimal<Quantity>("B");
  t.ask.price = f.decimal<Price>("a");
  t.ask.quantity = f.decimal<Quantity>("A");
  m.time = time_of(f);
  m.body = t;
  return m;
}

std::optional<FeedMessage> read_trade(Fields& f, bool aggregate) {
  FeedMessage m;
  TradeMessage t;
  t.aggregate = aggregate;
  m.symbol = f.text("s");
  t.id = f.integer(aggregate ? "a" : "t");
  t.price = f.decimal<Price>("p");
  t.quantity = f.decimal<Quantity>("q");
  m.time = time_of(f);
  t.taker = f.boolean("m") ? domain::Side::Sell : domain::Side::Buy;
  const auto kind = aggregate ? std::nullopt : f.optional_text("X");
  if (kind && *kind != "MARKET") return std::nullopt;
  if (f.fault().empty() && (!t.price.is_positive() || !t.quantity.is_positive())) return std::nullopt;
  m.body = t;
  return m;
}

/// Of a mark price the event time E is when it was so; T is the next settlement.
std::optional<FeedMessage> read_mark(Fields& f) {
  FeedMessage m;
  MarkMessage k;
  m.time = base::Timestamp::from_unix_ms(f.integer("E"));
  m.symbol = f.text("s");
  k.mark = f.decimal<Price>("p");
  k.index = f.decimal<Price>("i");
  k.rate = f.decimal<domain::Ratio>("r");
  k.next_funding = base::Timestamp::from_unix_ms(f.integer("T"));
  m.body = k;
  return m;
}

}  // namespace

struct FeedReader::Impl {
  std::string file;
  std::unique_ptr<history::ByteSource> bytes;
  simdjson::ondemand::parser parser;
  std::string buffer;  // read and not yet parsed, from `at`
  std::size_t at = 0;
  std::uint64_t line = 0;
  bool ended = false;

  base::Error corrupt(const std::string& what) const {
    return {"playback", base::Errc::Corrupt, file + ":" + std::to_string(line) + ": " + what};
  }
  /// The next line, followed by at least SIMDJSON_PADDING bytes of buffer; nothing at the end.
  base::Result<std::optional<Text>> next_line();
  base::Result<std::optional<FeedMessage>> parse(Text json);
  base::Result<std::optional<FeedMessage>> parse_event(object data);
  base::Result<std::optional<FeedMessage>> finish(Fields& fields, std::optional<FeedMessage> message) const {
    if (!fields.fault().empty()) return corrupt(fields.fault());
    return message;
  }
};

base::Result<std::optional<Text>> FeedReader::Impl::next_line() {
  std::size_t searched = at;
  for (;;) {
    const std::size_t end = buffer.find('\n', searched);
    if (end != std::string::npos || (ended && at < buffer.size())) {
      const std::size_t stop = std::min(end, buffer.size());
      const Text out(buffer.data() + at, stop - at);
      at = std::min(stop + 1, buffer.size());
      ++line;
      buffer.reserve(buffer.size() + simdjson::SIMDJSON_PADDING);
      return std::optional<Text>(Text(buffer.data() + (stop - out.size()), out.size()));
    }
    if (ended) return std::optional<Text>();
    if (buffer.size() - at > kLongestLine)
      return corrupt("a line longer than " + std::to_string(kLongestLine) + " bytes");
    buffer.erase(0, at);
    at = 0;
    searched = buffer.size();
    buffer.resize(searched + kChunk);
    QT_TRY(const std::size_t n, bytes->read(std::span(buffer).subspan(searched)));
    buffer.resize(searched + n);
    ended = n == 0;
  }
}

base::Result<std::optional<FeedMessage>> FeedReader::Impl::parse(Text json) {
  simdjson::ondemand::document document;
  const simdjson::padded_string_view padded(json.data(), json.size(),
                                            buffer.capacity() - static_cast<std::size_t>(json.data() - buffer.data()));
  object whole;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(whole) != simdjson::SUCCESS)
    return corrupt("expected a JSON object");
  object data;
  if (whole["data"].get_object().get(data) == simdjson::SUCCESS) return parse_event(data);
  std::uint64_t id = 0;
  if (whole["lastUpdateId"].get_uint64().get(id) == simdjson::SUCCESS) {
    Fields fields(whole);
    auto message = read_depth(fields, true);
    return finish(fields, std::move(message));
  }
  return parse_event(whole);
}

base::Result<std::optional<FeedMessage>> FeedReader::Impl::parse_event(object data) {
  Text kind;
  if (data["e"].get_string().get(kind) != simdjson::SUCCESS) return std::optional<FeedMessage>();
  Fields fields(data);
  std::optional<FeedMessage> message;
  if (kind == "depthUpdate")
    message = read_depth(fields, false);
  else if (kind == "bookTicker")
    message = read_ticker(fields);
  else if (kind == "trade" || kind == "aggTrade")
    message = read_trade(fields, kind == "aggTrade");
  else if (kind == "markPriceUpdate")
    message = read_mark(fields);
  return finish(fields, std::move(message));
}

FeedReader::FeedReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FeedReader::~FeedReader() = default;

base::Result<std::unique_ptr<FeedReader>> FeedReader::open(const std::string& file) {
  auto impl = std::make_unique<Impl>();
  impl->file = file;
  QT_TRY(impl->bytes, history::open_bytes(file));
  return std::unique_ptr<FeedReader>(new FeedReader(std::move(impl)));
}

base::Result<std::optional<FeedMessage>> FeedReader::next() {
  for (;;) {
    QT_TRY(const auto line, impl_->next_line());
    if (!line) return std::optional<FeedMessage>();
    if (line->empty()) continue;
    const std::size_t space = line->find(' ');
    if (space == Text::npos) return impl_->corrupt("expected \"<local time ns> <json>\"");
    QT_TRY(auto message, impl_->parse(line->substr(space + 1)));
    if (message) return message;
  }
}

}  // namespace qtrader::playback
