// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/regret/run.hpp"

/// From runs to regrets.
namespace tune::regret::detail {

/// The runs of a report, by tool and problem ("set/name"), one for each seed: the newest line counts.
class Scores {
 public:
  explicit Scores(const std::vector<Run>&);

  const std::vector<std::string>& tools() const { return tools_; }
  std::vector<std::string> problems() const;
  const std::map<std::uint64_t, Run>* runs(const std::string& tool, const std::string& problem) const;

  /// Over seeds, after `n` finished trials. nullopt: no run went so far. A run that used a space up counts with its last.
  std::optional<std::vector<double>> regrets(const std::string& tool, const std::string& problem, int n) const;
  double normaliser(const std::string& problem) const;  ///< Median of random draws - optimum.
  double floor(const std::string& problem) const;       ///< In units of regret.

 private:
  struct Yardstick {
    double best, median, worst, early, floor_share;
  };
  std::vector<std::string> tools_;
  std::map<std::string, std::map<std::string, std::map<std::uint64_t, Run>>> runs_;
  std::map<std::string, Yardstick> yardsticks_;
};

}  // namespace tune::regret::detail
