// SPDX-License-Identifier: Apache-2.0
#include "executors/checkpoints.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "tests/support/scratch.hpp"

namespace fs = std::filesystem;
using tune::Checkpoints;

namespace {
struct Setting {
  tune::Scratch scratch;
  fs::path trial = scratch.path() / "trial";
  Checkpoints store{scratch.path() / "checkpoints"};
  Setting() { fs::create_directories(trial); }
  void write(const fs::path& name, const std::string& text) {
    fs::create_directories((trial / name).parent_path());
    std::ofstream(trial / name) << text;
  }
};
std::string read(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}
}  // namespace

TEST_CASE_METHOD(Setting, "a checkpoint is moved under its hash and comes back with the same bytes", "[checkpoints]") {
  write("step-3/model.bin", "weights");
  write("step-3/deep/optimizer.bin", "moments");
  const auto saved = store.commit(trial, "step-3", "e/0 attempt 1 step 3");
  REQUIRE(saved);
  CHECK(saved->bytes == 14);
  CHECK_FALSE(fs::exists(trial / "step-3"));
  const auto back = store.restore(saved->hash);
  REQUIRE(back);
  CHECK(back->filename() == "step-3");
  CHECK(read(*back / "deep" / "optimizer.bin") == "moments");
}

TEST_CASE_METHOD(Setting, "a checkpoint may be one file, named absolutely", "[checkpoints]") {
  write("model.pt", "weights");
  const auto saved = store.commit(trial, trial / "model.pt", "");
  REQUIRE(saved);
  CHECK(read(*store.restore(saved->hash)) == "weights");
}

TEST_CASE_METHOD(Setting, "equal bytes of another origin are another checkpoint", "[checkpoints]") {
  write("a/model", "same");
  const auto first = store.commit(trial, "a", Checkpoints::origin("e", {0}, 1, 1));
  write("a/model", "same");
  const auto second = store.commit(trial, "a", Checkpoints::origin("e", {0}, 2, 1));
  REQUIRE((first && second));
  CHECK(first->hash != second->hash);
  REQUIRE(store.remove(first->hash));
  CHECK(store.restore(second->hash));
}

TEST_CASE_METHOD(Setting, "equal checkpoints of one origin are kept once and have equal hashes", "[checkpoints]") {
  write("a/model", "same");
  const auto first = store.commit(trial, "a", "e/0 attempt 1 step 1");
  write("a/model", "same");
  const auto second = store.commit(trial, "a/", "e/0 attempt 1 step 1");
  REQUIRE((first && second));
  CHECK(first->hash == second->hash);
  CHECK(store.restore(first->hash));
}

TEST_CASE_METHOD(Setting, "names that lead out of the folder, links and special files are refused", "[checkpoints]") {
  write("../secret", "s");
  fs::create_directory(trial / "linked");
  fs::create_symlink("/etc/passwd", trial / "linked" / "x");
  fs::create_directory_symlink("..", trial / "up");
  fs::create_directory(trial / "pipe");
  REQUIRE(::mkfifo((trial / "pipe" / "fifo").c_str(), 0600) == 0);
  for (const char* name : {"../secret", "", ".", "a/../../secret", "/etc/passwd", "linked", "up/secret", "pipe", "missing"}) {
    INFO(name);
    CHECK_FALSE(store.commit(trial, name, ""));
  }
  CHECK(read(scratch.path() / "secret") == "s");
  CHECK((!fs::exists(scratch.path() / "checkpoints") || fs::is_empty(scratch.path() / "checkpoints")));
}

TEST_CASE_METHOD(Setting, "a changed byte is found at restore", "[checkpoints]") {
  write("c/model", "weights");
  const auto saved = store.commit(trial, "c", "");
  const auto at = *store.restore(saved->hash);
  fs::permissions(at / "model", fs::perms::owner_all);
  std::ofstream(at / "model") << "weightz";
  const auto back = store.restore(saved->hash);
  REQUIRE_FALSE(back);
  CHECK(back.error().code == tune::Error::Code::corrupt);
}

TEST_CASE_METHOD(Setting, "a removed checkpoint is not found and its size is told", "[checkpoints]") {
  write("c/model", "weights");
  const auto saved = store.commit(trial, "c", "");
  CHECK(*store.remove(saved->hash) >= 7);
  CHECK(store.restore(saved->hash).error().code == tune::Error::Code::not_found);
  CHECK(*store.remove(saved->hash) == 0);
  CHECK_FALSE(store.restore("../../etc"));
}
