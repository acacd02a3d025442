// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include "ui/cli/objective.hpp"
#include "ui/cli/subject.hpp"
#include "ui/view/parameter_importance.hpp"

namespace tune {
namespace {

constexpr std::size_t kBarWidth = 20;

void print(const Invocation& call, const std::vector<Importance>& all) {
  const bool people = call.format() == Invocation::Format::table;
  std::vector<Listing::Column> columns{{"parameter"}, {"importance"}, {"spread"}};
  if (people) columns.push_back({""});
  const auto rounded = [](double x) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, x, std::chars_format::fixed, 3).ptr;
    return Shown::shown_as(std::string(text, end), Shown(x));
  };
  Listing listing(std::move(columns));
  const double most = all.empty() ? 0 : all.front().value;
  for (const auto& one : all) {
    std::vector<Shown> row{one.name, rounded(one.value), rounded(one.spread)};
    if (people) row.emplace_back(bar_text(most > 0 ? one.value / most : 0, kBarWidth), Style::cyan);
    listing.add(std::move(row));
  }
  call.print(listing);
}

}  // namespace

int importance_verb(Invocation& call) {
  const auto method = call.get("method").value_or("ped-anova");
  if (method != "ped-anova" && method != "fanova")
    return call.fail(usage_error("`--method` is ped-anova or fanova, not `" + printable(method) + "`"));
  const auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  const auto spec = spec_of(subject->experiment);
  if (!spec) return call.fail(spec.error());
  const auto objective = objective_of(call, *spec);
  if (!objective) return call.fail(objective.error());
  const bool ranks = method == "ped-anova";
  const auto told = parameter_importance(*subject->reader, subject->experiment, *spec, *objective,
                                         ranks ? ImportanceMethod::ped_anova : ImportanceMethod::fanova);
  if (!told) return call.fail(told.error());
  const std::string metric = "`" + printable(spec->objectives[*objective].metric) + "`";
  if (ranks) {
    call.tell("what decides whether a trial is among the best tenth by " + metric + " (PED-ANOVA, " + std::to_string(told->seen) +
              " trials); importances sum to 1");
  } else {
    double alone = 0;
    for (const auto& one : told->parameters) alone += one.value;
    call.tell("share of the variance of " + metric + " that each parameter explains alone (fANOVA, " + std::to_string(told->seen) +
              " trials); together: " + number_text(std::max(0.0, 1 - alone)));
  }
  if (told->few) call.tell("only " + std::to_string(told->useful) + " trials: this may change with the next few");
  print(call, told->parameters);
  return kOk;
}

}  // namespace tune
