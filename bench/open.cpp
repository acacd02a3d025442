// SPDX-License-Identifier: Apache-2.0
// How long until an experiment of many trials goes on: fold its journal, make the first decision. The journal is written by
// the loop itself, with simulated trials. Prints seconds, peak memory and the size of the file.
//   bench_open fill STORE [TRIALS] [STEPS]   then   bench_open open STORE
#include <cstring>

#include "bench/support.hpp"

using namespace tune;
using namespace tune::bench;

namespace {

std::string config(long trials, long steps) {
  return R"({"name": "open", "params": {"lr": {"type": "loguniform", "min": 1e-5, "max": 0.1},
    "width": {"type": "logint", "min": 16, "max": 1024}, "dropout": {"type": "uniform", "min": 0, "max": 0.6},
    "optimizer": ["sgd", "adamw", "lion"]}, "objective": {"metric": "loss", "goal": "minimize"},
    "search": {"type": "random"}, "scheduler": {"type": "fifo"}, "command": ["true"],
    "executor": {"type": "simulator", "from": "curve", "workers": 64, "steps": )" + std::to_string(steps) + R"(},
    "stop": {"trials": )" + std::to_string(trials) + "}}";
}

/// Ends the sweep as soon as a new trial was decided on.
class FirstDecision final : public Watcher {
 public:
  void on_durable(const Record& r, const History&) override {
    if (r.as<Propose>() && sweep) sweep->end(Inbox::Ending::kill);
  }
  Sweep* sweep = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("usage: bench_open fill STORE [TRIALS] [STEPS] | open STORE\n", stderr), 2;
  const std::string store = argv[2];
  const double began = now();
  if (!std::strcmp(argv[1], "fill")) {
    const long trials = argc > 3 ? std::atol(argv[3]) : 100'000, steps = argc > 4 ? std::atol(argv[4]) : 10;
    const auto sweep = open(config(trials, steps), store);
    run(*sweep);
    std::printf("fill: %ld trials, %ld reports, %lld records in %.2f s\n", trials, trials * steps,
                static_cast<long long>(sweep->history().last_seq()), now() - began);
    return 0;
  }
  FirstDecision first;
  const auto sweep = open(config(1'000'000'000, 10), store, {&first});
  const double folded = now() - began;
  const auto trials = sweep->history().size();
  first.sweep = sweep.get();
  run(*sweep);
  std::printf("open: %lld trials folded in %.3f s, first decision durable after %.3f s, peak %.0f MB, file %.0f MB\n",
              static_cast<long long>(trials), folded, now() - began, static_cast<double>(memory_kib("VmHWM:")) / 1000,
              static_cast<double>(std::filesystem::file_size(store)) / 1e6);
}
