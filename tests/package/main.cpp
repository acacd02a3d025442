// SPDX-License-Identifier: Apache-2.0
// A trainable and a main of its own, against the installed headers and libraries only.
#include <tune/tune.hpp>

#include <cstdio>
#include <iostream>

#include "tuner/trial.hpp"

namespace {

struct Last final : tune::Watcher {
  void on_turn(const Turn&, const tune::History& history) override { complete = history.count(tune::TrialState::complete); }
  std::int64_t complete = 0;
};

}  // namespace

int main() {
  tune::register_trainable("parabola", [](tune::Session& trial) {
    const double x = trial.number("x");
    for (std::int64_t step = 1; step <= 3; ++step)
      if (!trial.report(step, {{"loss", (x - 2) * (x - 2) / static_cast<double>(step)}})) return;
  });
  Last last;
  tune::SweepOptions options;
  options.watchers = {&last};
  const auto outcome = tune::sweep("config.json", options);
  if (!outcome) {
    std::cerr << outcome.error().message << "\n";
    return 1;
  }
  std::cout << last.complete << " trials complete\n";
  return last.complete == 20 ? outcome->exit_code : 1;
}
