// Evaluation text: the tables of an evaluation for people, as Markdown or for a terminal.
//
// Adds nothing to the result and hides nothing of it that decides: the verdict comes first, every figure that has an
// interval shows it.
#pragma once

#include <string>

#include "training/evaluate/evaluate.hpp"

namespace qtrader::training {

std::string to_markdown(const EvaluationResult& result);

/// The same tables without the parts, in aligned columns.
std::string to_terminal(const EvaluationResult& result);

}  // namespace qtrader::training
