// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tuner/history.hpp"
#include "tuner/store.hpp"
#include "ui/cli/invocation.hpp"
#include "ui/cli/subject.hpp"

namespace tune {

/// The front of the trials that the store has: of those that completed or were stopped early and held the outcome constraints.
Result<Front> front_of(const StoreReader&, const ExperimentRow&, const Spec&);
Front front_of(const std::vector<TrialRow>&, const Spec&);

/// Up to where the volume is measured: a tenth beyond the worst of all that counted, for each objective as reported.
std::vector<double> reference_of(const Front&);
/// What the members dominate up to `reference` (search/hypervolume.hpp); 0 if none is better than it everywhere.
double hypervolume(const Front&, const std::vector<double>& reference);

/// "3 trials, none of which beats another", "0.12 loss   31 latency_ms (trial 7)"; empty if there is none.
std::string front_text(const Front&, bool colour);

/// A trial's value of each objective; empty: it has none.
std::vector<double> values_of(const TrialRow&);

/// "0.12 loss   31 latency_ms"
std::string values_text(const std::vector<double>& values, const std::vector<Objective>&, bool colour);

/// Which trial `tune best` is about where several objectives have several best ones: that of --objective. nullopt: none was
/// named, and there is more than one.
Result<std::optional<TrialId>> chosen_of(const Invocation&, const Front&, const Spec&);

/// `tune best` as the whole front.
int show_front(Invocation&, const Subject&, const Front& front);

}  // namespace tune
