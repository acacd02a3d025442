// SPDX-License-Identifier: Apache-2.0
// A rank that torchrun, mpirun or srun started. It stays its program's parent: so the launcher of the machine where it runs hears
// how the program ended before anybody else acts on it, and the program is gone when that launcher is, whoever started it.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "executors/process/containment.hpp"
#include "executors/process/rank_program.hpp"
#include "executors/process/ranks_launcher.hpp"

namespace tune {
namespace {

using namespace detail;

constexpr auto kPatience = std::chrono::seconds(30);
constexpr int kFailed = 1, kCannotTell = 2;

std::vector<std::string> split_environment(std::string_view text) {
  std::vector<std::string> env;
  while (!text.empty()) {
    env.emplace_back(text.substr(0, text.find('\0')));
    text.remove_prefix(std::min(text.size(), env.back().size() + 1));
  }
  return env;
}

std::vector<std::string> environment_of(const std::string& process) {
  std::ifstream in("/proc/" + process + "/environ", std::ios::binary);
  return split_environment(std::string{std::istreambuf_iterator<char>(in), {}});
}

/// Which rank we are, in the words of who started us.
std::optional<int> own_rank(RanksPlan::Launch launch, const std::vector<std::string>& env) {
  using How = RanksPlan::Launch;
  const auto name = launch == How::torchrun ? "RANK" : launch == How::mpirun ? "OMPI_COMM_WORLD_RANK" : "SLURM_PROCID";
  const auto rank = number_after("", value_in(env, name));
  return rank ? rank : number_after("", value_in(env, "PMIX_RANK"));
}

/// Ours, which says what mpirun or srun want a rank to know, completed from the launcher's of this machine, which is what tune and the
/// config want a trial to know: of what tune sets, nothing of another machine's is left.
std::vector<std::string> joined(std::vector<std::string> ours, const std::vector<std::string>& launchers) {
  const auto name_of = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  const auto is_of_trial = [&](const std::string& entry) { return entry.starts_with("TUNE_") || name_of(entry) == "CUDA_VISIBLE_DEVICES"; };
  std::erase_if(ours, is_of_trial);
  const auto before = ours;
  for (const auto& entry : launchers)
    if (is_of_trial(entry) || value_in(before, name_of(entry)).empty()) ours.push_back(entry);
  return ours;
}

class Rank {
 public:
  Rank(int rank, Descriptor line) : rank_(rank), line_(std::move(line)) {}

  int run(const std::vector<std::string>& program, const std::vector<std::string>& env) {
    ends_ = hold_signals({SIGCHLD});  // Who started us may want to end us; only the launcher's word counts.
    become_subreaper();
    send(line_.get(), "rank " + std::to_string(rank_));
    std::vector<Descriptor> outlets;
    const auto greeting = receive(line_.get(), 0, &outlets);
    const auto plan = parse_ranks_plan(greeting.value_or(""));
    if (!plan) return kFailed;  // The launcher has ended, or has this rank already.
    start(*plan, program, joined(env, environment_of(std::to_string(peer_of(line_.get())))), outlets);
    while (pid_ > 0) turn();
    end_everything();
    return asked_ ? 0 : end_likewise(end_);  // Who was asked to end is no failure for whom the others would be ended.
  }

 private:
  void start(const RanksPlan& plan, const std::vector<std::string>& program, const std::vector<std::string>& env, const std::vector<Descriptor>& outlets) {
    const auto outlet = [&](std::size_t i) { return i < outlets.size() ? outlets[i].get() : -1; };
    pid_ = start_rank(launcher_, plan, rank_, program, env, {outlet(0), outlet(1), outlet(2)}, end_);
    if (pid_ < 0) send(line_.get(), to_text(end_));
  }

  void turn() {
    std::array<pollfd, 2> ready = {{{line_.get(), POLLIN, 0}, {ends_.get(), POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) <= 0) return;
    if (ready[1].revents != 0) reap();
    if (ready[0].revents != 0 && pid_ > 0) hear();
  }

  void reap() {
    signalfd_siginfo ignored{};
    while (::read(ends_.get(), &ignored, sizeof ignored) > 0) {
    }
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid != pid_) continue;  // An orphan of the program's.
      pid_ = -1;
      end_ = rank_end(rank_, status);
      send(line_.get(), to_text(end_));
    }
  }

  void hear() {
    const auto message = receive(line_.get(), 0);
    if (!message) {  // The launcher is gone: so are its ranks.
      signal_rank(pid_, SIGKILL);
      end_everything();
      ::_exit(kFailed);
    }
    if (const auto signal = number_after("signal ", *message)) {
      asked_ = true;
      signal_rank(pid_, *signal);
    }
  }

  const int rank_;
  const Descriptor line_;
  Launcher launcher_;
  Descriptor ends_;
  pid_t pid_ = -1;
  bool asked_ = false;
  RankEnd end_;
};

}  // namespace

int run_as_rank(const RanksPlan& plan, const std::vector<std::string>& program) {
  const auto env = environment_of("self");
  const auto rank = own_rank(plan.launch, env);
  if (!rank || *rank < 0 || *rank >= plan.world) return complain("it cannot be told which rank this is: who started it did not set its variable"), kCannotTell;
  Descriptor line = reach_launcher(plan, node_of(plan, *rank), kPatience);
  if (!line) return complain("nobody holds the place of rank " + std::to_string(*rank) + " on this machine"), kFailed;
  return Rank(*rank, std::move(line)).run(program, env);
}

}  // namespace tune
