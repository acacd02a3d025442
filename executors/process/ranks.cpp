// SPDX-License-Identifier: Apache-2.0
#include "executors/process/ranks.hpp"

#include <algorithm>
#include <array>

#include "tuner/json.hpp"
#include "tuner/json_document.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

constexpr int kMostRanks = 65536, kMostPorts = 65535;
constexpr std::size_t kLongestName = 255, kLongestAddress = 64;  // The address is part of a socket's name: rank_line.cpp.
constexpr std::array<std::string_view, 4> kLaunches = {"env", "torchrun", "mpirun", "srun"};  // As in RanksPlan::Launch.
constexpr std::array<std::string_view, 11> kMembers = {"first", "count", "world", "node", "nodes", "address", "port", "hosts", "devices", "launch", "folder"};

Error wrong(const std::string& what) { return {Error::Code::invalid, "the plan of the ranks is wrong: " + what, {}}; }

/// Reads members until one is wrong; then that is what it says.
class Reading {
 public:
  explicit Reading(const JsonNode& object) : object_(object) {}

  const JsonNode* member(std::string_view key, JsonNode::Kind kind, const char* wanted) {
    const auto* const found = object_.find(key);
    if (found && found->value.kind == kind) return &found->value;
    say("`" + std::string{key} + "` is not " + wanted);
    return nullptr;
  }
  int whole(std::string_view key, int least, int most) {
    const auto* const node = member(key, JsonNode::Kind::number, "a whole number");
    if (node && node->integer && *node->integer >= least && *node->integer <= most) return static_cast<int>(*node->integer);
    say("`" + std::string{key} + "` is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return least;
  }
  std::string text(std::string_view key) {
    const auto* const node = member(key, JsonNode::Kind::string, "a text");
    return node ? node->text : "";
  }
  void say(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
  }
  const std::string& what_is_wrong() const { return wrong_; }

 private:
  const JsonNode& object_;
  std::string wrong_;
};

bool is_plain(std::string_view name, std::size_t longest, bool colons) {
  const auto fits = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || (colons && c == ':');
  };
  return !name.empty() && name.size() <= longest && name.front() != '-' && std::all_of(name.begin(), name.end(), fits);
}

void read_hosts(Reading& reading, RanksPlan& plan) {
  const auto* const list = reading.member("hosts", JsonNode::Kind::array, "a list");
  if (!list) return;
  const bool colons = plan.launch == RanksPlan::Launch::env || plan.launch == RanksPlan::Launch::torchrun;
  for (const auto& node : list->items) {
    if (node.kind != JsonNode::Kind::object) return reading.say("`hosts` is not a list of objects");
    Reading host(node);
    plan.hosts.push_back({host.text("name"), host.whole("ranks", 1, kMostRanks)});
    if (!is_plain(plan.hosts.back().name, kLongestName, colons)) host.say("`name` is no name of a machine");
    if (!host.what_is_wrong().empty()) return reading.say("in `hosts`: " + host.what_is_wrong());
  }
}

void read_devices(Reading& reading, RanksPlan& plan) {
  const auto* const list = reading.member("devices", JsonNode::Kind::array, "a list");
  if (!list) return;
  for (const auto& rank : list->items) {
    if (rank.kind != JsonNode::Kind::array) return reading.say("`devices` is not a list of lists");
    auto& devices = plan.devices.emplace_back();
    for (const auto& device : rank.items) {
      if (!device.integer || *device.integer < 0 || *device.integer > kMostRanks) return reading.say("a device is not a number from 0 on");
      devices.push_back(static_cast<int>(*device.integer));
    }
  }
}

/// What no single member shows.
std::string at_odds(const RanksPlan& plan) {
  if (static_cast<int>(plan.hosts.size()) != plan.nodes) return "`hosts` has not as many machines as `nodes` says";
  if (plan.node >= plan.nodes) return "`node` is none of the `nodes`";
  std::int64_t world = 0, before = 0;
  int most = 0;
  for (int i = 0; i < plan.nodes; ++i) {
    if (i == plan.node) before = world;
    world += plan.hosts[static_cast<std::size_t>(i)].ranks;
    most = std::max(most, plan.hosts[static_cast<std::size_t>(i)].ranks);
  }
  if (world != plan.world) return "the ranks of `hosts` are not as many as `world` says";
  if (before != plan.first || plan.hosts[static_cast<std::size_t>(plan.node)].ranks != plan.count)
    return "`first` and `count` are not what `hosts` says of `node`";
  if (!plan.devices.empty() && static_cast<int>(plan.devices.size()) != plan.count) return "`devices` has not one list for each rank here";
  if (plan.port + most - 1 > kMostPorts) return "there are not as many ports from `port` on as ranks on a machine";
  return {};
}

}  // namespace

std::string to_json(const RanksPlan& plan) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("first").value(plan.first).key("count").value(plan.count).key("world").value(plan.world);
  json.key("node").value(plan.node).key("nodes").value(plan.nodes).key("address").value(plan.address).key("port").value(plan.port);
  json.key("hosts").begin_array();
  for (const auto& host : plan.hosts) json.begin_object().key("name").value(host.name).key("ranks").value(host.ranks).end_object();
  json.end_array().key("devices").begin_array();
  for (const auto& rank : plan.devices) {
    json.begin_array();
    for (const int device : rank) json.value(device);
    json.end_array();
  }
  json.end_array().key("launch").value(kLaunches[static_cast<std::size_t>(plan.launch)]).key("folder").value(plan.folder).end_object();
  return text;
}

Result<RanksPlan> parse_ranks_plan(std::string_view json) {
  std::string fault;
  const auto root = parse_json(json, 0, [&](const JsonFault& found) { fault = found.message; });
  if (!root || !fault.empty()) return wrong(fault);
  if (root->kind != JsonNode::Kind::object) return wrong("it is no JSON object");
  for (const auto& member : root->members)
    if (std::find(kMembers.begin(), kMembers.end(), member.key) == kMembers.end()) return wrong("`" + printable(member.key) + "` is unknown");

  Reading reading(*root);
  RanksPlan plan;
  plan.first = reading.whole("first", 0, kMostRanks - 1);
  plan.count = reading.whole("count", 1, kMostRanks);
  plan.world = reading.whole("world", 1, kMostRanks);
  plan.node = reading.whole("node", 0, kMostRanks - 1);
  plan.nodes = reading.whole("nodes", 1, kMostRanks);
  plan.address = reading.text("address");
  plan.port = reading.whole("port", 1, kMostPorts);
  const auto launch = std::find(kLaunches.begin(), kLaunches.end(), reading.text("launch"));
  if (launch == kLaunches.end()) return wrong("`launch` is not env, torchrun, mpirun or srun");
  plan.launch = static_cast<RanksPlan::Launch>(launch - kLaunches.begin());
  plan.folder = reading.text("folder");
  read_hosts(reading, plan);
  read_devices(reading, plan);
  if (!is_plain(plan.address, kLongestAddress, true)) reading.say("`address` is no name or address of a machine of at most 64 characters");
  if (!plan.folder.starts_with('/') || plan.folder.find('\0') != std::string::npos) reading.say("`folder` is no absolute path");
  if (!reading.what_is_wrong().empty()) return wrong(reading.what_is_wrong());
  if (const auto what = at_odds(plan); !what.empty()) return wrong(what);
  return plan;
}

int node_of(const RanksPlan& plan, int rank) {
  int node = 0;
  for (const auto& host : plan.hosts) {
    if (rank < host.ranks) break;
    rank -= host.ranks;
    ++node;
  }
  return node;
}

}  // namespace tune
