// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "executors/engines/engine.hpp"

namespace tune {

/// Ray by its Jobs REST API: an allocation is one Ray job, whose submission id is our key. docs/executors/ray.md
EngineEntry ray();

namespace detail {

/// The body of POST /api/jobs/. With several agents the entrypoint is a driver that has them in one placement group.
std::string ray_job(const AgentSpec&, const std::string& key);

/// One job as GET /api/jobs/ tells it.
struct RayJob {
  std::string id, status, message, node;
};
/// An array of jobs, or one. Jobs that nobody submitted with an id are passed over. nullopt: neither.
std::optional<std::vector<RayJob>> read_ray_jobs(std::string_view json);
AllocationState ray_state(std::string_view word);

}  // namespace detail
}  // namespace tune
