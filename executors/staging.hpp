// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "executors/descriptor.hpp"
#include "executors/tree.hpp"
#include "tuner/result.hpp"

namespace tune {

/// What was brought to this machine for trials, by hash: <root>/<hash> holds `manifest.json` and `tree`, in which the file or folder is, read-only. Each is brought
/// once, whoever asks; what nobody uses goes, oldest first, when all of it is more than the bound.
///
/// Any thread, and several processes with one root: who uses a tree holds a lock on its manifest.
class Staging {
 public:
  /// Gets a file of the coordinator ("supplies/HASH/manifest", "supplies/HASH/FILE/PART"; a file or a part is named by its number) to a
  /// path where nothing is. Blocks; called again after a failure it goes on.
  using Fetch = std::function<Result<Done>(const std::string& path, const std::string& to_file)>;

  /// `whose` keeps apart what several agents of one root bring at once.
  Staging(std::filesystem::path root, std::int64_t bound, std::string whose)
      : root_(std::move(root)), bound_(bound), whose_(std::move(whose)) {}

  struct Staged {
    std::filesystem::path path;           ///< Of the file or folder.
    std::shared_ptr<const Descriptor> in_use;  ///< As long as it lives, the tree stays.
  };
  /// Blocks until it is here, whole and what its hash says. What arrived before an error is not brought again. `name` is for messages.
  /// Errors: those of fetch, io (no room), corrupt (what came is not what the hash says).
  Result<Staged> bring(const std::string& name, const std::string& hash, const Fetch&);

  /// Removes what nobody uses, until the rest is within the bound.
  void trim() const { trim(bound_); }

 private:
  Result<Staged> hold(const std::string& hash) const;
  Result<Done> arrive(const std::string& name, const std::string& hash, const Fetch&) const;
  Result<Done> bring_file(const std::string& from, const TreeFile&, const std::filesystem::path& to, const std::filesystem::path& part, const Fetch&) const;
  Result<Done> make_room(const std::string& name, std::int64_t bytes) const;
  void trim(std::int64_t bound) const;

  const std::filesystem::path root_;
  const std::int64_t bound_;
  const std::string whose_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> arriving_;
};

}  // namespace tune
