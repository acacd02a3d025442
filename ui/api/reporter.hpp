// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

/// A trial's side of the protocol for C++ programs, in this one header: copy it into your project or include it from tune.
/// It needs nothing but POSIX and C++17.
///
///     tune::Reporter reporter;
///     for (std::int64_t step = 1; step <= 81; ++step) {
///       const double loss = train_one_epoch();
///       if (reporter.report(step, {{"loss", loss}}).stop()) break;
///     }
///
/// Outside tune every call does nothing and answers "go on", so the program still runs by hand. So it is in ranks other than 0 of a trial of
/// several (by RANK or OMPI_COMM_WORLD_RANK): the same code may run in all of them, and rank 0 reports.
namespace tune {

/// What tune wants after a report.
class Answer {
 public:
  Answer() = default;
  explicit Answer(std::string line) : line_(std::move(line)) {}
  /// End now, with exit code 0. Also true for a pause: save first if you can.
  bool stop() const { return is("stop") || is("pause"); }
  /// Save a checkpoint (see Reporter::checkpoint_folder) and report it with Reporter::saved.
  bool save() const { return is("pause") || is("checkpoint") || line_.find("\"checkpoint\":true") != std::string::npos; }
  /// The JSON line as it came; empty outside tune.
  const std::string& text() const { return line_; }

 private:
  bool is(const char* command) const { return line_.rfind("{\"cmd\":\"" + std::string{command} + "\"", 0) == 0; }
  std::string line_;
};

class Reporter {
 public:
  using Metrics = std::initializer_list<std::pair<std::string_view, double>>;

  Reporter() : fd_(line_to_tune()) {}
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// We were started by tune.
  bool connected() const { return fd_ >= 0; }

  /// Reports and waits for the answer: when it returns, the report is safe on disk and tune has decided. Steps count from 1 and only grow.
  Answer report(std::int64_t step, Metrics metrics) {
    if (!connected() || !send(line(step, metrics) + ",\"sync\":true}\n")) return {};
    return Answer{receive()};
  }
  /// For trials of several ranks, each of which calls it: rank 0 reports, and all get its answer, so that all stop at the same step.
  /// `ranks` is a tune::Communicator.
  template <class Ranks>
  Answer report(Ranks& ranks, std::int64_t step, Metrics metrics) {
    return Answer{ranks.broadcast_text(ranks.rank() == 0 ? report(step, metrics).text() : std::string{})};
  }
  /// Reports and goes on at once. A stop is heard at the next report() or poll().
  void post(std::int64_t step, Metrics metrics) {
    if (connected()) send(line(step, metrics) + "}\n");
  }
  /// What tune has said unasked since the last call, without waiting; often nothing.
  Answer poll() {
    if (!connected()) return {};
    char bytes[4096];
    for (ssize_t n; buffer_.find('\n') == std::string::npos && (n = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
      buffer_.append(bytes, static_cast<std::size_t>(n));
    return buffer_.find('\n') == std::string::npos ? Answer{} : Answer{take_line()};
  }

  /// A folder to write checkpoints in, each under a new name; empty outside tune.
  std::string checkpoint_folder() const { return folder("TUNE_CHECKPOINT_DIR"); }
  /// Hands over the file or folder `name` (below checkpoint_folder()) that was just written. Leave it alone afterwards.
  void saved(std::int64_t step, std::string_view name) {
    if (connected()) send("{\"step\":" + std::to_string(step) + ",\"checkpoint\":" + quoted(name) + "}\n");
  }
  /// Where to restore from; empty on a fresh start.
  std::string restore() const { return text("TUNE_CHECKPOINT"); }
  /// A folder of this trial's own, made if need be; empty outside tune.
  std::string trial_folder() const { return folder("TUNE_TRIAL_DIR"); }
  /// For this trial, the same in every attempt.
  std::uint64_t seed(std::uint64_t otherwise = 0) const {
    const std::string given = text("TUNE_SEED");
    return given.empty() ? otherwise : std::strtoull(given.c_str(), nullptr, 10);
  }
  /// The parameter as a number or text (names with dots and dashes too), or `otherwise` where tune did not give it.
  double parameter(const std::string& name, double otherwise) const {
    const std::string given = parameter(name, std::string{});
    return given.empty() ? otherwise : std::strtod(given.c_str(), nullptr);
  }
  std::string parameter(const std::string& name, const std::string& otherwise) const {
    std::string variable = "TUNE_P_";
    for (const char c : name) {
      const bool lower = c >= 'a' && c <= 'z';
      const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      variable += lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
    }
    const char* given = std::getenv(variable.c_str());
    return given ? given : otherwise;
  }

 private:
  static std::string text(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
  }
  static int number(const char* name, int otherwise) {
    const char* value = std::getenv(name);
    return value && *value ? std::atoi(value) : otherwise;
  }
  static int line_to_tune() {
    if (number("OMPI_COMM_WORLD_RANK", 0) != 0 || (std::getenv("WORLD_SIZE") && number("RANK", 0) != 0)) return -1;
    const int fd = number("TUNE_FD", -1);
    // mpirun and the like close it, and what has its number afterwards is theirs.
    sockaddr_storage name;
    socklen_t size = sizeof name;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 && name.ss_family == AF_UNIX ? fd : -1;
  }
  static std::string folder(const char* name) {
    const std::string path = text(name);
    for (std::size_t at = 0; at != std::string::npos && !path.empty();)
      ::mkdir(path.substr(0, at = path.find('/', at + 1)).c_str(), 0700);
    return path;
  }

  static std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      if (static_cast<unsigned char>(c) < 0x20) {
        char escape[8];
        std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
        out += escape;
      } else {
        out += c;
      }
    }
    return out += '"';
  }
  static std::string line(std::int64_t step, Metrics metrics) {
    std::string out = "{\"step\":" + std::to_string(step) + ",\"metrics\":{";
    bool first = true;
    for (const auto& [name, value] : metrics) {
      if (!first) out += ',';
      first = false;
      out += quoted(name) += ':';
      if (std::isnan(value)) {
        out += "\"nan\"";
      } else if (std::isinf(value)) {
        out += value > 0 ? "\"inf\"" : "\"-inf\"";
      } else {
        char digits[32];
        const int n = std::snprintf(digits, sizeof digits, "%.17g", value);
        for (int i = 0; i < n; ++i) out += digits[i] == ',' ? '.' : digits[i];  // Some locales write a comma.
      }
    }
    return out += '}';
  }

  bool send(const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return fd_ = -1, false;  // tune is gone: go on alone.
      done += static_cast<std::size_t>(n);
    }
    return true;
  }
  std::string receive() {
    char bytes[4096];
    while (buffer_.find('\n') == std::string::npos) {
      const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
      if (n <= 0) return fd_ = -1, "";
      buffer_.append(bytes, static_cast<std::size_t>(n));
    }
    return take_line();
  }
  std::string take_line() {
    const auto end = buffer_.find('\n');
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return line;
  }

  int fd_;
  std::string buffer_;
};

}  // namespace tune
