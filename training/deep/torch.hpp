// libtorch for this room: every source that names a tensor includes it through here.
//
// clang destroys a std::vector<c10::IValue> where libtorch 1.13 has only declared IValue, as C++20's constexpr vector
// lets it; IValue whole before anything else is enough.
#pragma once

#include <ATen/core/ivalue.h>
#include <torch/torch.h>
