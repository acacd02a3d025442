// SPDX-License-Identifier: Apache-2.0
// tests/config/bad: the first line of each file says what it is about, "// E021 line 3"; "// --set …" lines may follow.
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "unit/config/catalogue.hpp"
#include "unit/config/corpus.hpp"

using namespace tune;
using namespace tune::testing;

namespace {

struct Expected {
  std::string code;
  int line = 0;
  std::vector<std::string> sets;
};

Expected expected(const std::string& text) {
  Expected out;
  std::istringstream in{text};
  std::string slashes, word, line;
  in >> slashes >> out.code >> word >> out.line;
  std::getline(in, line);
  while (std::getline(in, line) && line.starts_with("// --set ")) out.sets.push_back(line.substr(9));
  return out;
}

}  // namespace

TEST_CASE("every config of the bad corpus is refused with its code at its line", "[config][corpus]") {
  for (const auto& [name, text] : corpus("bad")) {
    const auto want = expected(text);
    const auto result = read(text, want.sets);
    INFO(name << "\n" << render_text(result.diagnostics));
    REQUIRE_FALSE(result.diagnostics.empty());
    CHECK(result.diagnostics[0].code == want.code);
    CHECK(result.diagnostics[0].line == want.line);
    CHECK(result.diagnostics.size() == 1);
    CHECK(result.spec.has_value() == want.code.starts_with("W"));
  }
}

TEST_CASE("every code that a config can have is in the corpus, and every code found is explained", "[config][corpus]") {
  std::set<std::string> seen;
  for (const auto& [name, text] : corpus("bad")) seen.insert(expected(text).code);
  for (const auto& code : all_codes())
    if (code.from_config) {
      INFO(code.code);
      CHECK(seen.contains(std::string{code.code}));
    }
  for (const auto& code : seen) {
    INFO(code);
    CHECK(find_code(code) != nullptr);
  }
}

TEST_CASE("codes stand in order and have a title, a text and an example", "[config]") {
  std::string_view last;
  for (const auto& code : all_codes()) {
    CHECK(code.code > last);
    CHECK_FALSE((code.title.empty() || code.text.empty() || code.example.empty()));
    last = code.code;
  }
  CHECK(find_code("e021") == find_code("E021"));
  CHECK(find_code("E999") == nullptr);
}
