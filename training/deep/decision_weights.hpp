// Decision weights: a trading network as the safetensors file that core/models/network serves, and back.
//
// Exporting folds each BatchNorm into scale and shift and stores N-HiTS's large matrices as BF16; import_decision gives
// a network for inference with exactly the file's numbers. Only for sources of this room: the header names torch types.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "training/deep/decision_nets.hpp"

namespace qtrader::training::deep {

/// Rounds in place what the file stores as BF16, so that the network computes what the file will.
void freeze(DecisionNet& net);

/// The file's bytes.
std::string export_decision(const DecisionNet& net, const Quartiles& quartiles);

struct ImportedDecision {
  std::shared_ptr<DecisionNet> net;  // in evaluation mode
  Quartiles quartiles;
};

/// Errors: those of models::parse_tensor_file; SchemaMismatch naming the tensor or the member of the configuration that
/// is missing, unknown or of another shape.
base::Result<ImportedDecision> import_decision(std::string_view file);

}  // namespace qtrader::training::deep
