// SPDX-License-Identifier: Apache-2.0
#include "executors/process/environment.hpp"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>

#include "tuner/command.hpp"
#include "tuner/json.hpp"
#include "tuner/labels.hpp"

extern char** environ;

namespace tune {
namespace {

// Variables of ours that a nested tune must not hand on.
bool is_ours(std::string_view entry) { return entry.starts_with("TUNE_") && !entry.starts_with("TUNE_FAKE_GPUS="); }

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

// By these a trial would take itself for one of the ranks that we may be among.
bool is_of_ranks(std::string_view name) {
  for (const std::string_view one : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"})
    if (name == one) return true;
  return false;
}

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} && end != text.data() ? std::optional{value} : std::nullopt;
}

// Folder of our cgroup v2, or of the root where it is not mounted as usual.
std::string own_cgroup() {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("0::")) return "/sys/fs/cgroup" + line.substr(3);
  return "/sys/fs/cgroup";
}

double usable_cpus() {
  cpu_set_t set;
  double cpus = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
  for (const auto& folder : {own_cgroup(), std::string{"/sys/fs/cgroup"}}) {
    const std::string line = first_line(folder + "/cpu.max");  // "200000 100000" or "max 100000"
    const auto space = line.find(' ');
    if (space == std::string::npos) continue;
    const auto quota = number(std::string_view{line}.substr(0, space)), period = number(std::string_view{line}.substr(space + 1));
    if (quota && period && *period > 0) cpus = std::min(cpus, *quota / *period);
  }
  const auto quota = number(first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")), period = number(first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
  if (quota && *quota > 0 && period && *period > 0) cpus = std::min(cpus, *quota / *period);
  return std::max(cpus, 1.0);
}

std::int64_t usable_memory() {
  double bytes = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  for (const auto& path : {own_cgroup() + "/memory.max", std::string{"/sys/fs/cgroup/memory.max"}, std::string{"/sys/fs/cgroup/memory/memory.limit_in_bytes"}})
    if (const auto limit = number(first_line(path)); limit && *limit > 0) bytes = std::min(bytes, *limit);
  return static_cast<std::int64_t>(bytes);
}

std::vector<Device> nvidia_devices() {
  std::vector<Device> out;
  std::error_code none;
  std::vector<std::string> cards;
  for (const auto& card : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", none)) cards.push_back(card.path().string());
  std::sort(cards.begin(), cards.end());  // By PCI address, as CUDA_DEVICE_ORDER=PCI_BUS_ID numbers them.
  for (const auto& card : cards) {
    Device device{static_cast<int>(out.size()), ""};
    std::ifstream in(card + "/information");
    for (std::string line; std::getline(in, line);)
      if (line.starts_with("GPU UUID:")) device.uuid = line.substr(line.find_first_not_of(" \t", 9));
    out.push_back(std::move(device));
  }
  return out;
}

// What CUDA_VISIBLE_DEVICES left us: indices ("0,2"), UUIDs or MIG names. An index keeps its number, because that is what
// our trials must be given in turn; anything else is passed on as it stands.
std::vector<Device> listed_devices(std::string_view list) {
  std::vector<Device> out;
  while (!list.empty()) {
    std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    while (item.starts_with(' ')) item.remove_prefix(1);
    if (item.empty() || item.starts_with('-')) break;  // CUDA stops at the first invalid one, too.
    out.push_back({static_cast<int>(out.size()), std::string{item}});
  }
  return out;
}

std::vector<Device> usable_devices() {
  if (const char* fake = std::getenv("TUNE_FAKE_GPUS")) {
    std::vector<Device> out;
    for (int i = 0; i < std::clamp(std::atoi(fake), 0, 1024); ++i) out.push_back({i, "FAKE-" + std::to_string(i)});
    return out;
  }
  if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES")) return listed_devices(visible);
  return nvidia_devices();
}

}  // namespace

Offer offer_of_this_machine(const Spec& spec) {
  Offer offer{usable_cpus(), usable_memory(), usable_devices(), {}};
  if (spec.parallel) offer.cpus = *spec.parallel * spec.resources.cpus;
  return offer;
}

std::string resources_json(const Seat& seat) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("cpu").value(seat.cpus).key("memory_bytes").value(seat.memory_bytes).key("gpu_ids").begin_array();
  for (const int device : seat.devices) json.value(device);
  json.end_array().key("gpu_share").value(seat.device_share).end_object();
  return text;
}

