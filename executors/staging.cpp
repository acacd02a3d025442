// SPDX-License-Identifier: Apache-2.0
#include "executors/staging.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "executors/private_folder.hpp"
#include "executors/supplies.hpp"
#include "tuner/units.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSpare = 64 << 20;  // What is left to others of a disk that is nearly full.

Error trouble(const std::string& what, const fs::path& path, int error) {
  return {Error::Code::io, what + " " + printable(path.string()) + ": " + std::strerror(error), error == ENOSPC ? "free some space there, or give the agent another --folder" : ""};
}

/// Beside the manifest: the entry may have any name.
fs::path tree_of(const fs::path& home) { return home / "tree"; }

fs::path place_of(const fs::path& home, const TreeManifest& manifest, const TreeFile& file) {
  const fs::path entry = tree_of(home) / manifest.entry;
  return file.name.empty() ? entry : entry / file.name;
}

/// -1: there is no such file.
std::int64_t size_of(const fs::path& file) {
  struct stat s {};
  return ::lstat(file.c_str(), &s) == 0 && S_ISREG(s.st_mode) ? s.st_size : -1;
}

/// Puts `part` behind what `file` has.
Result<Done> append(const fs::path& part, const fs::path& file) {
  const Descriptor in{::open(part.c_str(), O_RDONLY | O_CLOEXEC)};
  const Descriptor out{::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!in || !out) return trouble("cannot write", file, errno);
  std::vector<char> buffer(1 << 20);
  for (ssize_t n; (n = ::read(in.get(), buffer.data(), buffer.size())) != 0;) {
    if (n < 0) return trouble("cannot read", part, errno);
    for (ssize_t done = 0; done < n;) {
      const ssize_t written = ::write(out.get(), buffer.data() + done, static_cast<std::size_t>(n - done));
      if (written < 0) return trouble("cannot write", file, errno);
      done += written;
    }
  }
  return Done{};
}

/// Files and folders as the manifest has them, for reading alone; the folders last, for nothing can be put into them then.
void make_read_only(const fs::path& home, const TreeManifest& manifest) {
  for (const auto& file : manifest.files) ::chmod(place_of(home, manifest, file).c_str(), file.executable ? 0555 : 0444);
  std::error_code ignored;
  for (fs::recursive_directory_iterator at(tree_of(home), ignored), end; !ignored && at != end; at.increment(ignored))
    if (at->is_directory(ignored)) ::chmod(at->path().c_str(), 0555);
}

/// Which file is not what the manifest says.
std::string difference(const TreeManifest& wanted, const TreeManifest& there) {
  for (std::size_t i = 0; i < wanted.files.size(); ++i)
    if (i >= there.files.size() || !(wanted.files[i] == there.files[i])) return wanted.files[i].name.empty() ? wanted.entry : wanted.files[i].name;
  return wanted.entry;
}

}  // namespace

Result<Staging::Staged> Staging::bring(const std::string& name, const std::string& hash, const Fetch& fetch) {
  if (!is_hash(hash)) return Error{Error::Code::invalid, name + " has no hash", ""};
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !arriving_.contains(hash); });
    if (auto there = hold(hash)) return there;
    arriving_.insert(hash);
  }
  const auto arrived = arrive(name, hash, fetch);
  {
    const std::lock_guard lock(mutex_);
    arriving_.erase(hash);
  }
  changed_.notify_all();
  if (!arrived) return arrived.error();
  auto held = hold(hash);
  trim();
  return held;
}

/// not_found: it is not here.
Result<Staging::Staged> Staging::hold(const std::string& hash) const {
  const fs::path home = root_ / hash, file = home / "manifest.json";
  auto in_use = std::make_shared<const Descriptor>(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!*in_use || ::flock(in_use->get(), LOCK_SH | LOCK_NB) != 0 || ::access(file.c_str(), R_OK) != 0)
    return Error{Error::Code::not_found, "it is not here", ""};
  const auto text = read_whole(file);
  const auto manifest = text ? read_manifest(hash, *text) : text.error();
  if (!manifest) {
    erase_tree(home);
    return manifest.error();
  }
  ::utimensat(AT_FDCWD, home.c_str(), nullptr, 0);  // When it was used last.
  return Staged{tree_of(home) / manifest->entry, std::move(in_use)};
}

