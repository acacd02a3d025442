// SPDX-License-Identifier: Apache-2.0
#include "ui/server/tls.hpp"

#include <catch2/catch.hpp>

#include "executors/link/host_name.hpp"
#include "support/scratch.hpp"

using namespace tune;

namespace {

TlsSettings own(std::vector<std::string> hosts = {}) {
  TlsSettings settings;
  settings.own = true, settings.hosts = std::move(hosts);
  return settings;
}
Identity identity(std::vector<std::string> names) { return {"", "", std::move(names)}; }

}  // namespace

TEST_CASE("an own certificate is for this machine, the address and the names that were given", "[server]") {
  const Scratch folder;
  const auto made = tls_identity(own({"GPU1.lab", "fd00:0::2"}), folder / "a", "192.0.2.7:80");
  REQUIRE(made);
  for (const char* name : {"localhost", "127.0.0.1", "::1", "192.0.2.7", "gpu1.lab", "fd00::2"}) CHECK(is_among(made->names, name));
  for (const char* name : {"gpu2.lab", "192.0.2.8", "0.0.0.0"}) CHECK_FALSE(is_among(made->names, name));
}

TEST_CASE("people are shown a name that the certificate vouches for", "[server]") {
  CHECK(shown_address(own({"Gpu1.lab"}), identity({"gpu1.lab", "127.0.0.1"}), "127.0.0.1:80") == "gpu1.lab:80");
  CHECK(shown_address(own(), identity({"localhost", "127.0.0.1"}), "127.0.0.1:80") == "127.0.0.1:80");
  CHECK(shown_address(own(), identity({"localhost", "::1"}), "[::1]:80") == "[::1]:80");
  CHECK(shown_address({}, identity({"*.lab", "gpu9.lab"}), "127.0.0.1:80") == "gpu9.lab:80");
  CHECK(shown_address({}, identity({"*.example"}), "127.0.0.1:80") == "127.0.0.1:80");
}

TEST_CASE("programs of this machine get an address that needs no resolver", "[server]") {
  const auto names = identity({"gpu1.lab", "127.0.0.1", "::1", "192.0.2.7"});
  CHECK(local_address(own({"gpu1.lab"}), names, "0.0.0.0:80") == "127.0.0.1:80");
  CHECK(local_address(own({"gpu1.lab"}), names, "[::]:80") == "[::1]:80");
  CHECK(local_address(own({"gpu1.lab"}), names, "192.0.2.7:80") == "192.0.2.7:80");
  CHECK(local_address({}, identity({"gpu9.lab"}), "0.0.0.0:80") == "gpu9.lab:80");
}

TEST_CASE("options for TLS that do not fit together are refused", "[server]") {
  TlsSettings half, both = own(), alone, odd = own({"*.lab"});
  half.certificate = "a.pem", both.certificate = both.key = "a.pem", alone.hosts = {"gpu1.lab"};
  for (const auto& settings : {half, both, alone, odd, own({"0.0.0.0"}), own({"gpu1.lab:80"})}) {
    const auto checked = check_tls(settings);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == Error::Code::invalid);
  }
  CHECK(check_tls(own({"gpu1.lab", "192.0.2.7"})));
  CHECK(check_tls({}));
}
