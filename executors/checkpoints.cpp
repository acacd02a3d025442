// SPDX-License-Identifier: Apache-2.0
#include "executors/checkpoints.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "executors/descriptor.hpp"
#include "executors/private_folder.hpp"
#include "executors/tree.hpp"
#include "tuner/hex.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

Error trouble(const std::string& what, const fs::path& path, int error) {
  return {error == ENOENT ? Error::Code::not_found : Error::Code::io, what + " " + printable(path.string()) + ": " + std::strerror(error),
          error == ENOSPC ? "free some space; the trial goes on from its last checkpoint" : ""};
}
Error refused(const std::string& why, const fs::path& path) {
  return {Error::Code::invalid, "checkpoint " + printable(path.string()) + " " + why,
          "a checkpoint is a file or a folder of plain files below $TUNE_CHECKPOINT_DIR"};
}

// How what is saved is taken over; that it is there unchanged is seen by another walk.
TreeWalk taking_over() {
  TreeWalk how;
  how.hint = "a checkpoint is a file or a folder of plain files below $TUNE_CHECKPOINT_DIR";
  how.durable = true;
  return how;
}

// The folder that `name` stands in, opened below `folder` without following links: each step is one openat(O_NOFOLLOW), the
// same promise as openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), also where a seccomp filter hides that call.
Result<Descriptor> open_parent(const fs::path& folder, const fs::path& name) {
  Descriptor at{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!at) return trouble("cannot open", folder, errno);
  for (const auto& part : name.parent_path()) {
    at = Descriptor{::openat(at.get(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!at) return trouble("cannot open", folder / name, errno);
  }
  return at;
}

std::optional<Error> write_durably(int folder, const char* name, const std::string& text) {
  const Descriptor fd{::openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400)};
  if (!fd) return trouble("cannot create", name, errno);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd.get(), text.data() + done, text.size() - done);
    if (n < 0) return trouble("cannot write", name, errno);
    done += static_cast<std::size_t>(n);
  }
  if (::fsync(fd.get()) != 0) return trouble("cannot make durable", name, errno);
  return std::nullopt;
}

// A name in the root that no checkpoint bears: unique in this process, and between those of all machines that see the root.
fs::path unused_name(const fs::path& root, const char* kind) {
  static std::atomic<std::uint64_t> count{0};
  static const std::string machine = [] {
    std::uint64_t random = 0;
    TUNE_ASSERT(::getrandom(&random, sizeof random, 0) == sizeof random, "no random number");
    return to_hex(random, 16);
  }();
  return root / (kind + machine + "-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
}

Error corrupt(const std::string& hash, const std::string& why) {
  return Error{Error::Code::corrupt, "checkpoint " + printable(hash) + ": " + why, "an older checkpoint of the trial is used"};
}

// What the manifest in this file says, if it is that of the hash.
Result<TreeManifest> manifest_in(const fs::path& file, const std::string& hash) {
  const auto text = read_whole(file);
  if (!text) return text.error();
  auto read = read_manifest(hash, *text);
  if (!read) return corrupt(hash, read.error().message);
  return read;
}

}  // namespace

std::string Checkpoints::origin(const std::string& experiment, TrialId trial, int attempt, std::int64_t step) {
  return experiment + "/" + std::to_string(trial.value) + " attempt " + std::to_string(attempt) + " step " + std::to_string(step);
}

