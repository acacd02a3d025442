// SPDX-License-Identifier: Apache-2.0
// What a rank finds in its environment, and the commands that start ranks where we do not.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "executors/process/environment.hpp"
#include "executors/process/ranks.hpp"
#include "tuner/json.hpp"
#include "tuner/json_document.hpp"

namespace tune {
namespace {

using How = RanksPlan::Launch;

constexpr std::array<std::string_view, 5> kWaysToReport = {"TUNE_FD", "TUNE_SOCK", "TUNE_TOKEN", "TUNE_URL", "TUNE_CA"};

bool is_named(std::string_view entry, std::string_view name) {
  return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
}

void drop(std::vector<std::string>& env, std::string_view name) {
  std::erase_if(env, [&](const std::string& entry) { return is_named(entry, name); });
}

void set(std::vector<std::string>& env, std::string_view name, const std::string& value) {
  drop(env, name);
  env.push_back(std::string{name} + "=" + value);
}

/// What this machine's ranks were granted together; nullopt outside of a trial.
std::optional<Seat> seat_in(const std::vector<std::string>& env) {
  const auto root = parse_json(value_in(env, "TUNE_RESOURCES"), 0, [](const JsonFault&) {});
  if (!root || root->kind != JsonNode::Kind::object) return std::nullopt;
  Seat seat;
  if (const auto* cpu = root->find("cpu")) seat.cpus = cpu->value.number;
  if (const auto* memory = root->find("memory_bytes")) seat.memory_bytes = memory->value.integer.value_or(0);
  if (const auto* share = root->find("gpu_share")) seat.device_share = share->value.number;
  if (const auto* devices = root->find("gpu_ids"))
    for (const auto& device : devices->value.items) seat.devices.push_back(static_cast<int>(device.integer.value_or(0)));
  return seat;
}

/// CUDA_VISIBLE_DEVICES names the seat's devices in their order, by number or by UUID.
std::string visible_devices(const std::vector<std::string>& env, const std::optional<Seat>& seat, const std::vector<int>& devices) {
  std::vector<std::string> names;
  for (std::string_view rest = value_in(env, "CUDA_VISIBLE_DEVICES"); !rest.empty();) {
    names.emplace_back(rest.substr(0, rest.find(',')));
    rest.remove_prefix(std::min(rest.size(), names.back().size() + 1));
  }
  std::string visible;
  for (const int device : devices) {
    std::string name = std::to_string(device);
    if (seat && names.size() == seat->devices.size())
      if (const auto at = std::find(seat->devices.begin(), seat->devices.end(), device); at != seat->devices.end())
        name = names[static_cast<std::size_t>(at - seat->devices.begin())];
    visible += (visible.empty() ? "" : ",") + name;
  }
  return visible;
}

void narrow_resources(const RanksPlan& plan, int local, std::vector<std::string>& env) {
  auto seat = seat_in(env);
  if (!plan.devices.empty()) {
    const auto& devices = plan.devices[static_cast<std::size_t>(local)];
    set(env, "CUDA_VISIBLE_DEVICES", visible_devices(env, seat, devices));
    if (seat) seat->devices = devices;
  }
  if (!seat) return;
  seat->cpus /= plan.count;
  seat->memory_bytes /= plan.count;
  set(env, "TUNE_RESOURCES", resources_json(*seat));
}

/// Every rank as a worker of TensorFlow's, which has a port each: those from `port` on.
std::string tf_config(const RanksPlan& plan, int rank) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("cluster").begin_object().key("worker").begin_array();
  for (std::size_t node = 0; node < plan.hosts.size(); ++node) {
    std::string name = node == 0 ? plan.address : plan.hosts[node].name;
    if (name.find(':') != std::string::npos) name = "[" + name + "]";
    for (int local = 0; local < plan.hosts[node].ranks; ++local) json.value(name + ":" + std::to_string(plan.port + local));
  }
  json.end_array().end_object().key("task").begin_object().key("type").value("worker").key("index").value(rank).end_object().end_object();
  return text;
}

std::vector<std::string> torchrun(const RanksPlan& plan) {
  // Its own default for these two is one that it cannot read before 2.0 under Python 3.11. A rank prints by our descriptors anyway.
  const char* const streams = "0:1";
  return {"torchrun", "--nnodes", std::to_string(plan.nodes), "--node_rank", std::to_string(plan.node), "--nproc_per_node", std::to_string(plan.count),
          "--master_addr", plan.address, "--master_port", std::to_string(plan.port), "--log_dir", plan.folder + "/torchrun",
          "--redirects", streams, "--tee", streams, "--no_python"};
}

std::vector<std::string> mpirun(const RanksPlan& plan, const std::vector<std::string>& env) {
  std::vector<std::string> argv = {"mpirun", "-np", std::to_string(plan.world), "--map-by", "slot", "--rank-by", "slot", "--bind-to", "none"};
  const auto add = [&](std::initializer_list<const char*> words) { argv.insert(argv.end(), words.begin(), words.end()); };
  if (::geteuid() == 0) add({"--allow-run-as-root"});
  if (plan.nodes == 1) {
    // Here and nowhere else, whatever allocation we may be part of.
    add({"--oversubscribe", "--mca", "plm", "isolated", "--mca", "ras", "^slurm,tm,gridengine"});
    return argv;
  }
  if (!value_in(env, "SLURM_JOB_ID").empty()) add({"--mca", "plm_slurm_args", "--overlap"});  // The agents hold what its daemons would wait for.
  std::string hosts;
  for (const auto& host : plan.hosts) hosts += (hosts.empty() ? "" : ",") + host.name + ":" + std::to_string(host.ranks);
  argv.insert(argv.end(), {"--host", hosts});
  return argv;
}

std::vector<std::string> srun(const RanksPlan& plan, const std::vector<std::string>& env) {
  std::string nodes;  // Of each rank: an arbitrary distribution is the one that keeps their order.
  for (const auto& host : plan.hosts)
    for (int i = 0; i < host.ranks; ++i) nodes += (nodes.empty() ? "" : ",") + host.name;
  std::vector<std::string> argv = {"srun", "--overlap", "--exact", "--export=ALL", "--mpi=pmix", "--kill-on-bad-exit=1", "--cpu-bind=none",
                                   "--distribution=arbitrary", "--nodelist=" + nodes, "--nodes=" + std::to_string(plan.nodes),
                                   "--ntasks=" + std::to_string(plan.world)};
  if (const auto seat = seat_in(env); seat && seat->cpus >= plan.count)
    argv.push_back("--cpus-per-task=" + std::to_string(std::lround(std::ceil(seat->cpus / plan.count))));
  return argv;
}

}  // namespace