Result<Done> Staging::arrive(const std::string& name, const std::string& hash, const Fetch& fetch) const {
  const fs::path home = root_ / (".arriving-" + whose_ + "-" + hash), part = home / ".part", manifest_file = home / "manifest.json";
  if (!make_private_folder(home)) return trouble("cannot make", home, errno);
  const std::string from = "supplies/" + hash + "/";
  const auto abandon = [&](const std::string& why) {
    erase_tree(home);
    return Error{Error::Code::corrupt, name + " did not arrive as it was recorded: " + why, "it is brought again by the next trial"};
  };
  ::unlink(part.c_str());  // Of one that was cut off.
  if (::access(manifest_file.c_str(), R_OK) != 0) {
    if (auto got = fetch(from + "manifest", part); !got) return got.error();
    if (::rename(part.c_str(), manifest_file.c_str()) != 0) return trouble("cannot name", manifest_file, errno);
  }
  const auto text = read_whole(manifest_file);
  if (!text) return text.error();
  const auto manifest = read_manifest(hash, *text);
  if (!manifest) return abandon(manifest.error().message);

  if (!make_private_folder(tree_of(home))) return trouble("cannot make", home, errno);
  std::int64_t missing = 0;
  for (const auto& file : manifest->files) missing += file.bytes - std::clamp<std::int64_t>(size_of(place_of(home, *manifest, file)), 0, file.bytes);
  if (auto room = make_room(name, missing); !room) return room;
  for (std::size_t i = 0; i < manifest->files.size(); ++i) {
    const auto& file = manifest->files[i];
    if (auto got = bring_file(from + std::to_string(i) + "/", file, place_of(home, *manifest, file), part, fetch); !got) return got;
  }
  make_read_only(home, *manifest);
  const Descriptor top{::open(tree_of(home).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  TreeWalk how;
  how.executables = true;
  auto there = walk_tree(top.get(), manifest->entry, how, tree_of(home) / manifest->entry);
  if (!there) return abandon(there.error().message);
  there->origin = manifest->origin;
  if (there->text() != *text) return abandon("`" + printable(difference(*manifest, *there)) + "` differs");
  if (::syncfs(top.get()) != 0) return trouble("cannot make durable", home, errno);
  if (::rename(home.c_str(), (root_ / hash).c_str()) == 0) return Done{};
  const int error = errno;
  if (error != EEXIST && error != ENOTEMPTY) return trouble("cannot name", home, error);
  erase_tree(home);  // Another agent of this folder was faster.
  return Done{};
}

/// The parts of a file that are not there yet.
Result<Done> Staging::bring_file(const std::string& from, const TreeFile& file, const fs::path& to, const fs::path& part, const Fetch& fetch) const {
  std::error_code failed;
  fs::create_directories(to.parent_path(), failed);
  if (failed) return trouble("cannot make", to.parent_path(), failed.value());
  auto there = size_of(to);
  if (there == file.bytes) return Done{};
  there = there < 0 ? 0 : there - there % kSupplyPart;  // What was not finished is brought again.
  const Descriptor made{::open(to.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!made || ::ftruncate(made.get(), there) != 0) return trouble("cannot write", to, errno);
  for (; there < file.bytes; there += kSupplyPart) {
    if (auto got = fetch(from + std::to_string(there / kSupplyPart), part); !got) return got;
    if (auto kept = append(part, to); !kept) return kept;
    ::unlink(part.c_str());
  }
  return Done{};
}

Result<Done> Staging::make_room(const std::string& name, std::int64_t bytes) const {
  const auto free = [this] {
    std::error_code unknown;
    const auto space = fs::space(root_, unknown);
    return unknown ? INT64_MAX : static_cast<std::int64_t>(std::min<std::uintmax_t>(space.available, INT64_MAX));
  };
  if (bytes == 0 || free() >= bytes + kSpare) return Done{};
  trim(0);
  if (free() >= bytes + kSpare) return Done{};
  return Error{Error::Code::io, "no room for " + name + ": " + bytes_text(bytes) + " are to come, and " + bytes_text(free()) + " are free at " + printable(root_.string()),
               "free some space there, or give the agent another --folder"};
}

void Staging::trim(std::int64_t bound) const {
  struct Tree {
    fs::path home;
    fs::file_time_type used;
    std::int64_t bytes = 0;
  };
  std::vector<Tree> trees;
  std::int64_t sum = 0;
  std::error_code failed;
  for (fs::directory_iterator at(root_, failed), end; !failed && at != end; at.increment(failed)) {
    const std::string hash = at->path().filename();
    if (!is_hash(hash)) continue;
    const auto text = read_whole(at->path() / "manifest.json");
    const auto manifest = text ? read_manifest(hash, *text) : text.error();
    std::error_code unknown;
    trees.push_back({at->path(), at->last_write_time(unknown), manifest ? manifest->bytes() : 0});
    sum += trees.back().bytes;
  }
  std::sort(trees.begin(), trees.end(), [](const Tree& a, const Tree& b) { return a.used < b.used; });
  for (const auto& tree : trees) {
    if (sum <= bound) return;
    const Descriptor manifest{::open((tree.home / "manifest.json").c_str(), O_RDONLY | O_CLOEXEC)};
    if (manifest && ::flock(manifest.get(), LOCK_EX | LOCK_NB) != 0) continue;  // Somebody uses it.
    const fs::path gone = root_ / (".gone-" + whose_ + "-" + tree.home.filename().string());
    if (::rename(tree.home.c_str(), gone.c_str()) != 0) continue;
    erase_tree(gone);
    sum -= tree.bytes;
  }
}

}  // namespace tune
