// Gateway::load_instruments: exchangeInfo, then leverage brackets and each symbol's commission rates where there is a
// key. Without one the documented first-level values stand in and the instruments say that they are assumed.
#include <algorithm>
#include <memory>

#include "edge/binance/gateway.hpp"
#include "edge/binance/messages_rest.hpp"
#include "edge/binance/requests.hpp"

namespace qtrader::binance {
namespace {

using Done = std::function<void(base::Result<domain::InstrumentTable>)>;

// VIP 0 (binance-usdm.md 16).
const domain::Ratio kMakerFee = domain::Ratio::from_raw(20'000), kTakerFee = domain::Ratio::from_raw(50'000);

/// Stricter than what the exchange grants nearly every contract: 20×, 2.5 % maintenance, up to 1 M USDT, 10 % beyond.
std::vector<domain::LeverageBracket> assumed_brackets() {
  const domain::Money edge = domain::Money::from_int(1'000'000);
  return {{{}, edge, domain::Ratio::from_raw(2'500'000), {}, 20},
          {edge, domain::Money::from_int(100'000'000), domain::Ratio::from_raw(10'000'000),
           domain::Money::from_int(75'000), 5}};
}

class Loader : public std::enable_shared_from_this<Loader> {
 public:
  Loader(RestClient& rest, std::vector<std::string> symbols, Done done)
      : rest_(rest), symbols_(std::move(symbols)), done_(std::move(done)) {}

  void start() {
    rest_.call(requests::exchange_info(), [self = shared_from_this()](ApiResult result) {
      if (const auto* failure = std::get_if<ApiFailure>(&result)) return self->fail("exchangeInfo", *failure);
      self->on_info(parse_exchange_info(std::get<std::string>(result), self->symbols_));
    });
  }

 private:
  void on_info(base::Result<ExchangeInfo> info) {
    if (!info) return done_(info.error());
    const RateLimits& limits = info->limits;
    if (limits.weight_1m > 0 && limits.orders_10s > 0 && limits.orders_1m > 0)
      rest_.set_limits(limits.weight_1m, limits.orders_10s, limits.orders_1m);
    for (const std::string& name : symbols_) {
      const auto it = std::find_if(info->symbols.begin(), info->symbols.end(),
                                   [&](const SymbolInfo& s) { return s.instrument.symbol == name; });
      if (it == info->symbols.end())
        return done_(base::Error{"binance", base::Errc::NotFound, "symbol " + name + ": not listed in exchangeInfo"});
      if (!it->trading)
        return done_(base::Error{"binance", base::Errc::NotFound,
                                 "symbol " + name + ": status " + it->status + ", expected TRADING"});
      instruments_.push_back(it->instrument);
    }
    rest_.call(requests::leverage_brackets(), [self = shared_from_this()](ApiResult result) {
      if (const auto* failure = std::get_if<ApiFailure>(&result)) {
        // No key at all (nothing was sent), as opposed to one the exchange refuses.
        const bool keyless = failure->kind == FailureClass::Credentials && failure->http_status == 0;
        return keyless ? self->assume() : self->fail("leverageBracket", *failure);
      }
      self->on_brackets(parse_leverage_brackets(std::get<std::string>(result)));
    });
  }

  void on_brackets(base::Result<std::vector<SymbolBrackets>> brackets) {
    if (!brackets) return done_(brackets.error());
    for (domain::Instrument& instrument : instruments_) {
      for (const SymbolBrackets& row : *brackets)
        if (row.symbol == instrument.symbol) instrument.brackets = row.brackets;
      if (instrument.brackets.empty())
        return done_(base::Error{"binance", base::Errc::NotFound,
                                 "symbol " + instrument.symbol + ": not listed in leverageBracket"});
    }
    load_fees(0);
  }

  void load_fees(std::size_t index) {
    if (index == instruments_.size()) return finish();
    const std::string& name = instruments_[index].symbol;
    rest_.call(requests::commission_rate(name), [self = shared_from_this(), index, name](ApiResult result) {
      if (const auto* failure = std::get_if<ApiFailure>(&result))
        return self->fail("commissionRate of " + name, *failure);
      const auto rate = parse_commission_rate(std::get<std::string>(result));
      if (!rate) return self->done_(rate.error());
      self->instruments_[index].maker_fee = rate->maker;
      self->instruments_[index].taker_fee = rate->taker;
      self->load_fees(index + 1);
    });
  }

  void assume() {
    for (domain::Instrument& instrument : instruments_) {
      instrument.brackets = assumed_brackets();
      instrument.maker_fee = kMakerFee;
      instrument.taker_fee = kTakerFee;
      instrument.assumed = true;
    }
    finish();
  }

  void finish() { done_(domain::InstrumentTable::create(std::move(instruments_))); }

  void fail(const std::string& what, const ApiFailure& failure) {
    done_(base::Error{"binance", base::Errc::Unavailable,
                      what + ": " + failure.message + " (HTTP " + std::to_string(failure.http_status) + ", code " +
                          std::to_string(failure.code) + ")",
                      failure.kind == FailureClass::NotExecuted || failure.kind == FailureClass::Unknown});
  }

  RestClient& rest_;
  const std::vector<std::string> symbols_;
  const Done done_;
  std::vector<domain::Instrument> instruments_;
};

}  // namespace

void Gateway::load_instruments(RestClient& rest, std::vector<std::string> symbols, Done done) {
  std::make_shared<Loader>(rest, std::move(symbols), std::move(done))->start();
}

}  // namespace qtrader::binance
