// SPDX-License-Identifier: Apache-2.0
// `tune ranks`: the process that stands for an attempt of several ranks on one machine. Nobody types it.
#include "executors/process/ranks_launcher.hpp"

#include "executors/own_program.hpp"
#include "ui/cli/invocation.hpp"

namespace tune {

int ranks_verb(Invocation& call) {
  const auto text = call.get("plan");
  if (!text || call.rest().empty()) return call.fail(usage_error("`tune ranks` takes a plan and a program: --plan JSON -- PROGRAM ARG…"));
  const auto plan = parse_ranks_plan(*text);
  if (!plan) return call.fail(plan.error());
  return call.has("as-rank") ? run_as_rank(*plan, call.rest()) : launch_ranks(*plan, call.rest(), own_program());
}

}  // namespace tune
