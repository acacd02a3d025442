// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tuner/ids.hpp"
#include "tuner/result.hpp"

namespace tune {

class Checkpoints;

/// Another place that has the same checkpoints, on another machine. Calls block for as long as the bytes travel; any thread.
class CheckpointMirror {
 public:
  virtual ~CheckpointMirror() = default;
  /// It has this checkpoint too when this returns.
  virtual Result<Done> bring(const Checkpoints&, const std::string& hash) const = 0;
  /// Takes it from there. not_found: it has it not.
  virtual Result<Done> fetch(const Checkpoints&, const std::string& hash) const = 0;
};

/// The checkpoints of a store on disk: each is a folder <root>/<hash> that holds `manifest.json` and what was saved (one
/// file, or one folder of files) under its own name. The hash is the SHA-256 of the manifest, which lists every file with
/// its size and SHA-256 and says where it is from: a hash is the name of these bytes of that origin and never used again, and
/// a checkpoint that is there is whole.
///
/// Every call may block on the disk for as long as the files are big: call from a worker thread. Calls are safe from
/// several threads and processes; nothing is cached here.
class Checkpoints {
 public:
  /// `root` is made when the first checkpoint is. With a mirror a checkpoint is committed once both have it, and what is not
  /// here is restored from there.
  explicit Checkpoints(std::filesystem::path root, std::shared_ptr<const CheckpointMirror> mirror = {})
      : root_(std::move(root)), mirror_(std::move(mirror)) {}

  const std::filesystem::path& root() const { return root_; }

  struct Committed {
    std::string hash;
    std::int64_t bytes = 0;
  };
  /// Takes over what stands at `name` below `folder`: moves it (copies and removes across file systems), refuses links,
  /// devices, sockets and names that lead out of `folder`, makes files read-only and durable, and only then gives it its
  /// final name. When this returns a hash, the checkpoint survives a loss of power. On an error nothing is left behind
  /// here, and the source may be gone. `name` may be absolute if it leads below `folder`. `origin` says which step of which
  /// attempt this is: two saves share a hash only if it and all bytes are the same. So nobody can bring back a name that is
  /// just being deleted.
  Result<Committed> commit(const std::filesystem::path& folder, const std::filesystem::path& name, const std::string& origin) const;
  /// The same for a whole folder.
  Result<Committed> commit(const std::filesystem::path& folder, const std::string& origin) const {
    return commit(folder.parent_path(), folder.filename(), origin);
  }
  /// "digits/3 attempt 2 step 40"
  static std::string origin(const std::string& experiment, TrialId, int attempt, std::int64_t step);

  /// Where to restore from: the file or folder as it was handed over. Reads and hashes every byte. not_found if there is
  /// no such checkpoint, corrupt if it is not what its name says. The files stay ours: they are read-only.
  Result<std::filesystem::path> restore(const std::string& hash) const;

  /// Deletes it (renamed out of sight first, so that half a checkpoint never bears a hash) and answers its size. 0 if there is none.
  Result<std::int64_t> remove(const std::string& hash) const;

  // --- travelling: part 0 is the manifest, the others are the files that it lists, in its order ---
  /// The files that a checkpoint which is here is sent as. not_found, corrupt.
  Result<std::vector<std::filesystem::path>> parts(const std::string& hash) const;
  /// How many parts the checkpoint of this manifest has. corrupt: it is no manifest of that hash.
  static Result<std::size_t> count_parts(const std::string& hash, const std::filesystem::path& manifest);
  /// A folder for the parts of one that comes from elsewhere, below the root: files "0", "1", … `whose` keeps senders apart.
  std::filesystem::path arriving(const std::string& hash, const std::string& whose) const;
  /// Takes it over from that folder, which is gone afterwards: all parts are there and what the hash says, or nothing comes of it.
  Result<Done> assemble(const std::string& hash, const std::filesystem::path& folder) const;

  /// Deletes what a killed process left half-made. Only while no other process uses this root.
  void sweep() const;

 private:
  Result<std::filesystem::path> whole(const std::string& hash, const std::filesystem::path& home) const;

  std::filesystem::path root_;
  std::shared_ptr<const CheckpointMirror> mirror_;
};

}  // namespace tune
