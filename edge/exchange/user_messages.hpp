// Payloads of the user data stream, field by field as Binance USD-M sends them (October 2026).
//
// Formatting only. T is the engine's time of what happened, E (`now`) the time of sending, never before T.
#pragma once

#include <string>

#include "core/domain/instrument.hpp"
#include "edge/matching/events.hpp"

namespace qtrader::exchange {

std::string order_trade_update(const domain::Instrument& instrument, const matching::OrderEvent& event,
                               base::Timestamp now);
/// Of executions of type Trade only; precedes the rest of their sequence.
std::string trade_lite(const domain::Instrument& instrument, const matching::OrderEvent& event, base::Timestamp now);
std::string account_update(const domain::InstrumentTable& instruments, const matching::AccountEvent& event,
                           base::Timestamp now);
std::string algo_update(const domain::Instrument& instrument, const matching::AlgoEvent& event, base::Timestamp now);
std::string account_config_update(const domain::Instrument& instrument, const matching::LeverageEvent& event,
                                  base::Timestamp now);
std::string margin_call(const domain::InstrumentTable& instruments, const matching::MarginCallEvent& event,
                        base::Timestamp now);
std::string listen_key_expired(std::string_view listen_key, base::Timestamp now);

}  // namespace qtrader::exchange
