// SPDX-License-Identifier: Apache-2.0
#include "ui/server/server.hpp"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>

#include "support/scratch.hpp"

using namespace tune;

namespace {

/// Answers every path with its name, and refuses /no before its body is read.
class Echo final : public Service {
 public:
  std::optional<Response> admit(const Request& request) override {
    if (request.path() != "/no") return std::nullopt;
    Response no;
    no.status = 403;
    return no;
  }
  Response serve(const Request& request) override {
    Response response;
    response.body = Body(request.target + request.body);
    return response;
  }
  Response refuse(const Malformed& wrong) override {
    Response response;
    response.status = wrong.status;
    return response;
  }
};

std::string get(const std::string& target, const std::string& more = "") { return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n"; }

/// What the server at `address` (127.0.0.1:PORT) sends before it closes.
std::string talk(const std::string& address, const std::string& request) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  REQUIRE(::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
  std::string answer;
  char part[4096];
  for (ssize_t n; (n = ::recv(fd, part, sizeof part, 0)) > 0;) answer.append(part, static_cast<std::size_t>(n));
  ::close(fd);
  return answer;
}

/// What follows a TLS handshake with the server at `address`: its certificate, as OpenSSL writes the number.
std::string certificate_of(const std::string& address) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> peer(SSL_new(context.get()), SSL_free);
  BIO* const wire = BIO_new_connect(address.c_str());
  SSL_set_bio(peer.get(), wire, wire);
  REQUIRE(SSL_connect(peer.get()) == 1);
  const std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(peer.get()), X509_free);
  const auto* number = X509_get0_serialNumber(shown.get());
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(number)), static_cast<std::size_t>(ASN1_STRING_length(number))};
}

/// Certificates for localhost: as many as `most`, then none.
struct Certificates {
  Scratch folder;
  Authority authority = *Authority::open(folder / "a", 1'800'000'000);
  std::atomic<int> asked = 0;
  int most;
  explicit Certificates(int how_many) : most(how_many) {}
  Result<Identity> next() {
    if (++asked <= most) return authority.issue({"localhost"}, 1'800'000'000);
    return Error{Error::Code::io, "no more", ""};
  }
};

Echo echo;
Result<std::unique_ptr<Server>> serve(const std::string& address) { return Server::open({address}, echo); }

}  // namespace

TEST_CASE("the server listens where it says and answers there", "[server]") {
  const auto server = serve("127.0.0.1:0");
  REQUIRE(server);
  CHECK_THAT(talk((*server)->address(), get("/a", "Connection: close\r\n")), Catch::StartsWith("HTTP/1.1 200") && Catch::EndsWith("\r\n\r\n/a"));
}

TEST_CASE("a peer may ask again on the same connection, with a body or without", "[server]") {
  const auto server = serve("127.0.0.1:0");
  REQUIRE(server);
  const auto both = talk((*server)->address(), "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nxyz" + get("/b", "Connection: close\r\n"));
  CHECK_THAT(both, Catch::Contains("\r\n\r\n/axyzHTTP/1.1 200") && Catch::EndsWith("/b"));
}

TEST_CASE("whoever is refused gets no body read and no second answer", "[server]") {
  const auto server = serve("127.0.0.1:0");
  REQUIRE(server);
  const auto answer = talk((*server)->address(), "POST /no HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n" + get("/b"));
  CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 403") && Catch::Contains("Connection: close") && !Catch::Contains("200 OK"));
}

TEST_CASE("the server tells a peer whose headers have no end, and closes", "[server]") {
  const auto server = serve("127.0.0.1:0");
  REQUIRE(server);
  CHECK_THAT(talk((*server)->address(), get("/a", "X: " + std::string(17000, 'x') + "\r\n")), Catch::StartsWith("HTTP/1.1 431"));
}

TEST_CASE("an address that others could reach is refused", "[server]") {
  const auto server = serve(GENERATE("0.0.0.0:0", "[::]:0", "192.0.2.1:9464"));
  REQUIRE_FALSE(server);
  CHECK(server.error().code == Error::Code::invalid);
  CHECK_THAT(server.error().message, Catch::Contains("other machines"));
}

TEST_CASE("an address that others could reach is served through TLS", "[server]") {
  Certificates certificates(1);
  const auto server = Server::open({"0.0.0.0:0", 1, [&] { return certificates.next(); }}, echo);
  REQUIRE(server);
  CHECK_THAT(talk((*server)->address(), get("/a")), Catch::StartsWith("HTTP/1.1 400") && Catch::Contains("use https://") && !Catch::EndsWith("/a"));
  CHECK_FALSE(certificate_of((*server)->address()).empty());
}

TEST_CASE("a certificate is renewed while the server runs", "[server]") {
  Certificates certificates(1'000'000);
  const auto server = Server::open({"127.0.0.1:0", 1, [&] { return certificates.next(); }, std::chrono::milliseconds(1)}, echo);
  REQUIRE(server);
  const auto first = certificate_of((*server)->address());
  while (certificate_of((*server)->address()) == first) {
  }
  CHECK(certificates.asked > 1);
}

TEST_CASE("a certificate that cannot be renewed serves on", "[server]") {
  Certificates certificates(1);
  const auto server = Server::open({"127.0.0.1:0", 1, [&] { return certificates.next(); }, std::chrono::milliseconds(1)}, echo);
  REQUIRE(server);
  const auto first = certificate_of((*server)->address());
  while (certificates.asked < 4) std::this_thread::yield();
  CHECK(certificate_of((*server)->address()) == first);
}

TEST_CASE("without a certificate no encrypted server is opened", "[server]") {
  const auto server = Server::open({"127.0.0.1:0", 1, [] { return Result<Identity>(Error{Error::Code::corrupt, "no certificate", ""}); }}, echo);
  REQUIRE_FALSE(server);
  CHECK(server.error().code == Error::Code::corrupt);
}

TEST_CASE("text that is no address is refused", "[server]") {
  const auto server = serve(GENERATE("", "localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:80x", "nowhere.example:80"));
  REQUIRE_FALSE(server);
  CHECK_THAT(server.error().message, Catch::Contains("is not an address"));
}

TEST_CASE("a port that is taken is a conflict, and free once its server ends", "[server]") {
  auto first = serve("127.0.0.1:0");
  REQUIRE(first);
  const std::string address = (*first)->address();
  const auto second = serve(address);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Error::Code::conflict);
  first.value().reset();
  CHECK(serve(address));
}
