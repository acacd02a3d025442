// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/kubernetes.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "executors/engines/http_client.hpp"
#include "executors/link/secret_file.hpp"
#include "tuner/json.hpp"
#include "tuner/json_document.hpp"
#include "tuner/options.hpp"

namespace tune {
namespace {

using nlohmann::json;

constexpr const char* kJoinFolder = "/etc/tune";
constexpr const char* kManagedBy = "app.kubernetes.io/managed-by";
constexpr int kKeepSeconds = 3600;  // A Job that is over stays that long, so that its end is seen.

const JsonNode* member(const JsonNode* object, std::string_view key) {
  const auto* found = object ? object->find(key) : nullptr;
  return found ? &found->value : nullptr;
}
std::string text(const JsonNode* object, std::string_view key) {
  const auto* value = member(object, key);
  return value && value->kind == JsonNode::Kind::string ? value->text : std::string{};
}
std::int64_t count(const JsonNode* object, std::string_view key) {
  const auto* value = member(object, key);
  return value && value->integer ? *value->integer : 0;
}

detail::KubernetesJob read_job(const JsonNode& job) {
  using enum AllocationState;
  const auto* metadata = member(&job, "metadata");
  const auto* status = member(&job, "status");
  const auto active = count(status, "active"), ready = count(status, "ready");
  detail::KubernetesJob out{text(metadata, "name"), text(metadata, "uid"), "", active == 0 ? submitted : ready > 0 ? running : queued};
  if (active > 0) out.reason = std::to_string(ready) + " of " + std::to_string(active) + " pods are ready";
  const auto* conditions = member(status, "conditions");
  int rank = 0;  // An end counts more than being about to end, that more than being held back.
  for (const auto& condition : conditions ? conditions->items : std::vector<JsonNode>{}) {
    const std::string type = text(&condition, "type");
    const auto [meaning, weight] = type == "Complete"        ? std::pair{ended, 3}
                                   : type == "Failed"        ? std::pair{failed, 3}
                                   : type == "FailureTarget" ? std::pair{ending, 2}
                                   : type == "SuccessCriteriaMet" ? std::pair{ending, 2}
                                   : type == "Suspended"     ? std::pair{queued, 1}
                                                             : std::pair{unknown, 0};
    if (text(&condition, "status") != "True" || weight <= rank) continue;
    rank = weight;
    out.state = meaning;
    out.reason = type;
    for (const auto* key : {"reason", "message"})
      if (const auto words = text(&condition, key); !words.empty()) out.reason += ": " + words;
  }
  if (rank < 3 && member(metadata, "deletionTimestamp")) out.state = ending;
  return out;
}

class Kubernetes final : public Engine {
 public:
  Kubernetes(Url base, std::string name_space, std::string token_file, std::string ca_file, detail::KubernetesSettings settings)
      : base_(std::move(base)), namespace_(std::move(name_space)), token_file_(std::move(token_file)), ca_file_(std::move(ca_file)), settings_(std::move(settings)) {}

  Result<Done> check(const AgentSpec& spec) override {
    const auto job = detail::kubernetes_job(spec, "tune-check", settings_);
    if (!job) return job.error();
    const auto answer = call("POST", jobs() + "?dryRun=All", *job);
    if (!answer) return answer.error();
    if (answer->status / 100 != 2) return refused("Kubernetes would not take this allocation", *answer);
    return Done{};
  }

  Result<std::string> submit(const AgentSpec& spec, const std::string& key) override {
    TUNE_ASSERT(is_key(key), key);
    const auto job = detail::kubernetes_job(spec, key, settings_);
    if (!job) return job.error();
    const auto join = read_given(spec.join_file, "join file", 64 << 10, Given::secret);
    if (!join) return join.error();
    auto answer = call("POST", jobs(), *job);
    if (answer && answer->status == 409) answer = call("GET", jobs() + "/" + key);  // It came through before.
    if (!answer) return answer.error();
    if (answer->status / 100 != 2) return refused("Kubernetes did not take the allocation", *answer);
    const auto made = detail::read_kubernetes_jobs(answer->body);
    if (!made || made->size() != 1 || made->front().uid.empty()) return Error{Error::Code::unreachable, "Kubernetes answered something else than a Job", ""};
    if (is_over(made->front().state)) return key;
    // After the Job, so that it can belong to it and go with it; until it is there the pods wait for it.
    const auto secret = call("POST", secrets(), detail::kubernetes_secret(key, made->front().uid, *join));
    if (!secret) return secret.error();
    if (secret->status / 100 == 2 || secret->status == 409) return key;
    const Error error = refused("Kubernetes did not take the Secret with the join file", *secret);
    if (error.code == Error::Code::invalid) (void)cancel({key, key});  // Its pods would wait for ever.
    return error;
  }

