// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "ui/cli/board.hpp"
#include "ui/view/trial_text.hpp"

namespace tune {
namespace {

constexpr std::size_t kWidestArgv = 60;  // On the screen; --json and -o csv have it whole.

struct Side {
  Subject subject;
  TrialDetail detail;
  Spec spec;
};

Result<Side> side(const Invocation& call, const std::string& word) {
  auto subject = find_trial(call, word);
  if (!subject) return subject.error();
  auto detail = subject->reader->trial(subject->experiment.id, *subject->trial);
  if (!detail) return detail.error();
  auto spec = spec_of(subject->experiment);
  if (!spec) return spec.error();
  return Side{std::move(*subject), std::move(*detail), std::move(*spec)};
}

}  // namespace

int diff_verb(Invocation& call) {
  if (call.words().size() < 2)
    return call.fail(usage_error("`tune diff` compares two trials or more", "tune diff 3 42"));
  std::vector<Side> sides;
  for (const auto& word : call.words()) {
    auto one = side(call, word);
    if (!one) return call.fail(one.error());
    sides.push_back(std::move(*one));
  }

  std::vector<Listing::Column> columns{{"what"}};
  for (const auto& s : sides) columns.push_back({s.subject.name(), false});
  Listing listing(std::move(columns));
  const auto add = [&](const std::string& what, const auto& of) {
    std::vector<Shown> row;
    for (const auto& s : sides) row.push_back(of(s));
    const bool differs = std::any_of(row.begin(), row.end(), [&](const Shown& x) { return x.json != row[0].json; });
    if (!differs && call.has("only-changed")) return;
    if (differs)
      for (auto& cell : row) cell.style = Style::yellow;
    row.insert(row.begin(), Shown(what));
    listing.add(std::move(row));
  };

  add("state", [](const Side& s) { return Shown(to_text(s.detail.row.state)); });
  add("ended",
      [](const Side& s) { return is_final(s.detail.row.state) ? Shown(cause_text(s.detail.row.cause)) : Shown(); });
  add("value", [](const Side& s) { return s.detail.row.value ? Shown(*s.detail.row.value) : Shown(); });
  add("last_step", [](const Side& s) { return Shown(s.detail.row.last_step); });
  add("attempts", [](const Side& s) { return Shown(s.detail.row.attempt); });
  std::set<std::string> params, metrics, env;
  for (const auto& s : sides) {
    for (const auto& [name, value] : s.detail.params) params.insert(name);
    for (std::size_t i = 0; i < s.detail.last.size(); ++i) metrics.insert((*s.detail.last.names)[i]);
    for (const auto& [name, value] : s.spec.env) env.insert(name);
  }
  for (const auto& name : params)
    add("params." + name, [&](const Side& s) {
      const auto* value = s.detail.params.find(name);
      return value ? Shown(*value) : Shown();
    });
  for (const auto& name : metrics)
    add("metrics." + name, [&](const Side& s) {
      const auto value = s.detail.last.find(name);
      return value ? Shown(*value) : Shown();
    });
  for (const auto& name : env)
    add("env." + name, [&](const Side& s) {
      const auto found = s.spec.env.find(name);
      return found != s.spec.env.end() && found->second ? Shown(*found->second) : Shown();
    });
  add("argv", [](const Side& s) {
    const auto argv = command_of(s.spec, s.detail.params, s.detail.row.id, "DIR", "PARAMS.json");
    if (!argv) return Shown();
    const std::string line = shell_line(*argv);
    return Shown::shown_as(fit(line, kWidestArgv), Shown(line));
  });
  call.print(listing);
  return kOk;
}

}  // namespace tune
