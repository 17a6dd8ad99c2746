#include "edge/binance/stop_probe.hpp"

#include "edge/binance/requests.hpp"
#include "edge/binance/user_events.hpp"

namespace qtrader::binance {
namespace {

constexpr int kDuplicateId = -4116;

}  // namespace

void StopProbe::run(Done done) {
  if (done_) return done(base::Error{"binance", base::Errc::Conflict, "a stop probe is under way"});
  if (around_.instruments.size() == 0)
    return done(base::Error{"binance", base::Errc::InvalidArgument, "a stop probe needs an instrument"});
  done_ = std::move(done);
  outcome_ = {};
  const auto bitcoin = around_.instruments.find("BTCUSDT");
  symbol_ = bitcoin.value_or(domain::SymbolId{0});
  wire_id_ = std::string(UserEvents::kProbePrefix) + std::to_string(around_.host.now().unix_ms());
  ask<std::vector<PremiumIndex>>(around_, life_, requests::premium_index(around_.instruments.name(symbol_)),
                                 &parse_premium_index, [this](Answer<std::vector<PremiumIndex>> answer) {
                                   if (const auto* failure = std::get_if<ApiFailure>(&answer))
                                     return fail("mark price", *failure);
                                   const auto& rows = std::get<std::vector<PremiumIndex>>(answer);
                                   if (rows.empty())
                                     return fail("mark price", {FailureClass::Unknown, 200, 0, "empty"});
                                   place(rows[0].mark);
                                 });
}

// A sell stop at half the price: nothing a market reaches before it is cancelled, and reduce-only if it does.
void StopProbe::place(domain::Price mark) {
  const domain::Instrument& instrument = around_.instruments[symbol_];
  domain::Order order;
  order.symbol = symbol_;
  order.side = domain::Side::Sell;
  order.type = domain::OrderType::StopMarket;
  order.purpose = domain::OrderPurpose::ProtectiveStop;
  order.quantity = instrument.min_quantity.is_positive() ? instrument.min_quantity : instrument.step_size;
  order.trigger_price = trigger_ =
      instrument.round_price(mark * domain::Ratio::from_double(0.5), domain::Rounding::Down);
  order.reduce_only = true;
  ask<RestAlgoOrder>(around_, life_, requests::place(order, instrument.symbol, wire_id_), &parse_algo_order,
                     [this](Answer<RestAlgoOrder> answer) {
                       const auto* failure = std::get_if<ApiFailure>(&answer);
                       // It is there already: of an earlier life that ended in between.
                       if (failure == nullptr || failure->code == kDuplicateId) return read_back();
                       fail("place", *failure);
                     });
}

void StopProbe::read_back() {
  ask<RestAlgoOrder>(
      around_, life_, requests::find({{}, wire_id_, 0, true}), &parse_algo_order, [this](Answer<RestAlgoOrder> answer) {
        if (const auto* failure = std::get_if<ApiFailure>(&answer)) {
          outcome_ = base::Error{"binance", base::Errc::Unsupported, "stop probe, read back: " + failure->message};
        } else {
          const auto& order = std::get<RestAlgoOrder>(answer);
          const bool as_placed = order.status == AlgoStatus::New && order.trigger_price == trigger_ &&
                                 order.working_type == WorkingType::MarkPrice;
          if (!as_placed)
            outcome_ = base::Error{"binance", base::Errc::Unsupported,
                                   "stop probe, read back: status " + std::string(base::enum_name(order.status)) +
                                       ", trigger " + order.trigger_price.to_string() + "; expected New, " +
                                       trigger_.to_string() + " by mark price"};
        }
        cancel();  // in any case
      });
}

void StopProbe::cancel() {
  ask<AlgoCancel>(around_, life_, requests::cancel({{}, wire_id_, 0, true}), &parse_algo_cancel,
                  [this](Answer<AlgoCancel> answer) {
                    const auto* failure = std::get_if<ApiFailure>(&answer);
                    if (failure != nullptr && outcome_) return fail("cancel", *failure);
                    finish(outcome_);
                  });
}

void StopProbe::fail(const std::string& step, const ApiFailure& failure) {
  const bool answered = failure.kind == FailureClass::Rejected || failure.http_status == 404;
  finish(base::Error{"binance", answered ? base::Errc::Unsupported : base::Errc::Unavailable,
                     "stop probe, " + step + ": " + failure.message + " (HTTP " + std::to_string(failure.http_status) +
                         ", code " + std::to_string(failure.code) + ")",
                     !answered});
}

void StopProbe::finish(base::Result<void> result) {
  const Done done = std::move(done_);
  done_ = nullptr;
  done(std::move(result));
}

}  // namespace qtrader::binance