  std::vector<Allocation> list(std::span<const AllocationName> names) override {
    std::vector<Allocation> out;
    if (names.empty()) return out;
    const auto answer = call("GET", jobs() + "?labelSelector=" + std::string{"app.kubernetes.io%2Fmanaged-by%3Dtune"});
    const auto known = answer && answer->status == 200 ? detail::read_kubernetes_jobs(answer->body) : std::nullopt;
    const std::string trouble = known ? "" : !answer ? answer.error().message : refused("Kubernetes does not tell", *answer).message;
    for (const auto& name : names) {
      Allocation seen{name};
      seen.reason = trouble;
      if (known) {
        const auto job = std::find_if(known->begin(), known->end(), [&](const auto& j) { return j.name == name.key; });
        seen.missing = job == known->end();
        if (!seen.missing) seen.name.id = name.key, seen.state = job->state;
        seen.reason = seen.missing ? "Kubernetes has no Job of this name" : printable(job->reason);
      }
      out.push_back(std::move(seen));
    }
    return out;
  }

  Result<Done> cancel(const AllocationName& name) override {
    const auto answer = call("DELETE", jobs() + "/" + name.key, R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Background"})");
    if (!answer) return answer.error();
    if (answer->status / 100 == 2 || answer->status == 404) return Done{};
    return refused("Kubernetes did not delete " + name.key, *answer);
  }

