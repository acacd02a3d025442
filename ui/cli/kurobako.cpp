// SPDX-License-Identifier: Apache-2.0
#include "ui/api/kurobako.hpp"

#include <iostream>

#include "ui/cli/invocation.hpp"

namespace tune {

int kurobako_verb(Invocation& call) {
  if (call.words().size() != 1 || call.words()[0] != "solver")
    return call.fail(usage_error("`tune kurobako` is a solver", "kurobako solver command tune kurobako solver"));
  KurobakoOptions options;
  options.search = call.get("search").value_or(options.search);
  options.scheduler = call.get("scheduler").value_or(options.scheduler);
  options.sets = call.all("set");
  const auto solver = KurobakoSolver::make(std::move(options));
  if (!solver) return call.fail(solver.error());
  const auto say = [](const std::string& line) {
    std::fputs((line + "\n").c_str(), stdout);
    return std::fflush(stdout) == 0;
  };
  if (!say((*solver)->specification())) return kUnexpected;
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);)
    if (const auto reply = (*solver)->answer(line); reply && !say(*reply)) return kUnexpected;
  return kOk;
}

}  // namespace tune
