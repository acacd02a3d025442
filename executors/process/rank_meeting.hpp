// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "executors/process/ranks.hpp"
#include "tuner/facts.hpp"
#include "tuner/resources.hpp"
#include "tuner/result.hpp"
#include "tuner/spec.hpp"

/// How a host starts the ranks of a trial that live on its machine: as one program, `tune ranks`, which stands for all of them.
namespace tune {

/// Where ranks meet that all live here.
Result<RanksPlan> ranks_here(int ranks);

/// A TCP port that nobody listens on at this address. Somebody else may be quicker to use it.
Result<int> free_port(const std::string& address);

/// What the launcher on this machine has to know besides where they meet.
RanksPlan complete(RanksPlan, const std::vector<Seat>& here, RankLauncher, const std::string& folder);

/// The command that starts the ranks of this machine, each as `command`.
std::vector<std::string> launcher_command(const RanksPlan&, const std::vector<std::string>& command);

/// What the ranks here have together, each device once: as an attempt's environment says it, which the launcher divides among them.
Seat together(const std::vector<Seat>& here);

/// Which rank ended first, by what the launcher left in the attempt's folder; unchanged where that is not known.
void name_first_rank(Exited&, const std::string& folder);

}  // namespace tune
