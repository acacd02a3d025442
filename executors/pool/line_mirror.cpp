// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/line_mirror.hpp"

#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr int kTries = 20;
constexpr auto kPause = std::chrono::milliseconds(500);

std::string path_of(const std::string& hash, std::size_t part) { return "checkpoints/" + hash + "/" + std::to_string(part); }

}  // namespace

Result<Done> patiently(const std::atomic<bool>& ending, const std::function<Result<Done>()>& transfer) {
  for (int again = 0;; ++again) {
    auto done = transfer();
    if (done || done.error().code != Error::Code::unreachable || again == kTries || ending) return done;
    std::this_thread::sleep_for(kPause);
  }
}

LineMirror::LineMirror(Line& line, std::string agent, const std::atomic<bool>& ending)
    : line_(line), agent_(std::move(agent)), ending_(ending) {}

Result<Done> LineMirror::bring(const Checkpoints& from, const std::string& hash) const {
  const auto parts = from.parts(hash);
  if (!parts) return parts.error();
  for (std::size_t i = parts->size(); i-- > 0;)
    if (auto stored = patiently(ending_, [&] { return line_.store((*parts)[i], path_of(hash, i)); }); !stored) return stored;
  return Done{};
}

Result<Done> LineMirror::fetch(const Checkpoints& to, const std::string& hash) const {
  const fs::path folder = to.arriving(hash, agent_);
  std::error_code failed;
  fs::remove_all(folder, failed);
  fs::create_directories(folder, failed);
  const auto part = [&](std::size_t i) { return patiently(ending_, [&] { return line_.fetch(path_of(hash, i), folder / std::to_string(i)); }); };
  if (auto manifest = part(0); !manifest) return manifest;
  const auto count = Checkpoints::count_parts(hash, folder / "0");
  if (!count) return count.error();
  for (std::size_t i = 1; i < *count; ++i)
    if (auto fetched = part(i); !fetched) return fetched;
  return to.assemble(hash, folder);
}

}  // namespace tune
