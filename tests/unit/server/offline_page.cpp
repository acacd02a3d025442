// SPDX-License-Identifier: Apache-2.0
#include "ui/server/offline_page.hpp"

#include <openssl/evp.h>
#include <zlib.h>

#include "rig.hpp"

namespace tune {
namespace {

using test::Served;

const auto kQuietly = [](const std::string&, std::int64_t, std::int64_t) {};

std::string page_of(Site& site, std::int64_t details = 500) {
  std::string page;
  const auto told = write_offline_page(site, {{"digits"}, details}, [&](std::string_view text) { return page += text, Result<Done>{Done{}}; }, kQuietly);
  REQUIRE(told);
  return page;
}

std::string unpacked(const std::string& base64) {
  std::string packed(base64.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(packed.data()), reinterpret_cast<const unsigned char*>(base64.data()), static_cast<int>(base64.size()));
  REQUIRE(size > 0);
  std::string out(4 << 20, '\0');
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(packed.data()), stream.avail_in = static_cast<uInt>(size);
  stream.next_out = reinterpret_cast<Bytef*>(out.data()), stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

/// What the elements of a type hold, one after the other.
std::string held(const std::string& page, const std::string& type) {
  const auto begin = "<script type=\"application/x-tune-" + type + "\">";
  std::string out;
  for (std::size_t at = 0; (at = page.find(begin, at)) != std::string::npos;) {
    at += begin.size();
    out += unpacked(page.substr(at, page.find('<', at) - at));
  }
  return out;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

}  // namespace

TEST_CASE("a page for the disk holds what the server answers, byte for byte", "[server]") {
  Served s;
  const auto answers = held(page_of(*Site::offline(s.path)), "chapter");
  for (const char* path : {"", "/columns", "/trials/1", "/trials/2/story", "/lineage"})
    CHECK(count(answers, test::body(s.get("/api/v1/experiments/digits" + std::string(path)))) == 1);
}

TEST_CASE("a page for the disk leaves no token in the store's folder", "[server]") {
  Served s;
  std::filesystem::remove(s.path + ".d/token");
  page_of(*Site::offline(s.path));
  CHECK_FALSE(std::filesystem::exists(s.path + ".d/token"));
}

TEST_CASE("a page for the disk hides secrets as the server does", "[server]") {
  Served s;
  const auto answers = held(page_of(*Site::offline(s.path)), "chapter");
  CHECK(count(answers, "canary") == 0);
  CHECK(count(answers, "(hidden)") > 0);
}

TEST_CASE("a page for the disk allows its own script and style, and no network", "[server]") {
  Served s;
  const auto page = page_of(*Site::offline(s.path));
  const auto policy = page.substr(page.find("content=\"") + 9, page.find("\">", page.find("content=\"")) - page.find("content=\"") - 9);
  CHECK(policy.starts_with("default-src 'none'; script-src 'sha256-"));
  CHECK(count(policy, "http") + count(policy, "self") + count(policy, "unsafe") + count(policy, "connect-src") == 0);
  CHECK(count(page, "src=\"/") + count(page, "href=\"/") == 0);
  CHECK(count(page, "<script") == count(page, "</script>"));
}

TEST_CASE("a page for the disk says of how many trials it holds details", "[server]") {
  Served s;
  const auto page = page_of(*Site::offline(s.path), 2);
  CHECK(held(page, "contents").find(R"("trials":4,"details":2,"logs":2,"every_event":true,"best":[1,0])") != std::string::npos);
  // The best, and the newest.
  CHECK(held(page, "contents").find("digits/trials/1\"") != std::string::npos);
  CHECK(held(page, "contents").find("digits/trials/3\"") != std::string::npos);
  CHECK(held(page, "contents").find("digits/trials/0\"") == std::string::npos);
}

TEST_CASE("a page for the disk ends where it cannot be written, and there is none of what is not there", "[server]") {
  Served s;
  const auto site = Site::offline(s.path);
  const auto full = [](std::string_view) -> Result<Done> { return Error{Error::Code::io, "full", ""}; };
  CHECK(write_offline_page(*site, {{"digits"}}, full, kQuietly).error().message == "full");
  const auto gone = write_offline_page(*site, {{"digitz"}}, [](std::string_view) { return Result<Done>{Done{}}; }, kQuietly);
  CHECK(gone.error().code == Error::Code::not_found);
}

}  // namespace tune
