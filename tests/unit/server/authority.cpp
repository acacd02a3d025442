// SPDX-License-Identifier: Apache-2.0
#include "ui/server/authority.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/scratch.hpp"
#include "ui/server/host_name.hpp"

using namespace tune;
namespace fs = std::filesystem;

namespace {

constexpr std::time_t kNow = 1'800'000'000, kDay = 86'400;
const std::vector<std::string> kNames = {"localhost", "127.0.0.1", "fd00::2"};

std::string text(const fs::path& path) {
  std::ostringstream all;
  all << std::ifstream(path).rdbuf();
  return all.str();
}
void put(const fs::path& path, const std::string& what, int mode = 0600) {
  std::ofstream{path} << what;
  fs::permissions(path, static_cast<fs::perms>(mode));
}
int mode(const fs::path& path) { return static_cast<int>(fs::status(path).permissions()); }

Authority authority(const std::string& folder, std::time_t now = kNow) {
  auto opened = Authority::open(folder, now);
  REQUIRE(opened);
  return *opened;
}

/// A certificate for kNames in cert.pem, with its key in key.pem.
struct Given {
  Scratch folder;
  std::string certificate = folder / "cert.pem", key = folder / "key.pem";
  explicit Given(const std::vector<std::string>& names = kNames) {
    const auto made = authority(folder / "a").issue(names, kNow);
    REQUIRE(made);
    put(certificate, made->chain), put(key, made->key);
  }
  Result<Identity> read(std::time_t now = kNow) const { return read_identity(certificate, key, now); }
  std::string complaint(std::time_t now = kNow) const {
    const auto read = this->read(now);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Error::Code::invalid);
    return read.error().message;
  }
};

}  // namespace

TEST_CASE("a store's authority is made once and is the same when it is opened again", "[server]") {
  const Scratch folder;
  const auto first = authority(folder / "a.db.d");
  CHECK(authority(folder / "a.db.d", kNow + kDay).fingerprint() == first.fingerprint());
  CHECK(authority(folder / "b.db.d").fingerprint() != first.fingerprint());
  CHECK(first.fingerprint().size() == 32 * 3 - 1);
}

TEST_CASE("the authority's files are for their owner alone, and what is handed out holds no key", "[server]") {
  const Scratch folder;
  const auto made = authority(folder / "a.db.d");
  CHECK(mode(folder / "a.db.d") == 0700);
  CHECK(mode(folder / "a.db.d/authority.pem") == 0600);
  CHECK_THAT(text(folder / "a.db.d/authority.pem"), Catch::Contains("PRIVATE KEY"));
  CHECK_THAT(text(made.certificate_path()), Catch::Contains("BEGIN CERTIFICATE") && !Catch::Contains("PRIVATE"));
}

TEST_CASE("an authority that others may read is refused", "[server]") {
  const Scratch folder;
  authority(folder / "a");
  fs::permissions(folder / "a/authority.pem", fs::perms{0640});
  const auto opened = Authority::open(folder / "a", kNow);
  REQUIRE_FALSE(opened);
  CHECK_THAT(opened.error().message, Catch::Contains("others may read"));
}

TEST_CASE("a file that holds no authority is refused, not replaced", "[server]") {
  const Scratch folder;
  const auto other = authority(folder / "b").issue(kNames, kNow);
  const auto key_of_another = text(authority(folder / "c").certificate_path()) + other->key;
  fs::create_directory(folder / "a");
  const auto what = GENERATE_COPY(as<std::string>{}, "", "secret\n", other->chain + other->key, key_of_another);
  put(folder / "a/authority.pem", what);
  const auto opened = Authority::open(folder / "a", kNow);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Error::Code::corrupt);
  CHECK(text(folder / "a/authority.pem") == what);
}

TEST_CASE("an authority that ends soon is made anew, and handed out anew", "[server]") {
  const Scratch folder;
  const auto first = authority(folder / "a");
  CHECK(authority(folder / "a", kNow + 3600 * kDay).fingerprint() == first.fingerprint());
  const auto handed_out = text(first.certificate_path());
  const auto second = authority(folder / "a", kNow + 3640 * kDay);
  CHECK(second.fingerprint() != first.fingerprint());
  CHECK(text(second.certificate_path()) != handed_out);
  CHECK(second.issue(kNames, kNow + 3640 * kDay));
}

