// SPDX-License-Identifier: Apache-2.0
#include "executors/process/launcher.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <string_view>

#include "tuner/result.hpp"

// Instrumented code must not run on the child's borrowed stack.
#define TUNE_RAW __attribute__((no_sanitize("address", "thread", "undefined"), noinline))

namespace tune {
namespace {

constexpr std::size_t kStack = 64 << 10;

std::once_flag raised;
rlimit original_files{};

// The kernel's sigaction, not libc's: sanitizers intercept that one.
struct KernelSigaction {
  unsigned long handler, flags, restorer, mask[2];
};

#if defined(__x86_64__) || defined(__aarch64__)
// Calls child(argument) on the child's own stack straight from the system call: with memory shared, a child that ran even
// one compiled line of this function would overwrite our return address. Answers the pid, or -errno.
TUNE_RAW long clone3_call(clone_args* args, int (*child)(void*), void* argument) {
#if defined(__x86_64__)
  long result = SYS_clone3;
  register int (*function)(void*) asm("r12") = child;
  register void* value asm("r13") = argument;
  asm volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%r13, %%rdi\n\t"
      "callq *%%r12\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(args), "S"(sizeof *args), "r"(function), "r"(value)
      : "rcx", "r11", "memory", "cc");
  return result;
#else
  register long number asm("x8") = SYS_clone3;
  register long result asm("x0") = reinterpret_cast<long>(args);
  register long size asm("x1") = sizeof *args;
  register int (*function)(void*) asm("x20") = child;
  register void* value asm("x21") = argument;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x0, x21\n\t"
      "blr x20\n\t"
      "brk #1\n"
      "1:"
      : "+r"(result)
      : "r"(number), "r"(size), "r"(function), "r"(value)
      : "memory", "cc");
  return result;
#endif
}
#else
long clone3_call(clone_args*, int (*)(void*), void*) { return -ENOSYS; }
#endif

}  // namespace

// What the child needs, laid out before it exists. It writes `error` and `step`; the memory is ours.
struct Launcher::Child {
  const Program* program;
  const int* reset;
  const rlimit* files;
  int null;
  pid_t parent;
  bool clears_handlers;  // clone3 did it already.
  bool joins_cgroup;     // clone3 did not.
  volatile int error;
  const char* volatile step;
};

// In the child, in our memory: nothing but system calls from here to exec, made by hand because libc's wrappers may be
// intercepted. (errno is shared too; we are suspended meanwhile.)
TUNE_RAW int Launcher::run(void* argument) {
  auto& child = *static_cast<Child*>(argument);
  const Program& program = *child.program;
#define TUNE_STEP(name, call)                 \
  if (static_cast<long>(call) < 0) {          \
    child.error = errno;                      \
    child.step = name;                        \
    ::syscall(SYS_exit_group, 127);           \
  }
  ::syscall(SYS_setpgid, 0, 0);
  TUNE_STEP("prctl", ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
  if (::syscall(SYS_getppid) != child.parent) ::syscall(SYS_exit_group, 127);  // We died before the line above.
  if (child.joins_cgroup) {
    const long procs = ::syscall(SYS_openat, program.cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC, 0);
    TUNE_STEP("cgroup", procs);
    TUNE_STEP("cgroup", ::syscall(SYS_write, procs, "0", 1));
  }
  const rlimit none{0, 0};
  ::syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none, nullptr);
  if (child.files->rlim_cur != 0) ::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, child.files, nullptr);
  ::syscall(SYS_umask, 077);
  // Best effort: a process may always offer itself to the OOM killer, but /proc may not be there.
  const long score = ::syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
  if (score >= 0) ::syscall(SYS_write, score, "500", 3);

  TUNE_STEP("stdin", ::syscall(SYS_dup3, program.in >= 0 ? program.in : child.null, 0, 0));
  if (program.out >= 0) TUNE_STEP("stdout", ::syscall(SYS_dup3, program.out, 1, 0));
  if (program.err >= 0) TUNE_STEP("stderr", ::syscall(SYS_dup3, program.err, 2, 0));
  if (program.channel >= 0) TUNE_STEP("channel", ::syscall(SYS_dup3, program.channel, 3, 0));
  TUNE_STEP("close_range", ::syscall(SYS_close_range, program.channel >= 0 ? 4 : 3, ~0u, 0));
  if (program.cwd) TUNE_STEP("chdir", ::syscall(SYS_chdir, program.cwd));

  const KernelSigaction fallback{};
  if (child.clears_handlers) {
    for (const int* s = child.reset; *s != 0; ++s) ::syscall(SYS_rt_sigaction, *s, &fallback, nullptr, 8);
  } else {
    for (int s = 1; s <= 64; ++s) ::syscall(SYS_rt_sigaction, s, &fallback, nullptr, 8);
  }
  const std::uint64_t unblocked = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &unblocked, nullptr, 8);
  TUNE_STEP("exec", ::syscall(SYS_execve, program.path, program.argv, program.env));
