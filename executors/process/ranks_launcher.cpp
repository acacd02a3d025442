// SPDX-License-Identifier: Apache-2.0
#include "executors/process/ranks_launcher.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <list>
#include <map>

#include "executors/private_folder.hpp"
#include "executors/process/containment.hpp"
#include "executors/process/rank_program.hpp"
#include "tuner/json.hpp"

namespace tune {
namespace {

using namespace detail;

constexpr auto kPatience = std::chrono::seconds(2);  // For ranks that are children of others to go.

std::vector<std::string> own_environment() {
  std::vector<std::string> env;
  for (char** entry = environ; entry && *entry; ++entry) env.emplace_back(*entry);
  return env;
}

/// The way to report that we were given, where Launcher puts none of its own; empty outside of a trial.
Descriptor report_channel(const std::vector<std::string>& env) {
  const auto fd = number_after("", value_in(env, "TUNE_FD"));
  struct stat is {};
  if (!fd || ::fstat(*fd, &is) != 0 || !S_ISSOCK(is.st_mode)) return {};
  return Descriptor{::fcntl(*fd, F_DUPFD_CLOEXEC, 10)};
}

class Ranks {
 public:
  Ranks(const RanksPlan& plan, const std::vector<std::string>& program, const std::string& tune)
      : plan_(plan), program_(program), tune_(tune), env_(own_environment()), channel_(report_channel(env_)),
        first_rank_file_(plan.folder + "/first_rank.json") {}

  int run() {
    signals_ = hold_signals({SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD});
    become_subreaper();
    if (const int refused = start(); refused != 0) return refused;
    while (!over()) turn();
    return finish();
  }

 private:
  /// Where a rank that somebody else started listens.
  struct Line {
    Descriptor fd;
    int rank = -1;       // Not said yet.
    bool ended = false;  // It said how.
  };

  int start();
  void start_ranks();
  void start_framework(const std::vector<std::string>& argv);
  bool over() const;
  void turn();
  void take_signals();
  void child_ended(pid_t, int status);
  void pass_on(int signal);
  bool take_lines();
  bool hear(Line&);
  void welcome(Line&, int rank);
  void note(const RankEnd&);
  void end_ranks();
  int finish();

  const RanksPlan& plan_;
  const std::vector<std::string>& program_;
  const std::string& tune_;
  const std::vector<std::string> env_;
  const Descriptor channel_;
  const std::string first_rank_file_;
  Launcher launcher_;
  Descriptor signals_, listener_;
  std::map<pid_t, int> running_;  // Children and their ranks; torchrun, mpirun and srun: -1.
  std::list<Line> lines_;
  std::vector<int> asked_;        // Signals, in the order in which they came.
  std::optional<RankEnd> bad_;    // The first end that was not well.
  int well_ = 0;
  bool only_holds_ = false;       // The ranks here are started from another machine.
};

int Ranks::start() {
  if (!make_private_folder(plan_.folder)) return complain("cannot make " + plan_.folder + ": " + std::strerror(errno)), 2;
  ::unlink(first_rank_file_.c_str());
  if (plan_.launch == RanksPlan::Launch::env) return start_ranks(), 0;
  std::vector<std::string> each = {tune_, "ranks", "--as-rank", "--plan", to_json(plan_), "--"};
  each.insert(each.end(), program_.begin(), program_.end());
  const auto argv = framework_command(plan_, env_, each);
  if (!argv) return complain(argv.error().message), 2;
  listener_ = listen_for_ranks(plan_);
  if (!listener_) return complain("another gang has its ranks at " + plan_.address + ":" + std::to_string(plan_.port) + ": " + std::strerror(errno)), 2;
  only_holds_ = argv->empty();
  if (!only_holds_) start_framework(*argv);
  return 0;
}

void Ranks::start_ranks() {
  for (int rank = plan_.first; rank < plan_.first + plan_.count; ++rank) {
    RankEnd end;
    const pid_t pid = start_rank(launcher_, plan_, rank, program_, env_, {-1, -1, channel_.get()}, end);
    if (pid < 0) return note(end);
    running_[pid] = rank;
  }
}

void Ranks::start_framework(const std::vector<std::string>& argv) {
  RankEnd end;
  const pid_t pid = start_program(launcher_, argv, env_, {}, end);
  if (pid < 0) return note(end);
  running_[pid] = -1;
}

bool Ranks::over() const {
  if (bad_ && asked_.empty()) return true;
  if (!running_.empty()) return false;
  return !only_holds_ || (lines_.empty() && (!asked_.empty() || well_ == plan_.count));
}

void Ranks::turn() {
  std::vector<pollfd> ready = {{signals_.get(), POLLIN, 0}};
  if (listener_) ready.push_back({listener_.get(), POLLIN, 0});
  for (const auto& line : lines_) ready.push_back({line.fd.get(), POLLIN, 0});
  if (::poll(ready.data(), ready.size(), -1) <= 0) return;
  take_lines();
  if (ready.front().revents != 0) take_signals();
}

void Ranks::take_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGCHLD) {
      pass_on(static_cast<int>(info.ssi_signo));
      continue;
    }
    // Several ends are one signal, which tells of the first: that one is looked at first.
    int status = 0;
    const auto first = static_cast<pid_t>(info.ssi_pid);
    if (::waitpid(first, &status, WNOHANG) == first) child_ended(first, status);
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) child_ended(pid, status);
  }
}

