// SPDX-License-Identifier: Apache-2.0
#include "executors/process/conformance.hpp"

#include <catch2/catch.hpp>

using namespace tune;
using Verdict = Conformance::Verdict;

namespace {
Conformance check(std::vector<std::string> command) {
  Spec spec;
  spec.objectives = {{"loss"}};
  spec.command = std::move(command);
  auto found = check_conformance(std::move(spec), Params{{"lr", 0.5}}, Duration{10});
  REQUIRE(found);
  INFO(found->text());
  return *found;
}
Verdict verdict(const Conformance& c, const std::string& subject) {
  INFO(c.text() << subject);
  REQUIRE(c.find(subject));
  return c.find(subject)->verdict;
}
}  // namespace

TEST_CASE("a program that speaks the whole protocol is found to", "[conformance]") {
  const auto found = check({TUNE_REPORTER_PROBE});
  for (const char* subject : {"reports", "stop", "checkpoint", "pause", "resume", "kill"})
    CHECK(verdict(found, subject) == Verdict::yes);
}

TEST_CASE("a program that only prints a number is usable and no more", "[conformance]") {
  const auto found = check({"sh", "-c", "echo '::tune {\"loss\": 1}'"});
  CHECK(found.usable());
  CHECK(verdict(found, "stop") == Verdict::unknown);
  CHECK(verdict(found, "checkpoint") == Verdict::no);
}

TEST_CASE("a program that reports nothing, or not the objective, is told why", "[conformance]") {
  CHECK_FALSE(check({"true"}).usable());
  CHECK(check({"no-such-program"}).find("reports")->text.find("No such file") != std::string::npos);
  CHECK(check({"sh", "-c", "echo '::tune {\"accuracy\": 1}'"}).find("reports")->text == "1 report, but the last one has no `loss`");
}
