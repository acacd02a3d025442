// SPDX-License-Identifier: Apache-2.0
#include "executors/checkpoints.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "executors/descriptor.hpp"
#include "executors/private_folder.hpp"
#include "tuner/hex.hpp"
#include "tuner/json.hpp"
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

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    TUNE_ASSERT(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(const void* bytes, std::size_t size) { EVP_DigestUpdate(context_.get(), bytes, size); }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), raw.data(), &size);
    return to_hex({raw.data(), size});
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

struct File {
  std::string name;  // Relative to the checkpoint's root entry; "" is the root itself, when it is one file.
  std::int64_t bytes = 0;
  std::string sha256;
  bool operator==(const File&) const = default;
};

std::string manifest_of(const std::string& root, const std::string& origin, bool folder, const std::vector<File>& files) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("version").value(1).key("origin").value(origin);
  json.key("root").value(root).key("folder").value(folder);
  json.key("files").begin_array();
  for (const auto& file : files) {
    json.begin_object().key("name").value(file.name).key("bytes").value(file.bytes);
    json.key("sha256").value(file.sha256).end_object();
  }
  json.end_array().end_object();
  return text += '\n';
}

// Hashes the tree at (parent, name) without ever following a link; `durable` also makes it read-only and fsyncs it.
class Walk {
 public:
  explicit Walk(bool durable) : durable_(durable) {}
  std::vector<File> files;
  std::int64_t bytes = 0;
  bool folder = false;

  std::optional<Error> run(int parent, const std::string& name) { return visit(parent, name, "", name, 0); }

 private:
  std::optional<Error> visit(int parent, const std::string& entry, const std::string& name, const fs::path& shown,
                             int depth) {
    struct stat before {};
    if (::fstatat(parent, entry.c_str(), &before, AT_SYMLINK_NOFOLLOW) != 0) return trouble("cannot look at", shown, errno);
    if (!S_ISREG(before.st_mode) && !S_ISDIR(before.st_mode))
      return refused(S_ISLNK(before.st_mode) ? "is or contains a symbolic link" : "is or contains a special file", shown);
    const Descriptor fd{::openat(parent, entry.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (!fd) return trouble("cannot open", shown, errno);
    if (S_ISREG(before.st_mode)) return file(fd.get(), name, shown);
    if (depth == 0) folder = true;
    if (depth > 64) return refused("is nested deeper than 64 folders", shown);
    return list(fd.get(), name, shown, depth);
  }

  std::optional<Error> list(int fd, const std::string& name, const fs::path& shown, int depth) {
    DIR* stream = ::fdopendir(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!stream) return trouble("cannot list", shown, errno);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream)) names.emplace_back(entry->d_name);
    ::closedir(stream);
    std::sort(names.begin(), names.end());  // The manifest is the same on every file system.
    for (const auto& child : names) {
      if (child == "." || child == "..") continue;
      if (auto error = visit(fd, child, name.empty() ? child : name + "/" + child, shown / child, depth + 1)) return error;
    }
    if (durable_ && ::fsync(fd) != 0) return trouble("cannot make durable", shown, errno);
    return std::nullopt;
  }

