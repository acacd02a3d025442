// SPDX-License-Identifier: Apache-2.0
// A program for trials of several ranks, against what is installed; run by hand it is one rank.
#include <tune/communicator.hpp>
#include <tune/reporter.hpp>

#include <vector>

int main() {
  const auto ranks = tune::communicator_from_environment();
  tune::Reporter reporter;
  std::vector<double> gradient{1, 2};
  ranks->all_reduce(gradient);
  const bool stop = reporter.report(*ranks, 1, {{"loss", gradient[0]}}).stop();
  return ranks->size() == 1 && gradient[1] == 2 && !stop ? 0 : 1;
}
