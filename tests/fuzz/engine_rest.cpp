// SPDX-License-Identifier: Apache-2.0
// Addresses and the answers of engines that speak HTTP, on any bytes.
#include <cstdint>
#include <cstdlib>

#include "executors/engines/http_client.hpp"
#include "executors/engines/kubernetes.hpp"
#include "executors/engines/ray.hpp"

using namespace tune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  if (const auto url = parse_url(text)) {
    if (url->host.empty() || url->port.empty() || url->path.ends_with('/')) std::abort();
  }
  if (const auto jobs = detail::read_ray_jobs(text)) {
    for (const auto& job : *jobs)
      if (job.id.empty() || job.status.empty()) std::abort();
  }
  if (const auto jobs = detail::read_kubernetes_jobs(text)) {
    for (const auto& job : *jobs)
      if (job.name.empty()) std::abort();
  }
  detail::kubernetes_status(text);
  AgentSpec spec;
  spec.site_args = {std::string{text}};
  if (detail::kubernetes_job(spec, "k", {}) && text.find('{') == std::string_view::npos) std::abort();
  return 0;
}
