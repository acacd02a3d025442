// SPDX-License-Identifier: Apache-2.0
#include "ui/server/server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

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
