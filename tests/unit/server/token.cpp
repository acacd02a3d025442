// SPDX-License-Identifier: Apache-2.0
#include "ui/server/token.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/scratch.hpp"

using namespace tune;
namespace fs = std::filesystem;

namespace {

fs::perms permissions(const fs::path& path) { return fs::status(path).permissions(); }

void put(const fs::path& path, const std::string& text, fs::perms mode) {
  std::ofstream{path} << text;
  fs::permissions(path, mode);
}

}  // namespace

TEST_CASE("a store's token is made once, is 256 bits and for its owner alone", "[metrics]") {
  const Scratch folder;
  const std::string store = folder.path() / "tune.db.d";
  const auto token = store_token(store);
  REQUIRE(token);
  CHECK(token->size() == 64);
  CHECK(*store_token(store) == *token);
  CHECK(permissions(store) == fs::perms::owner_all);
  CHECK(permissions(fs::path{store} / "token") == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(std::distance(fs::directory_iterator{store}, {}) == 1);
}

TEST_CASE("two stores have different tokens", "[metrics]") {
  const Scratch folder;
  CHECK(*store_token(folder.path() / "a") != *store_token(folder.path() / "b"));
}

TEST_CASE("a viewers' token is made where it is asked for, and is another", "[metrics]") {
  const Scratch folder;
  const std::string store = folder.path() / "tune.db.d";
  const auto token = store_token(store);
  CHECK(*viewer_token(store, false) == "");
  const auto viewers = viewer_token(store, true);
  REQUIRE(viewers);
  CHECK(viewers->size() == 64);
  CHECK(*viewers != *token);
  CHECK(*viewer_token(store, false) == *viewers);
  CHECK(permissions(fs::path{store} / "viewer-token") == (fs::perms::owner_read | fs::perms::owner_write));
  fs::permissions(fs::path{store} / "viewer-token", fs::perms{0640});
  CHECK_THAT(viewer_token(store, false).error().message, Catch::Contains("others may read"));
}

TEST_CASE("a token that others may read is refused", "[metrics]") {
  const Scratch folder;
  put(folder.path() / "token", std::string(64, 'a') + "\n", fs::perms{0644});
  const auto token = store_token(folder.path());
  REQUIRE_FALSE(token);
  CHECK_THAT(token.error().message, Catch::Contains("others may read"));
}

TEST_CASE("a file that holds no token is refused, not replaced", "[metrics]") {
  const Scratch folder;
  const auto text = GENERATE(as<std::string>{}, "", "abc\n", std::string(64, 'A'), std::string(65, 'a'), std::string(63, 'a') + "\n");
  put(folder.path() / "token", text, fs::perms{0600});
  const auto token = store_token(folder.path());
  REQUIRE_FALSE(token);
  CHECK(token.error().code == Error::Code::corrupt);
}

TEST_CASE("a token is not read through a link", "[metrics]") {
  const Scratch folder;
  put(folder.path() / "elsewhere", std::string(64, 'a') + "\n", fs::perms{0600});
  fs::create_symlink(folder.path() / "elsewhere", folder.path() / "token");
  CHECK_FALSE(store_token(folder.path()));
}

TEST_CASE("a folder that cannot be made is told by name", "[metrics]") {
  const auto token = store_token("/proc/nowhere/tune.db.d");
  REQUIRE_FALSE(token);
  CHECK_THAT(token.error().message, Catch::Contains("/proc/nowhere/tune.db.d"));
}

TEST_CASE("secrets are the same only if every byte is", "[metrics]") {
  CHECK(same_secret("", ""));
  CHECK(same_secret("abc", "abc"));
  CHECK_FALSE(same_secret("abc", "abd"));
  CHECK_FALSE(same_secret("abc", "abcd"));
  CHECK_FALSE(same_secret("abc", ""));
}
