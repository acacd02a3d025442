// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/local_agents.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "executors/descriptor.hpp"
#include "executors/own_program.hpp"
#include "executors/process/containment.hpp"
#include "executors/process/launcher.hpp"
#include "tuner/json.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr auto kPatience = std::chrono::seconds(5);
constexpr const char* kWithoutUs = "30s";  // How long one without trials looks for a coordinator that went away.

/// When a process began, in ticks since boot: with the pid it names one process for ever. Empty: there is none.
std::string birth(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  std::string word;
  for (int field = 3; field <= 22; ++field) rest >> word;
  return word;
}

bool lives(const std::string& pid_file) {
  std::ifstream in(pid_file);
  pid_t pid = 0;
  std::string began;
  return in >> pid >> began && pid > 0 && birth(pid) == began;
}

std::string slots(const Offer& offer, int count, bool first) {
  std::string text = "cpu=" + to_text(offer.cpus / count) + ",gpu=" + std::to_string(first ? offer.devices.size() : 0);
  if (offer.memory_bytes > 0) text += ",memory=" + std::to_string(offer.memory_bytes / count) + "B";
  return text;
}

}  // namespace

LocalAgents::LocalAgents(std::string folder, int count, Offer offer)
    : folder_(std::move(folder)), count_(count), offer_(std::move(offer)) {}

LocalAgents::~LocalAgents() {
  const auto reap = [this](int how) {
    std::erase_if(started_, [how](pid_t pid) {
      int status = 0;
      MainPrograms mains;
      const bool gone = ::waitpid(pid, &status, how) != 0;
      if (gone) mains.erase(pid);
      return gone;
    });
  };
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (reap(WNOHANG); !started_.empty() && std::chrono::steady_clock::now() < until; reap(WNOHANG))
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  for (const auto pid : started_) ::kill(pid, SIGKILL);  // Its guard ends what it had.
  reap(0);
}

Result<Done> LocalAgents::start(const std::string& join_file) {
  const std::string tune = own_program();
  std::error_code failed;
  fs::create_directories(folder(), failed);
  fs::permissions(folder(), fs::perms::owner_all, failed);
  for (int number = 1; number <= count_; ++number)
    if (!lives(folder() + "/" + std::to_string(number) + ".pid"))
      if (auto done = start(number, tune, join_file); !done) return done;
  return Done{};
}

Result<Done> LocalAgents::start(int number, const std::string& tune, const std::string& join_file) {
  const std::string base = folder() + "/" + std::to_string(number);
  const auto trouble = [&](int error) {
    return Error{Error::Code::io, "cannot start an agent (" + tune + "): " + std::strerror(error), "TUNE_PROGRAM names the tune to start"};
  };
  const Descriptor log{::open((base + ".log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  const Descriptor nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!log || !nothing) return trouble(errno);

  const std::string name = "local-" + std::to_string(number), what = slots(offer_, count_, number == 1);
  const char* const argv[] = {tune.c_str(), "agent", "--join", join_file.c_str(), "--name", name.c_str(), "--slots", what.c_str(),
                              "--patience", kWithoutUs, nullptr};
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&how);
  ::posix_spawn_file_actions_adddup2(&files, nothing.get(), 0);
  ::posix_spawn_file_actions_adddup2(&files, log.get(), 1);
  ::posix_spawn_file_actions_adddup2(&files, log.get(), 2);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&how, &none);
  ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);  // Ctrl-C is for us, not for them.
  pid_t pid = 0;
  int error = 0;
  {
    MainPrograms mains;  // Not something that a trial left behind.
    error = ::posix_spawn(&pid, tune.c_str(), &files, &how, const_cast<char* const*>(argv), environ);
    if (error == 0) mains.insert(pid);
  }
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&how);
  if (error != 0) return trouble(error);
  started_.push_back(pid);
  std::ofstream(base + ".pid") << pid << " " << birth(pid) << "\n";
  return Done{};
}

}  // namespace tune