  Result<std::string> logs(const AllocationName& name, int lines) override {
    const std::string pods = "/api/v1/namespaces/" + namespace_ + "/pods";
    const auto found = call("GET", pods + "?labelSelector=job-name%3D" + name.key);
    if (!found) return found.error();
    if (found->status != 200) return refused("Kubernetes does not show the pods of " + name.key, *found);
    const auto root = parse_json(found->body, 0, [](const JsonFault&) {});
    const auto* items = member(root ? &*root : nullptr, "items");
    for (const auto& pod : items ? items->items : std::vector<JsonNode>{}) {
      const std::string called = text(member(&pod, "metadata"), "name");
      if (called.empty() || called.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") != std::string::npos) continue;
      const auto log = call("GET", pods + "/" + called + "/log?tailLines=" + std::to_string(std::max(1, lines)));
      if (!log) return log.error();
      if (log->status == 200) return detail::tail_of_text(log->body, lines);
      return Error{Error::Code::not_found, printable(called) + ": " + detail::kubernetes_status(log->body), ""};  // "… is waiting to start: image can't be pulled"
    }
    return Error{Error::Code::not_found, "there is no pod of " + name.key, ""};
  }

 private:
  std::string jobs() const { return "/apis/batch/v1/namespaces/" + namespace_ + "/jobs"; }
  std::string secrets() const { return "/api/v1/namespaces/" + namespace_ + "/secrets"; }

  Result<HttpAnswer> call(const std::string& method, const std::string& target, std::string body = {}) {
    HttpCall asked{base_, method, target, {}, std::move(body), ca_file_};
    if (!token_file_.empty()) {  // Read each time: it is renewed every hour.
      const auto token = read_given(token_file_, "the token of Kubernetes", 16384, Given::open);
      if (!token) return token.error();
      asked.headers["Authorization"] = "Bearer " + std::string{detail::trimmed(*token)};
    }
    return ask(asked);
  }

  Error refused(const std::string& what, const HttpAnswer& answer) const {
    const std::string said = detail::kubernetes_status(answer.body);
    const std::string words = what + " (" + std::to_string(answer.status) + ")" + (said.empty() ? "" : ": " + said);
    if (answer.status == 429 || answer.status >= 500) return {Error::Code::unreachable, words, "it is asked again later"};
    if (answer.status == 401 || answer.status == 403) return {Error::Code::invalid, words, "the token needs create, get, list and delete of jobs, create of secrets, list of pods and get of pods/log"};
    return {Error::Code::invalid, words, ""};
  }

  Url base_;
  std::string namespace_, token_file_, ca_file_;
  detail::KubernetesSettings settings_;
};

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 63 && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos && text.front() != '-' && text.back() != '-';
}

Result<std::unique_ptr<Engine>> make(const EngineContext& context) {
  const auto option = [&](const char* name, const char* fallback) { return text_option(context.options, name, fallback); };
  constexpr const char* kAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";
  const auto address = option("address", "https://kubernetes.default.svc"), name_space = option("namespace", "default");
  const auto url = parse_url(address);
  if (!url) return Error{Error::Code::invalid, "executor.address: '" + printable(address) + "' is no https:// address", "https://HOST:6443"};
  const bool here = url->host == "localhost" || url->host == "::1" || url->host.starts_with("127.");
  if (!url->tls && !here) return Error{Error::Code::invalid, "the token would go to " + printable(url->host) + " in the clear", "use https://, or `kubectl proxy`"};
  if (!is_name(name_space)) return Error{Error::Code::invalid, "executor.namespace: '" + printable(name_space) + "' is no name of one", ""};
  detail::KubernetesSettings settings{option("image", ""), option("queue", ""), option("gpu_resource", "nvidia.com/gpu")};
  if (settings.image.empty()) return Error{Error::Code::invalid, "executor.image is not given: a container image with tune in it", ""};
  return std::unique_ptr<Engine>{std::make_unique<Kubernetes>(*url, name_space, option("token_file", (std::string{kAccount} + "token").c_str()),
                                                              option("ca_file", url->tls ? (std::string{kAccount} + "ca.crt").c_str() : ""), std::move(settings))};
}

Result<Done> merge_site_args(const std::vector<std::string>& arguments, json& pod) {
  for (const auto& argument : arguments) {
    const auto tree = parse_json(argument, 0, [](const JsonFault&) {});  // Bounds the depth, which nlohmann does not.
    if (!tree || tree->kind != JsonNode::Kind::object) {
      return Error{Error::Code::invalid, "site_args: " + printable(argument) + " is no JSON object", "fields of the pod: {\"nodeSelector\": {…}}"};
    }
    const json fields = json::parse(to_json(*tree), nullptr, false);
    for (const auto& [name, value] : fields.items()) {
      if (pod.contains(name)) return Error{Error::Code::invalid, "site_args: " + printable(name) + " of a pod is for tune to set", ""};
      pod[name] = value;
    }
  }
  return Done{};
}

}  // namespace

namespace detail {

Result<std::string> kubernetes_job(const AgentSpec& spec, const std::string& key, const KubernetesSettings& settings) {
  AgentSpec inside = spec;
  inside.join_file = std::string{kJoinFolder} + "/join.json";
  json command = agent_command(inside);
  const auto seconds = static_cast<std::int64_t>(spec.walltime.seconds);
  if (seconds > 0) {
    json wrapped = {"/bin/sh", "-c", "export TUNE_DEADLINE=$(($(date +%s) + " + std::to_string(seconds) + ")); exec \"$@\"", "tune-agent"};
    wrapped.insert(wrapped.end(), command.begin(), command.end());
    command = std::move(wrapped);
  }
  json amounts = {{"cpu", to_text(spec.per_agent.cpus)}};
  if (spec.per_agent.memory_bytes > 0) amounts["memory"] = std::to_string(spec.per_agent.memory_bytes);
  if (spec.per_agent.gpus > 0) amounts[settings.gpu_resource] = to_text(std::ceil(spec.per_agent.gpus));
  for (const auto& [name, amount] : spec.per_agent.custom) amounts[name] = to_text(std::ceil(amount));

  json pod = {
      {"restartPolicy", "Never"},
      {"automountServiceAccountToken", false},
      {"containers",
       {{{"name", "agent"},
         {"image", settings.image},
         {"command", command},
         {"env", {{{"name", "TUNE_ALLOCATION"}, {"value", key}}, {{"name", "TUNE_NODE"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "spec.nodeName"}}}}}}}},
         {"resources", {{"requests", amounts}, {"limits", amounts}}},
         {"volumeMounts", {{{"name", "join"}, {"mountPath", kJoinFolder}, {"readOnly", true}}}}}}},
      {"volumes", {{{"name", "join"}, {"secret", {{"secretName", key}, {"defaultMode", 0440}}}}}}};
  if (seconds > 0) pod["activeDeadlineSeconds"] = seconds;  // The pod's and not the Job's: it does not count the wait for a node.
  if (auto merged = merge_site_args(spec.site_args, pod); !merged) return merged.error();

  json labels = {{kManagedBy, "tune"}};
  for (const auto& [name, value] : spec.labels) labels[name] = value;
  json pod_labels = labels;
  if (!settings.queue.empty()) labels["kueue.x-k8s.io/queue-name"] = settings.queue;
  // An agent that ends is not started anew and does not end the others; one whose node is taken away is no failure.
  const json job = {{"apiVersion", "batch/v1"},
                    {"kind", "Job"},
                    {"metadata", {{"name", key}, {"labels", labels}}},
                    {"spec",
                     {{"completionMode", "Indexed"},
                      {"parallelism", spec.agents},
                      {"completions", spec.agents},
                      {"backoffLimitPerIndex", 0},
                      {"podFailurePolicy", {{"rules", {{{"action", "Ignore"}, {"onPodConditions", {{{"type", "DisruptionTarget"}, {"status", "True"}}}}}}}}},
                      {"ttlSecondsAfterFinished", kKeepSeconds},
                      {"template", {{"metadata", {{"labels", pod_labels}}}, {"spec", pod}}}}}};
  return job.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string kubernetes_secret(const std::string& key, const std::string& job_uid, std::string_view join_file) {
  const json owner = {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"name", key}, {"uid", job_uid}};
  const json secret = {{"apiVersion", "v1"},
                       {"kind", "Secret"},
                       {"metadata", {{"name", key}, {"labels", {{kManagedBy, "tune"}}}, {"ownerReferences", json::array({owner})}}},
                       {"type", "Opaque"},
                       {"stringData", {{"join.json", std::string{join_file}}}}};
  return secret.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<std::vector<KubernetesJob>> read_kubernetes_jobs(std::string_view text_of_answer) {
  const auto root = parse_json(text_of_answer, 0, [](const JsonFault&) {});
  const std::string kind = text(root ? &*root : nullptr, "kind");
  std::vector<KubernetesJob> out;
  if (kind == "Job") {
    out.push_back(read_job(*root));
  } else if (const auto* items = member(root ? &*root : nullptr, "items"); kind == "JobList" && items) {
    for (const auto& item : items->items) out.push_back(read_job(item));
  } else {
    return std::nullopt;
  }
  std::erase_if(out, [](const auto& job) { return job.name.empty(); });
  return out;
}

