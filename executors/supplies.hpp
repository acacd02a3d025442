// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "executors/tree.hpp"
#include "tuner/result.hpp"
#include "tuner/spec.hpp"

/// What trials are given (the config's `inputs` and `code`): named by content where it is, and sent from there, file by file and
/// part by part, to machines that do not see this disk. docs/inputs.md is for users, docs/formats/agents.md for who speaks with us.
namespace tune {

/// Files are sent in parts of so many bytes: what a broken line costs.
inline constexpr std::int64_t kSupplyPart = 8 << 20;

/// One input, or the code, as it was when it was read. Immutable; threads may share it.
class Supply {
 public:
  /// Reads and hashes every byte, unless no file has changed since `kept` (a folder, made on demand) was told of it last. Errors: not_found,
  /// io, invalid (a link or a device is in there, or more files than can be sent).
  static Result<Supply> of_input(const std::string& name, const InputSpec&, const std::filesystem::path& kept);
  /// What `include` takes and `exclude` does not, below the root. Files whose path begins with that of the store are left out.
  /// invalid: it is too big for code.
  static Result<Supply> of_code(const CodeSpec&, const std::filesystem::path& store, const std::filesystem::path& kept);

  const std::string& name() const { return name_; }  ///< "inputs.digits", "code"
  const std::string& hash() const { return hash_; }
  const std::string& path() const { return path_; }
  const TreeManifest& manifest() const { return manifest_; }
  const std::filesystem::path& manifest_file() const { return manifest_file_; }

  struct Part {
    std::string file;
    std::uint64_t from = 0;
  };
  /// Of one of the manifest's files. not_found: it has no such part. conflict: the file was changed since it was read.
  Result<Part> part(std::size_t file, std::uint64_t number) const;

 private:
  struct Source;
  struct Stamp {
    std::int64_t bytes = 0, changed = 0;  // Nanoseconds.
    bool operator==(const Stamp&) const = default;
  };
  static Stamp stamp_of(const struct stat&);
  static Result<Supply> read(const Source&, const std::filesystem::path& kept);

  std::string name_, hash_, path_;
  TreeManifest manifest_;
  std::vector<Stamp> stamps_;  // By file.
  std::filesystem::path manifest_file_;
};

/// Where what trials are given stands on a machine.
struct SupplyPlaces {
  std::map<std::string, std::string> inputs;  ///< By name.
  std::string code;                           ///< What stands there for CodeSpec::root.
};

/// Brings what trials are given to this machine.
class Supplies {
 public:
  virtual ~Supplies() = default;
  /// Blocks until all of it is here, and stays so as long as this lives; at once if it is. Any thread. Errors: io (this machine's disk),
  /// unreachable, conflict (it was changed where it is from), corrupt.
  virtual Result<SupplyPlaces> bring() = 0;
  /// "inputs.digits (1.2 GiB), code (34 KiB)"
  virtual std::string what() const = 0;
};

}  // namespace tune
