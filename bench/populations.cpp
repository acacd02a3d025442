// SPDX-License-Identifier: Apache-2.0
// What is a population's schedule worth? usage: bench_populations [SEEDS [PEERS]]
//
// Three trainings whose parameters may change on their way, 200 steps each; 16 members on 16 workers of one speed; the loss of
// the best member at the end, by seed. `constant`: the members are left alone. PEERS is a file of lines as
// bench/schedulers/peers/populations.py writes them: the same trainings there. Printed: medians over the seeds, and the
// geometric mean over seeds of the constant's loss over each.
#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/support.hpp"
#include "ui/api/virtual_time.hpp"

using namespace tune;

namespace {

constexpr std::int64_t kSteps = 200, kMembers = 16, kInterval = 5;
constexpr std::size_t kDirections = 8;

struct Training {
  const char* name;
  const char* params;
  std::size_t size;  // Of its state.
  double begin;      // Of what is trained.
  /// One step with these parameters; `noise` has a normal number for each direction.
  void (*step)(std::vector<double>& state, const std::vector<double>& params, const std::vector<double>& noise);
  double (*loss)(const std::vector<double>& state);
};

double curvature(std::size_t i) { return std::pow(10, -2.0 * static_cast<double>(i) / (kDirections - 1)); }
double gradient(const std::vector<double>& state, std::size_t i, const std::vector<double>& noise) {
  return curvature(i) * state[i] + 0.1 * noise[i];
}
double bowl(const std::vector<double>& state) {
  double sum = 0;
  for (std::size_t i = 0; i < kDirections; ++i) sum += curvature(i) * state[i] * state[i] / 2;
  return sum;
}

const Training kTrainings[] = {
    // Jaderberg et al. 2017, section 4.4: each parameter lets one direction be climbed, and hides it from the score that is climbed.
    {"surrogate", R"({"h0": {"type": "uniform", "min": 0, "max": 1}, "h1": {"type": "uniform", "min": 0, "max": 1}})", 2, 0.9,
     [](std::vector<double>& s, const std::vector<double>& p, const std::vector<double>&) { s[0] *= 1 - 0.02 * p[0], s[1] *= 1 - 0.02 * p[1]; },
     [](const std::vector<double>& s) { return s[0] * s[0] + s[1] * s[1]; }},
    // Noisy gradients in a bowl of condition 100: large steps at first, small ones at last.
    {"descent", R"({"lr": {"type": "loguniform", "min": 0.001, "max": 1}})", kDirections, 1,
     [](std::vector<double>& s, const std::vector<double>& p, const std::vector<double>& noise) {
       for (std::size_t i = 0; i < kDirections; ++i) s[i] -= p[0] * gradient(s, i, noise);
     },
     bowl},
    {"momentum", R"({"lr": {"type": "loguniform", "min": 0.001, "max": 1}, "momentum": {"type": "uniform", "min": 0, "max": 0.99}})", 2 * kDirections, 1,
     [](std::vector<double>& s, const std::vector<double>& p, const std::vector<double>& noise) {
       for (std::size_t i = 0; i < kDirections; ++i) {
         s[kDirections + i] = p[1] * s[kDirections + i] - p[0] * gradient(s, i, noise);
         s[i] += s[kDirections + i];
       }
     },
     bowl}};

class Run final : public Problem {
 public:
  Run(const Training& training, const Space& space, std::uint64_t seed) : training_(training), space_(space), seed_(seed) {}
  const std::vector<std::string>& metrics() const override { return metrics_; }
  Trajectory course(const Params& params) const override { return attempt(params, TrialId{0}, 1); }
  Trajectory attempt(const Params& params, TrialId trial, int) const override {
    std::vector<double> state(training_.size, 0);
    std::fill_n(state.begin(), std::min(training_.size, kDirections), training_.begin);
    return from(params, trial, 0, std::move(state));
  }
  Trajectory resume(const Params& params, TrialId trial, int, std::int64_t step, const std::string& text) const override {
    return from(params, trial, step, nlohmann::json::parse(text).get<std::vector<double>>());
  }

