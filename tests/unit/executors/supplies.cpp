// SPDX-License-Identifier: Apache-2.0
#include "executors/supplies.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "executors/staging.hpp"
#include "tests/support/scratch.hpp"
#include "tuner/glob.hpp"

namespace fs = std::filesystem;
using namespace tune;

namespace {

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A coordinator with a folder of data, and an agent that gets it by copying files.
struct Setting {
  Scratch scratch;
  fs::path data = scratch.path() / "data", kept = scratch.path() / "kept";
  int fetched = 0, fail_after = INT32_MAX;

  Setting() { fs::create_directories(data); }
  void write(const fs::path& name, const std::string& text) const {
    fs::create_directories((data / name).parent_path());
    std::ofstream(data / name, std::ios::binary) << text;
  }
  Result<Supply> supply() const { return Supply::of_input("d", {data, false}, kept); }
  Result<Supply> code(std::vector<std::string> include, std::vector<std::string> exclude = {}) const {
    return Supply::of_code({data, std::move(include), std::move(exclude)}, data / "tune.db", kept);
  }
  static std::vector<std::string> names(const Supply& supply) {
    std::vector<std::string> all;
    for (const auto& file : supply.manifest().files) all.push_back(file.name);
    return all;
  }
  /// As the pool serves it.
  Staging::Fetch from(const Supply& supply) {
    return [this, &supply](const std::string& path, const std::string& to) -> Result<Done> {
      if (fetched >= fail_after) return Error{Error::Code::unreachable, "the line was cut", ""};
      ++fetched;
      std::string bytes;
      if (path.ends_with("/manifest")) {
        bytes = read(supply.manifest_file());
      } else {
        const auto last = path.rfind('/'), before = path.rfind('/', last - 1);
        const auto part = supply.part(std::stoul(path.substr(before + 1, last - before - 1)), std::stoul(path.substr(last + 1)));
        if (!part) return part.error();
        bytes = read(part->file).substr(part->from, kSupplyPart);
      }
      std::ofstream(to, std::ios::binary) << bytes;
      return Done{};
    };
  }
  Staging staging(std::int64_t bound = 1 << 30) const { return {scratch.path() / "staged", bound, "agent"}; }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a pattern takes names by stars and folders by double ones", "[supplies]") {
  for (const auto* path : {"a.py", "src/a.py", "src/deep/er/a.py"}) CHECK(glob_takes("**/*.py", path));
  CHECK(glob_takes("*.py", "a.py"));
  CHECK_FALSE(glob_takes("*.py", "src/a.py"));
  CHECK_FALSE(glob_takes("**/*.py", "a.pyc"));
  CHECK(glob_takes("src", "src/deep/a"));
  CHECK_FALSE(glob_takes("src", "srcs"));
  CHECK(glob_takes("src/**/test_?.c*", "src/a/b/test_1.cpp"));
  CHECK_FALSE(glob_takes("src/**/test_?.c*", "src/a/b/test_12.cpp"));
  CHECK(glob_takes("a/**/b/**/c", "a/x/b/y/b/z/c"));
  CHECK_FALSE(glob_takes("a/**/b/**/c", "a/x/y/c"));
  for (const auto* pattern : {"", "/a", "a//b", "../a", "a/../b", "./a", "a/"}) CHECK_FALSE(is_glob(pattern));
}

TEST_CASE_METHOD(Setting, "a supply is named by its files, and a look is enough while they are as they were", "[supplies]") {
  write("a.txt", "one"), write("deep/b.txt", "two");
  const auto first = supply();
  REQUIRE(first);
  CHECK(names(*first) == Names{"a.txt", "deep/b.txt"});
  CHECK(first->name() == "inputs.d");
  CHECK(supply()->hash() == first->hash());
  CHECK(first->part(0, 0));
  CHECK(first->part(0, 1).error().code == Error::Code::not_found);
  CHECK(first->part(2, 0).error().code == Error::Code::not_found);
  write("deep/b.txt", "tWo");
  const auto stale = first->part(1, 0);
  REQUIRE_FALSE(stale);
  CHECK(stale.error().code == Error::Code::conflict);
  CHECK(supply()->hash() != first->hash());
  fs::permissions(data / "a.txt", fs::perms::owner_exec, fs::perm_options::add);
  CHECK(supply()->manifest().files.front().executable);
}

TEST_CASE_METHOD(Setting, "one file is a supply; links, and what is not there, are refused", "[supplies]") {
  write("a.txt", "one");
  const auto file = Supply::of_input("d", {data / "a.txt", false}, kept);
  REQUIRE(file);
  CHECK(file->manifest().entry == "a.txt");
  CHECK(Supply::of_input("d", {data / "b.txt", false}, kept).error().code == Error::Code::not_found);
  fs::create_symlink("/etc/passwd", data / "out");
  const auto link = supply();
  REQUIRE_FALSE(link);
  CHECK(link.error().message.find("symbolic link") != std::string::npos);
}

TEST_CASE_METHOD(Setting, "code is what its patterns take, without hidden files, caches and the store", "[supplies]") {
  for (const auto* name : {"train.py", "lib/net.py", "lib/__pycache__/net.pyc", ".git/config", "tune.db", "tune.db-wal", "tune.db.d/token", "data.bin", "tests/t.py"})
    write(name, name);
  CHECK(names(*code({"**"})) == Names{"data.bin", "lib/net.py", "tests/t.py", "train.py"});
  CHECK(names(*code({"**/*.py"}, {"tests"})) == Names{"lib/net.py", "train.py"});
  CHECK(code({"**/*.rs"}).error().message.find("no file below") != std::string::npos);
  fs::create_symlink("/", data / "root");
  CHECK_FALSE(code({"**"}));
  CHECK(code({"**"}, {"root"}));
}

TEST_CASE_METHOD(Setting, "what is staged is whole, read-only and brought once", "[supplies]") {
  write("a.txt", "one"), write("deep/run.sh", "#!/bin/sh\n"), write("empty", "");
  fs::permissions(data / "deep/run.sh", fs::perms::owner_exec, fs::perm_options::add);
  const auto made = supply();
  auto here = staging();
  const auto staged = here.bring("inputs.d", made->hash(), from(*made));
  REQUIRE(staged);
  CHECK(read(staged->path / "a.txt") == "one");
  const auto mode = [&](const char* name) { return static_cast<unsigned>(fs::status(staged->path / name).permissions()); };
  CHECK(mode("a.txt") == 0444);
  CHECK(mode("deep/run.sh") == 0555);
  CHECK(mode("deep") == 0555);
  CHECK(mode("") == 0555);
  const int before = fetched;
  CHECK(here.bring("inputs.d", made->hash(), from(*made))->path == staged->path);
  CHECK(fetched == before);
}

TEST_CASE_METHOD(Setting, "after a cut only what is missing is brought", "[supplies]") {
  write("big", std::string(2 * kSupplyPart + 5, 'x')), write("small", "y");
  const auto made = supply();
  auto here = staging();
  fail_after = 3;  // The manifest and two parts.
  CHECK(here.bring("inputs.d", made->hash(), from(*made)).error().code == Error::Code::unreachable);
  fail_after = INT32_MAX;
  const auto staged = here.bring("inputs.d", made->hash(), from(*made));
  REQUIRE(staged);
  CHECK(fetched == 5);
  CHECK(fs::file_size(staged->path / "big") == 2 * kSupplyPart + 5);
}

TEST_CASE_METHOD(Setting, "a byte that was changed on the way is noticed, and so is a manifest of another hash", "[supplies]") {
  write("a.txt", "one");
  const auto made = supply();
  auto here = staging();
  const auto honest = from(*made);
  const auto changed = here.bring("inputs.d", made->hash(), [&](const std::string& path, const std::string& to) {
    const auto got = honest(path, to);
    if (!path.ends_with("manifest")) std::ofstream(to) << "0ne";
    return got;
  });
  REQUIRE_FALSE(changed);
  CHECK(changed.error().message == "inputs.d did not arrive as it was recorded: `a.txt` differs");
  const auto hostile = here.bring("inputs.d", std::string(64, 'a'), [&](const std::string&, const std::string& to) -> Result<Done> {
    std::ofstream(to) << R"({"root":"x","folder":true,"files":[{"name":"../../out","bytes":1}]})";
    return Done{};
  });
  CHECK(hostile.error().code == Error::Code::corrupt);
  CHECK(here.bring("inputs.d", made->hash(), honest));
}

TEST_CASE_METHOD(Setting, "a manifest whose names lead out is none, though its hash is right", "[supplies]") {
  auto here = staging();
  for (const std::string name : {"../out", "/etc/passwd", "a/../../out"}) {
    const std::string text = R"({"root":"x","folder":true,"files":[{"name":")" + name + R"(","bytes":1,"sha256":""}]})";
    const auto refused = here.bring("inputs.d", sha256_of(text), [&](const std::string&, const std::string& to) -> Result<Done> {
      std::ofstream(to) << text;
      return Done{};
    });
    CHECK(refused.error().code == Error::Code::corrupt);
  }
}

TEST_CASE_METHOD(Setting, "beyond the bound what is not used goes, oldest first", "[supplies]") {
  auto here = staging(10);
  std::vector<fs::path> homes;
  std::vector<Staging::Staged> used;
  for (const char* text : {"12345678", "abcdefgh", "ABCDEFGH"}) {
    write("a.txt", text);
    const auto made = supply();
    used.push_back(std::move(*here.bring("inputs.d", made->hash(), from(*made))));
    homes.push_back(used.back().path);
    const timespec then[2] = {{static_cast<time_t>(1000 * used.size()), 0}, {static_cast<time_t>(1000 * used.size()), 0}};
    ::utimensat(AT_FDCWD, (scratch.path() / "staged" / made->hash()).c_str(), then, 0);
  }
  CHECK((fs::exists(homes[0]) && fs::exists(homes[1]) && fs::exists(homes[2])));  // All of them are used.
  used.erase(used.begin() + 1, used.end());
  here.trim();
  CHECK((fs::exists(homes[0]) && !fs::exists(homes[1]) && !fs::exists(homes[2])));
  used.clear();
  here.trim();
  CHECK(fs::exists(homes[0]));
}