  std::optional<Error> file(int fd, const std::string& name, const fs::path& shown) {
    Sha256 hash;
    File made{name, 0, ""};
    buffer_.resize(1 << 20);
    for (;;) {
      const ssize_t n = ::read(fd, buffer_.data(), buffer_.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return trouble("cannot read", shown, errno);
      if (n == 0) break;
      hash.add(buffer_.data(), static_cast<std::size_t>(n));
      made.bytes += n;
    }
    if (durable_ && (::fchmod(fd, 0400) != 0 || ::fsync(fd) != 0)) return trouble("cannot make durable", shown, errno);
    made.sha256 = hash.hex();
    bytes += made.bytes;
    files.push_back(std::move(made));
    return std::nullopt;
  }

  bool durable_;
  std::vector<char> buffer_;
};

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

bool is_hash(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// A name in the root that no checkpoint bears: unique in this process, and between processes by the pid.
fs::path unused_name(const fs::path& root, const char* kind) {
  static std::atomic<std::uint64_t> count{0};
  return root / (kind + std::to_string(::getpid()) + "-" + std::to_string(++count));
}

void erase_tree(const fs::path& path) {
  std::error_code ignored;  // What cannot be deleted now is deleted by the next sweep().
  fs::remove_all(path, ignored);
}

Error corrupt(const std::string& hash, const std::string& why) {
  return Error{Error::Code::corrupt, "checkpoint " + printable(hash) + ": " + why, "an older checkpoint of the trial is used"};
}

struct Manifest {
  std::string entry, origin;
  std::vector<std::string> files;  // Below the entry; "" is the entry itself.
};

bool leads_out(const std::string& name) {
  const fs::path path(name);
  return path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end() || name.find('\0') != std::string::npos;
}

// The names in the list of files. It may come from another machine: none leads out of the folder.
bool read_files(JsonReader& json, std::vector<std::string>& files) {
  using Token = JsonReader::Token;
  if (json.next() != Token::array) return false;
  for (Token token; (token = json.next()) == Token::object;) {
    std::string name;
    while (json.next() == Token::key) {
      if (json.text() != "name") {
        json.skip();
      } else if (json.next() == Token::string) {
        name = json.text();
      } else {
        return false;
      }
    }
    if (leads_out(name)) return false;
    files.push_back(std::move(name));
  }
  return !json.failed();
}

Result<Manifest> read_manifest(const std::string& hash, const std::string& text) {
  Sha256 digest;
  digest.add(text.data(), text.size());
  if (digest.hex() != hash) return corrupt(hash, "its manifest was changed");
  Manifest read;
  JsonReader json(text);
  bool sound = json.next() == JsonReader::Token::object;
  while (sound && json.next() == JsonReader::Token::key) {
    if (json.text() == "root" || json.text() == "origin") {
      std::string& into = json.text() == "root" ? read.entry : read.origin;
      sound = json.next() == JsonReader::Token::string;
      into = json.text();
    } else if (json.text() == "files") {
      sound = read_files(json, read.files);
    } else {
      json.skip();
    }
  }
  const bool names_root = !read.entry.empty() && read.entry.find('/') == std::string::npos && !leads_out(read.entry) && read.entry != ".";
  if (!sound || json.failed() || !names_root) return corrupt(hash, "its manifest names no root");
  return read;
}

std::optional<Error> read_text(const fs::path& path, std::string& out) {
  const Descriptor fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return trouble("cannot open", path, errno);
  char buffer[65536];
  for (ssize_t n; (n = ::read(fd.get(), buffer, sizeof buffer)) != 0;) {
    if (n < 0) return trouble("cannot read", path, errno);
    out.append(buffer, static_cast<std::size_t>(n));
  }
  return std::nullopt;
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

  Walk walk(true);
  if (auto error = walk.run(stage.get(), entry)) return abandon(*error);
  const std::string manifest = manifest_of(entry, origin, walk.folder, walk.files);
  if (auto error = write_durably(stage.get(), "manifest.json", manifest)) return abandon(*error);
  if (::fsync(stage.get()) != 0) return abandon(trouble("cannot make durable", staging, errno));

  Sha256 hash;
  hash.add(manifest.data(), manifest.size());
  Committed done{hash.hex(), walk.bytes};
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
  std::string manifest;
  if (read_text(home / "manifest.json", manifest))
    return Error{Error::Code::not_found, "checkpoint " + hash + " is not in " + printable(root_.string()), ""};
  // The manifest is ours, byte for byte: its root and origin are taken from it, the rest is made again and compared.
  const auto read = read_manifest(hash, manifest);
  if (!read) return read.error();
  const auto& [entry, origin, names] = *read;
  const Descriptor folder{::open(home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  Walk walk(false);
  if (!folder || walk.run(folder.get(), entry)) return corrupt(hash, "its files are missing or unreadable");
  if (manifest_of(entry, origin, walk.folder, walk.files) != manifest) return corrupt(hash, "its files were changed");
  return home / entry;
}

// --- travelling -------------------------------------------------------------------------------------------------------

Result<std::size_t> Checkpoints::count_parts(const std::string& hash, const fs::path& manifest) {
  std::string text;
  if (auto error = read_text(manifest, text)) return *error;
  const auto read = read_manifest(hash, text);
  if (!read) return read.error();
  return read->files.size() + 1;
}

Result<std::vector<fs::path>> Checkpoints::parts(const std::string& hash) const {
  if (!is_hash(hash)) return Error{Error::Code::not_found, "no checkpoint " + printable(hash), ""};
  const fs::path home = root_ / hash;
  std::string text;
  if (read_text(home / "manifest.json", text)) return Error{Error::Code::not_found, "checkpoint " + hash + " is not here", ""};
  const auto read = read_manifest(hash, text);
  if (!read) return read.error();
  std::vector<fs::path> parts{home / "manifest.json"};
  for (const auto& file : read->files) parts.push_back(file.empty() ? home / read->entry : home / read->entry / file);
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
  std::string text;
  if (auto error = read_text(folder / "0", text)) return abandon(*error);
  const auto read = read_manifest(hash, text);
  if (!read) return abandon(read.error());
  // Built in a folder of its own: parts bear numbers, and a file may bear any name.
  const fs::path home = folder / "whole";
  std::error_code failed;
  fs::create_directories(home, failed);
  if (!failed) fs::rename(folder / "0", home / "manifest.json", failed);
  for (std::size_t i = 0; i < read->files.size() && !failed; ++i) {
    const fs::path to = read->files[i].empty() ? home / read->entry : home / read->entry / read->files[i];
    fs::create_directories(to.parent_path(), failed);
    if (!failed) fs::rename(folder / std::to_string(i + 1), to, failed);
  }
  if (!failed && read->files.empty()) fs::create_directories(home / read->entry, failed);  // An empty folder.
  if (failed) return abandon(trouble("cannot put together checkpoint", hash, failed.value()));
  if (auto there = whole(hash, home); !there) return abandon(there.error());
  const Descriptor top{::open(home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  Walk durably(true);
  if (!top || durably.run(top.get(), read->entry) || ::fsync(top.get()) != 0) return abandon(trouble("cannot make durable", home, errno));
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
