// Contract rules for recorded data: instruments.json, the exchange's own JSON, and what can be inferred from bars.
//
// docs/formats/instruments.md has the schema, the fee and bracket assumptions and where they come from. Whatever is not
// read from the exchange leaves `assumed` set, and reports say so.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/domain/instrument.hpp"
#include "edge/history/catalog.hpp"

namespace qtrader::history {

/// The array that base::to_json(std::vector<Instrument>) writes. `origin` is named in errors. Errors: Corrupt.
base::Result<std::vector<domain::Instrument>> parse_instruments(std::string_view json, const std::string& origin);
base::Result<std::vector<domain::Instrument>> load_instruments(const std::filesystem::path& file);
/// Atomically, one instrument per line, sorted by symbol. Errors: Io, NoSpace, InvalidArgument (invalid instrument).
base::Result<void> save_instruments(const std::filesystem::path& file, std::vector<domain::Instrument> instruments);

/// Perpetual contracts of GET /fapi/v1/exchangeInfo: the body, or a recorded line that ends in it. Brackets and fees
/// are the assumed ones and `assumed` is set until real brackets are put in. Errors: Corrupt.
base::Result<std::vector<domain::Instrument>> parse_exchange_info(std::string_view text, const std::string& origin);
/// Leverage brackets by symbol: the array of GET /fapi/v1/leverageBracket or ccxt's map of tiers. Errors: Corrupt.
base::Result<std::map<std::string, std::vector<domain::LeverageBracket>>> parse_brackets(std::string_view text,
                                                                                         const std::string& origin);

/// The table used where the exchange's is not known.
std::vector<domain::LeverageBracket> assumed_brackets();
/// Tick and step from the decimals seen in up to 5 000 bars. Errors: those of the cursor; NotFound if it is empty.
base::Result<domain::Instrument> infer_instrument(const std::string& symbol, BarCursor& bars);

}  // namespace qtrader::history
