// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/ray.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "executors/engines/http_client.hpp"
#include "executors/link/secret_file.hpp"
#include "tuner/json.hpp"
#include "tuner/json_document.hpp"
#include "tuner/options.hpp"

namespace tune {
namespace {

// Several agents at once: Ray's jobs have no placement groups, its Python has. The driver lives as long as its agents; where
// the job is stopped Ray ends the tasks and what they started.
constexpr const char* kDriver = R"(import json, os, subprocess, sys
os.environ["RAY_DEDUP_LOGS"] = "0"  # Read by the import. Agents say the same things, and each of them counts.
import ray
from ray.util.placement_group import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy
what = json.loads(sys.argv[1])
ray.init()
group = placement_group([what["bundle"]] * what["agents"], strategy="SPREAD")
ray.get(group.ready())
at = lambda i: PlacementGroupSchedulingStrategy(placement_group=group, placement_group_bundle_index=i)
of = dict(num_cpus=what["cpus"], num_gpus=what["gpus"], memory=what["memory"] or None, resources=what["custom"], max_retries=0)
@ray.remote(**of)
def agent(line):
    return subprocess.call(["/bin/sh", "-c", line])
codes = []
for code in [agent.options(scheduling_strategy=at(i)).remote(what["line"]) for i in range(what["agents"])]:
    try:
        codes.append(ray.get(code))
    except Exception as lost:
        print(lost, file=sys.stderr)
        codes.append(1)
sys.exit(max(codes, default=0))
)";

// With nothing at all, Ray puts a job on the head node. A driver may be there: what it took elsewhere, the last of its agents would lack.
constexpr double kLeastCpus = 0.001;

std::string text(const JsonNode& object, std::string_view key) {
  const auto* member = object.find(key);
  return member && member->value.kind == JsonNode::Kind::string ? member->value.text : std::string{};
}

/// "http://10.0.0.7:52365" -> "10.0.0.7"
std::string host_of(const std::string& address) {
  const auto url = parse_url(address);
  return url ? url->host : std::string{};
}

// A failure comes as a traceback; what it says is its last line that is not blank or a full stop.
std::string last_line(const std::string& body) {
  std::string_view rest = detail::trimmed(body);
  while (!rest.empty()) {
    const auto at = rest.rfind('\n');
    const auto line = detail::trimmed(at == std::string_view::npos ? rest : rest.substr(at + 1));
    if (line.size() > 1) return printable(line.substr(0, 500));
    rest = at == std::string_view::npos ? std::string_view{} : rest.substr(0, at);
  }
  return "no words";
}

class Ray final : public Engine {
 public:
  Ray(Url base, std::string token_file, std::string ca_file) : base_(std::move(base)), token_file_(std::move(token_file)), ca_file_(std::move(ca_file)) {}

  Result<Done> check(const AgentSpec& spec) override {
    if (!spec.site_args.empty()) return Error{Error::Code::invalid, "site_args have no place in a Ray job", ""};
    const auto version = get("/api/version");  // Needs no token, but minds a wrong one; tells Ray from something else.
    if (!version) return version.error();
    if (version->status == 401 || version->status == 403) return refused("Ray does not know us", *version);
    const auto root = parse_json(version->body, 0, [](const JsonFault&) {});
    if (version->status != 200 || !root || text(*root, "ray_version").empty()) {
      return Error{Error::Code::invalid, "what answers at " + place() + " is no Ray", "executor.address is that of Ray's dashboard: http://HOST:8265"};
    }
    const auto jobs = get("/api/jobs/");
    if (!jobs) return jobs.error();
    if (jobs->status != 200) return refused("Ray does not let us see its jobs", *jobs);
    return Done{};
  }

  Result<std::string> submit(const AgentSpec& spec, const std::string& key) override {
    TUNE_ASSERT(is_key(key), key);
    const auto answer = call("POST", "/api/jobs/", detail::ray_job(spec, key));
    if (answer && answer->status == 200) return key;
    // A second job of one id is refused, so to ask again is harmless. Whether this one came through, Ray itself knows.
    const auto found = get("/api/jobs/" + key);
    if (found && found->status == 200) return key;
    if (!answer) return answer.error();
    return refused("Ray did not take the job", *answer);
  }

