// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "executors/engines/engine.hpp"

namespace tune {

/// Kubernetes by its REST API: an allocation is one Indexed Job (batch/v1) whose name is our key, an agent a pod.
/// docs/executors/kubernetes.md
EngineEntry kubernetes();

namespace detail {

struct KubernetesSettings {
  std::string image, queue, gpu_resource = "nvidia.com/gpu";
};

/// The Job of an allocation. Error (invalid): site_args that are no JSON objects, or that would replace what is ours.
Result<std::string> kubernetes_job(const AgentSpec&, const std::string& key, const KubernetesSettings&);
/// The Secret with the join file, which goes when the Job goes.
std::string kubernetes_secret(const std::string& key, const std::string& job_uid, std::string_view join_file);

/// A Job as the API server tells it.
struct KubernetesJob {
  std::string name, uid, reason;
  AllocationState state = AllocationState::unknown;
};
/// A JobList, or one Job. nullopt: neither.
std::optional<std::vector<KubernetesJob>> read_kubernetes_jobs(std::string_view json);
/// What a Status object says, for people; empty if it is none.
std::string kubernetes_status(std::string_view json);

}  // namespace detail
}  // namespace tune
