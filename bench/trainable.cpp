// SPDX-License-Identifier: Apache-2.0
// How many C++ trials a second? usage: bench_trainable [TRIALS] [THREADS]
//
// Trainables that report once and return, on threads of this process, with the memory store, through the whole loop.
#include "bench/loop.hpp"
#include "executors/thread.hpp"

using namespace tune;

int main(int argc, char** argv) {
  const std::int64_t trials = argc > 1 ? std::atoll(argv[1]) : 100'000;
  Spec spec = bench::spec_of(trials);
  spec.trainable = "nothing";
  spec.parallel = argc > 2 ? std::atoi(argv[2]) : 2;
  register_trainable("nothing", [](Session& s) { s.report(1, {{"loss", s.number("width")}}); });
  ThreadExecutor executor{spec, *find_trainable("nothing"), ""};
  const auto r = bench::measure(spec, std::make_unique<Fifo>(), executor);
  std::printf("%lld trials on %d threads, %lld records, %.2f s, %.0f trials/s\n", static_cast<long long>(trials),
              *spec.parallel, static_cast<long long>(r.records), r.seconds, static_cast<double>(trials) / r.seconds);
}
