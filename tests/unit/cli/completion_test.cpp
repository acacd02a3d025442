// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/completion.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "support/scratch.hpp"

using namespace tune;

namespace {

const std::vector<CompletedVerb> kVerbs = {
    {"sweep",
     "Run an experiment to its end",
     {{"--trials", "At most this many: it's a [limit]", true}, {"--dry-run", "Only show", false}},
     CompletedVerb::Operand::file},
    {"best", "The best trial", {}, CompletedVerb::Operand::experiment}};
const std::vector<CompletedOption> kCommon = {{"--store", "The store's file", true}, {"--help", "This help", false}};

/// What bash offers for the last word of `line`.
std::string offered(const std::string& line) {
  const Scratch folder;
  const auto script = folder.path() / "test.sh";
  std::ofstream{script} << *completion("bash", kVerbs, kCommon) << "tune() { echo mnist; echo digits; }\nCOMP_WORDS=("
                        << line << ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                        << "_tune\necho \"${COMPREPLY[*]}\"\n";
  FILE* const shell = ::popen(("bash " + script.string() + " 2>&1").c_str(), "r");
  std::string out;
  for (int c; (c = std::fgetc(shell)) != EOF;) out += static_cast<char>(c);
  ::pclose(shell);
  return out.substr(0, out.find_last_not_of('\n') + 1);
}

}  // namespace

TEST_CASE("bash completes verbs, options of the verb and names of experiments", "[cli]") {
  CHECK(offered("tune ''") == "sweep best");
  CHECK(offered("tune s") == "sweep");
  CHECK(offered("tune sweep --t") == "--trials");
  CHECK(offered("tune best --t").empty());
  CHECK(offered("tune best --s") == "--store");
  CHECK(offered("tune best ''") == "mnist digits");
  CHECK(offered("tune best d") == "digits");
}

TEST_CASE("zsh and fish text names every verb and option, quotes survive", "[cli]") {
  const auto shell = GENERATE("zsh", "fish");
  const auto text = completion(shell, kVerbs, kCommon);
  REQUIRE(text);
  for (const auto* word :
       {"sweep", "best", "trials", "dry-run", "store", "Run an experiment to its end", "The store'\\''s file"})
    CHECK_THAT(*text, Catch::Contains(word));
}

TEST_CASE("brackets in a help text do not end it in zsh", "[cli]") {
  CHECK_THAT(*completion("zsh", kVerbs, kCommon), Catch::Contains(R"(it'\''s a \[limit\]])"));
}

TEST_CASE("another shell is refused by name", "[cli]") {
  const auto text = completion("tcsh\x1b", kVerbs, kCommon);
  REQUIRE_FALSE(text);
  CHECK_THAT(text.error().message, Catch::Contains("tcsh") && !Catch::Contains("\x1b"));
}
