// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "schedulers/asha.hpp"
#include "schedulers/fifo.hpp"
#include "search/random.hpp"
#include "store/memory.hpp"
#include "tuner/unattended.hpp"

/// The whole loop with nobody looking on and a store that keeps everything in memory, for benchmarks of what is around
/// it.
namespace tune::bench {

inline Spec spec_of(std::int64_t trials) {
  Spec spec;
  spec.name = "bench";
  spec.seed = 1;
  Objective loss;
  loss.metric = "loss";
  spec.objectives = {loss};
  Dimension lr, width;
  lr.name = "lr", lr.kind = Dimension::Kind::loguniform, lr.min = 1e-5, lr.max = 1;
  width.name = "width", width.min = 0, width.max = 1;
  spec.space = Space::make({lr, width}).value();
  spec.stop.trials = trials;
  return spec;
}

struct Result {
  double seconds = 0;
  Seq records = 0;
};

inline Result measure(const Spec& spec, std::unique_ptr<Scheduler> scheduler, Executor& executor) {
  MemoryStore store;
  NobodyAsks inbox;
  ProposesAtOnce proposer;
  Watcher watcher;
  Experiment experiment{spec, std::make_unique<RandomSampler>(spec.space), std::move(scheduler)};
  const auto begin = std::chrono::steady_clock::now();
  auto outcome = run(experiment, {store, executor, proposer, inbox, watcher});
  if (!outcome) std::fprintf(stderr, "%s\n", outcome.error().message.c_str()), std::exit(1);
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
          experiment.history().last_seq()};
}

}  // namespace tune::bench
