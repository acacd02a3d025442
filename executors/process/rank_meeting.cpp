// SPDX-License-Identifier: Apache-2.0
#include "executors/process/rank_meeting.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include "executors/descriptor.hpp"
#include "executors/own_program.hpp"
#include "tuner/json_document.hpp"

namespace tune {

Result<RanksPlan> ranks_here(int ranks) {
  RanksPlan plan;
  plan.address = "127.0.0.1";
  auto port = free_port(plan.address);
  if (!port) return port.error();
  plan.port = *port;
  plan.world = ranks;
  plan.hosts = {{plan.address, ranks}};
  return plan;
}

Result<int> free_port(const std::string& address) {
  const auto trouble = [&](const std::string& why) { return Error{Error::Code::io, "no port for the ranks of a trial to meet at " + address + ": " + why, {}}; };
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int wrong = ::getaddrinfo(address.c_str(), "0", &hints, &found); wrong != 0) return trouble(::gai_strerror(wrong));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  const Descriptor fd{::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (!fd || ::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &length) != 0)
    return trouble(std::strerror(errno));
  char service[16] = "";
  ::getnameinfo(reinterpret_cast<sockaddr*>(&bound), length, nullptr, 0, service, sizeof service, NI_NUMERICSERV);
  return std::atoi(service);
}

RanksPlan complete(RanksPlan plan, const std::vector<Seat>& here, RankLauncher launcher, const std::string& folder) {
  plan.count = static_cast<int>(here.size());
  plan.launch = static_cast<RanksPlan::Launch>(launcher);
  plan.folder = folder;
  plan.devices.clear();
  for (const auto& seat : here)
    if (!seat.devices.empty()) plan.devices.push_back(seat.devices);
  return plan;
}

std::vector<std::string> launcher_command(const RanksPlan& plan, const std::vector<std::string>& command) {
  std::vector<std::string> all{own_program(), "ranks", "--plan", to_json(plan), "--"};
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

Seat together(const std::vector<Seat>& here) {
  Seat all = here.front();
  for (std::size_t i = 1; i < here.size(); ++i) {
    all.cpus += here[i].cpus;
    all.memory_bytes += here[i].memory_bytes;
    for (const int device : here[i].devices)
      if (std::find(all.devices.begin(), all.devices.end(), device) == all.devices.end()) all.devices.push_back(device);
  }
  return all;
}

void name_first_rank(Exited& exited, const std::string& folder) {
  std::ifstream in(folder + "/first_rank.json");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto told = parse_json(text, 0, [](const JsonFault&) {});
  const auto* rank = told ? told->find("rank") : nullptr;
  if (!rank || rank->value.kind != JsonNode::Kind::number) return;
  exited.first_rank = static_cast<int>(rank->value.number);
  exited.text = "rank " + std::to_string(exited.first_rank) + " ended first" + (exited.text.empty() ? "" : "; " + exited.text);
}

}  // namespace tune