std::vector<std::string> labels_of_this_machine() {
  utsname machine{};
  if (::uname(&machine) != 0) return {};
  std::string os = machine.sysname;
  std::transform(os.begin(), os.end(), os.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return {"os=" + os, std::string{"arch="} + machine.machine, std::string{"host="} + machine.nodename};
}

Result<Done> suits_this_machine(const Spec& spec) {
  const auto borne = labels_of_this_machine();
  const auto missing = lacking(borne, spec.required_labels);
  for (const auto& [name, input] : spec.inputs)
    if (::access(input.path.c_str(), R_OK) != 0)
      return Error{Error::Code::invalid, "inputs." + name + ": " + printable(input.path) + ": " + std::strerror(errno),
                   "paths of a config start from its folder"};
  if (missing.empty()) return Done{};
  return Error{Error::Code::invalid, "requires: this machine lacks " + list_text(missing) + "; it bears " + list_text(borne),
               "executor.type `pool` waits for an agent that bears it: tune agent --label " + missing.front()};
}

Environment::Environment(const Spec& spec, const std::vector<Device>& devices) : spec_(spec), devices_(devices) {
  const std::set<std::string, std::less<>> passed(spec.env_pass.begin(), spec.env_pass.end());
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view name = name_of(*entry);
    if (is_ours(*entry) || is_of_ranks(name) || spec.env.contains(std::string{name})) continue;
    // Without a PATH and a HOME hardly anything starts: `list` passes them too.
    const bool basic = name == "PATH" || name == "HOME" || name == "LANG" || name == "TMPDIR" || name == "USER";
    const bool wanted = spec.env_inherit == Spec::Inherit::all ||
                        (spec.env_inherit == Spec::Inherit::list && (basic || passed.contains(name)));
    if (wanted) base_.emplace_back(*entry);
  }
  for (const auto& [name, value] : spec.env)
    if (value) base_.push_back(name + "=" + *value);
}

const char* Environment::find(const std::string& name) const {
  for (const auto& entry : base_)
    if (name_of(entry) == name) return entry.c_str() + name.size() + 1;
  return nullptr;
}

std::vector<std::string> Environment::of(const TrialVariables& v) const {
  std::vector<std::string> out;
  out.reserve(base_.size() + v.params->size() + 20);
  const bool assigns_devices = !v.seat.devices.empty() || spec_.resources.gpus > 0;
  for (const auto& entry : base_)
    if (!assigns_devices || name_of(entry) != "CUDA_VISIBLE_DEVICES") out.push_back(entry);
  const auto set = [&](std::string name, const std::string& value) { out.push_back(std::move(name += "=") += value); };

  if (v.inputs)
    for (const auto& [name, path] : *v.inputs) set(input_variable(name), path);
  for (const auto& [name, value] : *v.params) set(environment_name(name), to_text(value));
  const std::string number = std::to_string(v.trial.value);
  set("TUNE_PROTOCOL", "1");
  set("TUNE_PARAMS", v.params_file);
  set("TUNE_TRIAL_ID", spec_.name + "/" + number);
  set("TUNE_TRIAL_NUMBER", number);
  set("TUNE_ATTEMPT", std::to_string(v.attempt));
  set("TUNE_TRIAL_DIR", v.trial_folder);
  set("TUNE_CHECKPOINT_DIR", v.checkpoint_folder);
  if (!v.checkpoint.empty()) set("TUNE_CHECKPOINT", v.checkpoint);
  set("TUNE_SEED", std::to_string(v.seed));
  if (v.until_step != kNoStep) set("TUNE_UNTIL_STEP", std::to_string(v.until_step));
  if (!v.instance.empty()) set("TUNE_INSTANCE", v.instance);
  if (!v.instances_file.empty()) set("TUNE_INSTANCES", v.instances_file);
  set("TUNE_FD", "3");
  if (!v.socket.empty()) {
    set("TUNE_SOCK", v.socket);
    set("TUNE_TOKEN", v.socket_token);
    if (!v.url.empty()) set("TUNE_URL", v.url);
    if (!v.url.empty() && !v.authority.empty()) set("TUNE_CA", v.authority);
  }
  out.push_back("TUNE_ATTEMPT_TOKEN=" + v.token);

  std::string visible;
  for (const int i : v.seat.devices) {
    // The name that our own CUDA_VISIBLE_DEVICES used, if we had one: numbers in ours would not be numbers of the machine.
    const auto known = std::find_if(devices_.begin(), devices_.end(), [&](const Device& d) { return d.index == i; });
    if (!visible.empty()) visible += ',';
    visible += known != devices_.end() && !known->uuid.empty() && !known->uuid.starts_with("FAKE-") ? known->uuid : std::to_string(i);
  }
  set("TUNE_RESOURCES", resources_json(v.seat));
  if (assigns_devices) set("CUDA_VISIBLE_DEVICES", visible);
  return out;
}

}  // namespace tune
