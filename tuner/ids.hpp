// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <compare>
#include <cstdint>
#include <functional>

namespace tune {

/// A trial's number within its experiment, from 0.
struct TrialId {
  std::int64_t value = -1;
  auto operator<=>(const TrialId&) const = default;
};

/// A worker's number within its experiment, from 0. This machine is worker 0.
struct WorkerId {
  std::int64_t value = -1;
  auto operator<=>(const WorkerId&) const = default;
};

/// A record's place in its experiment's journal: dense, from 1. 0 means "none".
using Seq = std::int64_t;

}  // namespace tune

template <>
struct std::hash<tune::TrialId> {
  std::size_t operator()(tune::TrialId id) const noexcept { return std::hash<std::int64_t>{}(id.value); }
};
