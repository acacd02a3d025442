// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"

/// A file, or a folder of files, by what is in it: the manifest lists every file with its size and SHA-256, and the SHA-256 of the
/// manifest's text is the name of the whole. Checkpoints and what trials are given are kept and sent under such names.
namespace tune {

struct TreeFile {
  std::string name;  ///< Relative to the tree's root entry; "" is the root itself, when it is one file.
  std::int64_t bytes = 0;
  std::string sha256;
  bool executable = false;
  bool operator==(const TreeFile&) const = default;
};

struct TreeManifest {
  std::string entry;   ///< What the root is called.
  std::string origin;  ///< For trees that are not the same though their bytes are; empty: they are.
  bool folder = false;
  std::vector<TreeFile> files;

  std::string text() const;
  std::int64_t bytes() const;
};

std::string sha256_of(std::string_view text);
bool is_hash(std::string_view text);

/// The manifest whose text this is. corrupt: the text has not this hash, or is no manifest; it may come from another machine, and no
/// name in it leads out of the tree.
Result<TreeManifest> read_manifest(const std::string& hash, const std::string& text);

/// How a tree is walked.
struct TreeWalk {
  std::string what = "checkpoint";  ///< For messages: "checkpoint PATH is or contains a symbolic link".
  std::string hint;
  bool durable = false;      ///< Files are made read-only (0400), and all of it durable, as they are read.
  bool executables = false;  ///< Whether a file may be executed is part of the tree.
  /// False: neither this file nor, of a folder, anything below it belongs to the tree. Name as in TreeFile.
  std::function<bool(const std::string& name, bool folder)> wanted = {};
  /// Called with every file that belongs to it, before it is read. An error ends the walk.
  std::function<std::optional<Error>(const std::string& name, const struct stat&)> meets = {};
  bool reads = true;         ///< False: sizes only, hashes stay empty.
};

/// Every file of the tree at `entry` in the open folder `parent`, in an order that is the same on every file system. No link is
/// followed; links, devices and sockets are refused (Error::invalid), as is nesting deeper than 64 folders. `shown`: its path, for messages.
Result<TreeManifest> walk_tree(int parent, const std::string& entry, const TreeWalk&, const std::filesystem::path& shown);

/// The whole text of a file that is no link. not_found, io.
Result<std::string> read_whole(const std::filesystem::path&);
/// Deletes it, read-only folders included. What cannot be deleted stays.
void erase_tree(const std::filesystem::path&);

}  // namespace tune