std::string_view value_in(const std::vector<std::string>& env, std::string_view name) {
  const auto found = std::find_if(env.begin(), env.end(), [&](const std::string& entry) { return is_named(entry, name); });
  return found == env.end() ? std::string_view{} : std::string_view{*found}.substr(name.size() + 1);
}

std::vector<std::string> environment_of_rank(const RanksPlan& plan, int rank, std::vector<std::string> env) {
  const int local = rank - plan.first;
  set(env, "RANK", std::to_string(rank));
  set(env, "WORLD_SIZE", std::to_string(plan.world));
  set(env, "LOCAL_RANK", std::to_string(local));
  set(env, "LOCAL_WORLD_SIZE", std::to_string(plan.count));
  set(env, "NODE_RANK", std::to_string(plan.node));
  set(env, "GROUP_RANK", std::to_string(plan.node));
  set(env, "MASTER_ADDR", plan.address);
  set(env, "MASTER_PORT", std::to_string(plan.port));
  if (plan.world > 1) set(env, "TF_CONFIG", tf_config(plan, rank));
  narrow_resources(plan, local, env);
  if (rank != 0)
    for (const auto way : kWaysToReport) drop(env, way);
  return env;
}

Result<std::vector<std::string>> framework_command(const RanksPlan& plan, const std::vector<std::string>& env, const std::vector<std::string>& each) {
  if (plan.launch == How::env || (plan.launch != How::torchrun && plan.node != 0)) return std::vector<std::string>{};
  if (plan.launch == How::srun && value_in(env, "SLURM_JOB_ID").empty())
    return Error{Error::Code::invalid, "srun has no allocation to start ranks in: SLURM_JOB_ID is not set (does `env_inherit` keep it from trials?)", {}};
  auto argv = plan.launch == How::torchrun ? torchrun(plan) : plan.launch == How::mpirun ? mpirun(plan, env) : srun(plan, env);
  argv.insert(argv.end(), each.begin(), each.end());
  return argv;
}

}  // namespace tune
