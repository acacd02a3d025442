// SPDX-License-Identifier: Apache-2.0
// A trial program with bad manners, for tests: probe MODE. It uses the raw protocol, so that it can break it.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

const int channel = std::getenv("TUNE_FD") ? std::atoi(std::getenv("TUNE_FD")) : -1;

void send(const std::string& line) {
  const std::string text = line + "\n";
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(channel, text.data() + done, text.size() - done);
    if (n <= 0) std::exit(9);
    done += static_cast<std::size_t>(n);
  }
}

std::string receive() {
  std::string line;
  for (char c; ::read(channel, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

void report(int step, const char* value = "0.5", const char* more = "") {
  send("{\"step\":" + std::to_string(step) + ",\"loss\":" + value + more + "}");
}

[[noreturn]] void forever() {
  for (;;) ::pause();
}

// A process that leaves every group it can and stays. It is there when this returns.
void daemonize() {
  if (const pid_t between = ::fork(); between != 0) {
    ::waitpid(between, nullptr, 0);
    return;
  }
  ::setsid();
  if (::fork() != 0) ::_exit(0);
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  forever();
}

int steps(int last, bool sync) {
  for (int step = 1; step <= last; ++step) {
    report(step, "0.5", sync ? ",\"sync\":true" : "");
    if (sync && receive().find("\"stop\"") != std::string::npos) break;
  }
  return 0;
}

// A member of a population: what it has learned is a number in its checkpoint, which it saves at every fifth step. A checkpoint that
// is not whole, or is of another step than it says, ends it with code 9.
int member() {
  const double rate = std::atof(std::getenv("TUNE_P_RATE"));
  const int last = std::atoi(std::getenv("PROBE_STEPS") ? std::getenv("PROBE_STEPS") : "200");
  int step = 0;
  double learned = 0;
  if (const char* from = std::getenv("TUNE_CHECKPOINT")) {
    FILE* in = std::fopen((std::string{from} + "/model").c_str(), "r");
    char end[8] = {};
    if (!in || std::fscanf(in, "%d %lf %4s", &step, &learned, end) != 3 || std::strcmp(end, "end") != 0) return 9;
    std::fclose(in);
    if (std::string{from}.find("step-" + std::to_string(step)) == std::string::npos) return 9;
  }
  while (step < last) {
    ::usleep(1000);
    ++step;
    learned += rate * (1 - learned) * (step < last / 2 ? 1 : 0.2) - 0.01 * rate * rate;
    std::string more = ",\"sync\":true";
    if (step % 5 == 0) {
      const std::string name = "step-" + std::to_string(step);
      const std::string folder = std::string{std::getenv("TUNE_CHECKPOINT_DIR")} + "/" + name;
      if (::mkdir(folder.c_str(), 0700) != 0) return 8;
      FILE* out = std::fopen((folder + "/model").c_str(), "w");
      if (!out || std::fprintf(out, "%d %.17g end\n", step, learned) < 0 || std::fclose(out) != 0) return 8;
      more += ",\"checkpoint\":\"" + name + "\"";
    }
    char value[40];
    std::snprintf(value, sizeof value, "%.17g", 1 - learned);
    report(step, value, more.c_str());
    const std::string answer = receive();
    if (answer.empty()) return 1;
    if (answer.find("\"stop\"") != std::string::npos || answer.find("\"pause\"") != std::string::npos) break;
  }
  return 0;
}

// Writes down what was promised to it: a line only after the report was answered.
// Reports a function of its parameter and the step, and writes down each report once it was acknowledged.
int ledger() {
  const auto setting = [](const char* name, const char* otherwise) {
    const char* text = std::getenv(name);
    return text ? text : otherwise;
  };
  const int fd = ::open(setting("PROBE_LEDGER", "/dev/null"), O_WRONLY | O_APPEND | O_CREAT, 0600);
  const double x = std::atof(setting("TUNE_P_X", "0.25"));
  const auto pause = static_cast<useconds_t>(std::atof(setting("PROBE_STEP_SECONDS", "0")) * 1e6);
  const int steps = std::atoi(setting("PROBE_STEPS", "10"));
  for (int step = 1; step <= steps; ++step) {
    if (pause) ::usleep(pause);
    char value[40];
    std::snprintf(value, sizeof value, "%.17g", x + 1.0 / step);
    report(step, value, ",\"sync\":true");
    const std::string answer = receive();
    if (answer.empty()) return 1;
    // A stop without a seq came unasked: it does not say that the report is safe.
    if (answer.find("\"seq\":" + std::to_string(step) + "}") == std::string::npos) break;
    const std::string line = std::string{std::getenv("TUNE_TRIAL_NUMBER")} + " " + std::getenv("TUNE_ATTEMPT") + " " +
                             std::to_string(step) + " " + value + "\n";
    if (::write(fd, line.data(), line.size()) < 0) return 1;
    if (answer.find("\"stop\"") != std::string::npos) break;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "noop") return 0;
  if (mode == "once") return report(1), 0;
  if (mode == "steps") return steps(argc > 2 ? std::atoi(argv[2]) : 10, false);
  if (mode == "sync") return steps(argc > 2 ? std::atoi(argv[2]) : 10, true);
  if (mode == "ledger") return ledger();
  if (mode == "member") return member();
  if (mode == "exit") return report(1), std::atoi(argv[2]);
  if (mode == "exit0_noresult") return 0;
  if (mode == "segv") ::signal(SIGSEGV, SIG_DFL), ::raise(SIGSEGV);  // A sanitizer may have caught it.
  if (mode == "kill_self") ::raise(SIGKILL);
  if (mode == "hang") forever();
  if (mode == "ignore_term") ::signal(SIGTERM, SIG_IGN), forever();
  if (mode == "double_fork") return report(1), daemonize(), 0;
  if (mode == "setsid_tree") {
    for (int i = 0; i < 3; ++i) daemonize();
    if (::fork() == 0) ::setsid(), forever();
    std::puts("::tune {\"loss\":0.5}"), std::fflush(stdout);  // By this way, so that it is ended by signals.
    forever();
  }
  if (mode == "hold_stdout") {
    if (::fork() == 0) ::setsid(), ::sleep(600);
    return report(1), 0;
  }
  if (mode == "spam") {
    const std::string block(1 << 16, 'x');
    for (int i = 0; i < 400; ++i)
      if (::write(1, (block + "\n").data(), block.size() + 1) < 0) return 1;
    return report(1), 0;
  }
  if (mode == "longline") {
    const std::string block(1 << 20, 'y');
    for (int i = 0; i < 20; ++i)
      if (::write(1, block.data(), block.size()) < 0) return 1;
    return report(1), 0;
  }
  if (mode == "badutf8") return std::puts("\xff\xfe\x1b[31m\x00"), send("{\"lo\xffss\":1}"), report(1), 0;
  if (mode == "nan") return report(1, "NaN"), report(2, "\"nan\""), 0;
  if (mode == "inf") return report(1, "Infinity"), report(2, "\"-inf\""), 0;
  if (mode == "huge_line") return send("{\"step\":1,\"x\":\"" + std::string(200'000, 'z') + "\"}"), report(2), 0;
  if (mode == "garbage") {
    for (int i = 0; i < 1000; ++i) send("this is no report");
    return report(1), 0;
  }
  if (mode == "out_of_order") return report(5), report(3), report(9), 0;
  if (mode == "after_stop") {
    report(1, "0.5", ",\"sync\":true"), receive();
    for (int step = 2; step < 50; ++step) report(step);
    return 0;
  }
  if (mode == "oom") {
    std::vector<char*> blocks;
    for (int i = 0; i < 1024; ++i) {
      auto* block = static_cast<char*>(std::malloc(1 << 24));
      if (!block) return 3;
      std::memset(block, 1, 1 << 24);
      blocks.push_back(block);
    }
    return blocks.empty();
  }
  if (mode == "close_fds") {
    ::close(channel);
    return std::puts("::tune {\"step\":1,\"loss\":0.25}"), 0;
  }
  if (mode == "checkpoint") {
    const std::string folder = std::string{std::getenv("TUNE_CHECKPOINT_DIR")} + "/step-1";
    if (std::system(("mkdir -p '" + folder + "' && echo weights > '" + folder + "/model'").c_str()) != 0) return 1;
    return report(1, "0.5", ",\"checkpoint\":\"step-1\""), 0;
  }
  if (mode == "bad_checkpoint") return report(1, "0.5", ",\"checkpoint\":\"../../../etc/passwd\""), 0;
  if (mode == "restore") {
    const char* from = std::getenv("TUNE_CHECKPOINT");
    const bool there = from && ::access((std::string{from} + "/model").c_str(), R_OK) == 0;
    return report(2, there ? "1" : "0"), 0;
  }
  if (mode == "params") {
    // Every way in must say the same.
    FILE* in = std::fopen(std::getenv("TUNE_PARAMS"), "r");
    char text[4096] = {};
    if (!in || std::fread(text, 1, sizeof text - 1, in) == 0) return 1;
    std::printf("%s %s %s\n", text, std::getenv("TUNE_P_LR"), argc > 2 ? argv[2] : "");
    return ::access(std::getenv("TUNE_TRIAL_DIR"), W_OK) == 0 ? report(1), 0 : 2;
  }
  std::fprintf(stderr, "probe: no mode %s\n", mode.c_str());
  return 64;
}
