// SPDX-License-Identifier: Apache-2.0
// A trial that uses the one-header reporter: saves every other step, restores, ends when told to.
#include <fstream>

#include "ui/api/reporter.hpp"

int main() {
  tune::Reporter reporter;
  std::int64_t step = 0;
  if (const auto from = reporter.restore(); !from.empty()) std::ifstream(from) >> step;
  const double lr = reporter.parameter("lr", 0.5);
  while (step < 9) {
    ++step;
    const auto answer = reporter.report(step, {{"loss", lr / static_cast<double>(step)}, {"step", 1}});
    if (answer.save()) {
      const std::string name = "step-" + std::to_string(step);
      std::ofstream(reporter.checkpoint_folder() + "/" + name) << step;
      reporter.saved(step, name);
    }
    if (answer.stop()) return 0;
  }
  return reporter.connected() ? 0 : 5;
}
