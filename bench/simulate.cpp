// SPDX-License-Identifier: Apache-2.0
// How fast is the loop itself? usage: bench_simulate [TRIALS [WORKERS [NAME]]]
//
// Whole experiments in virtual time with the memory store: records a second for trials of 9 steps, each step a report,
// under fifo and under ASHA in both modes (first rung 1, last step 9, eta 3), on 256 simulated slots. NAME: that one alone,
// so that the peak of memory is its own.
#include <sys/resource.h>

#include <string_view>

#include "bench/loop.hpp"
#include "executors/simulator.hpp"

using namespace tune;

int main(int argc, char** argv) {
  const std::int64_t trials = argc > 1 ? std::atoll(argv[1]) : 20'000;
  const int workers = argc > 2 ? std::atoi(argv[2]) : 256;
  const std::string_view only = argc > 3 ? argv[3] : "";
  const auto show = [&](const char* name, bool saves, auto make) {
    if (!only.empty() && only != name) return;
    Spec spec = bench::spec_of(trials);
    if (saves) spec.checkpoint.emplace();
    SimulatorOptions options;
    options.workers = workers;
    options.jitter = 0.5;
    Simulator simulator{spec, find_problem("curve", spec, 9).value(), options};
    const auto r = bench::measure(spec, make(spec), simulator);
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    std::printf("%-14s %lld trials, %lld records, %.2f s, %.0f records/s, peak %ld MiB\n", name,
                static_cast<long long>(trials), static_cast<long long>(r.records), r.seconds,
                static_cast<double>(r.records) / r.seconds, used.ru_maxrss / 1024);
  };
  show("fifo", false, [](const Spec&) { return std::make_unique<Fifo>(); });
  show("asha stop", false, [](const Spec& s) { return std::make_unique<Asha>(s, AshaOptions{false, 1, 9, 3, 1}); });
  show("asha promote", true, [](const Spec& s) { return std::make_unique<Asha>(s, AshaOptions{true, 1, 9, 3, 1}); });
}
