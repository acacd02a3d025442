// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/result.hpp"

namespace tune {

/// A stretch of a course: which trial did it, from which step on, with which parameters, and whose checkpoint it began with.
struct Stretch {
  TrialId trial;
  std::int64_t from_step = 0;
  Params params;
  std::optional<TrialId> donor;  ///< Absent: it began from nothing.
  std::string checkpoint;        ///< The donor's.
  Seq decided = 0;               ///< The Exploit, or the Propose.
};

/// How a trial came to be what it is: its stretches and those of the donors it descends from, oldest first. What members did that
/// was thrown away when they copied another is not in it. Followed again (scheduler `replay`) it gives the same course.
/// `facts` gives the records about a trial in their order, with or without reports; its errors are passed on. not_found where
/// the trial was never proposed. O(facts of the trials in it) and a lookup a stretch.
Result<std::vector<Stretch>> lineage(TrialId, const std::function<Result<std::vector<Record>>(TrialId)>& facts);

/// The same as a schedule: one line a step, of several at the same step only the last one's parameters count.
std::vector<Stretch> schedule(const std::vector<Stretch>&);

}  // namespace tune
