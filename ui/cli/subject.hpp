// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "store/sqlite/reader.hpp"
#include "tuner/spec.hpp"
#include "ui/cli/invocation.hpp"
#include "ui/view/experiment_text.hpp"

namespace tune {

/// What a verb is about: an experiment of the store, and perhaps one of its trials.
struct Subject {
  std::unique_ptr<StoreReader> reader;
  ExperimentRow experiment;
  std::optional<TrialId> trial;

  std::string name() const;                     ///< "digits" or "digits/42", printable.
  std::string folder(const Invocation&) const;  ///< `<store>.d/<name>`
};

/// `word` is EXPERIMENT, EXPERIMENT/NUMBER or, where the store holds one experiment, NUMBER. Empty: the only
/// experiment. not_found: no such store, experiment or trial.
Result<Subject> find_subject(const Invocation&, const std::string& word);
/// An experiment, from at most one word of the call.
Result<Subject> find_experiment(const Invocation&);
/// A trial, from exactly one word.
Result<Subject> find_trial(const Invocation&, const std::string& word);

/// The curve of a trial's metric, oldest report first.
std::vector<double> curve_of(const Subject&, const std::string& metric);

Style style_of(TrialState);

}  // namespace tune
