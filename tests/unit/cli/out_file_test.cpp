// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/out_file.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/scratch.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(in), {}};
}
std::ptrdiff_t files_in(const fs::path& folder) { return std::distance(fs::directory_iterator(folder), fs::directory_iterator{}); }

}  // namespace

TEST_CASE("what stood there stays until the new file is whole", "[cli]") {
  const Scratch folder;
  const auto path = folder / "page.html";
  std::ofstream(path) << "old";
  auto file = OutFile::open(path);
  REQUIRE(file);
  REQUIRE(file->write("new"));
  CHECK(text_of(path) == "old");
  REQUIRE(file->finish());
  CHECK(text_of(path) == "new");
}

TEST_CASE("a file that was given up leaves nothing behind", "[cli]") {
  const Scratch folder;
  const auto path = folder / "page.html";
  {
    auto file = OutFile::open(path);
    REQUIRE(file);
    REQUIRE(file->write("half"));
    CHECK(files_in(folder.path()) == 1);
  }
  CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("a link stays one, and what it leads to is replaced", "[cli]") {
  const Scratch folder;
  std::ofstream(folder / "real.html") << "old";
  fs::create_symlink("real.html", folder / "link.html");
  auto file = OutFile::open(folder / "link.html");
  REQUIRE((file && file->write("new") && file->finish()));
  CHECK(fs::is_symlink(folder / "link.html"));
  CHECK(text_of(folder / "real.html") == "new");
}

TEST_CASE("what is no plain file is written to and stays what it is", "[cli]") {
  auto file = OutFile::open("/dev/null");
  REQUIRE((file && file->write("gone") && file->finish()));
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("a folder is no file to write, nor is one in a folder that is not there", "[cli]") {
  const Scratch folder;
  CHECK(OutFile::open(folder.path()).error().code == Error::Code::invalid);
  CHECK(OutFile::open(folder / "none/page.html").error().code == Error::Code::io);
}

}  // namespace tune
