// SPDX-License-Identifier: Apache-2.0
#include "executors/supplies.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

#include "executors/descriptor.hpp"
#include "executors/private_folder.hpp"
#include "tuner/glob.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 100'000, kMostCodeFiles = 20'000;
constexpr std::int64_t kMostCode = 256 << 20;
constexpr std::int64_t kSecond = 1'000'000'000;

constexpr const char* kCopyIt = "bring the files themselves there; or, where every machine has them, say \"shared\": true";
constexpr const char* kLeaveOut = "code.exclude leaves it out: [\"venv\"]";

Error about(const std::string& name, Error error) {
  error.message = name + ": " + error.message;
  return error;
}

bool any_takes(const std::vector<std::string>& patterns, const std::string& path) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return glob_takes(pattern, path); });
}

/// There whole, or as it was.
bool write_whole(const fs::path& file, const std::string& text) {
  const fs::path half = file.string() + ".part";
  std::ofstream out(half, std::ios::binary);
  out << text;
  out.close();
  std::error_code failed;
  if (out) fs::rename(half, file, failed);
  return out && !failed;
}

}  // namespace

/// Where a supply comes from.
struct Supply::Source {
  std::string name, path;
  std::string entry;      // What its root is called in the copy.
  std::string selection;  // What tells it from others of the same path.
  TreeWalk how;
  std::size_t most_files = kMostFiles;
  std::int64_t most_bytes = INT64_MAX;
};

Supply::Stamp Supply::stamp_of(const struct stat& s) {
  const auto nanoseconds = [](const timespec& t) { return static_cast<std::int64_t>(t.tv_sec) * kSecond + t.tv_nsec; };
  return {s.st_size, std::max(nanoseconds(s.st_mtim), nanoseconds(s.st_ctim))};
}

Result<Supply> Supply::of_input(const std::string& name, const InputSpec& input, const fs::path& kept) {
  Source source;
  source.name = "inputs." + name, source.path = input.path;
  source.how.hint = kCopyIt;
  return read(source, kept);
}

Result<Supply> Supply::of_code(const CodeSpec& code, const fs::path& store, const fs::path& kept) {
  Source source;
  source.name = "code", source.path = code.root, source.entry = "code";
  source.how.hint = kLeaveOut;
  for (const auto* patterns : {&code.include, &code.exclude}) {
    for (const auto& pattern : *patterns) source.selection += pattern + '\n';
    source.selection += '\n';
  }
  source.most_files = kMostCodeFiles, source.most_bytes = kMostCode;
  std::error_code unknown;
  const std::string ours = fs::weakly_canonical(store, unknown), root = fs::weakly_canonical(code.root, unknown);
  source.how.wanted = [code, ours, root](const std::string& path, bool folder) {
    const auto last = path.substr(path.rfind('/') + 1);
    if (last.starts_with('.') || last == "__pycache__" || (!ours.empty() && (root + "/" + path).starts_with(ours))) return false;
    return !any_takes(code.exclude, path) && (folder || any_takes(code.include, path));
  };
  auto made = read(source, kept);
  if (made && !made->manifest_.folder) return Error{Error::Code::invalid, "code.root: " + printable(code.root) + " is no folder", ""};
  if (made && made->manifest_.files.empty())
    return Error{Error::Code::invalid, "code: no file below " + printable(code.root) + " is taken", "\"include\": [\"**/*.py\"] takes those of all folders"};
  return made;
}

