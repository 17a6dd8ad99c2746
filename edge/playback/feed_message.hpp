// FeedMessage: one line of a recorded USD-M session as a value; FeedReader: the lines of a file, one after the other.
//
// "<local time ns> <json>": a combined-stream message ({"stream":…,"data":…}), a bare stream event, or the body of a
// REST depth snapshot. Third-party JSON stays inside. It judges the form only; what a book makes of it is FeedBook's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.hpp"
#include "edge/matching/events.hpp"

namespace qtrader::playback {

/// Of a depthUpdate, or a whole book by REST (snapshot, first_id = last_id).
struct DepthMessage {
  bool snapshot = false;
  std::uint64_t first_id = 0, last_id = 0, previous_id = 0;
  std::vector<matching::BookLevel> bids, asks;
};
struct TickerMessage {
  std::uint64_t id = 0;
  matching::BookLevel bid, ask;
};
/// aggregate: of an aggTrade stream, which says the same as the trade stream once more.
struct TradeMessage {
  std::int64_t id = 0;
  domain::Price price;
  domain::Quantity quantity;
  domain::Side taker = domain::Side::Buy;
  bool aggregate = false;
};
struct MarkMessage {
  domain::Price mark, index;
  domain::Ratio rate;
  base::Timestamp next_funding;
};
struct FeedMessage {
  base::Timestamp time;  // the exchange's transaction time T
  std::string symbol;    // empty in a REST snapshot
  std::variant<DepthMessage, TickerMessage, TradeMessage, MarkMessage> body;
};

class FeedReader {
 public:
  /// Plain or compressed. Errors: NotFound, Io, Corrupt.
  static base::Result<std::unique_ptr<FeedReader>> open(const std::string& file);
  ~FeedReader();
  /// The next message of a kind above; others are passed over, and so are trades that are no executions in the book
  /// (insurance fund, ADL). Nothing at the end. Errors: Corrupt with file and line, Io.
  base::Result<std::optional<FeedMessage>> next();

 private:
  struct Impl;
  explicit FeedReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qtrader::playback
