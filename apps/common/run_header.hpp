// RunHeader: the first frame of a run's journal: everything needed to build the same core again, and nothing of the
// machine it ran on. Model weights lie beside the journal, under models/, and are named here by their hashes.
#pragma once

#include <string>
#include <vector>

#include "core/engine/config.hpp"
#include "edge/simvenue/sim_venue.hpp"

namespace qtrader::apps {

struct RunHeader {
  std::string schema = "qtrader_journal/3";
  std::string code_version;
  engine::EngineConfig engine;
  simvenue::SimVenueConfig venue;
  std::uint64_t seed = 0;
  std::vector<domain::Instrument> instruments;
  std::vector<std::string> models;  // "xgboost:<sha256>"
  std::string data_hash;
  base::Timestamp from, to;
  bool synthetic = false;
  std::vector<std::string> caveats;
  std::string mode = "backtest";  // "sim", "paper", "testnet", "live"
  std::uint32_t instance = 0;     // in the client order ids of a live run; 24 bits
};
QT_DESCRIBE(RunHeader, schema, code_version, engine, venue, seed, instruments, models, data_hash, from, to, synthetic,
            caveats, mode, instance)

}  // namespace qtrader::apps
