// SPDX-License-Identifier: Apache-2.0
#include "ui/api/control.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "tuner/facts_json.hpp"
#include "tuner/json.hpp"
#include "ui/api/sweep.hpp"

namespace tune {
namespace {

constexpr std::size_t kLongestLine = 64 * 1024;
constexpr std::size_t kMostPeers = 32;
constexpr auto kPatience = std::chrono::seconds(10);
constexpr int kClientPatienceMs = 30'000;

/// A descriptor with an owner.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// A socket's path has room for 107 bytes only, so the folder is named by a descriptor.
sockaddr_un address_in(const Fd& folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(folder.get()) + "/sock";
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

std::string answer_line(const std::optional<Error>& error) {
  std::string line;
  JsonWriter out(line);
  out.begin_object().key("ok").value(!error);
  if (error) {
    out.key("code").value(static_cast<std::int64_t>(error->code));
    out.key("error").value(error->message);
    if (!error->hint.empty()) out.key("hint").value(error->hint);
  }
  out.end_object();
  return line + "\n";
}

Result<Done> read_answer(std::string_view line) {
  JsonReader in(line);
  bool ok = false;
  Error error{Error::Code::unreachable, "the owner's answer makes no sense", {}};
  if (in.next() != JsonReader::Token::object) return error;
  for (auto token = in.next(); token == JsonReader::Token::key; token = in.next()) {
    const std::string key(in.text());
    const auto value = in.next();
    if (key == "ok" && value == JsonReader::Token::boolean)
      ok = in.boolean();
    else if (key == "error" && value == JsonReader::Token::string)
      error.message = std::string(in.text());
    else if (key == "hint" && value == JsonReader::Token::string)
      error.hint = std::string(in.text());
    else if (key == "code" && value == JsonReader::Token::number && in.integer() && *in.integer() >= 0 &&
             *in.integer() <= 5)
      error.code = static_cast<Error::Code>(*in.integer());
    else if (value == JsonReader::Token::object || value == JsonReader::Token::array)
      return error;
  }
  if (in.failed()) return error;
  return ok ? Result<Done>{Done{}} : Result<Done>{error};
}

}  // namespace

std::string to_json_line(const Wish& wish) {
  if (wish.fact) return to_json_line(Record{0, Time{}, 0, *wish.fact});
  std::string line;
  JsonWriter out(line);
  out.begin_object().key("kind").value("Set").key("by").value(wish.by).key("settings").begin_array();
  for (const auto& setting : wish.settings) out.value(setting);
  out.end_array().end_object();
  return line;
}

Result<Wish> wish_from_json_line(std::string_view line) {
  Wish wish;
  JsonReader in(line);
  const Error nonsense{Error::Code::invalid, "the request is no JSON object of a known kind", {}};
  if (in.next() != JsonReader::Token::object) return nonsense;
  std::string kind;
  for (auto token = in.next(); token == JsonReader::Token::key; token = in.next()) {
    const std::string key(in.text());
    if (key == "kind" && in.next() == JsonReader::Token::string) {
      kind = std::string(in.text());
    } else if (key == "by" && in.next() == JsonReader::Token::string) {
      wish.by = std::string(in.text());
    } else if (key == "settings" && in.next() == JsonReader::Token::array) {
      while (in.next() == JsonReader::Token::string) wish.settings.emplace_back(in.text());
    } else if (key != "kind" && key != "by" && key != "settings") {
      in.skip();
    } else {
      return nonsense;
    }
  }
  if (in.failed()) return nonsense;
  if (kind == "Set") return wish;
  if (kind != "Requested" && kind != "Annotated") return nonsense;
  auto record = record_from_json_line(line);
  if (!record) return record.error();
  wish.fact = *record->observation();
  return wish;
}

class ControlServer::Listener {
 public:
  Listener(Fd folder, Fd socket, Sweep& sweep)
      : folder_(std::move(folder)), socket_(std::move(socket)), sweep_(sweep), shared_(std::make_shared<Shared>()) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { serve(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Listener() {
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->closing = true;
    }
    shared_->wake();
    thread_.join();
    unlinkat(folder_.get(), "sock", 0);
  }

 private:
  /// Outlives the listener for as long as a reply is owed: shared with the callbacks that the loop holds.
  struct Shared {
    std::mutex mutex;
    std::map<std::int64_t, std::string> answers;  ///< By peer.
    bool closing = false;
    Fd event{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    void wake() const {
      const std::uint64_t one = 1;
      (void)!write(event.get(), &one, sizeof one);
    }
  };
  struct Peer {
    Fd fd;
    std::string received, answer;
    bool asked = false;
    std::chrono::steady_clock::time_point deadline;
  };

  void serve();
  void accept_one();
  void hear(std::int64_t id, Peer&);
  void ask(std::int64_t id, Peer&, std::string_view line);
  void collect_answers();

  Fd folder_, socket_;
  Sweep& sweep_;
  std::shared_ptr<Shared> shared_;
  std::map<std::int64_t, Peer> peers_;
  std::int64_t next_ = 1;
  std::thread thread_;
};

void ControlServer::Listener::serve() {
  for (;;) {
    std::vector<pollfd> polled{{shared_->event.get(), POLLIN, 0},
                               {socket_.get(), static_cast<short>(peers_.size() < kMostPeers ? POLLIN : 0), 0}};
    std::vector<std::int64_t> ids;
    for (auto& [id, peer] : peers_) {
      polled.push_back({peer.fd.get(),
                        static_cast<short>(!peer.answer.empty() ? POLLOUT
                                           : peer.asked         ? 0
                                                                : POLLIN),
                        0});
      ids.push_back(id);
    }
    poll(polled.data(), polled.size(), peers_.empty() ? -1 : 1000);
    collect_answers();
    {
      const std::lock_guard lock(shared_->mutex);
      if (shared_->closing) return;
    }
    if (polled[1].revents & POLLIN) accept_one();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      auto& peer = peers_.at(ids[i]);
      const auto events = polled[i + 2].revents;
      bool gone = (events & POLLERR) || (!peer.asked && std::chrono::steady_clock::now() > peer.deadline);
      if (events & (POLLIN | POLLHUP)) {
        if (!peer.asked) hear(ids[i], peer);
        if (!peer.asked && (events & POLLHUP)) gone = true;
      }
      if (!peer.answer.empty()) {
        send(peer.fd.get(), peer.answer.data(), peer.answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        gone = true;  // One line fits into any socket's buffer.
      }
      if (gone) peers_.erase(ids[i]);
    }
  }
}

void ControlServer::Listener::accept_one() {
  Fd fd{accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!fd) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid()) return;
  peers_.emplace(next_++, Peer{std::move(fd), {}, {}, false, std::chrono::steady_clock::now() + kPatience});
}

void ControlServer::Listener::hear(std::int64_t id, Peer& peer) {
  char buffer[4096];
  const auto n = recv(peer.fd.get(), buffer, sizeof buffer, 0);
  if (n <= 0) {
    if (n == 0 || errno != EAGAIN) peer.deadline = {};
    return;
  }
  peer.received.append(buffer, static_cast<std::size_t>(n));
  const auto end = peer.received.find('\n');
  if (end != std::string::npos) {
    ask(id, peer, std::string_view(peer.received).substr(0, end));
  } else if (peer.received.size() > kLongestLine) {
    peer.asked = true;
    peer.answer = answer_line(Error{Error::Code::invalid, "the request is longer than 64 KiB", {}});
  }
}

void ControlServer::Listener::ask(std::int64_t id, Peer& peer, std::string_view line) {
  peer.asked = true;
  auto wish = wish_from_json_line(line);
  if (!wish) {
    peer.answer = answer_line(wish.error());
    return;
  }
  auto reply = [shared = shared_, id](std::optional<Error> error) {
    {
      const std::lock_guard lock(shared->mutex);
      shared->answers[id] = answer_line(error);
    }
    shared->wake();
  };
  if (wish->fact) {
    sweep_.put(std::move(*wish->fact), std::move(reply));
  } else if (auto done = sweep_.set(wish->settings, wish->by, std::move(reply)); !done) {
    peer.answer = answer_line(done.error());
  }
}

void ControlServer::Listener::collect_answers() {
  std::uint64_t count;
  (void)!read(shared_->event.get(), &count, sizeof count);
  std::map<std::int64_t, std::string> answers;
  {
    const std::lock_guard lock(shared_->mutex);
    answers.swap(shared_->answers);
  }
  for (auto& [id, line] : answers)
    if (const auto peer = peers_.find(id); peer != peers_.end()) peer->second.answer = std::move(line);
}

ControlServer::ControlServer(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
ControlServer::~ControlServer() = default;

Result<std::unique_ptr<ControlServer>> ControlServer::open(const std::string& path, Sweep& sweep) {
  const auto failed = [&] {
    return Error{Error::Code::io, "cannot listen for commands in " + path + ": " + std::strerror(errno), {}};
  };
  Fd folder{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) return failed();
  Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return failed();
  // We hold the owner's lock, so a socket that is there was left by an owner that is gone.
  unlinkat(folder.get(), "sock", 0);
  const auto address = address_in(folder);
  // The folder is 0700 and the peer's user is checked: the moment between bind and chmod lets nobody in.
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed();
  if (fchmodat(folder.get(), "sock", 0600, 0) != 0) return failed();
  if (listen(socket.get(), 16) != 0) return failed();
  return std::unique_ptr<ControlServer>{
      new ControlServer{std::make_unique<Listener>(std::move(folder), std::move(socket), sweep)}};
}

std::optional<Result<Done>> ask_owner(const std::string& path, const Wish& wish) {
  Fd folder{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) return std::nullopt;
  Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = address_in(folder);
  if (!socket || connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return std::nullopt;
  const Error silent{Error::Code::unreachable, "the process that owns the experiment does not answer",
                     "`tune status` tells which process that is"};
  const std::string line = to_json_line(wish) + "\n";
  if (send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) return silent;
  std::string answer;
  while (answer.find('\n') == std::string::npos) {
    pollfd ready{socket.get(), POLLIN, 0};
    char buffer[4096];
    if (poll(&ready, 1, kClientPatienceMs) <= 0) return silent;
    const auto n = recv(socket.get(), buffer, sizeof buffer, 0);
    if (n <= 0) return silent;
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  return read_answer(std::string_view(answer).substr(0, answer.find('\n')));
}

Result<Done> carry_out(const std::string& store, const std::string& experiment, const Wish& wish) {
  if (auto answered = ask_owner(store + ".d/" + experiment, wish)) return *answered;
  SweepOptions options;
  options.store = store;
  options.by = wish.by;
  auto sweep = Sweep::open_existing(experiment, options);
  if (!sweep) return sweep.error();
  if (!wish.fact) return (*sweep)->set(wish.settings, wish.by);
  return (*sweep)->apply({*wish.fact});
}

std::string this_user() {
  passwd entry{};
  passwd* found = nullptr;
  char text[4096];
  const bool there = getpwuid_r(geteuid(), &entry, text, sizeof text, &found) == 0 && found && *found->pw_name;
  return there ? found->pw_name : "user";
}

}  // namespace tune
