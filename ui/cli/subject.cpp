// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/subject.hpp"

#include <algorithm>
#include <charconv>

#include "ui/view/trial_log.hpp"

namespace tune {
namespace {

std::optional<TrialId> trial_number(std::string_view text) {
  std::int64_t number = -1;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
  return TrialId{number};
}

Result<Done> check_trial(const Subject& subject) {
  if (!subject.trial || subject.trial->value < subject.experiment.trials) return Done{};
  return Error{
      Error::Code::not_found,
      "experiment `" + printable(subject.experiment.name) + "` has no trial " + std::to_string(subject.trial->value),
      subject.experiment.trials ? "they go from 0 to " + std::to_string(subject.experiment.trials - 1)
                                : "it has no trials yet"};
}

}  // namespace

std::string Subject::name() const {
  return printable(experiment.name) + (trial ? "/" + std::to_string(trial->value) : "");
}

std::string Subject::folder(const Invocation& call) const { return store_folder(call.store()) + "/" + experiment.name; }

Result<Subject> find_subject(const Invocation& call, const std::string& word) {
  auto reader = StoreReader::open(call.store());
  if (!reader) return reader.error();
  Subject subject;
  subject.reader = std::move(reader).value();
  const auto slash = word.rfind('/');
  const auto number = trial_number(slash == std::string::npos ? word : word.substr(slash + 1));
  auto row = slash != std::string::npos && number ? subject.reader->experiment(word.substr(0, slash))
             : word.empty()                       ? subject.reader->only_experiment()
                                                  : subject.reader->experiment(word);
  if (slash != std::string::npos && number) subject.trial = number;
  if (!row && number && slash == std::string::npos && row.error().code == Error::Code::not_found) {
    row = subject.reader->only_experiment();
    subject.trial = number;
  }
  if (!row) return row.error();
  subject.experiment = std::move(row).value();
  if (auto there = check_trial(subject); !there) return there.error();
  return subject;
}

Result<Subject> find_experiment(const Invocation& call) {
  if (call.words().size() > 1)
    return usage_error("`tune " + std::string(call.verb().name) + "` takes one experiment",
                       "tune " + std::string(call.verb().name) + " --help");
  auto subject = find_subject(call, call.words().empty() ? std::string{} : call.words()[0]);
  if (subject && subject->trial)
    return usage_error("`" + subject->name() + "` is a trial; this is about an experiment");
  return subject;
}

Result<Subject> find_trial(const Invocation& call, const std::string& word) {
  auto subject = find_subject(call, word);
  if (subject && !subject->trial)
    return usage_error("`" + subject->name() + "` is an experiment; which trial?", "tune trials " + subject->name());
  return subject;
}

std::vector<double> curve_of(const Subject& subject, const std::string& metric) {
  std::vector<double> values;
  if (const auto curve = subject.reader->curve(subject.experiment.id, *subject.trial, metric))
    for (const auto& point : *curve) values.push_back(point.value);
  return values;
}

Style style_of(TrialState state) {
  switch (state) {
    case TrialState::complete:
      return Style::green;
    case TrialState::running:
    case TrialState::leased:
      return Style::cyan;
    case TrialState::failed:
      return Style::red;
    case TrialState::infeasible:
    case TrialState::cancelled:
      return Style::yellow;
    default:
      return Style::plain;
  }
}

}  // namespace tune
