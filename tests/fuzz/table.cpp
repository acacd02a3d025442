// SPDX-License-Identifier: Apache-2.0
// A table of measurements, in parts after lines of `=`: its description, the configurations, what was measured. Refused with a
// message for people, or trials whose every list is as long as the next, and which can be run.
#include <cstdint>
#include <cstdlib>
#include <fstream>

#include "executors/table_problem.hpp"
#include "tests/support/scratch.hpp"

using namespace tune;

namespace {

Spec spec() {
  Dimension x, opt;
  x.name = "x", x.max = 1;
  opt.name = "opt", opt.kind = Dimension::Kind::choice, opt.values = {std::string{"adam"}, std::string{"sgd"}};
  Spec s;
  s.space = Space::make({x, opt}).value();
  s.objectives.emplace_back().metric = "loss";
  return s;
}

[[noreturn]] void wrong() { std::abort(); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch folder;
  static const Spec settings = spec();
  std::string_view rest{reinterpret_cast<const char*>(bytes), size};
  for (const char* name : {"table.json", "configs.csv", "results.csv"}) {
    const auto end = std::min(rest.find("\n=\n"), rest.size());
    std::ofstream(folder / name, std::ios::binary) << rest.substr(0, end);
    rest.remove_prefix(std::min(end + 3, rest.size()));
  }
  const std::string path = folder / "table.json";
  const auto is_raw = [](const Error& e) { return e.message.empty() || e.message.find("json.exception") != std::string::npos; };
  if (const auto said = table_settings(path); !said && is_raw(said.error())) wrong();
  const auto table = read_table(path, settings);
  if (!table && is_raw(table.error())) wrong();
  if (table)
    for (const auto& t : table->trials)
      if (t.steps.size() != t.values.size() || t.unit.size() != settings.space.size()) wrong();
  if (const auto problem = table_problem(path, settings); problem) {
    const auto course = problem.value()->course({{"x", 0.5}, {"opt", std::string{"sgd"}}});
    std::vector<double> values(problem.value()->metrics().size());
    course.measure(course.steps, values);
  }
  return 0;
}
