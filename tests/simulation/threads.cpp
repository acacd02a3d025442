// SPDX-License-Identifier: Apache-2.0
// The same loop, with trials that are C++ code on threads.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "executors/thread.hpp"
#include "support/world.hpp"
#include "tuner/unattended.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// At step n its loss is the sum of 1 to n, which it can only know if it was restored where it was saved.
class Summing final : public SteppedTrainable {
 public:
  void setup(const Params&, std::uint64_t) override {}
  Metrics step(std::int64_t step) override { return {{"loss", static_cast<double>(sum_ += step)}}; }
  void save(const std::filesystem::path& folder) override { std::ofstream(folder / "sum") << sum_; }
  void restore(const std::filesystem::path& folder, std::int64_t) override { std::ifstream(folder / "sum") >> sum_; }

 private:
  std::int64_t sum_ = 0;
};

}  // namespace

TEST_CASE("trials on threads pause at rungs and go on where they were saved", "[simulation][thread]") {
  Spec spec = simulated_spec(mixed_space());
  spec.trainable = "summing";
  spec.parallel = 1;  // One after the other: the first two pause, and the first is resumed once the third has come.
  spec.stop.trials = 9;
  register_trainable("summing", TrainableFactory{[] { return std::make_unique<Summing>(); }});
  const auto& asha = scheduler_entry("asha");
  const auto& random = sampler_entry("random");
  Experiment experiment{spec, random.make({spec.space, spec.objectives, 1, {}}).value(),
                        asha.make({spec, with_defaults(asha.info, {{"max_step", std::int64_t{9}}})}).value()};
  ThreadExecutor executor{spec, *find_trainable("summing"), ""};
  MemoryStore store;
  NobodyAsks inbox;
  ProposesAtOnce proposer;
  Watcher watcher;
  REQUIRE(run(experiment, {store, executor, proposer, inbox, watcher}));

  int complete = 0, resumed = 0;
  for (const Trial& t : experiment.history().trials()) {
    INFO("trial " << t.id.value);
    CHECK(is_final(t.state));
    CHECK(t.values.front() == static_cast<double>(t.last_step * (t.last_step + 1) / 2));
    complete += t.state == TrialState::complete;
    resumed += t.attempt > 1;
  }
  CHECK(complete >= 1);
  CHECK(resumed >= 1);
}
