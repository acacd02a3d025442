// SPDX-License-Identifier: Apache-2.0
#include "ui/server/relay.hpp"

#include <unistd.h>

#include "rig.hpp"

using namespace tune;
using namespace tune::test;

TEST_CASE("the last report of a body waits for its answer, whatever it says", "[server]") {
  const auto [body, lines, answers] = GENERATE(table<std::string, std::string, int>({
      {"{\"loss\":1}", "{\"loss\":1,\"sync\":true}\n", 1},
      {"{}", "{\"sync\":true}\n", 1},
      {"{ }\n\n", "{ \"sync\":true}\n", 1},
      {"{\"loss\":1,\"sync\":true}", "{\"loss\":1,\"sync\":true}\n", 1},
      {"{\"loss\":1,\"sync\":false}\r\n", "{\"loss\":1,\"sync\":false,\"sync\":true}\n", 1},
      {"{\"loss\":1,\"sync\":true}\n{\"loss\":2}\n", "{\"loss\":1,\"sync\":true}\n{\"loss\":2,\"sync\":true}\n", 2},
      {"{\"loss\":1}\n{\"loss\":2}", "{\"loss\":1}\n{\"loss\":2,\"sync\":true}\n", 1},
  }));
  const auto read = read_report_lines(body);
  REQUIRE(read);
  CHECK(read->lines == lines);
  CHECK(read->answers == answers);
}

TEST_CASE("a body that is no report is refused before anybody hears of it", "[server]") {
  const std::string body = GENERATE("", "\n\n", "[]", "{\"loss\":", "loss=1", "{\"loss\":1}\nx\n", "{\"loss\":1} {}");
  CHECK_FALSE(read_report_lines(body));
}

TEST_CASE("a report to an experiment that nobody runs is a conflict", "[server]") {
  Served served;
  const std::string body = "{\"loss\":1}";
  const auto answer = answers(served.request("/api/v1/experiments/digits/trials/0/attempts/1/reports",
                                             "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n", "POST") + body,
                              *served.site);
  CHECK(status(answer) == "409");
}

TEST_CASE("a relay whose peers never answer ends when it is asked to", "[server]") {
  Scratch folder;
  Relay relay;
  CHECK_FALSE(relay.carry(folder / "nowhere", "t", "{}\n", 1));
  REQUIRE(::symlink("/dev/null", (folder / "sock").c_str()) == 0);
  CHECK_FALSE(relay.carry(folder / "sock", "t", "{}\n", 1));
}
