// SPDX-License-Identifier: Apache-2.0
#include "ui/metrics/scrape.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

using namespace tune;

namespace {

const std::string kToken(64, 'a');

std::string ask(const std::string& request, const std::string& token = kToken) {
  return answers(request, token, [] { return std::string{"tune_trials 3\n"}; });
}

std::string get(const std::string& target, const std::string& more = "", const std::string& host = "localhost") {
  return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n";
}

const std::string kAuthorized = "Authorization: Bearer " + kToken + "\r\n";

std::string status(const std::string& answer) { return answer.size() < 12 ? answer : answer.substr(9, 3); }

/// What the server at `address` (127.0.0.1:PORT) sends before it closes, or before `bytes` have come.
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

Result<std::unique_ptr<ScrapeServer>> serve(const std::string& address, const std::string& token = kToken) {
  return ScrapeServer::open({address, token}, [] { return std::string{"tune_trials 3\n"}; });
}

}  // namespace

TEST_CASE("the page is given to those who show the token", "[metrics]") {
  const auto answer = ask(get("/metrics", kAuthorized));
  CHECK(status(answer) == "200");
  CHECK_THAT(answer, Catch::Contains("Content-Type: text/plain; version=0.0.4") && Catch::EndsWith("\r\n\r\ntune_trials 3\n"));
}

TEST_CASE("without the token, or with another, there is no page", "[metrics]") {
  const auto header = GENERATE(as<std::string>{}, "", "Authorization: Bearer \r\n", "Authorization: Bearer " + std::string(64, 'b') + "\r\n",
                               "Authorization: Bearer " + kToken + "a\r\n", "Authorization: " + kToken + "\r\n",
                               "Authorization: Basic " + kToken + "\r\n", "Cookie: " + kToken + "\r\n",
                               kAuthorized + kAuthorized);
  const auto answer = ask(get("/metrics", header));
  CHECK(status(answer) == "401");
  CHECK_THAT(answer, Catch::Contains("WWW-Authenticate: Bearer") && !Catch::Contains("tune_trials"));
}

TEST_CASE("a public page needs no token", "[metrics]") { CHECK(status(ask(get("/metrics"), "")) == "200"); }

TEST_CASE("only this machine's own names are answered", "[metrics]") {
  const auto good = GENERATE("localhost", "LOCALHOST:9464", "127.0.0.1", "127.0.0.1:9464", "[::1]", "[::1]:80");
  CHECK(status(ask(get("/metrics", kAuthorized, good))) == "200");
  const auto evil = GENERATE("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "", "localhost:", "localhost:x",
                             "localhost:999999", "[::1", "localhost.");
  CHECK(status(ask(get("/metrics", kAuthorized, evil))) == "421");
}

TEST_CASE("a request without exactly one host is misdirected", "[metrics]") {
  CHECK(status(ask("GET /metrics HTTP/1.0\r\n\r\n")) == "421");
  CHECK(status(ask(get("/metrics", "Host: localhost\r\n" + kAuthorized))) == "421");
}

TEST_CASE("there is one page and one method", "[metrics]") {
  CHECK(status(ask(get("/", kAuthorized))) == "404");
  CHECK(status(ask(get("/metrics/../secret", kAuthorized))) == "404");
  CHECK(status(ask(get("/metrics?name=x", kAuthorized))) == "200");
  const auto method = GENERATE("HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "FOO");
  CHECK(status(ask(std::string{method} + " /metrics HTTP/1.1\r\nHost: localhost\r\n" + kAuthorized + "\r\n")) == "405");
}

TEST_CASE("bytes that are not a plain request are refused and end the connection", "[metrics]") {
  const auto bytes = GENERATE(as<std::string>{}, "hello\r\n\r\n", "GET /metrics HTTP/9.9\r\n\r\n", "GET /metrics HTTP/1.1\nHost: localhost\n\n",
                              get("/metrics", kAuthorized + "Content-Length: 3\r\n") + "abc",
                              get("/metrics", kAuthorized + "Transfer-Encoding: chunked\r\n") + "1\r\na\r\n0\r\n\r\n",
                              get("/metrics", kAuthorized + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n",
                              get("/metrics", "Bad Header: x\r\n"), std::string{"\0\0\0\0\r\n\r\n", 8});
  const auto answer = ask(bytes + get("/metrics", kAuthorized));
  CHECK(status(answer) == "400");
  CHECK_THAT(answer, Catch::Contains("Connection: close") && !Catch::Contains("200 OK"));
}

TEST_CASE("headers end at 16 KiB", "[metrics]") {
  CHECK(status(ask(get("/metrics", kAuthorized + "X: " + std::string(15000, 'x') + "\r\n"))) == "200");
  CHECK(status(ask(get("/metrics", kAuthorized + "X: " + std::string(17000, 'x') + "\r\n"))) == "431");
}

TEST_CASE("a peer may ask again on the same connection", "[metrics]") {
  const auto both = ask(get("/metrics", kAuthorized) + get("/metrics", kAuthorized));
  CHECK(both.find("200 OK") != both.rfind("200 OK"));
}

TEST_CASE("half a request has no answer yet", "[metrics]") { CHECK(ask("GET /metrics HTTP/1.1\r\nHost: local").empty()); }

TEST_CASE("the server listens where it says and answers there", "[metrics]") {
  const auto server = serve("127.0.0.1:0");
  REQUIRE(server);
  const auto answer = talk((*server)->address(), get("/metrics", kAuthorized + "Connection: close\r\n"));
  CHECK(status(answer) == "200");
  CHECK_THAT(answer, Catch::EndsWith("tune_trials 3\n"));
}

TEST_CASE("the server tells a peer whose headers have no end, and closes", "[metrics]") {
  const auto server = serve("127.0.0.1:0");
  REQUIRE(server);
  CHECK(status(talk((*server)->address(), get("/metrics", "X: " + std::string(17000, 'x') + "\r\n"))) == "431");
}

TEST_CASE("an address that others could reach is refused", "[metrics]") {
  const auto address = GENERATE("0.0.0.0:0", "[::]:0", "192.0.2.1:9464");
  const auto server = serve(address);
  REQUIRE_FALSE(server);
  CHECK(server.error().code == Error::Code::invalid);
  CHECK_THAT(server.error().message, Catch::Contains("other machines"));
}

TEST_CASE("text that is no address is refused", "[metrics]") {
  const auto address = GENERATE("", "localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:80x", "nowhere.example:80");
  const auto server = serve(address);
  REQUIRE_FALSE(server);
  CHECK_THAT(server.error().message, Catch::Contains("is not an address"));
}

TEST_CASE("a port that is taken is a conflict", "[metrics]") {
  const auto first = serve("127.0.0.1:0");
  REQUIRE(first);
  const auto second = serve((*first)->address());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Error::Code::conflict);
}

TEST_CASE("a server that ends closes its connections and frees its port", "[metrics]") {
  auto first = serve("127.0.0.1:0");
  REQUIRE(first);
  const std::string address = (*first)->address();
  CHECK(status(talk(address, get("/metrics", kAuthorized + "Connection: close\r\n"))) == "200");
  first.value().reset();
  CHECK(serve(address));
}