  std::vector<Allocation> list(std::span<const AllocationName> names) override {
    std::vector<Allocation> out;
    if (names.empty()) return out;
    const auto answer = get("/api/jobs/");
    const auto jobs = answer && answer->status == 200 ? detail::read_ray_jobs(answer->body) : std::nullopt;
    const std::string trouble = jobs ? "" : !answer ? answer.error().message : refused("Ray does not tell", *answer).message;
    for (const auto& name : names) {
      Allocation seen{{name.key, name.key}};
      const auto job = jobs ? std::find_if(jobs->begin(), jobs->end(), [&](const auto& j) { return j.id == name.key; }) : std::vector<detail::RayJob>::const_iterator{};
      if (!jobs) {
        seen.name.id = name.id;
        seen.reason = trouble;
      } else if (job == jobs->end()) {
        seen.name.id = name.id;
        seen.missing = true;
        seen.reason = "Ray knows no job of this id";
      } else {
        seen.state = detail::ray_state(job->status);
        seen.reason = printable(job->message.empty() ? job->status : job->message);
        if (!job->node.empty()) seen.nodes = {printable(job->node)};
      }
      out.push_back(std::move(seen));
    }
    return out;
  }

  Result<Done> cancel(const AllocationName& name) override {
    const auto answer = call("POST", "/api/jobs/" + name.key + "/stop", "");
    if (!answer) return answer.error();
    if (answer->status == 200 || answer->status == 404) return Done{};
    return refused("Ray did not stop " + name.key, *answer);
  }

  Result<std::string> logs(const AllocationName& name, int lines) override {
    const auto answer = get("/api/jobs/" + name.key + "/logs");
    if (!answer) return answer.error();
    if (answer->status == 404) return Error{Error::Code::not_found, "Ray has no log of " + name.key, ""};
    const auto root = parse_json(answer->body, 0, [](const JsonFault&) {});
    if (answer->status != 200 || !root) return refused("Ray does not show the log", *answer);
    return detail::tail_of_text(text(*root, "logs"), lines);
  }

 private:
  std::string place() const { return base_.host + ":" + base_.port; }

  Result<HttpAnswer> get(const std::string& target) { return call("GET", target, ""); }
  Result<HttpAnswer> call(const std::string& method, const std::string& target, std::string body) {
    HttpCall asked{base_, method, target, {}, std::move(body), ca_file_};
    if (!token_file_.empty()) {  // Read each time: it may be renewed.
      const auto token = read_given(token_file_, "the token of Ray", 4096, Given::secret);
      if (!token) return token.error();
      asked.headers["Authorization"] = "Bearer " + std::string{detail::trimmed(*token)};
    }
    return ask(asked);
  }

  Error refused(const std::string& what, const HttpAnswer& answer) const {
    const std::string words = what + " (" + std::to_string(answer.status) + "): " + last_line(answer.body);
    if (answer.status == 401 || answer.status == 403) return {Error::Code::invalid, words, "executor.token_file names the file with its token"};
    // A cluster that has just started answers so; so does a proxy before one that is gone.
    if (answer.status >= 502 || answer.body.find("try again later") != std::string::npos) return {Error::Code::unreachable, words, "it is asked again later"};
    return {Error::Code::invalid, words, ""};
  }

  Url base_;
  std::string token_file_, ca_file_;
};

Result<std::unique_ptr<Engine>> make(const EngineContext& context) {
  const auto address = text_option(context.options, "address", "http://127.0.0.1:8265");
  const auto token = text_option(context.options, "token_file");
  const auto url = parse_url(address);
  if (!url) return Error{Error::Code::invalid, "executor.address: '" + printable(address) + "' is no http:// or https:// address", "http://HOST:8265"};
  const bool here = url->host == "localhost" || url->host == "::1" || url->host.starts_with("127.");
  if (!url->tls && !here && !token.empty()) {
    return Error{Error::Code::invalid, "the token would go to " + printable(url->host) + " in the clear", "use https://, or a tunnel to this machine: ssh -L 8265:127.0.0.1:8265 HOST"};
  }
  return std::unique_ptr<Engine>{std::make_unique<Ray>(*url, token, text_option(context.options, "ca_file"))};
}

}  // namespace