std::string kubernetes_status(std::string_view text_of_answer) {
  const auto root = parse_json(text_of_answer, 0, [](const JsonFault&) {});
  const auto* object = root ? &*root : nullptr;
  return text(object, "kind") == "Status" ? printable(text(object, "message").empty() ? text(object, "reason") : text(object, "message")) : std::string{};
}

}  // namespace detail

EngineEntry kubernetes() {
  using Kind = Option::Kind;
  return {{"kubernetes",
           "Agents in pods of an Indexed Job of Kubernetes.",
           {{"image", Kind::text, "", "A container image with tune in it."},
            {"namespace", Kind::text, "\"default\"", "Of the Jobs."},
            {"queue", Kind::text, "\"\"", "A LocalQueue of Kueue."},
            {"gpu_resource", Kind::text, "\"nvidia.com/gpu\"", "What a GPU is called."},
            {"address", Kind::text, "\"https://kubernetes.default.svc\"", "Of the API server; the default is right within a pod."},
            {"token_file", Kind::text, "", "A file with a bearer token. Not given: the service account's."},
            {"ca_file", Kind::text, "", "Whom to trust (PEM). Not given: the service account's."},
            {"site_args", Kind::list, "", "JSON objects with further fields of the pod: \"{\\\"nodeSelector\\\": {…}}\"."}}},
          make};
}

}  // namespace tune
