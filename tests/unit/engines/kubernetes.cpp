// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/kubernetes.hpp"

#include <catch2/catch.hpp>

using namespace tune;
using namespace tune::detail;

namespace {
AgentSpec spec_of() {
  AgentSpec spec;
  spec.join_file = "/s/join.json";
  spec.program = "/usr/bin/tune";
  spec.agents = 3;
  spec.per_agent = {2.5, 1, 1 << 30, {}};
  return spec;
}
KubernetesSettings settings() { return {"registry.example/tune:1", "", "nvidia.com/gpu"}; }
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
AllocationState state_of(const std::string& status) {
  const auto jobs = read_kubernetes_jobs(R"({"kind":"Job","metadata":{"name":"k"},"status":)" + status + "}");
  return jobs && jobs->size() == 1 ? jobs->front().state : AllocationState::lost;
}
}  // namespace

TEST_CASE("an allocation is an Indexed Job with a pod an agent, none of them started anew", "[engines]") {
  const auto job = kubernetes_job(spec_of(), "tune-a", settings());
  REQUIRE(job);
  for (const auto* part : {R"("completionMode":"Indexed")", R"("parallelism":3)", R"("completions":3)", R"("backoffLimitPerIndex":0)", R"("restartPolicy":"Never")",
                           R"("limits":{"cpu":"2.5","memory":"1073741824","nvidia.com/gpu":"1"})", R"("automountServiceAccountToken":false)",
                           R"("command":["/usr/bin/tune","agent","--join","/etc/tune/join.json"])"}) {
    CHECK(has(*job, part));
  }
  CHECK_FALSE(has(*job, "suspend"));
  CHECK_FALSE(has(*job, "kueue"));
}

TEST_CASE("a queue is Kueue's label, a walltime is the pod's and the agent's", "[engines]") {
  auto spec = spec_of();
  spec.walltime = {600};
  auto with_queue = settings();
  with_queue.queue = "gpu";
  const auto job = kubernetes_job(spec, "k", with_queue);
  CHECK(has(*job, R"("kueue.x-k8s.io/queue-name":"gpu")"));
  CHECK(has(*job, R"("activeDeadlineSeconds":600)"));
  CHECK(has(*job, "TUNE_DEADLINE=$(($(date +%s) + 600))"));
}

TEST_CASE("a site's fields go into the pod, but not over ours", "[engines]") {
  auto spec = spec_of();
  spec.site_args = {R"({"nodeSelector":{"zone":"a"}})"};
  CHECK(has(*kubernetes_job(spec, "k", settings()), R"("nodeSelector":{"zone":"a"})"));
  for (const auto* bad : {"--x", "[]", R"({"containers":[]})", R"({"restartPolicy":"Always"})"}) {
    spec.site_args = {bad};
    CHECK_FALSE(kubernetes_job(spec, "k", settings()));
  }
}

TEST_CASE("the join file is a Secret that belongs to its Job", "[engines]") {
  const auto secret = kubernetes_secret("k", "uid-1", "{\"token\":\"x\"}");
  CHECK(has(secret, R"("ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"k","uid":"uid-1"}])"));
  CHECK(has(secret, R"("stringData":{"join.json":"{\"token\":\"x\"}"})"));
}

TEST_CASE("a Job's status tells whether its pods wait, live or are over", "[engines]") {
  CHECK(state_of("{}") == AllocationState::submitted);
  CHECK(state_of(R"({"active":3,"ready":0})") == AllocationState::queued);
  CHECK(state_of(R"({"active":3,"ready":1})") == AllocationState::running);
  CHECK(state_of(R"({"conditions":[{"type":"Suspended","status":"True"}]})") == AllocationState::queued);
  CHECK(state_of(R"({"active":1,"ready":1,"conditions":[{"type":"Suspended","status":"False"}]})") == AllocationState::running);
  CHECK(state_of(R"({"conditions":[{"type":"FailureTarget","status":"True"},{"type":"Failed","status":"True"}]})") == AllocationState::failed);
  CHECK(state_of(R"({"conditions":[{"type":"Complete","status":"True"},{"type":"SuccessCriteriaMet","status":"True"}]})") == AllocationState::ended);
}

TEST_CASE("what is no Job and no list of Jobs is not read as one", "[engines]") {
  for (const auto* text : {"", "[]", "{}", R"({"kind":"Status"})", R"({"kind":"JobList"})"}) CHECK_FALSE(read_kubernetes_jobs(text));
  CHECK(read_kubernetes_jobs(R"({"kind":"JobList","items":[{"metadata":{}}, 3]})")->empty());
  CHECK(kubernetes_status(R"({"kind":"Status","message":"jobs is forbidden"})") == "jobs is forbidden");
}

TEST_CASE("an API server is spoken to in the clear on this machine alone, and an image is needed", "[engines]") {
  const auto made = [](const char* address, const char* image) {
    return kubernetes().make({{{"address", std::string{address}}, {"image", std::string{image}}}, "/s"}).has_value();
  };
  CHECK(made("https://k8s.example:6443", "i"));
  CHECK(made("http://127.0.0.1:8001", "i"));
  CHECK_FALSE(made("http://k8s.example", "i"));
  CHECK_FALSE(made("https://k8s.example", ""));
}
