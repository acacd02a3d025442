// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/engine.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <set>

#include "tests/support/scratch.hpp"

using namespace tune;

TEST_CASE("an allocation's description survives the journal", "[engines]") {
  AgentSpec spec;
  spec.per_agent = {2.5, 1, 1 << 30, {{"licence", 2}}};
  spec.agents = 3;
  spec.gang = true;
  spec.walltime = {3600};
  spec.join_file = "/shared/\"join\".json";
  spec.program = "/usr/bin/tune";
  spec.arguments = {"--cpus", "2"};
  spec.labels = {{"team", "a"}};
  spec.site_args = {"--partition=long"};
  const auto again = agent_spec(to_json(spec));
  REQUIRE(again);
  CHECK(*again == spec);
}

TEST_CASE("what is no description of an allocation is refused", "[engines]") {
  for (const auto* text : {"", "{}", "[]", "{\"agents\":0}", "{\"agents\":1,\"per_agent\":3}"}) CHECK_FALSE(agent_spec(text));
  std::string zero = to_json(AgentSpec{});
  CHECK(agent_spec(zero));
  zero.replace(zero.find("\"agents\":1"), 10, "\"agents\":0");
  CHECK_FALSE(agent_spec(zero));
}

TEST_CASE("every state of an allocation has a word, and the word leads back to it", "[engines]") {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(AllocationState::unknown); ++i) {
    const auto state = static_cast<AllocationState>(i);
    CHECK(allocation_state(to_text(state)) == state);
    words.insert(to_text(state));
  }
  CHECK(words.size() == 8);
  CHECK_FALSE(allocation_state("RUNNING"));
}

TEST_CASE("a key is a word that every engine takes as a name", "[engines]") {
  CHECK(is_key("tune-4f2a-1"));
  for (const auto* text : {"", "1a", "-a", "a-", "A", "a b", "a,b", "a/b", "a.b", "a_b"}) CHECK_FALSE(is_key(text));
  CHECK_FALSE(is_key(std::string(41, 'a')));
}

TEST_CASE("a line of a shell is quoted where it must be", "[engines]") {
  const std::vector<std::string> argv = {"tune", "a b", "", "it's", "--x=1"};
  CHECK(detail::shell_line(argv) == "tune 'a b' '' 'it'\\''s' --x=1");
}

TEST_CASE("the tail of a text is its last lines", "[engines]") {
  CHECK(detail::tail_of_text("a\nb\nc\n", 2) == "b\nc\n");
  CHECK(detail::tail_of_text("a\nb\nc", 1) == "c");
  CHECK(detail::tail_of_text("a\nb", 9) == "a\nb");
  CHECK(detail::tail_of_text("", 3) == "");
}

TEST_CASE("the tail of a file is of its end, however long it is; a file that is not there is said to be missing", "[engines]") {
  Scratch scratch;
  std::ofstream(scratch / "log") << std::string(200'000, 'x') << "\nlast\n";
  CHECK(*detail::tail_of_file(scratch / "log", 1) == "last\n");
  CHECK(detail::tail_of_file(scratch / "log", 2)->size() == 64 << 10);
  CHECK(detail::tail_of_file(scratch / "none", 2).error().code == Error::Code::not_found);
}

TEST_CASE("engines have names of their own and a sentence of help", "[engines]") {
  std::set<std::string_view> names;
  for (const auto& entry : engines()) {
    CHECK(names.insert(entry.info.name).second);
    CHECK_FALSE(entry.info.help.empty());
  }
}
