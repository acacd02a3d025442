// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/from_within.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "tuner/json.hpp"

namespace tune {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

Error gone(const char* what) {
  return {Error::Code::unreachable, std::string(what) + ": " + std::strerror(errno), {}};
}

/// A number that is an open descriptor here; -1 otherwise.
int inherited() {
  const auto text = variable("TUNE_FD");
  int fd = -1;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), fd);
  return failed == std::errc{} && end == text.data() + text.size() && fd >= 0 && fcntl(fd, F_GETFD) >= 0 ? fd : -1;
}

std::string token_line() {
  std::string line;
  JsonWriter(line).begin_object().key("token").value(variable("TUNE_TOKEN")).end_object();
  return line + "\n";
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// Byte by byte: what follows the line is for somebody else who reads this descriptor.
std::optional<std::string> receive_line(int fd) {
  std::string line;
  for (char c; line.size() < 64 * 1024;) {
    const auto n = recv(fd, &c, 1, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    if (c == '\n') return line;
    line += c;
  }
  return std::nullopt;
}

std::string report_line(std::optional<std::int64_t> step, const Metrics& metrics) {
  std::string line;
  JsonWriter out(line);
  out.begin_object();
  if (step) out.key("step").value(*step);
  out.key("metrics").begin_object();
  for (std::size_t i = 0; i < metrics.size(); ++i) out.key((*metrics.names)[i]).value(metrics.values[i]);
  out.end_object().key("sync").value(true).end_object();
  return line + "\n";
}

std::string order_of(std::string_view line) {
  JsonReader in(line);
  if (in.next() != JsonReader::Token::object) return {};
  while (in.next() == JsonReader::Token::key) {
    if (in.text() != "cmd") {
      in.skip();
      continue;
    }
    return in.next() == JsonReader::Token::string ? std::string(in.text()) : std::string{};
  }
  return {};
}

Result<std::string> converse(int fd, const std::string& words) {
  if (!send_all(fd, words)) return gone("cannot report");
  const auto line = receive_line(fd);
  if (!line) return gone("no answer to the report");
  const auto order = order_of(*line);
  if (order.empty()) return Error{Error::Code::unreachable, "not an order: " + printable(*line), {}};
  return order;
}

}  // namespace

Result<std::string> report_from_within(std::optional<std::int64_t> step, const Metrics& metrics) {
  const auto line = report_line(step, metrics);
  if (const int fd = inherited(); fd >= 0) return converse(fd, line);
  const auto path = variable("TUNE_SOCK");
  if (path.empty()) return std::string("continue");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Error{Error::Code::invalid, "TUNE_SOCK is too long a path", {}};
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return gone("no socket");
  const auto close_it = std::unique_ptr<const int, void (*)(const int*)>(&fd, [](const int* f) { close(*f); });
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return gone("nobody listens on TUNE_SOCK");
  return converse(fd, token_line() + line);
}

}  // namespace tune
