// What a training asks of libtorch itself: device, threads, seeds, determinism, dropout from our own numbers.
//
// Process-wide settings; a program sets them once before it trains. Only for sources of this room: the header names
// torch types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "training/deep/torch.hpp"

namespace qtrader::training::deep {

/// The first CUDA device if the linked libtorch has CUDA and there is one, else the CPU.
torch::Device device();

/// Threads of tensor operations, and of the OpenBLAS below them if that is the BLAS. More than one changes the order of
/// some sums, and so the last bits of the weights.
void set_threads(std::int32_t threads = 1);

/// Lets the process keep the memory of freed tensors for the next ones, instead of giving it back to the system after
/// every operation: twice the speed on a CPU, for as much memory as the largest step needs.
void keep_freed_memory();

/// Deterministic algorithms only, and torch's generators seeded from the child stream `name` of `seed`: initial weights
/// and dropout are then a function of (code, seed, name). On a CUDA device some operations have no deterministic form;
/// torch warns of them.
void start_deterministically(std::uint64_t seed, std::string_view name);

/// Sets the rate (and Adam's first momentum) of every parameter group of Adam or AdamW.
void set_rates(torch::optim::Optimizer& optimiser, double learning_rate, double momentum);

/// Dropout whose mask comes from a counter-based hash keyed by torch's generator: several times faster on a CPU than
/// torch's own, which draws one Mersenne number an element (and is used on other devices). Identity if not training or
/// rate == 0.
torch::Tensor hashed_dropout(const torch::Tensor& x, double rate, bool training);

}  // namespace qtrader::training::deep