 private:
  struct Course {
    std::int64_t step;
    std::vector<double> state;
  };
  Trajectory from(const Params& params, TrialId trial, std::int64_t step, std::vector<double> state) const {
    std::vector<double> values;
    for (const auto& d : space_.dimensions()) values.push_back(*to_number(*params.find(d.name)));
    const auto now = std::make_shared<Course>(Course{step, std::move(state)});
    const auto at = [=, this, begin = *now](std::int64_t wanted) -> const std::vector<double>& {
      if (wanted < now->step) *now = begin;
      for (; now->step < wanted; ++now->step) {
        Rng rng{seed_, Purpose::simulate, trial.value * kSteps + now->step};
        std::vector<double> noise(kDirections);
        for (double& n : noise) n = rng.normal();
        training_.step(now->state, values, noise);
      }
      return now->state;
    };
    Trajectory c{kSteps, [=, this](std::int64_t s, std::span<double> out) { out[0] = training_.loss(at(s)); }, {}};
    c.state = [at](std::int64_t s) { return nlohmann::json(at(s)).dump(); };
    return c;
  }

  const Training& training_;
  const Space& space_;
  std::uint64_t seed_;
  std::vector<std::string> metrics_{"loss"};
};

double best_end(const Training& training, const std::string& scheduler, std::uint64_t seed) {
  const std::string config = R"({"name": "population", "command": ["true"], "objective": {"metric": "loss", "goal": "minimize"}, "search": {"type": "random"}, "seed": )" +
                             std::to_string(seed) + R"(, "params": )" + training.params + R"(, "stop": {"trials": )" + std::to_string(kMembers) +
                             R"(}, "checkpoint": {"every": )" + std::to_string(kInterval) + R"(}, "scheduler": )" + scheduler + "}";
  const Spec spec = bench::spec(config);
  SimulatorOptions options;
  options.workers = kMembers, options.seed = seed;
  std::vector<Record> journal;
  const auto run = run_in_virtual_time(spec, std::make_unique<Run>(training, spec.space, seed), options, {}, &journal);
  if (!run) throw std::runtime_error(run.error().message);
  double best = HUGE_VAL;
  for (const auto& r : journal)
    if (const auto* settle = r.as<Settle>(); settle && settle->state == TrialState::complete) best = std::min(best, settle->values.front());
  return best;
}

using Ends = std::map<std::string, std::map<std::string, std::map<std::uint64_t, double>>>;  // By training, tool and seed.

void read_peers(const char* path, Ends& ends) {
  std::ifstream file{path};
  if (!file) throw std::runtime_error(std::string{"cannot read "} + path);
  for (std::string line; std::getline(file, line);) {
    const auto j = nlohmann::json::parse(line);
    ends[j.at("training")][j.at("tool")][j.at("seed")] = j.at("loss");
  }
}

void report(const Ends& ends) {
  std::printf("| training | tool | seeds | median loss | constant / it |\n| --- | --- | --- | --- | --- |\n");
  for (const auto& [training, tools] : ends)
    for (const auto& [tool, by_seed] : tools) {
      std::vector<double> losses;
      double log_ratio = 0;
      for (const auto& [seed, loss] : by_seed) {
        losses.push_back(loss);
        if (const auto c = tools.at("constant").find(seed); c != tools.at("constant").end()) log_ratio += std::log(c->second / loss);
      }
      std::printf("| %s | %s | %zu | %.3g | %.2f |\n", training.c_str(), tool.c_str(), losses.size(), bench::median(losses),
                  std::exp(log_ratio / static_cast<double>(losses.size())));
    }
}

}  // namespace

int main(int argc, char** argv) try {
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 30;
  const std::string population = R"(, "interval": )" + std::to_string(kInterval) + R"(, "max_step": )" + std::to_string(kSteps) + "}";
  const std::pair<const char*, std::string> tools[] = {
      {"constant", R"({"type": "fifo"})"}, {"pbt", R"({"type": "pbt")" + population}, {"pb2", R"({"type": "pb2")" + population}};
  Ends ends;
  for (const auto& training : kTrainings)
    for (const auto& [name, scheduler] : tools)
      for (int seed = 0; seed < seeds; ++seed)
        ends[training.name][name][static_cast<std::uint64_t>(seed)] = best_end(training, scheduler, static_cast<std::uint64_t>(seed));
  if (argc > 2) read_peers(argv[2], ends);
  report(ends);
} catch (const std::exception& e) {
  std::fprintf(stderr, "error: %s\n", e.what());
  return 1;
}
