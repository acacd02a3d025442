// SPDX-License-Identifier: Apache-2.0
#include "executors/tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "executors/descriptor.hpp"
#include "tuner/hex.hpp"
#include "tuner/json.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr int kDeepest = 64;

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

Error trouble(const std::string& what, const fs::path& path, int error) {
  return {error == ENOENT ? Error::Code::not_found : Error::Code::io, what + " " + printable(path.string()) + ": " + std::strerror(error), ""};
}

class Walk {
 public:
  explicit Walk(const TreeWalk& how) : how_(how) {}
  TreeManifest made;

  std::optional<Error> visit(int parent, const std::string& entry, const std::string& name, const fs::path& shown, int depth) {
    struct stat before {};
    if (::fstatat(parent, entry.c_str(), &before, AT_SYMLINK_NOFOLLOW) != 0) return trouble("cannot look at", shown, errno);
    const bool folder = S_ISDIR(before.st_mode);
    if (depth > 0 && how_.wanted && !how_.wanted(name, folder)) return std::nullopt;
    if (!S_ISREG(before.st_mode) && !folder)
      return refused(S_ISLNK(before.st_mode) ? "is or contains a symbolic link" : "is or contains a special file", shown);
    const Descriptor fd{::openat(parent, entry.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (!fd) return trouble("cannot open", shown, errno);
    if (!folder) return file(fd.get(), name, shown);
    if (depth == 0) made.folder = true;
    if (depth > kDeepest) return refused("is nested deeper than 64 folders", shown);
    return list(fd.get(), name, shown, depth);
  }

 private:
  Error refused(const std::string& why, const fs::path& path) const {
    return {Error::Code::invalid, how_.what + " " + printable(path.string()) + " " + why, how_.hint};
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
    if (how_.durable && ::fsync(fd) != 0) return trouble("cannot make durable", shown, errno);
    return std::nullopt;
  }

  std::optional<Error> file(int fd, const std::string& name, const fs::path& shown) {
    struct stat now {};
    if (::fstat(fd, &now) != 0) return trouble("cannot look at", shown, errno);
    if (how_.meets)
      if (auto error = how_.meets(name, now)) return error;
    TreeFile one{name, now.st_size, "", how_.executables && (now.st_mode & S_IXUSR)};
    if (how_.reads)
      if (auto error = hash(fd, one, shown)) return error;
    if (how_.durable && (::fchmod(fd, 0400) != 0 || ::fsync(fd) != 0)) return trouble("cannot make durable", shown, errno);
    made.files.push_back(std::move(one));
    return std::nullopt;
  }

  std::optional<Error> hash(int fd, TreeFile& one, const fs::path& shown) {
    Sha256 digest;
    one.bytes = 0;
    buffer_.resize(1 << 20);
    for (;;) {
      const ssize_t n = ::read(fd, buffer_.data(), buffer_.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return trouble("cannot read", shown, errno);
      if (n == 0) break;
      digest.add(buffer_.data(), static_cast<std::size_t>(n));
      one.bytes += n;
    }
    one.sha256 = digest.hex();
    return std::nullopt;
  }

  const TreeWalk& how_;
  std::vector<char> buffer_;
};

bool leads_out(const std::string& name) {
  const fs::path path(name);
  return path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end() || name.find('\0') != std::string::npos;
}

using Token = JsonReader::Token;

/// What is left of an object that describes a file.
bool read_file(JsonReader& json, TreeFile& file) {
  while (json.next() == Token::key) {
    const std::string key{json.text()};
    if (key == "name" || key == "sha256") {
      if (json.next() != Token::string) return false;
      (key == "name" ? file.name : file.sha256) = json.text();
    } else if (key == "bytes") {
      if (json.next() != Token::number || !json.integer() || *json.integer() < 0) return false;
      file.bytes = *json.integer();
    } else if (key == "executable") {
      if (json.next() != Token::boolean) return false;
      file.executable = json.boolean();
    } else {
      json.skip();
    }
  }
  return !json.failed() && !leads_out(file.name);
}

bool read_files(JsonReader& json, std::vector<TreeFile>& files) {
  if (json.next() != Token::array) return false;
  for (Token token; (token = json.next()) == Token::object;) {
    files.emplace_back();
    if (!read_file(json, files.back())) return false;
  }
  return !json.failed();
}

bool read_member(JsonReader& json, TreeManifest& out) {
  const std::string key{json.text()};
  if (key == "files") return read_files(json, out.files);
  if (key == "root" || key == "origin") {
    if (json.next() != Token::string) return false;
    (key == "root" ? out.entry : out.origin) = json.text();
  } else if (key == "folder") {
    if (json.next() != Token::boolean) return false;
    out.folder = json.boolean();
  } else {
    json.skip();
  }
  return true;
}

}  // namespace

std::string TreeManifest::text() const {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("version").value(1).key("origin").value(origin);
  json.key("root").value(entry).key("folder").value(folder);
  json.key("files").begin_array();
  for (const auto& file : files) {
    json.begin_object().key("name").value(file.name).key("bytes").value(file.bytes);
    json.key("sha256").value(file.sha256);
    if (file.executable) json.key("executable").value(true);
    json.end_object();
  }
  json.end_array().end_object();
  return text += '\n';
}

std::int64_t TreeManifest::bytes() const {
  std::int64_t sum = 0;
  for (const auto& file : files) sum += file.bytes;
  return sum;
}

std::string sha256_of(std::string_view text) {
  Sha256 digest;
  digest.add(text.data(), text.size());
  return digest.hex();
}

bool is_hash(std::string_view text) { return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

Result<TreeManifest> read_manifest(const std::string& hash, const std::string& text) {
  if (sha256_of(text) != hash) return Error{Error::Code::corrupt, "its manifest was changed", ""};
  TreeManifest read;
  JsonReader json(text);
  bool sound = json.next() == Token::object;
  while (sound && json.next() == Token::key) sound = read_member(json, read);
  const bool names_root = !read.entry.empty() && read.entry.find('/') == std::string::npos && !leads_out(read.entry) && read.entry != ".";
  if (!sound || json.failed() || !names_root) return Error{Error::Code::corrupt, "its manifest names no root", ""};
  return read;
}

Result<TreeManifest> walk_tree(int parent, const std::string& entry, const TreeWalk& how, const fs::path& shown) {
  Walk walk(how);
  walk.made.entry = entry;
  if (auto error = walk.visit(parent, entry, "", shown, 0)) return *error;
  return std::move(walk.made);
}

Result<std::string> read_whole(const fs::path& path) {
  const Descriptor fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return trouble("cannot open", path, errno);
  std::string out;
  char buffer[65536];
  for (ssize_t n; (n = ::read(fd.get(), buffer, sizeof buffer)) != 0;) {
    if (n < 0) return trouble("cannot read", path, errno);
    out.append(buffer, static_cast<std::size_t>(n));
  }
  return out;
}

void erase_tree(const fs::path& path) {
  std::error_code ignored;
  for (fs::recursive_directory_iterator at(path, ignored), end; !ignored && at != end; at.increment(ignored))
    if (std::error_code failed; at->is_directory(failed) && !at->is_symlink(failed)) fs::permissions(at->path(), fs::perms::owner_all, fs::perm_options::add, failed);
  fs::remove_all(path, ignored);
}

}  // namespace tune
