// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>

#include "ui/api/reporter.hpp"
#include "unit/communicator/rig.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// Sets variables for as long as it lives.
class Variables {
 public:
  explicit Variables(std::map<std::string, std::string> values) : values_(std::move(values)) {
    for (const auto& [name, value] : values_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Variables() {
    for (const auto& [name, value] : values_) ::unsetenv(name.c_str());
  }

 private:
  std::map<std::string, std::string> values_;
};

std::string said_with(std::map<std::string, std::string> values) {
  const Variables variables{std::move(values)};
  return complaint([] { communicator_from_environment(); });
}

}  // namespace

TEST_CASE("without WORLD_SIZE there is one rank, and every call returns at once", "[communicator]") {
  const auto ranks = communicator_from_environment();
  CHECK((ranks->rank() == 0 && ranks->size() == 1));
  std::vector<double> numbers{1, 2};
  ranks->all_reduce(numbers);
  ranks->broadcast(numbers);
  ranks->barrier();
  CHECK(numbers == std::vector<double>{1, 2});
  CHECK(ranks->broadcast_text("text") == "text");
  CHECK(said_with({{"WORLD_SIZE", "1"}}).empty());
}

TEST_CASE("variables that are missing or wrong are named", "[communicator]") {
  CHECK(said_with({{"WORLD_SIZE", "2"}}).find("RANK is not") != std::string::npos);
  CHECK(said_with({{"WORLD_SIZE", "2"}, {"RANK", "1"}}).find("MASTER_ADDR is not") != std::string::npos);
  CHECK(said_with({{"WORLD_SIZE", "2"}, {"RANK", "2"}}) == "RANK is `2`, not a whole number from 0 to 1");
  CHECK(said_with({{"WORLD_SIZE", "two"}}) == "WORLD_SIZE is `two`, not a whole number from 1 to 65536");
  CHECK(said_with({{"WORLD_SIZE", "2"}, {"RANK", "1"}, {"MASTER_ADDR", "localhost"}, {"MASTER_PORT", "0"}}).find("MASTER_PORT") == 0);
}

TEST_CASE("ranks that another program started find one another by their environment, and keep to their trial", "[communicator]") {
  const std::string port = std::to_string(free_port());
  std::vector<pid_t> pids;
  for (int rank = 0; rank < 3; ++rank)
    pids.push_back(fork_rank([&] {
      const Variables variables{{{"WORLD_SIZE", "2"}, {"RANK", rank == 0 ? "0" : "1"}, {"MASTER_ADDR", "localhost"}, {"MASTER_PORT", port},
                                 {"TUNE_TRIAL_ID", rank == 2 ? "other/1" : "digits/1"}, {"TUNE_ATTEMPT", "1"}}};
      // The stranger may come when all are there and nobody listens any more.
      const auto ranks = communicator_from_environment({std::chrono::seconds(rank == 2 ? 1 : 20)});
      double one = 1;
      ranks->all_reduce(std::span{&one, 1});
      return static_cast<int>(one);
    }));
  CHECK(exit_code(pids[2]) == 99);
  CHECK((exit_code(pids[0]) == 2 && exit_code(pids[1]) == 2));
}

#ifndef TUNE_MPI
TEST_CASE("a program that mpirun started is not taken for one of a single rank", "[communicator]") {
  const std::string said = said_with({{"OMPI_COMM_WORLD_SIZE", "2"}});
  CHECK(said.find("TUNE_MPI") != std::string::npos);
}
#endif

TEST_CASE("rank 0 reports and every rank gets its answer", "[communicator]") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const Descriptor tune{ends[0]}, trial{ends[1]};
  const Variables variables{{{"TUNE_FD", std::to_string(trial.get())}}};
  const std::string stop = "{\"cmd\":\"stop\",\"reason\":\"rung 1\"}\n";
  REQUIRE(::send(tune.get(), stop.data(), stop.size(), 0) > 0);
  std::vector<std::string> answers(4);
  in_threads(4, [&](Communicator& ranks) {
    Reporter reporter;
    const Answer answer = reporter.report(ranks, 1, {{"loss", 0.5}});
    answers[static_cast<std::size_t>(ranks.rank())] = answer.text() + (answer.stop() ? " stops" : "");
  });
  CHECK(answers == std::vector<std::string>(4, "{\"cmd\":\"stop\",\"reason\":\"rung 1\"} stops"));
  char bytes[512];
  const ssize_t n = ::recv(tune.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  CHECK(std::string(bytes, static_cast<std::size_t>(std::max<ssize_t>(n, 0))) == "{\"step\":1,\"metrics\":{\"loss\":0.5},\"sync\":true}\n");
}

TEST_CASE("ranks other than 0 do not report, nor does a program whose descriptor is somebody else's", "[communicator]") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const Descriptor tune{ends[0]}, trial{ends[1]}, other{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto connected = [](std::map<std::string, std::string> values) {
    const Variables variables{std::move(values)};
    return Reporter().connected();
  };
  const std::string fd = std::to_string(trial.get());
  CHECK(connected({{"TUNE_FD", fd}}));
  CHECK(connected({{"TUNE_FD", fd}, {"WORLD_SIZE", "2"}, {"RANK", "0"}}));
  CHECK_FALSE(connected({{"TUNE_FD", fd}, {"WORLD_SIZE", "2"}, {"RANK", "1"}}));
  CHECK_FALSE(connected({{"TUNE_FD", fd}, {"OMPI_COMM_WORLD_RANK", "1"}}));
  CHECK_FALSE(connected({{"TUNE_FD", std::to_string(other.get())}}));
  CHECK_FALSE(connected({{"TUNE_FD", "99"}}));
  CHECK_FALSE(connected({}));
}