namespace detail {

AllocationState ray_state(std::string_view word) {
  using enum AllocationState;
  return word == "PENDING" ? queued : word == "RUNNING" ? running : word == "STOPPED" || word == "SUCCEEDED" ? ended : word == "FAILED" ? failed : unknown;
}

std::string ray_job(const AgentSpec& spec, const std::string& key) {
  // Ray knows no walltime; the agent keeps to its own, from when it starts.
  std::string line = "exec " + shell_line(agent_command(spec));
  if (spec.walltime.seconds > 0) line = "export TUNE_DEADLINE=$(($(date +%s) + " + std::to_string(static_cast<long long>(spec.walltime.seconds)) + ")); " + line;

  const Resources& each = spec.per_agent;
  const bool many = spec.agents > 1;
  std::string out;
  JsonWriter json(out);
  if (many) {
    std::string what;
    JsonWriter writer(what);
    writer.begin_object().key("agents").value(spec.agents).key("line").value(line).key("cpus").value(each.cpus).key("gpus").value(each.gpus);
    writer.key("memory").value(each.memory_bytes).key("custom").begin_object();
    for (const auto& [name, count] : each.custom) writer.key(name).value(count);
    writer.end_object().key("bundle").begin_object().key("CPU").value(each.cpus);
    if (each.gpus > 0) writer.key("GPU").value(each.gpus);
    if (each.memory_bytes > 0) writer.key("memory").value(each.memory_bytes);
    for (const auto& [name, count] : each.custom) writer.key(name).value(count);
    writer.end_object().end_object();
    line = shell_line(std::vector<std::string>{"python3", "-c", kDriver, what});
  }
  json.begin_object().key("entrypoint").value(line).key("submission_id").value(key);
  if (!many) json.key("entrypoint_num_cpus").value(std::max(each.cpus, kLeastCpus));
  if (!many && each.gpus > 0) json.key("entrypoint_num_gpus").value(each.gpus);
  if (!many && each.memory_bytes > 0) json.key("entrypoint_memory").value(each.memory_bytes);
  if (!many && !each.custom.empty()) {
    json.key("entrypoint_resources").begin_object();
    for (const auto& [name, count] : each.custom) json.key(name).value(count);
    json.end_object();
  }
  json.key("runtime_env").begin_object().key("env_vars").begin_object().key("TUNE_ALLOCATION").value(key).end_object().end_object();
  json.key("metadata").begin_object();
  for (const auto& [name, value] : spec.labels) json.key(name).value(value);
  json.end_object().end_object();
  return out;
}

std::optional<std::vector<RayJob>> read_ray_jobs(std::string_view json) {
  const auto root = parse_json(json, 0, [](const JsonFault&) {});
  if (!root || (root->kind != JsonNode::Kind::array && root->kind != JsonNode::Kind::object)) return std::nullopt;
  std::vector<RayJob> out;
  const auto add = [&](const JsonNode& node) {
    RayJob job{text(node, "submission_id"), text(node, "status"), text(node, "message"), host_of(text(node, "driver_agent_http_address"))};
    if (!job.id.empty() && !job.status.empty()) out.push_back(std::move(job));
  };
  if (root->kind == JsonNode::Kind::object) add(*root);
  for (const auto& node : root->items) add(node);
  return out;
}

}  // namespace detail

EngineEntry ray() {
  using Kind = Option::Kind;
  return {{"ray",
           "Agents in jobs of a Ray cluster.",
           {{"address", Kind::text, "\"http://127.0.0.1:8265\"", "Of Ray's dashboard."},
            {"token_file", Kind::text, "\"\"", "A file with Ray's token (RAY_AUTH_MODE=token)."},
            {"ca_file", Kind::text, "\"\"", "Of https: whom to trust, in place of the system's authorities (PEM)."}}},
          make};
}

}  // namespace tune
