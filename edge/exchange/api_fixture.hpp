// ApiFixture: an Api in front of a real exchange with two contracts, a small book and some history, for tests.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <boost/json.hpp>
#include <memory>
#include <string>

#include "edge/exchange/api.hpp"

namespace qtrader::exchange {

namespace json = boost::json;

inline std::string hmac_hex(std::string_view secret, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex.push_back("0123456789abcdef"[digest[i] >> 4]);
    hex.push_back("0123456789abcdef"[digest[i] & 15]);
  }
  return hex;
}

inline domain::Instrument test_instrument(std::string symbol, std::string_view tick, std::string_view step) {
  using domain::Money;
  using domain::Quantity;
  using domain::Ratio;
  domain::Instrument i;
  i.symbol = std::move(symbol);
  i.tick_size = domain::Price::parse(tick).value();
  i.step_size = i.min_quantity = Quantity::parse(step).value();
  i.max_quantity = Quantity::from_int(1'000);
  i.max_market_quantity = Quantity::from_int(120);
  i.min_notional = Money::from_int(50);
  i.maker_fee = Ratio::parse("0.0002").value();
  i.taker_fee = Ratio::parse("0.0005").value();
  const auto bracket = [&](int floor, int cap, const char* ratio, int cumulative, int leverage) {
    i.brackets.push_back({Money::from_int(floor), Money::from_int(cap), Ratio::parse(ratio).value(),
                          Money::from_int(cumulative), leverage});
  };
  bracket(0, 50'000, "0.004", 0, 125);
  bracket(50'000, 600'000, "0.005", 50, 100);
  bracket(600'000, 3'000'000, "0.0065", 950, 75);
  bracket(3'000'000, 12'000'000, "0.01", 11'450, 50);
  bracket(12'000'000, 70'000'000, "0.02", 131'450, 25);
  bracket(70'000'000, 100'000'000, "0.025", 481'450, 20);
  return i;
}

class ApiFixture : public ::testing::Test {
 protected:
  static constexpr std::int64_t kStartMs = 1'704'067'200'000;  // 2024-01-01

  explicit ApiFixture(ApiConfig config = {}) : config_(config) {}

  void SetUp() override {
    start_exchange();
    keys_.add({"demo", "secret", ApiKeyType::Hmac, account_, true});
    keys_.add({"reader", "secret", ApiKeyType::Hmac, account_, false});
    make_api();
    play_market();
  }

  void make_api() {
    api_ =
        std::make_unique<Api>(Api::Rooms{*exchange_, *market_, keys_, listen_keys_, [this] { return now(); }}, config_);
  }

  base::Timestamp now() const { return exchange_->now() + skew_; }
  void advance(base::Duration d) {
    exchange_->advance_to(exchange_->now() + d);
    drain();
  }
  void drain() {
    for (const auto& event : exchange_->take_events()) market_->on(event);
  }
  static domain::Price price(std::string_view text) { return domain::Price::parse(text).value(); }
  static domain::Quantity quantity(std::string_view text) { return domain::Quantity::parse(text).value(); }

  // Requests. The peer is one address.
  net::HttpResponse request(const std::string& method, const std::string& target, const std::string& body = "",
                            net::Headers headers = {}) {
    net::HttpRequest r{method, target, std::move(headers), body};
    auto response = api_->handle(r, peer_);
    drain();
    return response;
  }
  net::HttpResponse keyed(const std::string& method, const std::string& target) {
    return request(method, target, "", {{"X-MBX-APIKEY", "demo"}});
  }
  /// timestamp and signature are added to the query.
  net::HttpResponse signed_request(const std::string& method, const std::string& path, std::string query = "") {
    if (!query.empty()) query += '&';
    query += "timestamp=" + std::to_string(now().unix_ms());
    return request(method, path + "?" + query + "&signature=" + hmac_hex("secret", query), "",
                   {{"x-mbx-apikey", "demo"}});
  }
  json::value call(const std::string& method, const std::string& path, const std::string& query = "") {
    const auto response = signed_request(method, path, query);
    EXPECT_EQ(response.status, 200) << method << ' ' << path << '?' << query << ": " << response.body;
    return json::parse(response.body);
  }
  int code_of(const net::HttpResponse& response) {
    const auto value = json::parse(response.body);
    return value.is_object() && value.as_object().contains("code") ? static_cast<int>(value.at("code").as_int64()) : 0;
  }
  int refusal(const std::string& method, const std::string& path, const std::string& query = "") {
    const auto response = signed_request(method, path, query);
    EXPECT_GE(response.status, 400) << path << '?' << query << ": " << response.body;
    return code_of(response);
  }
  static std::string message_of(const net::HttpResponse& response) {
    return std::string(json::parse(response.body).at("msg").as_string());
  }

  ApiConfig config_;
  std::unique_ptr<matching::Exchange> exchange_;
  std::unique_ptr<PublicMarket> market_;
  Keyring keys_;
  ListenKeys listen_keys_{7};
  std::unique_ptr<Api> api_;
  matching::AccountId account_, other_;
  base::Duration skew_;
  std::string peer_ = "10.0.0.1";
  static constexpr domain::SymbolId kBtc{0}, kEth{1};

 private:
  void start_exchange() {
    auto table = domain::InstrumentTable::create(
                     {test_instrument("BTCUSDT", "0.1", "0.001"), test_instrument("ETHUSDT", "0.01", "0.001")})
                     .value();
    std::vector<matching::ContractRules> rules(2);
    rules[0].min_price = price("556.8");
    rules[0].max_price = price("4529764");
    rules[1].funding_interval_hours = 4;
    market_ = std::make_unique<PublicMarket>(table, PublicMarket::Config{.source = domain::Timeframe::M1});
    exchange_ = matching::Exchange::create({.seed = 3}, table, rules).value();
    exchange_->advance_to(base::Timestamp::from_unix_ms(kStartMs));
    account_ = exchange_->open_account({});
    other_ = exchange_->open_account({});
  }
  // Six minutes of a quiet market.
  void play_market() {
    for (const auto& [symbol, middle] : {std::pair{kBtc, 50'000}, std::pair{kEth, 3'000}}) {
      matching::BookSnapshotTick book{symbol, {}, {}, exchange_->now()};
      const auto tick = exchange_->instruments()[symbol].tick_size;
      for (int i = 1; i <= 30; ++i) {
        const auto offset = domain::Price::from_raw(tick.raw() * i);
        book.bids.push_back({domain::Price::from_int(middle) - offset, quantity("2")});
        book.asks.push_back({domain::Price::from_int(middle) + offset, quantity("2")});
      }
      exchange_->on(book);
    }
    for (int minute = 0; minute < 6; ++minute) {
      for (const auto& [symbol, middle] : {std::pair{kBtc, 50'000}, std::pair{kEth, 3'000}}) {
        const auto mid = domain::Price::from_int(middle);
        exchange_->on(matching::MarkTick{symbol, mid, mid, domain::Ratio::from_raw(10'000),
                                         base::Timestamp::from_unix_ms(kStartMs + 8 * 3'600'000), exchange_->now()});
        exchange_->on(matching::TradeTick{symbol, mid, quantity("0.5"), domain::Side::Buy, exchange_->now()});
        exchange_->on(matching::TradeTick{symbol, mid, quantity("0.25"), domain::Side::Sell, exchange_->now()});
      }
      if (minute == 2) exchange_->on(matching::FundingTick{kBtc, domain::Ratio::from_raw(10'000), exchange_->now()});
      drain();
      advance(base::minutes(1));
    }
  }
};

}  // namespace qtrader::exchange