#undef TUNE_STEP
  return 127;
}

Launcher::Launcher() {
  // If 0 to 3 are open, no pipe of ours gets a number that the child puts another one on.
  for (;;) {
    const int fd = ::open("/dev/null", O_RDWR);
    if (fd > 3 || fd < 0) {
      if (fd >= 0) ::close(fd);
      break;
    }
  }
  const Descriptor null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  null_ = Descriptor{::fcntl(null.get(), F_DUPFD_CLOEXEC, 10)};
  stack_ = static_cast<char*>(
      ::mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0));
  TUNE_ASSERT(null_ && stack_ != MAP_FAILED, "no /dev/null or no memory");
  std::size_t n = 0;
  for (int s = 1; s < 64; ++s) {
    struct sigaction action {};
    if (::sigaction(s, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) reset_[n++] = s;
  }
  // SIGPIPE is ignored by every user of sockets sooner or later; reset it even if that comes after us.
  bool has_pipe = false;
  for (std::size_t i = 0; i < n; ++i) has_pipe |= reset_[i] == SIGPIPE;
  if (!has_pipe) reset_[n] = SIGPIPE;
  raise_descriptor_limit();
  files_ = original_files;
}

Launcher::~Launcher() { ::munmap(stack_, kStack); }

Launched Launcher::start(const Program& program) {
  Launched launched;
  int pidfd = -1;
  Child child{&program, reset_.data(), &files_, null_.get(), ::getpid(), true, false, 0, ""};
  clone_args args{};
  args.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  args.stack = reinterpret_cast<std::uint64_t>(stack_);
  args.stack_size = kStack;
  if (program.cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(program.cgroup);
  }

  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // No handler of ours runs in the child.
  long pid = clone3_ ? clone3_call(&args, &Launcher::run, &child) : -ENOSYS;
  // Old container runtimes answer EPERM for system calls that they do not know.
  if (pid == -ENOSYS || (pid == -EPERM && program.cgroup < 0)) {
    clone3_ = false;
    child.clears_handlers = false;
    child.joins_cgroup = program.cgroup >= 0;
    pid = ::clone(&Launcher::run, stack_ + kStack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &child, &pidfd);
    if (pid < 0) pid = -errno;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);

  if (pid < 0) {
    launched.error = static_cast<int>(-pid);
    launched.step = "clone";
    return launched;
  }
  launched.pidfd.reset(pidfd);
  if (child.error != 0) {
    siginfo_t ignored;
    ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &ignored, WEXITED);
    launched.pidfd.reset();
    launched.error = child.error;
    launched.step = child.step;
    return launched;
  }
  launched.pid = static_cast<pid_t>(pid);
  return launched;
}

Launched Launcher::start(const std::vector<std::string>& argv, const std::vector<std::string>& env, const std::string& cwd, Program program) {
  std::vector<const char*> words, entries;
  words.reserve(argv.size() + 1), entries.reserve(env.size() + 1);
  const char* path = nullptr;
  for (const auto& word : argv) words.push_back(word.c_str());
  for (const auto& entry : env) {
    entries.push_back(entry.c_str());
    if (entry.starts_with("PATH=")) path = entry.c_str() + 5;
  }
  words.push_back(nullptr), entries.push_back(nullptr);
  const std::string found = find_program(argv.front(), path, cwd);
  program.path = found.c_str();
  program.argv = words.data();
  program.env = entries.data();
  program.cwd = cwd.empty() ? nullptr : cwd.c_str();
  return start(program);
}

std::string find_program(const std::string& name, const char* path, const std::string& cwd) {
  if (name.find('/') != std::string::npos) return name;
  std::string_view rest = path && *path ? path : "/usr/local/bin:/usr/bin:/bin";
  for (;;) {
    const auto end = rest.find(':');
    std::string folder{rest.substr(0, end)};
    if (folder.empty()) folder = ".";
    if (folder.front() != '/' && !cwd.empty()) folder = cwd + "/" + folder;
    folder += '/';
    folder += name;
    struct stat found {};
    if (::stat(folder.c_str(), &found) == 0 && S_ISREG(found.st_mode) && ::access(folder.c_str(), X_OK) == 0) return folder;
    if (end == std::string_view::npos) return name;
    rest.remove_prefix(end + 1);
  }
}

void raise_descriptor_limit() {
  std::call_once(raised, [] {
    rlimit now{};
    if (::getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur == now.rlim_max) return;
    rlimit more{now.rlim_max, now.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &more) == 0) original_files = now;
  });
}

}  // namespace tune
