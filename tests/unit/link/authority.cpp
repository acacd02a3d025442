// SPDX-License-Identifier: Apache-2.0
#include "executors/link/authority.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "executors/link/host_name.hpp"
#include "support/scratch.hpp"

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

/// A certificate as OpenSSL reads it.
class Pem {
 public:
  explicit Pem(const std::string& text) {
    BIO* const in = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
    read_ = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
    BIO_free(in);
    REQUIRE(read_);
  }
  Pem(const Pem&) = delete;
  ~Pem() { X509_free(read_); }
  X509* get() const { return read_; }
  bool serves_as(int purpose) const { return X509_check_purpose(read_, purpose, 0) == 1; }
  bool belongs_to(const std::string& key) const {
    BIO* const in = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
    EVP_PKEY* const read = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
    const bool belongs = X509_check_private_key(read_, read) == 1;
    EVP_PKEY_free(read), BIO_free(in);
    return belongs;
  }

 private:
  X509* read_;
};

/// A request for this key, which it takes.
std::string request_with(EVP_PKEY* key) {
  X509_REQ* const made = X509_REQ_new();
  X509_REQ_set_pubkey(made, key), X509_REQ_sign(made, key, EVP_sha256());
  BIO* const out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509_REQ(out, made);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  const std::string text(data, static_cast<std::size_t>(size));
  BIO_free(out), X509_REQ_free(made), EVP_PKEY_free(key);
  return text;
}
/// The same request with another byte in its signature.
std::string tampered(std::string csr) {
  char& byte = csr[csr.rfind("\n-----END") - 10];
  byte = byte == 'A' ? 'B' : 'A';
  return csr;
}

}  // namespace

TEST_CASE("a store's authority is made once and is the same when it is opened again", "[link]") {
  const Scratch folder;
  const auto first = authority(folder / "a.db.d");
  CHECK(authority(folder / "a.db.d", kNow + kDay).fingerprint() == first.fingerprint());
  CHECK(authority(folder / "b.db.d").fingerprint() != first.fingerprint());
  CHECK(first.fingerprint().size() == 32 * 3 - 1);
}

TEST_CASE("the authority's files are for their owner alone, and what is handed out holds no key", "[link]") {
  const Scratch folder;
  const auto made = authority(folder / "a.db.d");
  CHECK(mode(folder / "a.db.d") == 0700);
  CHECK(mode(folder / "a.db.d/authority.pem") == 0600);
  CHECK_THAT(text(folder / "a.db.d/authority.pem"), Catch::Contains("PRIVATE KEY"));
  CHECK_THAT(text(made.certificate_path()), Catch::Contains("BEGIN CERTIFICATE") && !Catch::Contains("PRIVATE"));
}

TEST_CASE("an authority that others may read is refused", "[link]") {
  const Scratch folder;
  authority(folder / "a");
  fs::permissions(folder / "a/authority.pem", fs::perms{0640});
  const auto opened = Authority::open(folder / "a", kNow);
  REQUIRE_FALSE(opened);
  CHECK_THAT(opened.error().message, Catch::Contains("others may read"));
}

