// SPDX-License-Identifier: Apache-2.0
#include "ui/server/in_parts.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include "executors/no_signals.hpp"

namespace tune {

std::size_t useful_parts() { return std::clamp(std::thread::hardware_concurrency(), 1U, 4U); }

Result<Done> in_parts(std::size_t parts, const std::function<Result<Done>(std::size_t)>& work) {
  std::vector<Result<Done>> done(parts, Done{});
  {
    const NoSignals quiet;
    std::vector<std::jthread> threads;
    for (std::size_t part = 1; part < parts; ++part) threads.emplace_back([&, part] { done[part] = work(part); });
    done[0] = work(0);
  }
  for (auto& one : done)
    if (!one) return one;
  return Done{};
}

}  // namespace tune
