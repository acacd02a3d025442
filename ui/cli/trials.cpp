// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/query.hpp"
#include "ui/cli/subject.hpp"

namespace tune {
namespace {

Shown shown(const std::string& column, const Cell& cell) {
  return std::visit(
      overloaded{[](std::monostate) { return Shown(); }, [&](std::int64_t n) { return Shown(n); },
                 [&](double x) { return column.ends_with("_at") ? Shown::shown_as(time_text(x), Shown(x)) : Shown(x); },
                 [&](const std::string& text) {
                   const auto state = column == "state" ? trial_state(text) : std::nullopt;
                   return Shown(text, state ? style_of(*state) : Style::plain);
                 }},
      cell);
}

}  // namespace

int trials_verb(Invocation& call) {
  const auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  const auto query = query_from(call, subject->experiment);
  if (!query) return call.fail(query.error());
  const auto table = subject->reader->trials(subject->experiment.id, *query);
  if (!table) return call.fail(table.error());

  std::vector<Listing::Column> columns;
  for (const auto& name : table->columns) columns.push_back({name, false});
  Listing listing(std::move(columns));
  for (const auto& row : table->rows) {
    std::vector<Shown> cells;
    for (std::size_t i = 0; i < row.size(); ++i) cells.push_back(shown(table->columns[i], row[i]));
    listing.add(std::move(cells));
  }
  call.print(listing);
  return kOk;
}

}  // namespace tune
