#include "core/domain/instrument.hpp"

#include <algorithm>

namespace qtrader::domain {
namespace {

base::Error bad(const Instrument& i, const std::string& what) {
  return {"domain", base::Errc::InvalidArgument, "instrument " + i.symbol + ": " + what};
}

}  // namespace

Price Instrument::round_price(Price price, Rounding rounding) const {
  const std::int64_t ticks = mul_div(price.raw(), 1, tick_size.raw(), rounding);
  return Price::from_raw(ticks * tick_size.raw());
}

Quantity Instrument::round_quantity_down(Quantity quantity) const {
  return Quantity::from_raw(quantity.raw() / step_size.raw() * step_size.raw());
}

const LeverageBracket& Instrument::bracket_for(Money notional) const {
  QT_CHECK(!brackets.empty(), "instrument without leverage brackets");
  const Money magnitude = notional.abs();
  for (const auto& b : brackets)
    if (magnitude < b.notional_cap) return b;
  return brackets.back();
}

base::Result<void> Instrument::validate() const {
  if (symbol.empty()) return bad(*this, "symbol is empty");
  if (!tick_size.is_positive()) return bad(*this, "tick_size " + tick_size.to_string() + " must be positive");
  if (!step_size.is_positive()) return bad(*this, "step_size " + step_size.to_string() + " must be positive");
  if (min_quantity.is_negative()) return bad(*this, "min_quantity " + min_quantity.to_string() + " is negative");
  if (min_notional.is_negative()) return bad(*this, "min_notional " + min_notional.to_string() + " is negative");
  if (brackets.empty()) return bad(*this, "no leverage brackets");
  Money floor;
  for (const auto& b : brackets) {
    if (b.notional_floor != floor || b.notional_cap <= b.notional_floor)
      return bad(*this, "brackets must be contiguous from 0, got one from " + b.notional_floor.to_string() + " to " +
                            b.notional_cap.to_string());
    if (!b.maintenance_ratio.is_positive() || b.max_leverage < 1)
      return bad(*this, "bracket at " + b.notional_floor.to_string() + " needs a positive ratio and leverage");
    floor = b.notional_cap;
  }
  return {};
}

base::Result<InstrumentTable> InstrumentTable::create(std::vector<Instrument> instruments) {
  if (instruments.size() > 65'535)
    return base::Error{"domain", base::Errc::InvalidArgument,
                       std::to_string(instruments.size()) + " instruments: at most 65535"};
  InstrumentTable table;
  for (auto& i : instruments) {
    QT_TRY_VOID(i.validate());
    if (table.find(i.symbol)) return bad(i, "listed twice");
    table.instruments_.push_back(std::move(i));
  }
  return table;
}

const Instrument& InstrumentTable::operator[](SymbolId id) const {
  QT_CHECK(id.value < instruments_.size(), "unknown symbol id");
  return instruments_[id.value];
}

std::optional<SymbolId> InstrumentTable::find(std::string_view symbol) const {
  for (std::size_t i = 0; i < instruments_.size(); ++i)
    if (instruments_[i].symbol == symbol) return SymbolId{static_cast<std::uint16_t>(i)};
  return std::nullopt;
}

base::Result<std::string> canonical_symbol(std::string_view text) {
  std::string s(text);
  if (const auto dot = s.find("-PERP"); dot != std::string::npos) s.resize(dot);
  if (const auto colon = s.find(':'); colon != std::string::npos) s.resize(colon);
  std::erase(s, '/');
  const bool legal = !s.empty() && s.size() <= 32 && std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!legal)
    return base::Error{
        "domain", base::Errc::InvalidArgument,
        "symbol '" + std::string(text) + "': expected like BTCUSDT, BTC/USDT:USDT or BTCUSDT-PERP.BINANCE"};
  return s;
}

}  // namespace qtrader::domain