Result<Checkpoints::Committed> Checkpoints::commit(const fs::path& folder, const fs::path& given, const std::string& origin) const {
  fs::path name = (given.is_absolute() ? given.lexically_relative(folder) : given).lexically_normal();
  if (!name.has_filename()) name = name.parent_path();  // "step-3/" names the same as "step-3".
  if (name.empty() || name == "." || name.is_absolute() || *name.begin() == "..") return refused("is not below its folder", given);
  auto parent = open_parent(folder, name);
  if (!parent) return parent.error();

  if (!make_private_folder(root_)) return trouble("cannot create", root_, errno);
  const fs::path staging = unused_name(root_, ".saving-");
  if (::mkdir(staging.c_str(), 0700) != 0) return trouble("cannot create", staging, errno);
  const auto abandon = [&](Error error) {
    erase_tree(staging);
    return error;
  };
  const Descriptor stage{::open(staging.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!stage) return abandon(trouble("cannot open", staging, errno));

  const std::string entry = name.filename();
  if (entry == "manifest.json") return abandon(refused("has a name of ours; choose another", given));
  if (::renameat(parent->get(), entry.c_str(), stage.get(), entry.c_str()) != 0) {
    if (errno != EXDEV) return abandon(trouble("cannot take over checkpoint", given, errno));
    std::error_code copied;
    fs::copy(folder / name, staging / entry, fs::copy_options::recursive | fs::copy_options::copy_symlinks, copied);
    if (copied) return abandon(trouble("cannot copy checkpoint", given, copied.value()));
    erase_tree(folder / name);
  }

  auto taken = walk_tree(stage.get(), entry, taking_over(), entry);
  if (!taken) return abandon(taken.error());
  taken->origin = origin;
  const std::string manifest = taken->text();
  if (auto error = write_durably(stage.get(), "manifest.json", manifest)) return abandon(*error);
  if (::fsync(stage.get()) != 0) return abandon(trouble("cannot make durable", staging, errno));

  Committed done{sha256_of(manifest), taken->bytes()};
  if (::rename(staging.c_str(), (root_ / done.hash).c_str()) != 0) {
    // The same bytes under the same name are safe already.
    if (errno != ENOTEMPTY && errno != EEXIST) return abandon(trouble("cannot name checkpoint", given, errno));
    erase_tree(staging);
  }
  const Descriptor root{::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!root || ::fsync(root.get()) != 0) return trouble("cannot make durable", root_, errno);
  if (mirror_)
    if (auto brought = mirror_->bring(*this, done.hash); !brought) return brought.error();
  return done;
}

Result<fs::path> Checkpoints::restore(const std::string& hash) const {
  if (!is_hash(hash)) return Error{Error::Code::not_found, "no checkpoint " + printable(hash), ""};
  if (struct stat there {}; mirror_ && ::stat((root_ / hash / "manifest.json").c_str(), &there) != 0)
    if (auto fetched = mirror_->fetch(*this, hash); !fetched) return fetched.error();
  return whole(hash, root_ / hash);
}

/// What restore() promises, of a checkpoint that stands in `home`.
Result<fs::path> Checkpoints::whole(const std::string& hash, const fs::path& home) const {
  const auto manifest = read_whole(home / "manifest.json");
  if (!manifest) return Error{Error::Code::not_found, "checkpoint " + hash + " is not in " + printable(root_.string()), ""};
  // The manifest is ours, byte for byte: its root and origin are taken from it, the rest is made again and compared.
  const auto read = read_manifest(hash, *manifest);
  if (!read) return corrupt(hash, read.error().message);
  const Descriptor folder{::open(home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  auto there = walk_tree(folder.get(), read->entry, {}, home / read->entry);
  if (!folder || !there) return corrupt(hash, "its files are missing or unreadable");
  there->origin = read->origin;
  if (there->text() != *manifest) return corrupt(hash, "its files were changed");
  return home / read->entry;
}

// --- travelling -------------------------------------------------------------------------------------------------------

Result<std::size_t> Checkpoints::count_parts(const std::string& hash, const fs::path& manifest) {
  const auto read = manifest_in(manifest, hash);
  if (!read) return read.error();
  return read->files.size() + 1;
}

Result<std::vector<fs::path>> Checkpoints::parts(const std::string& hash) const {
  if (!is_hash(hash)) return Error{Error::Code::not_found, "no checkpoint " + printable(hash), ""};
  const fs::path home = root_ / hash;
  const auto read = manifest_in(home / "manifest.json", hash);
  if (!read && read.error().code != Error::Code::corrupt) return Error{Error::Code::not_found, "checkpoint " + hash + " is not here", ""};
  if (!read) return read.error();
  std::vector<fs::path> parts{home / "manifest.json"};
  for (const auto& file : read->files) parts.push_back(file.name.empty() ? home / read->entry : home / read->entry / file.name);
  return parts;
}

fs::path Checkpoints::arriving(const std::string& hash, const std::string& whose) const {
  return root_ / (".saving-" + whose + "-" + hash);
}

Result<Done> Checkpoints::assemble(const std::string& hash, const fs::path& folder) const {
  const auto abandon = [&](Error error) {
    erase_tree(folder);
    return error;
  };
  const auto read = manifest_in(folder / "0", hash);
  if (!read) return abandon(read.error());
  // Built in a folder of its own: parts bear numbers, and a file may bear any name.
  const fs::path home = folder / "whole";
  std::error_code failed;
  fs::create_directories(home, failed);
  if (!failed) fs::rename(folder / "0", home / "manifest.json", failed);
  for (std::size_t i = 0; i < read->files.size() && !failed; ++i) {
    const auto& name = read->files[i].name;
    const fs::path to = name.empty() ? home / read->entry : home / read->entry / name;
    fs::create_directories(to.parent_path(), failed);
    if (!failed) fs::rename(folder / std::to_string(i + 1), to, failed);
  }
  if (!failed && read->files.empty()) fs::create_directories(home / read->entry, failed);  // An empty folder.
  if (failed) return abandon(trouble("cannot put together checkpoint", hash, failed.value()));
  if (auto there = whole(hash, home); !there) return abandon(there.error());
  const Descriptor top{::open(home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!top || !walk_tree(top.get(), read->entry, taking_over(), home) || ::fsync(top.get()) != 0) return abandon(trouble("cannot make durable", home, errno));
  if (::rename(home.c_str(), (root_ / hash).c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST)
    return abandon(trouble("cannot name checkpoint", hash, errno));
  erase_tree(folder);
  const Descriptor root{::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!root || ::fsync(root.get()) != 0) return trouble("cannot make durable", root_, errno);
  return Done{};
}

Result<std::int64_t> Checkpoints::remove(const std::string& hash) const {
  if (!is_hash(hash)) return std::int64_t{0};
  const fs::path trash = unused_name(root_, ".trash-");
  if (::rename((root_ / hash).c_str(), trash.c_str()) != 0) {
    if (errno == ENOENT) return std::int64_t{0};
    return trouble("cannot delete checkpoint", hash, errno);
  }
  std::int64_t bytes = 0;
  std::error_code ignored;
  for (fs::recursive_directory_iterator at(trash, ignored), end; !ignored && at != end; at.increment(ignored))
    if (at->is_regular_file(ignored)) bytes += static_cast<std::int64_t>(at->file_size(ignored));
  erase_tree(trash);
  return bytes;
}

void Checkpoints::sweep() const {
  std::error_code ignored;
  for (fs::directory_iterator at(root_, ignored), end; !ignored && at != end; at.increment(ignored)) {
    const std::string name = at->path().filename();
    if (name.starts_with(".saving-") || name.starts_with(".trash-")) erase_tree(at->path());
  }
}

}  // namespace tune
