// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/query.hpp"

#include "ui/cli/subject.hpp"
#include "ui/view/text.hpp"

namespace tune {

Result<TrialQuery> query_from(const Invocation& call, const ExperimentRow& experiment) {
  TrialQuery query;
  query.where = call.get("where").value_or("");
  if (auto sort = call.get("sort"); sort && !sort->empty()) {
    query.descending = sort->front() == '-';
    query.sort = query.descending ? sort->substr(1) : *sort;
  }
  const auto top = call.whole("top");
  if (!top) return top.error();
  query.top = *top;
  query.columns = comma_separated(call.get("columns").value_or(""));
  for (const auto& word : comma_separated(call.get("state").value_or(""))) {
    const auto state = trial_state(word);
    if (!state)
      return usage_error("`" + printable(word) + "` is no state of a trial",
                         "queued, leased, running, paused, complete, stopped, failed, infeasible or cancelled");
    query.states.push_back(*state);
  }
  if (const auto spec = spec_of(experiment)) query.objective = spec->objectives.front().metric;
  return query;
}

}  // namespace tune
