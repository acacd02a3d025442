// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/ray.hpp"

#include <catch2/catch.hpp>

#include "executors/engines/http_client.hpp"
#include "tuner/json_document.hpp"

using namespace tune;
using namespace tune::detail;

namespace {
JsonNode job_of(const AgentSpec& spec) { return *parse_json(ray_job(spec, "tune-a"), 0, [](const JsonFault&) {}); }
std::string text(const JsonNode& node, const char* key) { return node.find(key)->value.text; }
double number(const JsonNode& node, const char* key) { return node.find(key)->value.number; }
AgentSpec spec_of() {
  AgentSpec spec;
  spec.join_file = "/s/my join.json";
  spec.program = "/s/tune";
  return spec;
}
}  // namespace

TEST_CASE("an address is taken apart, and what is none is refused", "[engines]") {
  const auto url = parse_url("https://ray.example:8443/base/");
  REQUIRE(url);
  CHECK((url->tls && url->host == "ray.example" && url->port == "8443" && url->path == "/base"));
  CHECK(parse_url("http://[::1]")->host == "::1");
  CHECK(parse_url("http://h")->port == "80");
  for (const auto* text : {"", "h:80", "ftp://h", "http://", "http://h:", "http://h:0", "http://h:70000", "http://u@h", "http://h?x", "http://[::1", "http://h x", "http://h:80x"}) {
    CHECK_FALSE(parse_url(text));
  }
}

TEST_CASE("an agent alone is the entrypoint of its job, with its resources always said", "[engines]") {
  auto spec = spec_of();
  spec.per_agent = {2, 0.5, 1 << 20, {{"fpga", 1}}};
  spec.labels = {{"experiment", "x"}};
  const auto job = job_of(spec);
  CHECK(text(job, "entrypoint") == "exec /s/tune agent --join '/s/my join.json'");
  CHECK(text(job, "submission_id") == "tune-a");
  CHECK(number(job, "entrypoint_num_cpus") == 2);
  CHECK(number(job, "entrypoint_num_gpus") == 0.5);
  CHECK(number(job, "entrypoint_memory") == 1 << 20);
  CHECK(number(job.find("entrypoint_resources")->value, "fpga") == 1);
  CHECK(text(job.find("metadata")->value, "experiment") == "x");
}

TEST_CASE("an agent that needs nothing still asks for something, or it would be put on the head node", "[engines]") {
  auto spec = spec_of();
  spec.per_agent.cpus = 0;
  CHECK(number(job_of(spec), "entrypoint_num_cpus") > 0);
}

TEST_CASE("a walltime becomes the agent's own deadline", "[engines]") {
  auto spec = spec_of();
  spec.walltime = {600};
  CHECK(text(job_of(spec), "entrypoint") == "export TUNE_DEADLINE=$(($(date +%s) + 600)); exec /s/tune agent --join '/s/my join.json'");
}

TEST_CASE("several agents are placed together by a driver that takes nothing from them", "[engines]") {
  auto spec = spec_of();
  spec.agents = 3;
  spec.per_agent = {2, 1, 0, {}};
  const auto job = job_of(spec);
  CHECK(text(job, "entrypoint").find("python3 -c 'import json") == 0);
  CHECK(text(job, "entrypoint").find("\"bundle\":{\"CPU\":2,\"GPU\":1}") != std::string::npos);
  CHECK_FALSE(job.find("entrypoint_num_cpus"));
  CHECK_FALSE(job.find("entrypoint_num_gpus"));
}

TEST_CASE("Ray's words for a job are states, and a later one's are unknown", "[engines]") {
  CHECK(ray_state("PENDING") == AllocationState::queued);
  CHECK(ray_state("STOPPED") == AllocationState::ended);
  CHECK(ray_state("SUCCEEDED") == AllocationState::ended);
  CHECK(ray_state("FAILED") == AllocationState::failed);
  CHECK(ray_state("THAWING") == AllocationState::unknown);
}

TEST_CASE("Ray's list of jobs is read; jobs without a submission are passed over", "[engines]") {
  const auto jobs = read_ray_jobs(R"([{"submission_id":"tune-a","status":"RUNNING","message":"m","driver_agent_http_address":"http://10.0.0.7:52365","x":[{}]},
                                      {"submission_id":null,"status":"RUNNING"}])");
  REQUIRE(jobs);
  REQUIRE(jobs->size() == 1);
  CHECK(jobs->front().node == "10.0.0.7");
  CHECK_FALSE(read_ray_jobs("Unauthorized"));
  CHECK(read_ray_jobs("[]")->empty());
}

TEST_CASE("a token goes nowhere in the clear, and an address must be one", "[engines]") {
  const auto made = [](const char* address, const char* token) {
    return ray().make({{{"address", std::string{address}}, {"token_file", std::string{token}}}, "/s"}).has_value();
  };
  CHECK_FALSE(made("http://ray.example:8265", "/s/token"));
  CHECK(made("https://ray.example:8265", "/s/token"));
  CHECK(made("http://127.0.0.1:8265", "/s/token"));
  CHECK(made("http://ray.example:8265", ""));
  CHECK_FALSE(made("ray.example", ""));
}
