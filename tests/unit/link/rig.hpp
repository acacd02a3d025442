// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "executors/link/hub.hpp"
#include "executors/link/join_tokens.hpp"
#include "executors/link/line.hpp"
#include "support/scratch.hpp"

namespace tune::test {

/// What happened, in order, from any thread; and waiting for it.
class Events {
 public:
  void add(std::string what) {
    const std::lock_guard lock(mutex_);
    all_.push_back(std::move(what));
    changed_.notify_all();
  }
  /// The first that has this in it and was not taken before; fails the test if it does not come.
  std::string take(const std::string& part) {
    std::unique_lock lock(mutex_);
    std::string found;
    const bool came = changed_.wait_for(lock, std::chrono::seconds(60), [&] {
      for (auto it = all_.begin(); it != all_.end(); ++it)
        if (it->find(part) != std::string::npos) return found = std::move(*it), all_.erase(it), true;
      return false;
    });
    INFO("waited for: " << part << ", have: " << text());
    REQUIRE(came);
    return found;
  }
  bool has(const std::string& part) {
    const std::lock_guard lock(mutex_);
    for (const auto& one : all_)
      if (one.find(part) != std::string::npos) return true;
    return false;
  }

 private:
  std::string text() const {
    std::string all;
    for (const auto& one : all_) all += "\n  " + one;
    return all;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

/// Longer than a WebSocket takes, and cut there in the middle of a character.
inline const std::string kReason = "as you l\xC3\xA4ke" + std::string(107, '.') + "\xC3\xA4" + std::string(20, '.');

/// A coordinator with its folder, which echoes messages that begin with "echo " and keeps files in its folder.
class Coordinator : public Hub::Handler {
 public:
  Scratch folder;
  Events events;
  std::string cancelled;  ///< An allocation whose agents are refused.
  std::function<Hub::Answer(const std::string& file, const std::string& path)> whole;  ///< What becomes of an upload.
  std::unique_ptr<Hub> hub;  ///< Last: what it calls must be there as long as it is.

  explicit Coordinator(const std::string& address = "127.0.0.1:0") { open(address); }
  void open(const std::string& address) {
    auto opened = Hub::open({folder / "a.db.d", address, {}}, *this);
    if (!opened) FAIL(opened.error().message);
    hub = std::move(*opened);
  }

  JoinFile invite(JoinTerms terms = {"lab", "slurm-17", 1000, std::time(nullptr) + 600,
                                     std::time(nullptr) + 3600}) const {
    const auto token = JoinTokens(folder / "a.db.d").make(terms, std::time(nullptr));
    REQUIRE(token);
    return {hub->address(), hub->fingerprint(), *token, terms.group, terms.expires};
  }
  Credentials credentials(const std::string& agent) const {
    auto joined = join(invite(), agent);
    if (!joined) FAIL(joined.error().message);
    return *joined;
  }

  std::optional<std::string> refuse(const AgentName& agent) override {
    if (!cancelled.empty() && agent.allocation == cancelled) return "its allocation was cancelled";
    return std::nullopt;
  }
  void connected(Hub::Peer peer, const AgentName& agent) override {
    if (agent.id == "flooded")
      for (int i = 0; i < 40; ++i) hub->send(peer, std::string(kFrameLimit, 'x'));
    events.add("connected " + agent.id + " " + agent.group + " " + agent.allocation);
  }
  void received(Hub::Peer peer, std::string_view message) override {
    if (message.starts_with("echo ")) return hub->send(peer, std::string(message.substr(5)));
    if (message == "both of you") {
      hub->send(peer, "first");
      return std::thread([this, peer] { hub->send(peer, "second"); }).join();
    }
    if (message == "close me") return hub->close(peer, kReason);
    events.add("received " + std::string(message.substr(0, 100)));
  }
  void gone(Hub::Peer, const std::string& why) override { events.add("gone: " + why); }
  void turned_away(const std::string&, const std::string& why) override { events.add("turned away: " + why); }
  std::variant<Hub::Download, Hub::Answer> fetch(const AgentName& agent, const std::string& path) override {
    events.add("fetch " + agent.id + " " + path);
    if (path == "secret") return Hub::Answer{403, "that is not yours"};
    return Hub::Download{folder / path};
  }
  std::variant<Hub::Upload, Hub::Answer> store(const AgentName&, const std::string& path,
                                               std::uint64_t length) override {
    if (length > 100'000'000) return Hub::Answer{413, "too large"};
    const auto draft = folder / ("draft-" + path);
    return Hub::Upload{draft, [this, draft, path] {
                         if (whole) return whole(draft, path);
                         std::filesystem::rename(draft, folder / path);
                         return Hub::Answer{200, "kept"};
                       }};
  }
};

/// An agent's line, and what it heard.
struct Agent {
  Events events;
  std::unique_ptr<Line> line;
  Line::Opening opening = 0;  ///< On the line's thread.

  Agent(const std::string& address, const Credentials& credentials,
        const std::string& protocol = std::string(kAgentProtocol), std::shared_ptr<LineThread> thread = {}) {
    auto opened = Line::open({address, credentials, protocol, thread},
                             {[this](Line::Opening o) { events.add("opened " + std::to_string(o)); },
                              [this](Line::Opening, std::string_view message) {
                                events.add("received " + std::string(message.substr(0, 100)));
                              },
                              [this](Line::Opening o, const std::string& why, bool refused) {
                                events.add((refused ? "refused " : "closed ") + std::to_string(o) + ": " + why);
                              }});
    if (!opened) FAIL(opened.error().message);
    line = std::move(*opened);
  }
};

inline std::string some_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  std::mt19937_64 draw(17);
  for (auto& byte : bytes) byte = static_cast<char>(draw());
  return bytes;
}
inline void put(const std::string& path, const std::string& what) { std::ofstream(path, std::ios::binary) << what; }
inline std::string text(const std::string& path) {
  std::ostringstream all;
  all << std::ifstream(path, std::ios::binary).rdbuf();
  return all.str();
}

}  // namespace tune::test
