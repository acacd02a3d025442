// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "bench/regret/run.hpp"

namespace tune::regret {

/// One tool over many problems and seeds.
struct Campaign {
  ToolFactory tool;
  std::vector<Problem> problems;
  std::vector<std::uint64_t> seeds;
  Setting setting;   ///< Its seed is replaced.
  std::string out;   ///< Results file: what is in it already is not done again; every run is appended as it ends.
  int jobs = 1;      ///< Threads; each has a tool of its own.
  bool again = false;  ///< Also what is there already: the newest line of a run counts.
};

struct Tally {
  int done = 0, kept = 0;            ///< Run now; found in the file.
  std::vector<std::string> refused;  ///< "problem: why", for spaces that the tool does not serve.
};

/// Seed by seed over all problems, so that what was stopped early is still balanced. The first error of a tool ends it;
/// what was written stays.
Result<Tally> carry_out(const Campaign&);

}  // namespace tune::regret
