// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ui/cli/subject.hpp"

namespace tune {
namespace {

std::int64_t finished(const ExperimentRow& row) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < row.counts.size(); ++i)
    if (is_final(static_cast<TrialState>(i))) sum += row.counts[i];
  return sum;
}

bool wanted(const Invocation& call, const ExperimentRow& row) {
  const auto tag = call.get("tag");
  if (tag && std::find(row.tags.begin(), row.tags.end(), *tag) == row.tags.end()) return false;
  return !row.archived || call.has("all");
}

Shown best(const ExperimentRow& row) { return row.best_value ? Shown(*row.best_value, Style::cyan) : Shown(); }

}  // namespace

int ls_verb(Invocation& call) {
  if (!call.words().empty())
    return call.fail(usage_error("`tune ls` takes no arguments", "tune status EXPERIMENT tells about one"));
  const auto reader = StoreReader::open(call.store());
  if (!reader) return call.fail(reader.error());
  const auto rows = (*reader)->experiments();
  if (!rows) return call.fail(rows.error());

  Listing listing({{"experiment", true},
                   {"state"},
                   {"trials"},
                   {"finished"},
                   {"failed"},
                   {"best"},
                   {"best_trial"},
                   {"created"},
                   {"tags", true}});
  for (const auto& row : *rows) {
    if (!wanted(call, row)) continue;
    if (call.output() == "names") {
      call.print(row.name + "\n");
      continue;
    }
    const auto state = state_text(row);
    std::string tags;
    for (const auto& tag : row.tags) tags += (tags.empty() ? "" : ",") + tag;
    listing.add({Shown(row.name, Style::bold), Shown(state, state == "interrupted" ? Style::yellow : Style::plain),
                 row.trials, finished(row), Shown(row.counts[static_cast<std::size_t>(TrialState::failed)]), best(row),
                 row.best_trial ? Shown(row.best_trial->value) : Shown(),
                 Shown::shown_as(time_text(row.created), Shown(row.created)), tags});
  }
  if (call.output() != "names") call.print(listing);
  return kOk;
}

}  // namespace tune
