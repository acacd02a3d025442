// SPDX-License-Identifier: Apache-2.0
// How long until an experiment of many trials goes on: fold its journal, make the first decision. The journal is written by
// the loop itself, with simulated trials. Prints seconds, peak memory and the size of the file.
//   bench_open fill STORE [TRIALS] [STEPS]   then   bench_open open STORE
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "tuner/config.hpp"
#include "ui/api/sweep.hpp"

using namespace tune;

namespace {

double seconds_since(std::chrono::steady_clock::time_point t) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - t).count();
}

long peak_kib() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::atol(line.c_str() + 6);
  return 0;
}

Spec spec(long trials, long steps) {
  const std::string text = R"({"name": "open", "params": {"lr": {"type": "loguniform", "min": 1e-5, "max": 0.1},
    "width": {"type": "logint", "min": 16, "max": 1024}, "dropout": {"type": "uniform", "min": 0, "max": 0.6},
    "optimizer": ["sgd", "adamw", "lion"]}, "objective": {"metric": "loss", "goal": "minimize"},
    "search": {"type": "random"}, "scheduler": {"type": "fifo"}, "command": ["true"],
    "executor": {"type": "simulator", "from": "curve", "workers": 64, "steps": )" + std::to_string(steps) + R"(},
    "stop": {"trials": )" + std::to_string(trials) + "}}";
  auto read = read_config(text, {catalogue(), "open.json", "/", {}});
  if (!read.spec) std::fputs(render_text(read.diagnostics).c_str(), stderr), std::exit(2);
  return std::move(*read.spec);
}

/// Ends the sweep as soon as a new trial was decided on.
class FirstDecision final : public Watcher {
 public:
  void on_durable(const Record& r, const History&) override {
    if (r.as<Propose>() && sweep) sweep->end(Inbox::Ending::kill);
  }
  Sweep* sweep = nullptr;
};

std::unique_ptr<Sweep> open(Spec s, const std::string& store, Watcher& watcher) {
  SweepOptions options;
  options.store = store;
  options.watchers = {&watcher};
  auto opened = Sweep::open(std::move(s), options);
  if (!opened) std::fprintf(stderr, "%s\n", opened.error().message.c_str()), std::exit(1);
  return std::move(opened).value();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("usage: bench_open fill STORE [TRIALS] [STEPS] | open STORE\n", stderr), 2;
  const std::string store = argv[2];
  const auto began = std::chrono::steady_clock::now();
  if (!std::strcmp(argv[1], "fill")) {
    const long trials = argc > 3 ? std::atol(argv[3]) : 100'000, steps = argc > 4 ? std::atol(argv[4]) : 10;
    Watcher nobody;
    const auto sweep = open(spec(trials, steps), store, nobody);
    if (const auto end = sweep->run(); !end) return std::fprintf(stderr, "%s\n", end.error().message.c_str()), 1;
    std::printf("fill: %ld trials, %ld reports, %lld records in %.2f s\n", trials, trials * steps,
                static_cast<long long>(sweep->history().last_seq()), seconds_since(began));
    return 0;
  }
  FirstDecision first;
  const auto sweep = open(spec(1'000'000'000, 10), store, first);
  const double folded = seconds_since(began);
  const auto trials = sweep->history().size();
  first.sweep = sweep.get();
  if (const auto end = sweep->run(); !end) return std::fprintf(stderr, "%s\n", end.error().message.c_str()), 1;
  std::printf("open: %lld trials folded in %.3f s, first decision durable after %.3f s, peak %.0f MB, file %.0f MB\n",
              static_cast<long long>(trials), folded, seconds_since(began), static_cast<double>(peak_kib()) / 1000,
              static_cast<double>(std::filesystem::file_size(store)) / 1e6);
}