TEST_CASE("a file that holds no authority is refused, not replaced", "[link]") {
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

TEST_CASE("an authority that ends soon is made anew, and handed out anew", "[link]") {
  const Scratch folder;
  const auto first = authority(folder / "a");
  CHECK(authority(folder / "a", kNow + 3600 * kDay).fingerprint() == first.fingerprint());
  const auto handed_out = text(first.certificate_path());
  const auto second = authority(folder / "a", kNow + 3640 * kDay);
  CHECK(second.fingerprint() != first.fingerprint());
  CHECK(text(second.certificate_path()) != handed_out);
  CHECK(second.issue(kNames, kNow + 3640 * kDay));
}

TEST_CASE("a copy for others that went away or was changed is put right", "[link]") {
  const Scratch folder;
  const auto path = authority(folder / "a").certificate_path();
  const auto before = text(path);
  put(path, "something else");
  authority(folder / "a");
  CHECK(text(path) == before);
}

TEST_CASE("a certificate vouches for the names it was made for, for a week", "[link]") {
  const Given given;
  CHECK(given.read()->names == kNames);
  CHECK(given.read(kNow + 6 * kDay));
  CHECK_THAT(given.complaint(kNow + 8 * kDay), Catch::Contains("expired on 2027-01-22"));
  CHECK_THAT(given.complaint(kNow - kDay), Catch::Contains("not valid before"));
}

TEST_CASE("every certificate has a key and a number of its own", "[link]") {
  const Scratch folder;
  const auto own = authority(folder / "a");
  const auto first = own.issue(kNames, kNow), second = own.issue(kNames, kNow);
  CHECK(first->key != second->key);
  CHECK(first->chain != second->chain);
}

TEST_CASE("a name cannot pass for several", "[link]") {
  const Scratch folder;
  CHECK_FALSE(authority(folder / "a").issue({"a.lab,DNS:evil.example"}, kNow));
  const Given given({"a.lab,evil.example"});
  CHECK_THAT(given.complaint(), Catch::Contains("vouches for no name"));
}

TEST_CASE("a given key must be its owner's alone and belong to the certificate", "[link]") {
  const Given given;
  const auto other = authority(given.folder / "b").issue(kNames, kNow);
  fs::permissions(given.key, fs::perms{0644});
  CHECK_THAT(given.complaint(), Catch::Contains("others may read"));
  put(given.key, other->key);
  CHECK_THAT(given.complaint(), Catch::Contains("does not belong to the certificate"));
}

TEST_CASE("given files that cannot be read as certificate and key are told by name", "[link]") {
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

TEST_CASE("names have one spelling", "[link]") {
  CHECK(host_name("GPU1.Lab") == "gpu1.lab");
  CHECK(host_name("fd00:0:0::0002") == "fd00::2");
  CHECK(host_name("192.0.2.2") == "192.0.2.2");
  const auto none = GENERATE("", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "a:80", "[::1]", "127.1", "0x7f.1", "a.0x1", "1", "*.lab", "a_b", "a,b",
                             "a%b", "fe80::1%eth0");
  CHECK(host_name(none) == std::nullopt);
  CHECK(host_name(std::string(64, 'a')) == std::nullopt);
  CHECK(host_name(std::string("a\0b", 3)) == std::nullopt);
}

TEST_CASE("a star stands for one label", "[link]") {
  const std::vector<std::string> names = {"one.lab", "*.two.lab"};
  CHECK(is_among(names, "one.lab"));
  CHECK(is_among(names, "a.two.lab"));
  for (const char* other : {"two.lab", "b.a.two.lab", "lab", "a.one.lab", "two.lab.evil", ".two.lab"}) CHECK_FALSE(is_among(names, other));
  CHECK_FALSE(is_among({"*.0.0.1"}, "127.0.0.1"));
}

TEST_CASE("an agent's certificate has the name that the authority says and the agent's key", "[link]") {
  const Scratch folder;
  const auto request = make_request();
  REQUIRE(request);
  const AgentName agent{"agent-1", "lab", "slurm-17"};
  const auto made = authority(folder / "a").admit(request->csr, agent, kNow + kDay, kNow);
  REQUIRE(made);
  const Pem read(*made);
  const auto named = agent_of(read.get());
  REQUIRE(named);
  CHECK(named->agent == agent);
  CHECK(named->until == kNow + kDay);
  CHECK(read.belongs_to(request->key));
}

TEST_CASE("certificates of an agent and of a server do not pass for one another", "[link]") {
  const Scratch folder;
  const auto own = authority(folder / "a");
  const Pem agent(*own.admit(make_request()->csr, {"agent-1", "", ""}, kNow + kDay, kNow)), server(own.issue(kNames, kNow)->chain);
  CHECK((agent.serves_as(X509_PURPOSE_SSL_CLIENT) && !agent.serves_as(X509_PURPOSE_SSL_SERVER)));
  CHECK((server.serves_as(X509_PURPOSE_SSL_SERVER) && !server.serves_as(X509_PURPOSE_SSL_CLIENT)));
}

TEST_CASE("an agent's certificate does not outlive the authority", "[link]") {
  const Scratch folder;
  const auto made = authority(folder / "a").admit(make_request()->csr, {"agent-1", "", ""}, kNow + 9000 * kDay, kNow);
  REQUIRE(made);
  CHECK(agent_of(Pem(*made).get())->until == kNow + 3650 * kDay);
}

TEST_CASE("requests that are none, and names that are none, get no certificate", "[link]") {
  const Scratch folder;
  const auto own = authority(folder / "a");
  const auto csr = make_request()->csr;
  const auto refused = [&](const std::string& request, const AgentName& agent, std::time_t until = kNow + kDay) {
    const auto made = own.admit(request, agent, until, kNow);
    return !made && made.error().code == Error::Code::invalid;
  };
  for (const char* id : {"", "a b", "a\n", "CN=a", "ä"}) CHECK(refused(csr, {id, "", ""}));
  CHECK(refused(csr, {std::string(49, 'a'), "", ""}));
  CHECK(refused(csr, {"a", "b c", ""}));
  CHECK(refused(csr, {"a", "", "allocation b"}));
  CHECK(refused(csr, {"a", "", ""}, kNow));
  for (const auto& request : {std::string("nothing"), own.certificate(), tampered(csr)}) CHECK(refused(request, {"a", "", ""}));
}

TEST_CASE("an agent's key is of the one kind that is signed", "[link]") {
  const Scratch folder;
  for (const char* curve : {"P-384", "P-256"})
    CHECK(authority(folder / "a").admit(request_with(EVP_EC_gen(curve)), {"a", "", ""}, kNow + kDay, kNow).has_value() == (curve == std::string("P-256")));
  CHECK_FALSE(authority(folder / "a").admit(request_with(EVP_RSA_gen(2048)), {"a", "", ""}, kNow + kDay, kNow));
}
