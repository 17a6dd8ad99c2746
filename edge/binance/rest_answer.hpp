// What an HTTP answer of Binance means: its failure class, and what it says about the limits. Pure functions.
//
// The one place where status, error code and message are told apart; the venue adapter acts on the classes only.
#pragma once

#include <optional>

#include "edge/binance/rest_client.hpp"
#include "edge/binance/rest_scheduler.hpp"
#include "edge/net/client.hpp"

namespace qtrader::binance {

/// nullopt: a 2xx answer.
std::optional<ApiFailure> failure_of(const net::HttpResponse& response);
ApiFailure failure_of(const net::HttpFailure& failure);

/// The headers and the ban notice. now: the exchange's time.
RestScheduler::Answer limits_of(const net::HttpResponse& response, base::Timestamp now);

}  // namespace qtrader::binance
