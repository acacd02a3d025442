// SPDX-License-Identifier: Apache-2.0
#include "tuner/lineage.hpp"

#include <algorithm>

namespace tune {
namespace {

// The stretch that the trial was in just before record `end`.
std::optional<Stretch> stretch_before(TrialId trial, Seq end, const std::vector<Record>& facts) {
  std::optional<Stretch> out;
  for (const auto& r : facts) {
    if (r.seq >= end) break;
    if (const auto* p = r.as<Propose>()) out = Stretch{trial, 0, p->params, std::nullopt, "", r.seq};
    if (const auto* e = r.as<Exploit>()) out = Stretch{trial, e->step, e->params, e->donor, e->checkpoint, r.seq};
  }
  return out;
}

// When the checkpoint was saved: what its owner did later is not in it.
Seq saved_at(const std::string& checkpoint, Seq at_most, const std::vector<Record>& facts) {
  for (const auto& r : facts)
    if (const auto* c = r.as<Checkpointed>(); c && c->checkpoint == checkpoint && r.seq < at_most) return r.seq;
  return at_most;
}

}  // namespace

Result<std::vector<Stretch>> lineage(TrialId trial, const std::function<Result<std::vector<Record>>(TrialId)>& facts_of) {
  std::vector<Stretch> out;
  Seq end = INT64_MAX;
  for (;;) {
    const auto facts = facts_of(trial);
    if (!facts) return facts.error();
    if (!out.empty()) end = saved_at(out.back().checkpoint, out.back().decided, *facts);
    auto stretch = stretch_before(trial, end, *facts);
    if (!stretch)
      return Error{Error::Code::not_found, "trial " + std::to_string(trial.value) + " was not proposed before that", ""};
    out.push_back(std::move(*stretch));
    if (!out.back().donor) break;
    trial = *out.back().donor;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<Stretch> schedule(const std::vector<Stretch>& stretches) {
  std::vector<Stretch> out;
  for (const auto& s : stretches) {
    if (!out.empty() && out.back().from_step >= s.from_step) out.pop_back();
    if (out.empty() || out.back().params != s.params) out.push_back(s);
  }
  return out;
}

}  // namespace tune
