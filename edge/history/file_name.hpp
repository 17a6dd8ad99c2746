// What a file's name and directories say about the series it holds. No file is opened here.
//
//   BTCUSDT-1h_20190908-20251231[_x].csv[.zst]   BTCUSDT-funding_…   BTCUSDT-mark-1h_…   BTCUSDT-1h.csv BTCUSDT_1h.csv
//   BTCUSDT-1h-2024-10[-28].zip|csv   BTCUSDT-fundingRate-2024-10.zip          (data.binance.vision; 12 columns)
//   BTC_USDT_USDT-5m-futures.json[.gz]   …-1h-mark.json   …-8h-funding_rate.json   BTC_USDT-1h.json (spot) (freqtrade)
//   recorded-futures-1m_20220513-20251218.csv.zst   alts-funding_….csv        (long: lower-case name, symbol column)
//   BTCUSDT-1h.qtb                                                            (ours; its header says the rest)
#pragma once

#include <filesystem>
#include <optional>

#include "edge/history/catalog.hpp"

namespace qtrader::history {

struct NamedFile {
  SeriesInfo info;            // symbol is empty where the file lists its own
  bool many_symbols = false;  // rows carry a symbol column that must be read
};

/// Nothing if the name is none of the known forms.
std::optional<NamedFile> parse_file_name(const std::filesystem::path& file);

/// 0 is best; see Catalog.
int format_rank(const std::string& format);

}  // namespace qtrader::history
