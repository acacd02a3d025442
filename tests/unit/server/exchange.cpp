// SPDX-License-Identifier: Apache-2.0
#include "ui/server/exchange.hpp"

#include <catch2/catch.hpp>

#include "ui/server/query.hpp"

using namespace tune;

namespace {

std::string head(const std::string& more = "", const std::string& first = "GET /x?a=b HTTP/1.1") {
  return first + "\r\nHost: localhost\r\n" + more + "\r\n";
}
int status(const std::string& bytes) {
  const auto read = read_head(bytes);
  const auto* wrong = std::get_if<Malformed>(&read);
  return wrong ? wrong->status : 200;
}

constexpr std::string_view kKnown[] = {"a", "b"};
std::string value_of(std::string_view query) {
  const auto read = Query::read(query, kKnown);
  return read ? read->get("a") : "error: " + read.error().message;
}

}  // namespace

TEST_CASE("a head is read into method, target and headers", "[server]") {
  const auto read = read_head(head("X-Y: 1\r\nX-Y: 2\r\nETag: a\r\n"));
  const auto& request = std::get<Request>(read);
  CHECK((request.method == "GET" && request.path() == "/x" && request.query() == "a=b" && request.keep_alive));
  CHECK((request.count("x-y") == 2 && !request.only("x-y") && request.only("etag") == "a" && !request.only("none")));
}

TEST_CASE("bytes that others may read in another way are refused", "[server]") {
  const auto bytes = GENERATE(as<std::string>{}, "hello\r\n\r\n", "GET /x HTTP/1.1\nHost: localhost\n\n", head("Bad Header: x\r\n"),
                              std::string{"\0\0\0\0\r\n\r\n", 8}, head("X: a\r\n b\r\n"), head("X: a\rb\r\n"), head("X: a\nY: b\r\n"),
                              head("Content-Length: 3\r\nContent-Length: 3\r\n", "POST /x HTTP/1.1"),
                              head("Content-Length: -1\r\n", "POST /x HTTP/1.1"), head("Content-Length: 3\r\n"),
                              head("", "GET http://evil.example/ HTTP/1.1"), head("", "GET  /x HTTP/1.1"), head("", "OPTIONS * HTTP/1.1"),
                              head("Upgrade: websocket\r\n"), head(std::string("X: a\x01") + "\r\n"), head("", "GET /\xff HTTP/1.1"));
  CHECK(status(bytes) != 200);
}

TEST_CASE("what is too large or too new has a status of its own", "[server]") {
  CHECK(status(head("X: " + std::string(15000, 'x') + "\r\n")) == 200);
  CHECK(status(head("X: " + std::string(17000, 'x') + "\r\n")) == 431);
  CHECK(status(head("Content-Length: 1048577\r\n", "POST /x HTTP/1.1")) == 413);
  CHECK(status(head("Transfer-Encoding: chunked\r\n", "POST /x HTTP/1.1")) == 501);
  CHECK(status(head("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "POST /x HTTP/1.1")) != 200);
  CHECK(status(head("", "GET /x HTTP/9.9")) != 200);
}

TEST_CASE("a head ends with a blank line, and half of one is none yet", "[server]") {
  CHECK(head_length("GET / HTTP/1.1\r\nHost: local") == 0);
  CHECK(head_length("GET / HTTP/1.1\r\n\r\nmore") == 18);
  CHECK(head_length("GET / HTTP/1.1\n\nmore") == 16);
}

TEST_CASE("a query's values are decoded once", "[server]") {
  CHECK(value_of("a=1&b=2") == "1");
  CHECK(value_of("a=x+%3C+0.1%20and%20y") == "x < 0.1 and y");
  CHECK(value_of("a=%2525") == "%25");
  CHECK(value_of("") == "");
  CHECK(value_of("a=f%C3%BCr") == "für");
}

TEST_CASE("a query that cannot be read is refused and says what is known", "[server]") {
  const auto bad = GENERATE("a=%", "a=%4", "a=%zz", "a=%00", "a=%ff", "a=%c0%af", "a=1&a=2", "c=1", "A=1");
  CHECK_THAT(value_of(bad), Catch::StartsWith("error"));
  CHECK(Query::read("c=1", kKnown).error().hint == "it takes a, b");
}

TEST_CASE("a number in a query is whole and within its bounds", "[server]") {
  const auto query = Query::read("a=17&b=3,%204,5", kKnown);
  REQUIRE(query);
  CHECK(**query->whole("a", 0, 20) == 17);
  CHECK_FALSE(query->whole("a", 0, 16));
  CHECK_FALSE(query->whole("b", 0, 16));
  CHECK(*query->numbers("b") == std::vector<std::int64_t>{3, 4, 5});
  CHECK_FALSE(*query->whole("c", 0, 16));
}
