// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tuner/spec.hpp"
#include "tuner/trial.hpp"

/// What every trial is tried on: the config's `instances`, a step each. All trials meet them in one order, drawn once from
/// the experiment's seed, and with the same seeds, so that two trials differ on an instance only by their parameters (common
/// random numbers). Step k is the instance at place k - 1.
namespace tune {

/// The numbers 0 .. count - 1 in the order that the seed draws (Fisher and Yates).
std::vector<std::size_t> instance_order(std::uint64_t seed, std::size_t count);
/// The config's instances in their order.
std::vector<std::string> drawn_instances(const Spec&);

/// The command names ${instance}: an attempt is one instance, and the trial is launched again for each. Else one program
/// goes through all of them. Linear in the command's length.
bool launches_by_instance(const Spec&);
/// The instance that comes next for a trial that has done so many steps; the last one after all of them; empty: there are
/// none. Linear in their number.
std::string instance_after(const Spec&, std::int64_t steps);

/// The trial has not been on all instances: its value is no mean that could be compared with others.
inline bool lacks_instances(const Spec& spec, const Trial& t) {
  return t.last_step < static_cast<std::int64_t>(spec.instances.size());
}

/// The seed that an attempt of this trial is given, about to be launched: one for each trial, or, with instances, the same
/// for all trials, and one for each instance where it is launched for one. A trial that repeats another has its own. The
/// same in every attempt and under every executor. 31 bits: every framework takes it.
std::uint64_t seed_of(const Spec&, const Trial&);

}  // namespace tune
