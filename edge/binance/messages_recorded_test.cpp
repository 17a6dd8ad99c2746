// Every recorded wire message there is parses, and they are as many as the recordings hold.
#include <gtest/gtest.h>

#include <map>

#include "core/base/json.hpp"
#include "edge/binance/messages_fast.hpp"
#include "edge/binance/messages_rest.hpp"
#include "edge/binance/messages_testing.hpp"
#include "edge/binance/messages_user.hpp"

namespace qtrader::binance {
namespace {

using namespace testing;

/// The kind of each message, counted; both ways of the parser must agree on it.
std::map<std::string, int> count_kinds(const std::vector<std::string_view>& messages) {
  std::map<std::string, int> kinds;
  std::string padded;
  for (const auto text : messages) {
    padded.assign(text).append(kPadding, ' ');
    const auto view = std::string_view(padded).substr(0, text.size());
    const auto slow = fast::parse_market_slow(view);
    const auto fast = fast::parse_market_fast(view);
    EXPECT_TRUE(slow.ok()) << slow.error().message();
    if (!slow) continue;
    if (fast) {
      EXPECT_EQ(fast->index(), slow->index()) << text;
      std::visit(
          [&](const auto& m) {
            using M = std::decay_t<decltype(m)>;
            if constexpr (std::equality_comparable<M>) {
              EXPECT_EQ(m, std::get<M>(*slow)) << text;
            }
          },
          *fast);
    }
    constexpr const char* kNames[] = {"BookTicker",  "AggTrade",   "Trade",        "DepthUpdate",  "MarkPrice",
                                      "MarkPrices",  "Kline",      "Ticker",       "Tickers",      "MiniTicker",
                                      "MiniTickers", "ForceOrder", "ContractInfo", "ControlReply", "Other"};
    ++kinds[std::string(kNames[slow->index()]) + (fast ? " fast" : "")];
  }
  return kinds;
}

using Kinds = std::map<std::string, int>;

TEST(RecordedMessages, CapturedWebSocketSession) {
  QT_NEED_SHARED_DATA();
  const std::string text = read_zst(shared_data() / "wire/capture/cryptofeed-BINANCE_FUTURES.ws.1.0.txt.zst");
  std::vector<std::string_view> messages;
  for (const auto line : lines(text))
    if (!line.starts_with("wss:")) messages.push_back(after(line, ": "));
  EXPECT_EQ(count_kinds(messages),
            (Kinds{{"AggTrade fast", 91}, {"BookTicker fast", 613}, {"DepthUpdate fast", 764}, {"Kline", 67}}));
}

TEST(RecordedMessages, RawFeed) {
  QT_NEED_SHARED_DATA();
  const std::string text =
      read_zst(shared_data() / "feed/binance-usdm/BTCUSDT-rawfeed_20240808T235415-235959.jsonl-ts.zst");
  std::vector<std::string_view> messages;
  std::size_t snapshots = 0;
  for (const auto line : lines(text)) {
    const auto message = after(line, " ");
    if (message.find("\"e\":") != std::string_view::npos)
      messages.push_back(message);
    else
      snapshots += parse_depth(message).ok() ? 1 : 0;
  }
  EXPECT_EQ(snapshots, 1u);
  EXPECT_EQ(count_kinds(messages),
            (Kinds{{"BookTicker fast", 66'089}, {"DepthUpdate fast", 6'551}, {"Trade fast", 21'313}}));
}

TEST(RecordedMessages, CapturedRestBodies) {
  QT_NEED_SHARED_DATA();
  const std::string first = read_zst(shared_data() / "wire/capture/cryptofeed-BINANCE_FUTURES.0.txt.zst");
  const auto info = parse_exchange_info(after(lines(first).at(0), ": "));
  ASSERT_TRUE(info.ok()) << info.error().message();
  EXPECT_EQ(info->limits.weight_1m, 2'400);
  std::size_t trading = 0;
  for (const SymbolInfo& s : info->symbols) {
    trading += s.trading ? 1 : 0;
    EXPECT_TRUE(s.instrument.tick_size.is_positive()) << s.instrument.symbol;
    EXPECT_TRUE(s.instrument.step_size.is_positive()) << s.instrument.symbol;
  }
  EXPECT_EQ(info->symbols.size(), 122u);
  EXPECT_EQ(trading, 121u);
  const std::string depth = read_zst(shared_data() / "wire/capture/cryptofeed-BINANCE_FUTURES.http.0.0.txt.zst");
  std::size_t snapshots = 0;
  for (const auto line : lines(depth)) {
    const auto body = after(after(line, " -> "), ": ");
    if (body.empty()) continue;
    const auto s = parse_depth(body);
    ASSERT_TRUE(s.ok()) << s.error().message();
    EXPECT_FALSE(s->bids.empty());
    EXPECT_FALSE(s->asks.empty());
    EXPECT_LT(s->bids.front().price, s->asks.front().price);
    ++snapshots;
  }
  EXPECT_EQ(snapshots, 4u);
}

TEST(RecordedMessages, LeverageBracketsOfAllContracts) {
  QT_NEED_SHARED_DATA();
  // ccxt's form keeps the exchange's object under "info"; put together again as the exchange sends it.
  const auto root = json::parse(read_zst(shared_data() / "wire/rest/leverage-brackets-2024-10.json.zst"));
  json::array body;
  std::size_t tiers = 0;
  for (const auto& [symbol, list] : root.as_object()) {
    json::array brackets;
    for (const auto& tier : list.as_array()) brackets.push_back(tier.at("info"));
    tiers += brackets.size();
    body.push_back(json::object{{"symbol", symbol}, {"brackets", std::move(brackets)}});
  }
  const auto all = parse_leverage_brackets(json::serialize(body));
  ASSERT_TRUE(all.ok()) << all.error().message();
  EXPECT_EQ(all->size(), root.as_object().size());
  std::size_t parsed = 0;
  for (const auto& s : *all) {
    parsed += s.brackets.size();
    domain::Instrument instrument;
    instrument.symbol = s.symbol;
    instrument.tick_size = domain::Price::from_raw(1);
    instrument.step_size = domain::Quantity::from_raw(1);
    instrument.brackets = s.brackets;
    const auto valid = instrument.validate();
    EXPECT_TRUE(valid.ok()) << valid.error().message();
  }
  EXPECT_EQ(parsed, tiers);
  EXPECT_GT(tiers, 2'500u);
}

TEST(RecordedMessages, EveryRestFixture) {
  QT_NEED_SHARED_DATA();
  using Check = bool (*)(std::string_view);
  const std::map<std::string, Check> used = {
      {"nautilus-rs/account_info_v2.json", [](std::string_view b) { return parse_account(b).ok(); }},
      {"nautilus-rs/balance.json", [](std::string_view b) { return parse_balances(b).ok(); }},
      {"nautilus-rs/open_algo_orders.json", [](std::string_view b) { return parse_algo_orders(b).ok(); }},
      {"nautilus-rs/order_response.json", [](std::string_view b) { return parse_order(b).ok(); }},
      {"nautilus/http_futures_account_orders.json", [](std::string_view b) { return parse_orders(b).ok(); }},
      {"nautilus/http_futures_account_position_side_dual.json", [](std::string_view b) { return *parse_dual_side(b); }},
      {"nautilus/http_futures_account_positions_one_way.json",
       [](std::string_view b) { return parse_position_risk(b)->at(0).leverage == 10; }},
      {"nautilus/http_futures_account_symbol_config.json",
       [](std::string_view b) { return parse_symbol_configs(b)->at(1).margin_mode == domain::MarginMode::Isolated; }},
      {"nautilus/http_futures_account_trades.json",
       [](std::string_view b) { return parse_user_trades(b)->size() == 2; }},
      {"nautilus/http_futures_market_book_ticker.json", [](std::string_view b) { return parse_book_tickers(b).ok(); }},
      {"nautilus/http_futures_market_depth.json", [](std::string_view b) { return parse_depth(b).ok(); }},
      {"nautilus/http_futures_market_exchange_info.json",
       [](std::string_view b) { return parse_exchange_info(b)->symbols.size() == 3; }},
      {"nautilus/http_futures_market_funding_rate.json",
       [](std::string_view b) { return parse_funding_rates(b)->size() == 2; }},
      {"nautilus/http_futures_market_klines.json",
       [](std::string_view b) { return parse_klines(b, domain::Timeframe::M5).ok(); }},
      {"nautilus/http_futures_market_mark_price_klines.json",
       [](std::string_view b) { return parse_klines(b, domain::Timeframe::M1).ok(); }},
      {"nautilus/http_futures_wallet_commission_rate_btcusdt.json",
       [](std::string_view b) { return parse_commission_rate(b).ok(); }},
      {"nautilus/http_futures_wallet_commission_rate_btcusdt_quarterly.json",
       [](std::string_view b) { return parse_commission_rate(b).ok(); }}};
  std::size_t files = 0;
  for (const char* folder : {"nautilus", "nautilus-rs"})
    for (const auto& entry : fs::directory_iterator(shared_data() / "wire/rest" / folder)) {
      ++files;
      const auto check = used.find(std::string(folder) + "/" + entry.path().filename().string());
      if (check == used.end()) continue;
      EXPECT_TRUE(check->second(read_file(entry.path()))) << entry.path();
    }
  EXPECT_EQ(files, 28u);  // the other eleven are of calls this program does not make
}

TEST(RecordedMessages, EveryWebSocketFixture) {
  QT_NEED_SHARED_DATA();
  std::map<std::string, int> market, user;
  for (const char* folder : {"nautilus", "nautilus-rs"})
    for (const auto& entry : fs::directory_iterator(shared_data() / "wire/ws" / folder)) {
      const std::string text = read_file(entry.path());
      const std::string name = entry.path().filename().string();
      const bool of_user = name.find("update_") != std::string::npos || name.find("account") != std::string::npos ||
                           name.find("trade_lite") != std::string::npos;
      if (of_user && name.find("depth") == std::string::npos) {
        const auto message = parse_user(text);
        ASSERT_TRUE(message.ok()) << name << ": " << message.error().message();
        EXPECT_FALSE(std::holds_alternative<OtherUser>(*message)) << name;
        ++user[std::to_string(message->index())];
      } else {
        const auto message = parse_market_copy(text);
        ASSERT_TRUE(message.ok()) << name << ": " << message.error().message();
        EXPECT_FALSE(std::holds_alternative<OtherMarket>(*message)) << name;
        ++market[std::to_string(message->index())];
      }
    }
  // BookTicker 2, AggTrade, Trade, DepthUpdate 2, MarkPrice, Kline, Ticker 2
  EXPECT_EQ(market, (Kinds{{"0", 2}, {"1", 1}, {"2", 1}, {"3", 2}, {"4", 1}, {"6", 1}, {"7", 2}}));
  // OrderTradeUpdate 9, AccountUpdate, TradeLite, AlgoUpdate 3
  EXPECT_EQ(user, (Kinds{{"0", 9}, {"1", 1}, {"2", 1}, {"5", 3}}));
}

}  // namespace
}  // namespace qtrader::binance