TEST_CASE("a copy for others that went away or was changed is put right", "[server]") {
  const Scratch folder;
  const auto path = authority(folder / "a").certificate_path();
  const auto before = text(path);
  put(path, "something else");
  authority(folder / "a");
  CHECK(text(path) == before);
}

TEST_CASE("a certificate vouches for the names it was made for, for a week", "[server]") {
  const Given given;
  CHECK(given.read()->names == kNames);
  CHECK(given.read(kNow + 6 * kDay));
  CHECK_THAT(given.complaint(kNow + 8 * kDay), Catch::Contains("expired on 2027-01-22"));
  CHECK_THAT(given.complaint(kNow - kDay), Catch::Contains("not valid before"));
}

TEST_CASE("every certificate has a key and a number of its own", "[server]") {
  const Scratch folder;
  const auto own = authority(folder / "a");
  const auto first = own.issue(kNames, kNow), second = own.issue(kNames, kNow);
  CHECK(first->key != second->key);
  CHECK(first->chain != second->chain);
}

TEST_CASE("a name cannot pass for several", "[server]") {
  const Scratch folder;
  CHECK_FALSE(authority(folder / "a").issue({"a.lab,DNS:evil.example"}, kNow));
  const Given given({"a.lab,evil.example"});
  CHECK_THAT(given.complaint(), Catch::Contains("vouches for no name"));
}

TEST_CASE("a given key must be its owner's alone and belong to the certificate", "[server]") {
  const Given given;
  const auto other = authority(given.folder / "b").issue(kNames, kNow);
  fs::permissions(given.key, fs::perms{0644});
  CHECK_THAT(given.complaint(), Catch::Contains("others may read"));
  put(given.key, other->key);
  CHECK_THAT(given.complaint(), Catch::Contains("does not belong to the certificate"));
}

TEST_CASE("given files that cannot be read as certificate and key are told by name", "[server]") {
  const Given given;
  const auto chain = text(given.certificate);
  put(given.certificate, GENERATE("", "nothing\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  CHECK_THAT(given.complaint(), Catch::Contains("cert.pem") && Catch::Contains("no certificate in PEM"));
  put(given.certificate, chain), put(given.key, "nothing\n");
  CHECK_THAT(given.complaint(), Catch::Contains("key.pem") && Catch::Contains("no key in PEM"));
  fs::remove(given.key);
  CHECK_THAT(given.complaint(), Catch::Contains("key.pem") && Catch::Contains("No such file"));
  fs::create_directory(given.key);
  CHECK_THAT(given.complaint(), Catch::Contains("it is no file"));
}

TEST_CASE("names have one spelling", "[server]") {
  CHECK(host_name("GPU1.Lab") == "gpu1.lab");
  CHECK(host_name("fd00:0:0::0002") == "fd00::2");
  CHECK(host_name("192.0.2.2") == "192.0.2.2");
  const auto none = GENERATE("", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "a:80", "[::1]", "127.1", "0x7f.1", "a.0x1", "1", "*.lab", "a_b", "a,b",
                             "a%b", "fe80::1%eth0");
  CHECK(host_name(none) == std::nullopt);
  CHECK(host_name(std::string(64, 'a')) == std::nullopt);
  CHECK(host_name(std::string("a\0b", 3)) == std::nullopt);
}

TEST_CASE("a star stands for one label", "[server]") {
  const std::vector<std::string> names = {"one.lab", "*.two.lab"};
  CHECK(is_among(names, "one.lab"));
  CHECK(is_among(names, "a.two.lab"));
  for (const char* other : {"two.lab", "b.a.two.lab", "lab", "a.one.lab", "two.lab.evil", ".two.lab"}) CHECK_FALSE(is_among(names, other));
  CHECK_FALSE(is_among({"*.0.0.1"}, "127.0.0.1"));
}
