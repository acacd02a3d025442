// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ui/cli/front.hpp"

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

struct Line {
  ExperimentRow row;
  std::optional<Front> front;  ///< Where there are several objectives: no trial of several is the best.

  Shown best() const { return row.best_value && !front ? Shown(*row.best_value, Style::cyan) : Shown(); }
  Shown best_trial() const { return row.best_trial && !front ? Shown(row.best_trial->value) : Shown(); }
  Shown front_size() const { return front ? Shown(static_cast<std::int64_t>(front->members().size())) : Shown(); }
};

Line line_of(const StoreReader& reader, ExperimentRow row) {
  Line line{std::move(row), {}};
  const auto spec = spec_of(line.row);
  if (!spec || spec->objectives.size() < 2) return line;
  if (auto front = front_of(reader, line.row, *spec)) line.front = std::move(front).value();
  return line;
}

/// For people without the column `front` where no experiment has one.
Listing listing_of(const std::vector<Line>& lines, bool for_people) {
  std::vector<Listing::Column> columns{{"experiment", true}, {"state"}, {"trials"}, {"finished"}, {"failed"},
                                       {"best"}, {"best_trial"}, {"created"}, {"tags", true}};
  const bool fronts = !for_people || std::any_of(lines.begin(), lines.end(), [](const Line& l) { return l.front.has_value(); });
  if (fronts) columns.push_back({"front"});
  Listing listing(std::move(columns));
  for (const Line& line : lines) {
    const auto& row = line.row;
    const auto state = state_text(row);
    std::string tags;
    for (const auto& tag : row.tags) tags += (tags.empty() ? "" : ",") + tag;
    std::vector<Shown> shown{Shown(row.name, Style::bold),
                             Shown(state, state == "interrupted" ? Style::yellow : Style::plain),
                             row.trials, finished(row), Shown(row.counts[static_cast<std::size_t>(TrialState::failed)]),
                             line.best(), line.best_trial(), Shown::shown_as(time_text(row.created), Shown(row.created)), tags};
    if (fronts) shown.push_back(line.front_size());
    listing.add(std::move(shown));
  }
  return listing;
}

}  // namespace

int ls_verb(Invocation& call) {
  if (!call.words().empty())
    return call.fail(usage_error("`tune ls` takes no arguments", "tune status EXPERIMENT tells about one"));
  const auto reader = StoreReader::open(call.store());
  if (!reader) return call.fail(reader.error());
  const auto rows = (*reader)->experiments();
  if (!rows) return call.fail(rows.error());

  std::vector<Line> lines;
  for (const auto& row : *rows) {
    if (!wanted(call, row)) continue;
    if (call.output() == "names")
      call.print(row.name + "\n");
    else
      lines.push_back(line_of(**reader, row));
  }
  if (call.output() != "names") call.print(listing_of(lines, call.format() == Invocation::Format::table));
  return kOk;
}

}  // namespace tune
