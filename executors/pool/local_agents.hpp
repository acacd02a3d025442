// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "tuner/resources.hpp"
#include "tuner/result.hpp"

namespace tune {

/// Agents of this machine, started by the coordinator itself: programs of their own, in sessions of their own, which outlive it
/// if it is killed. Then the next coordinator finds them by the files that say their pids. What they print is in
/// FOLDER/agents/N.log.
class LocalAgents {
 public:
  /// What all of them together offer is `offer`; accelerators are the first one's.
  LocalAgents(std::string folder, int count, Offer offer);
  /// Kills those that it started and that were not told to go, and waits for all of them.
  ~LocalAgents();
  LocalAgents(const LocalAgents&) = delete;
  LocalAgents& operator=(const LocalAgents&) = delete;

  /// Starts those that do not live already; they join by the file.
  Result<Done> start(const std::string& join_file);
  /// Where their files are.
  std::string folder() const { return folder_ + "/agents"; }

 private:
  Result<Done> start(int number, const std::string& program, const std::string& join_file);

  const std::string folder_;
  const int count_;
  const Offer offer_;
  std::vector<pid_t> started_;
};

}  // namespace tune
