// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "executors/descriptor.hpp"
#include "executors/engines/engine.hpp"
#include "executors/process/containment.hpp"
#include "executors/process/launcher.hpp"
#include "tuner/units.hpp"

namespace tune {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> environment_with(const std::map<std::string, std::optional<std::string>>& changes) {
  std::vector<std::string> all;
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string_view entry{*e};
    if (!changes.contains(std::string{entry.substr(0, entry.find('='))})) all.emplace_back(entry);
  }
  for (const auto& [name, value] : changes)
    if (value) all.push_back(name + "=" + *value);
  return all;
}

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> out;
  for (const auto& t : texts) out.push_back(t.c_str());
  out.push_back(nullptr);
  return out;
}

// A file in memory and no pipe: nobody has to write while somebody reads, and no SIGPIPE comes.
Descriptor readable(const std::string& text) {
  Descriptor fd{::memfd_create("tune-input", MFD_CLOEXEC)};
  for (std::size_t at = 0; fd && at < text.size();) {
    const ssize_t n = ::write(fd.get(), text.data() + at, text.size() - at);
    if (n <= 0) return {};
    at += static_cast<std::size_t>(n);
  }
  if (fd) ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

struct Pipe {
  Descriptor read, write;
  static Pipe make() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {};
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return {Descriptor{ends[0]}, Descriptor{ends[1]}};
  }
};

/// Reads what is there. Closes the pipe at its end.
void drain(Descriptor& from, std::string& into, bool& cut) {
  char buffer[16384];
  while (from) {
    const ssize_t n = ::read(from.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return from.reset();
    const std::size_t fits = std::min(static_cast<std::size_t>(n), kProgramOutput - into.size());
    into.append(buffer, fits);
    cut |= fits < static_cast<std::size_t>(n);
  }
}

/// Waits until the program has ended; false if it did not until `deadline`.
bool listen(const Launched& child, Pipe& out, Pipe& err, ProgramAnswer& answer, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    // A closed descriptor is -1, which poll() passes over.
    pollfd watched[] = {{child.pidfd.get(), POLLIN, 0}, {out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}};
    if (::poll(watched, 3, static_cast<int>(std::min<std::int64_t>(left, 60'000))) < 0 && errno != EINTR) return false;
    drain(out.read, answer.out, answer.cut);
    drain(err.read, answer.err, answer.cut);
    if (watched[0].revents != 0) {
      drain(out.read, answer.out, answer.cut);  // What it wrote between those reads and its end.
      drain(err.read, answer.err, answer.cut);
      return true;
    }
  }
}

Error not_started(const std::string& name, const Launched& launched) {
  if (launched.error == ENOENT) {
    return {Error::Code::not_found, printable(name) + ": there is no such program in PATH", "install it, or start tune where it is"};
  }
  return {Error::Code::io, printable(name) + " cannot be started (" + launched.step + "): " + std::strerror(launched.error), ""};
}

/// Nothing that a trial left behind, where this process runs trials as well: whoever ends those leaves it alone.
Launched start_as_ours(Launcher& launcher, const Program& program) {
  MainPrograms mains;
  auto child = launcher.start(program);
  if (child.error == 0) mains.insert(child.pid);
  return child;
}

}  // namespace

Result<ProgramAnswer> run_program(const ProgramCall& call) {
  TUNE_ASSERT(!call.argv.empty() && std::isfinite(call.limit.seconds), "a call without a program or without an end");
  Launcher launcher;
  Pipe out = Pipe::make(), err = Pipe::make();
  const Descriptor in = readable(call.input);
  if (!out.read || !err.read || !in) return Error{Error::Code::io, std::string{"no pipe for "} + call.argv[0] + ": " + std::strerror(errno), ""};

  const auto environment = environment_with(call.environment);
  const auto argv = pointers(call.argv), env = pointers(environment);
  const std::string path = find_program(call.argv[0], std::getenv("PATH"), call.folder);
  Program program;
  program.path = path.c_str();
  program.argv = argv.data();
  program.env = env.data();
  program.cwd = call.folder.empty() ? nullptr : call.folder.c_str();
  program.in = in.get();
  program.out = out.write.get();
  program.err = err.write.get();
  const Launched child = start_as_ours(launcher, program);
  if (child.error != 0) return not_started(call.argv[0], child);
  out.write.reset();
  err.write.reset();

  ProgramAnswer answer;
  const auto limit = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(call.limit.seconds));
  const bool ended = listen(child, out, err, answer, Clock::now() + limit);
  if (!ended) ::kill(-child.pid, SIGKILL);  // It is not reaped yet, so the group is still its own.
  siginfo_t how{};
  int waited;
  while ((waited = ::waitid(P_PIDFD, static_cast<id_t>(child.pidfd.get()), &how, WEXITED)) != 0 && errno == EINTR) {
  }
  MainPrograms().erase(child.pid);
  if (!ended) {
    std::string said = last_words(answer);
    return Error{Error::Code::unreachable, printable(call.argv[0]) + " did not answer within " + to_text(call.limit) +
                 (answer.out.empty() && answer.err.empty() ? "" : ": " + said), "see whether it answers when called by hand"};
  }
  if (waited != 0) return Error{Error::Code::io, printable(call.argv[0]) + ": its end was seen by somebody else", ""};
  if (how.si_code == CLD_EXITED) {
    answer.exit_code = how.si_status;
  } else {
    answer.exit_code = -1;
    answer.signal = how.si_status;
  }
  return answer;
}

std::string last_words(const ProgramAnswer& answer) {
  for (const auto* text : {&answer.err, &answer.out}) {
    std::string said{detail::trimmed(detail::tail_of_text(*text, 5))};
    if (said.empty()) continue;
    std::string line;
    for (const char c : said) c == '\n' ? line += "; " : line += c;
    return printable(line);
  }
  return answer.signal != 0 ? "it was ended by signal " + std::to_string(answer.signal) : "exit code " + std::to_string(answer.exit_code);
}

}  // namespace tune