void Ranks::child_ended(pid_t pid, int status) {
  const auto found = running_.find(pid);
  if (found == running_.end()) return;  // An orphan of a rank's.
  const int rank = found->second;
  running_.erase(found);
  if (rank < 0)
    while (take_lines()) {
    }  // What its ranks said before it ended knows more.
  note(rank_end(rank, status));
}

void Ranks::pass_on(int signal) {
  asked_.push_back(signal);
  for (const auto& [pid, rank] : running_)
    if (rank >= 0) signal_rank(pid, signal);
  for (const auto& line : lines_)
    if (line.rank >= 0) send(line.fd.get(), "signal " + std::to_string(signal));
}

/// All that ranks have said by now, and those that have come. False: there was nothing.
bool Ranks::take_lines() {
  bool any = false;
  while (listener_) {
    Descriptor fd = accept_rank(listener_.get());
    if (!fd) break;
    lines_.push_back({std::move(fd)});
    any = true;
  }
  for (auto line = lines_.begin(); line != lines_.end();) {
    pollfd ready{line->fd.get(), POLLIN, 0};
    if (::poll(&ready, 1, 0) <= 0) {
      ++line;
      continue;
    }
    any = true;
    line = hear(*line) ? std::next(line) : lines_.erase(line);
  }
  return any;
}

/// False: it has gone.
bool Ranks::hear(Line& line) {
  const auto message = receive(line.fd.get(), MSG_DONTWAIT);
  if (!message) {
    if (line.rank >= 0 && !line.ended) note({line.rank, true, SIGKILL});  // Whoever goes without a word was killed.
    return false;
  }
  if (line.rank < 0) {
    const auto rank = number_after("rank ", *message);
    const bool known = std::any_of(lines_.begin(), lines_.end(), [&](const Line& other) { return other.rank == rank; });
    if (!rank || known || *rank < plan_.first || *rank >= plan_.first + plan_.count) return false;
    welcome(line, *rank);
  } else if (const auto end = read_rank_end(line.rank, *message); end && !line.ended) {
    line.ended = true;
    note(*end);
  }
  return true;
}

void Ranks::welcome(Line& line, int rank) {
  line.rank = rank;
  const auto plan = to_json(plan_);
  if (rank != 0)
    send(line.fd.get(), plan);
  else if (channel_)
    send(line.fd.get(), plan, {STDOUT_FILENO, STDERR_FILENO, channel_.get()});
  else
    send(line.fd.get(), plan, {STDOUT_FILENO, STDERR_FILENO});
  for (const int signal : asked_) send(line.fd.get(), "signal " + std::to_string(signal));
}

void Ranks::note(const RankEnd& end) {
  if (!end.well()) {
    if (!bad_) bad_ = end;
  } else if (end.rank >= 0) {
    ++well_;
  }
}

void Ranks::end_ranks() {
  for (const auto& [pid, rank] : running_) signal_rank(pid, SIGKILL);
  listener_.reset();
  for (const auto& line : lines_) ::shutdown(line.fd.get(), SHUT_WR);  // It kills its program, and then is gone itself.
  end_everything();
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!lines_.empty() && std::chrono::steady_clock::now() < until) {
    pollfd ready{lines_.front().fd.get(), POLLIN, 0};
    ::poll(&ready, 1, 10);
    take_lines();
  }
  // What a rank left that is no child of ours, and was ended before it could see to that itself.
  const auto token = value_in(env_, kTokenVariable.substr(0, kTokenVariable.size() - 1));
  if (plan_.launch != RanksPlan::Launch::env && !token.empty()) end_leftovers(std::string{token});
}

int Ranks::finish() {
  end_ranks();
  if (!bad_) return 0;
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  if (bad_->rank >= 0) json.key("rank").value(bad_->rank);
  json.key(bad_->signalled ? "signal" : "exit").value(bad_->number).end_object();
  const std::string unfinished = first_rank_file_ + ".new";
  const bool written = static_cast<bool>(std::ofstream(unfinished) << text << "\n" << std::flush);
  if (!written || std::rename(unfinished.c_str(), first_rank_file_.c_str()) != 0) complain("cannot write " + first_rank_file_ + ": " + std::strerror(errno));
  return end_likewise(*bad_);
}

}  // namespace

int launch_ranks(const RanksPlan& plan, const std::vector<std::string>& program, const std::string& tune) { return Ranks(plan, program, tune).run(); }

}  // namespace tune