Result<Supply> Supply::read(const Source& source, const fs::path& kept) {
  std::error_code failed;
  const fs::path path = fs::canonical(source.path, failed);
  if (failed) return Error{Error::Code::not_found, source.name + ": " + printable(source.path) + ": " + failed.message(), "paths of a config start from its folder"};
  if (!path.has_filename()) return Error{Error::Code::invalid, source.name + ": a whole disk cannot be given", ""};
  if (!make_private_folder(kept)) return Error{Error::Code::io, "cannot make " + printable(kept.string()) + ": " + std::strerror(errno), ""};

  Supply made;
  made.name_ = source.name, made.path_ = path;
  TreeWalk how = source.how;
  how.what = "path", how.executables = true, how.reads = false;
  std::int64_t bytes = 0;
  how.meets = [&](const std::string&, const struct stat& s) -> std::optional<Error> {
    made.stamps_.push_back(stamp_of(s));
    bytes += s.st_size;
    if (bytes > source.most_bytes)
      return Error{Error::Code::invalid, "it is bigger than " + std::to_string(source.most_bytes >> 20) + " MiB, which is the most",
                   "code.include and code.exclude choose; data belongs into `inputs`"};
    if (made.stamps_.size() > source.most_files)
      return Error{Error::Code::invalid, "it has more than " + std::to_string(source.most_files) + " files, which is the most", "pack them into one, or say \"shared\": true where every machine has them"};
    return std::nullopt;
  };
  const Descriptor parent{::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const auto walk = [&] {
    made.stamps_.clear(), bytes = 0;
    return walk_tree(parent.get(), path.filename(), how, path);
  };
  const auto seen = walk();
  if (!seen) return about(source.name, seen.error());

  // A look at every file says whether the last reading still holds; not of files that changed a moment ago, for their stamps may be too coarse.
  std::string state;
  std::int64_t newest = 0;
  for (std::size_t i = 0; i < seen->files.size(); ++i) {
    const auto& file = seen->files[i];
    state += file.name + '\n' + std::to_string(made.stamps_[i].bytes) + ' ' + std::to_string(made.stamps_[i].changed) + (file.executable ? "x\n" : "\n");
    newest = std::max(newest, made.stamps_[i].changed);
  }
  state = sha256_of(state);
  const fs::path note = kept / (sha256_of(source.name + '\n' + path.string() + '\n' + source.selection).substr(0, 32) + ".seen");
  const auto manifest_file = [&](const std::string& hash) { return kept / (hash + ".json"); };
  if (const auto last = read_whole(note); last && last->starts_with(state + ' ')) {
    made.hash_ = last->substr(state.size() + 1, 64);
    const auto text = is_hash(made.hash_) ? read_whole(manifest_file(made.hash_)) : Error{Error::Code::not_found, "", ""};
    auto manifest = text ? read_manifest(made.hash_, *text) : text.error();
    if (manifest && manifest->files.size() == seen->files.size()) {
      made.manifest_ = std::move(*manifest), made.manifest_file_ = manifest_file(made.hash_);
      return made;
    }
  }

  how.reads = true;
  auto manifest = walk();
  if (!manifest) return about(source.name, manifest.error());
  if (!source.entry.empty()) manifest->entry = source.entry;
  made.manifest_ = std::move(*manifest);
  const std::string text = made.manifest_.text();
  made.hash_ = sha256_of(text), made.manifest_file_ = manifest_file(made.hash_);
  if (!write_whole(made.manifest_file_, text)) return Error{Error::Code::io, "cannot write " + printable(made.manifest_file_.string()), ""};
  if (newest + 2 * kSecond < std::time(nullptr) * kSecond) write_whole(note, state + ' ' + made.hash_);  // Only saves work.
  return made;
}

Result<Supply::Part> Supply::part(std::size_t file, std::uint64_t number) const {
  if (file >= manifest_.files.size()) return Error{Error::Code::not_found, "there is no such file", ""};
  const auto& one = manifest_.files[file];
  const std::uint64_t from = number * static_cast<std::uint64_t>(kSupplyPart);
  if (number > static_cast<std::uint64_t>(one.bytes / kSupplyPart) || from >= static_cast<std::uint64_t>(one.bytes))
    return Error{Error::Code::not_found, "there is no such part", ""};
  const std::string where = one.name.empty() ? path_ : path_ + "/" + one.name;
  struct stat now {};
  if (::lstat(where.c_str(), &now) != 0 || !S_ISREG(now.st_mode) || stamp_of(now) != stamps_[file])
    return Error{Error::Code::conflict, name_ + " was changed since it was read: " + printable(where),
                 "put it back, or begin anew with `--resume never`"};
  return Part{where, from};
}

}  // namespace tune
