// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tuner/facts_json.hpp"
#include "ui/api/policies.hpp"
#include "ui/cli/check.hpp"
#include "ui/view/story.hpp"
#include "ui/cli/subject.hpp"

namespace tune {
namespace {

/// NUMBER or NAME/NUMBER; codes and settings look like neither.
bool names_a_trial(std::string_view word) {
  const auto slash = word.rfind('/');
  const auto number = slash == std::string_view::npos ? word : word.substr(slash + 1);
  return !number.empty() && std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int explain_trial(Invocation& call, const std::string& word) {
  const auto subject = find_trial(call, word);
  if (!subject) return call.fail(subject.error());
  const auto facts = subject->reader->facts(subject->experiment.id, *subject->trial);
  if (!facts) return call.fail(facts.error());
  if (call.format() != Invocation::Format::table) {
    for (const auto& record : *facts) call.print_exact(to_json_line(record) + "\n");
    return kOk;
  }
  const auto spec = spec_of(subject->experiment);
  if (!spec) return call.fail(spec.error());
  call.print(paint(Style::bold, subject->name(), call.colour()) + "  " +
             (facts->empty() ? "" : time_text(facts->front().at.seconds)) + "\n" + story(*facts, *spec, call.colour()));
  return kOk;
}

}  // namespace

int explain_verb(Invocation& call) {
  if (call.words().size() != 1)
    return call.fail(usage_error("what is to be explained?",
                                 "a code (E021), a setting (scheduler.asha.eta) or a trial (digits/42)"));
  const auto& word = call.words()[0];
  if (names_a_trial(word)) return explain_trial(call, word);
  const auto text = explain(word, catalogue());
  if (!text) return call.fail(text.error());
  call.print(*text);
  return kOk;
}

}  // namespace tune
