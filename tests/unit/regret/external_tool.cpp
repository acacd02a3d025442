// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "bench/regret/tool.hpp"
#include "support/scratch.hpp"
#include "unit/regret/fixtures.hpp"

using namespace tune;
using namespace tune::regret;
using namespace tune::regret::test;

namespace {

// Peers of one line each, on the protocol module that all peers use.
ToolFactory peer(const std::string& name, const std::string& body) {
  return external_tool("env PYTHONPATH=bench/regret/peers PYTHONDONTWRITEBYTECODE=1 python3 -c '"
                       "import protocol\n"
                       "class Peer:\n"
                       "    def __init__(self, space, seed, trials): self.space, self.told = space, []\n"
                       "    def tell(self, number, params, value): self.told.append(value)\n"
                       "    def ask(self, number): " + body + "\n"
                       "protocol.serve(\"" + name + "\", \"2.5\", Peer)'");
}

Result<Run> go(const ToolFactory& make, int trials) {
  auto tool = make();
  if (!tool) return tool.error();
  const Problem p = parabola();
  Setting s;
  s.trials = trials, s.workers = 2;
  return run(**tool, p, measure_reference(p), s);
}

}  // namespace

TEST_CASE("another program is asked and told through lines of JSON", "[regret]") {
  const Run r = go(peer("fixed", "return {\"x\": 0.75 if not self.told else 0.25}"), 6).value();
  CHECK((r.tool == "fixed" && r.version == "2.5" && r.finished == 6));
  CHECK(r.best.front().second == 0.25);
  CHECK(r.best.back().second == 0);
}

TEST_CASE("another program sees failures, and may have nothing to propose", "[regret]") {
  CHECK(go(peer("fails", "return {\"x\": 0.95} if len(self.told) < 2 else {\"x\": 0.5} if None in self.told else None"), 5)
            .value()
            .failed.size() >= 2);
  CHECK(go(peer("ends", "return {\"x\": 0.5} if number < 3 else None"), 5).value().finished == 3);
}

TEST_CASE("an answer outside of the space ends the measurement with what was wrong", "[regret]") {
  const auto r = go(peer("outside", "return {\"x\": 7.0}"), 3);
  REQUIRE_FALSE(r);
  CHECK(r.error().message.find("x") != std::string::npos);
}

TEST_CASE("a program that is not there or ends early is an error", "[regret]") {
  CHECK_FALSE(go(external_tool("no-such-program-of-ours 2>/dev/null"), 3));
  CHECK_FALSE(go(external_tool("echo \"{}\""), 3));
  CHECK_FALSE(go(external_tool("echo \"{\\\"tool\\\": \\\"t\\\", \\\"version\\\": \\\"1\\\"}\""), 3));
}
