// SPDX-License-Identifier: Apache-2.0
#include "ui/server/relay.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <functional>

#include "executors/descriptor.hpp"
#include "executors/no_signals.hpp"
#include "executors/process/report_line.hpp"
#include "tuner/json.hpp"

namespace tune {
namespace {

constexpr std::string_view kOver = "{\"cmd\":\"stop\",\"reason\":\"this attempt is over\"}\n";

Error unreachable() {
  return {Error::Code::conflict, "nobody runs this experiment in a way that its trials can be heard",
          "reports over HTTP need `tune serve` or `tune sweep --ui`"};
}

Result<Descriptor> connect_to(const std::string& link) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto n = ::readlink(link.c_str(), address.sun_path, sizeof address.sun_path - 1);
  if (n <= 0) return unreachable();
  Descriptor fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return unreachable();
  return fd;
}

}  // namespace

/// One request under way. The relay's thread moves bytes; the network thread takes what came.
class Relay::Call {
 public:
  Call(Descriptor fd, std::string unsent, int answers) : fd_(std::move(fd)), unsent_(std::move(unsent)), answers_(answers) {}

  // --- the relay's thread
  pollfd waits_for() const { return {fd_.get(), static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT), 0}; }
  /// False: it is over.
  bool move(short events) {
    if ((events & POLLOUT) && !send()) return end();
    if ((events & (POLLIN | POLLHUP | POLLERR)) && !receive()) return end();
    return true;
  }

  // --- the network thread
  void start(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }
  std::optional<std::string> next() {
    const std::lock_guard lock(mutex_);
    if (came_.empty() && over_) return std::nullopt;
    return std::exchange(came_, {});
  }
  /// The peer is gone: what it said stays said.
  void forget() { forgotten_ = true; }
  bool forgotten() const { return forgotten_ && unsent_.empty(); }

 private:
  bool send() {
    const auto n = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    unsent_.erase(0, static_cast<std::size_t>(n));
    return true;
  }
  bool receive() {
    char piece[4096];
    const auto n = ::recv(fd_.get(), piece, sizeof piece, 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    const std::string_view bytes(piece, static_cast<std::size_t>(n));
    answers_ -= static_cast<int>(std::count(bytes.begin(), bytes.end(), '\n'));
    give(bytes);
    return answers_ > 0;
  }
  bool end() {
    if (answers_ > 0) give(kOver);
    const std::lock_guard lock(mutex_);
    over_ = true;
    if (wake_) wake_();
    return false;
  }
  void give(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    came_ += bytes;
    if (wake_) wake_();
  }

  const Descriptor fd_;
  std::string unsent_;
  int answers_;
  std::atomic<bool> forgotten_{false};
  std::mutex mutex_;
  std::string came_;
  bool over_ = false;
  std::function<void()> wake_;
};

class Relay::Follower final : public Stream {
 public:
  explicit Follower(std::shared_ptr<Call> call) : call_(std::move(call)) {}
  ~Follower() override {
    call_->start({});
    call_->forget();
  }
  void start(std::function<void()> wake) override { call_->start(std::move(wake)); }
  std::optional<std::string> next() override { return call_->next(); }

 private:
  std::shared_ptr<Call> call_;
};

Relay::Relay() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const NoSignals here;
  thread_ = std::thread([this] { run(); });
}

Relay::~Relay() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake();
  thread_.join();
  ::close(event_);
}

void Relay::wake() const {
  const std::uint64_t one = 1;
  (void)!::write(event_, &one, sizeof one);
}

Result<std::unique_ptr<Stream>> Relay::carry(const std::string& path, const std::string& token, std::string lines, int answers) {
  auto fd = connect_to(path);
  if (!fd) return fd.error();
  std::string greeting;
  JsonWriter(greeting).begin_object().key("token").value(token).end_object();
  auto call = std::make_shared<Call>(std::move(*fd), greeting + "\n" + std::move(lines), answers);
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
  }
  wake();
  return std::unique_ptr<Stream>(new Follower(std::move(call)));
}

void Relay::run() {
  for (;;) {
    std::vector<std::shared_ptr<Call>> calls;
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
      calls_.erase(std::remove_if(calls_.begin(), calls_.end(), [](const auto& call) { return call->forgotten(); }), calls_.end());
      calls = calls_;
    }
    std::vector<pollfd> polled{{event_, POLLIN, 0}};
    for (const auto& call : calls) polled.push_back(call->waits_for());
    ::poll(polled.data(), polled.size(), 1000);
    std::uint64_t count;
    (void)!::read(event_, &count, sizeof count);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (polled[i + 1].revents == 0 || calls[i]->move(polled[i + 1].revents)) continue;
      const std::lock_guard lock(mutex_);
      calls_.erase(std::find(calls_.begin(), calls_.end(), calls[i]));
    }
  }
}

Result<ReportLines> read_report_lines(std::string_view body) {
  ReportLines out;
  ReportLineReader reader;
  ReportLine line;
  std::string last;
  int number = 0;
  const auto take = [&] {
    if (!last.empty()) out.lines += last + "\n";
  };
  while (!body.empty()) {
    auto text = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(body.size(), text.size() + 1));
    ++number;
    while (!text.empty() && (text.back() == '\r' || text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    if (text.empty()) continue;
    if (!reader.read(text, line))
      return Error{Error::Code::invalid, "line " + std::to_string(number) + " is no report: " + reader.error(), "{\"step\":3,\"loss\":0.4}"};
    take();
    last = text;
    out.answers += line.sync;
  }
  if (!last.empty() && last.back() != '}') return Error{Error::Code::invalid, "a report is one object a line", ""};
  if (last.empty()) return Error{Error::Code::invalid, "there is no report in the body", "{\"step\":3,\"loss\":0.4}"};
  if (!line.sync) {
    // Whoever asks over HTTP waits for the answer. The last of two equal keys counts.
    last.pop_back();
    last += last.find_last_not_of(" \t\r") == last.find('{') ? "\"sync\":true}" : ",\"sync\":true}";
    ++out.answers;
  }
  take();
  return out;
}

}  // namespace tune
