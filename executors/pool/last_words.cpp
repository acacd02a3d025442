// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/last_words.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "executors/link/line.hpp"
#include "executors/pool/messages.hpp"

namespace tune {
namespace {
constexpr auto kPatience = std::chrono::seconds(10);
}  // namespace

void say_gone(const std::string& address, const Credentials& credentials, const std::string& agent, const std::string& why) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Line::Opening> open;
  bool over = false;
  const auto set = [&](auto&& what) {
    const std::lock_guard lock(mutex);
    what();
    changed.notify_all();
  };
  Line::Callbacks heard;
  heard.opened = [&](Line::Opening opening) { set([&] { open = opening; }); };
  heard.received = [](Line::Opening, std::string_view) {};
  heard.closed = [&](Line::Opening opening, const std::string&, bool) { set([&] { over = open && *open == opening; }); };
  auto line = Line::open({address, credentials}, std::move(heard));
  if (!line) return;
  {
    std::unique_lock lock(mutex);
    if (changed.wait_for(lock, kPatience, [&] { return open.has_value(); })) {
      (*line)->send(*open, write_message(Gone{agent, why}));
      changed.wait_for(lock, kPatience, [&] { return over; });
    }
  }
  (*line)->stop();
}

}  // namespace tune
