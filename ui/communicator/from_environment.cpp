// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "tuner/value.hpp"
#include "ui/communicator/communicator.hpp"
#include "ui/communicator/mpi.hpp"

namespace tune {
namespace {

const char* text(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

std::string needed(const char* name) {
  if (const char* value = text(name)) return value;
  throw CommunicatorError(std::string{"WORLD_SIZE is set and "} + name + " is not: start all ranks with `tune ranks`, torchrun or the like");
}

int whole(const char* name, int least, int most) {
  const std::string given = needed(name);
  int value = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (error != std::errc{} || end != given.data() + given.size() || value < least || value > most)
    throw CommunicatorError(std::string{name} + " is `" + printable(given) + "`, not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

// Trials whose rank 0 listens where another one's did do not get mixed up.
std::string group() {
  const char *trial = text("TUNE_TRIAL_ID"), *attempt = text("TUNE_ATTEMPT");
  return trial && attempt ? std::string{trial} + " attempt " + attempt : "";
}

}  // namespace

std::unique_ptr<Communicator> communicator_from_environment(RankTimeouts timeouts) {
  if (text("WORLD_SIZE")) {
    TcpRank own;
    own.size = whole("WORLD_SIZE", 1, 65536);
    if (own.size == 1) return std::make_unique<SingleRank>();
    own.rank = whole("RANK", 0, own.size - 1);
    own.address = needed("MASTER_ADDR");
    own.port = static_cast<std::uint16_t>(whole("MASTER_PORT", 1, 65535));
    own.group = group();
    own.timeouts = timeouts;
    return tcp_communicator(own);
  }
  if (detail::started_by_mpi()) return detail::mpi_communicator();
  return std::make_unique<SingleRank>();
}

}  // namespace tune
