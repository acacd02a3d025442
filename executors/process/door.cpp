// SPDX-License-Identifier: Apache-2.0
#include "executors/process/door.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tuner/json.hpp"

namespace tune::detail {

namespace asio = boost::asio;
using Ready = asio::posix::descriptor_base;

namespace {

constexpr std::size_t kMostGuests = 64, kLongestGreeting = 1024;

std::string token_of(std::string_view line) {
  JsonReader json(line);
  if (json.next() != JsonReader::Token::object || json.next() != JsonReader::Token::key || json.text() != "token") return {};
  return json.next() == JsonReader::Token::string ? std::string{json.text()} : std::string{};
}

bool is_our_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

}  // namespace

struct Door::Guest {
  explicit Guest(asio::io_context& io) : fd(io), patience(io) {}
  asio::posix::stream_descriptor fd;
  asio::steady_timer patience;
  std::string said;
};

Door::Door(asio::io_context& io, Enter enter) : io_(io), enter_(std::move(enter)), listener_(io) {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  for (const std::string& base : {std::string{runtime ? runtime : ""}, std::string{"/tmp"}}) {
    std::string name = base + "/tune-XXXXXX";
    sockaddr_un address{};
    if (base.empty() || name.size() + 8 > sizeof address.sun_path || !::mkdtemp(name.data())) continue;
    folder_ = name;
    name += "/trials";
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    Descriptor fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (fd && ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        ::chmod(name.c_str(), 0600) == 0 && ::listen(fd.get(), 128) == 0) {
      path_ = name;
      listener_.assign(fd.release());
      accept();
      return;
    }
    ::unlink(name.c_str());
    ::rmdir(folder_.c_str());
    folder_.clear();
  }
}

Door::~Door() {
  if (folder_.empty()) return;
  ::unlink(path_.c_str());
  ::rmdir(folder_.c_str());
}

void Door::accept() {
  listener_.async_wait(Ready::wait_read, [this](boost::system::error_code error) {
    if (error) return;
    // The oldest guest that has not spoken gives way: silence must not keep others out.
    if (guests_.size() >= kMostGuests) guests_.erase(guests_.begin());
    Descriptor fd{::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!fd && (errno == EMFILE || errno == ENFILE)) {
      // Out of descriptors: look again in a while rather than in a busy loop.
      auto pause = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds{200});
      pause->async_wait([this, pause](boost::system::error_code stopped) {
        if (!stopped) accept();
      });
      return;
    }
    if (fd && is_our_user(fd.get())) {
      auto guest = std::make_shared<Guest>(io_);
      boost::system::error_code failed;
      guest->fd.assign(fd.get(), failed);
      if (!failed) {
        fd.release();
        guests_.insert(guest);
        guest->patience.expires_after(std::chrono::seconds{5});
        guest->patience.async_wait([this, guest](boost::system::error_code greeted) {
          if (!greeted) guests_.erase(guest), guest->fd.close(greeted);
        });
        listen(guest);
      }
    }
    accept();
  });
}

void Door::listen(const std::shared_ptr<Guest>& guest) {
  guest->fd.async_wait(Ready::wait_read, [this, guest](boost::system::error_code error) {
    if (!error && guests_.contains(guest)) greet(guest);
  });
}

void Door::greet(const std::shared_ptr<Guest>& guest) {
  char buffer[4096];
  const ssize_t n = ::read(guest->fd.native_handle(), buffer, sizeof buffer);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return listen(guest);
  if (n > 0) guest->said.append(buffer, static_cast<std::size_t>(n));
  const auto end = guest->said.find('\n');
  if (n > 0 && end == std::string::npos && guest->said.size() < kLongestGreeting) return listen(guest);
  guest->patience.cancel();
  guests_.erase(guest);
  const std::string token = end == std::string::npos ? "" : token_of(std::string_view{guest->said}.substr(0, end));
  Descriptor fd{guest->fd.release()};
  if (!token.empty()) enter_(std::move(fd), token, guest->said.substr(end + 1));
}

}  // namespace tune::detail
