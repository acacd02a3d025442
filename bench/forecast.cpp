// SPDX-License-Identifier: Apache-2.0
// Is the forecast honest? usage: bench_forecast [EXPERIMENTS [FUTURES]]
//
// Simulated experiments with random settings: scheduler (fifo, asha pausing or stopping, median), 1 to 32 slots, 40 to 400
// trials of up to 27 steps, one to six parameters. The logarithm of a trial's pace depends on its parameters (a linear part, and
// a bump that no linear model has), and has normal noise; each step takes longer by its own jitter; attempts crash. When 5 % of
// the trials have ended an attempt, the rest is forecast from the journal so far. Printed: the share of experiments that end
// inside the 80 % band, below and above it, the median width of the band over the forecast's median, and the same for slot-hours.
#include <algorithm>
#include <cmath>

#include "bench/support.hpp"
#include "ui/api/forecast.hpp"
#include "ui/api/virtual_time.hpp"

using namespace tune;

namespace {

/// A trial's pace and curve by its parameters, and noise of its own.
class World final : public Problem {
 public:
  World(const Spec& spec, Rng rng, std::int64_t steps) : space_(spec.space), steps_(steps), seed_(rng.next()) {
    scale_ = std::exp(8 * rng.uniform() - 2);
    noise_ = 0.1 + 0.7 * rng.uniform();
    bump_ = 1.5 * rng.uniform();
    const double effect = 2 * rng.uniform();
    for (std::size_t i = 0; i < spec.space.size(); ++i) slopes_.push_back(effect * (2 * rng.uniform() - 1));
  }
  const std::vector<std::string>& metrics() const override { return metrics_; }
  Trajectory course(const Params& params) const override { return attempt(params, TrialId{0}, 1); }
  Trajectory attempt(const Params& params, TrialId trial, int) const override {
    const auto unit = recorded_position(space_, params);
    double log_pace = noise_ * Rng{seed_, Purpose::simulate, trial.value}.normal(), far = 0;
    for (std::size_t i = 0; i < unit.size(); ++i) {
      log_pace += slopes_[i] * (unit[i] - 0.5);
      far += (unit[i] - 0.4) * (unit[i] - 0.4);
    }
    log_pace += bump_ * std::exp(-8 * far);
    const double pace = scale_ * std::exp(log_pace), floor = far + 0.1 * Rng{seed_, Purpose::fault, trial.value}.normal();
    Trajectory t;
    t.steps = steps_;
    t.measure = [floor](std::int64_t step, std::span<double> out) { out[0] = floor + 1 / std::sqrt(static_cast<double>(step)); };
    t.seconds = [pace](std::int64_t) { return pace; };
    return t;
  }

 private:
  const Space& space_;
  std::int64_t steps_;
  std::uint64_t seed_;
  double scale_, noise_, bump_;
  std::vector<double> slopes_;
  std::vector<std::string> metrics_{"loss"};
};

struct Setting {
  std::string config, scheduler;
  std::int64_t trials, steps;
  int slots;
  double crash;
};

Setting setting(Rng& rng) {
  Setting s;
  s.trials = std::llround(40 * std::pow(10, rng.uniform()));
  s.slots = static_cast<int>(std::min<double>(std::pow(2, 5 * rng.uniform()), static_cast<double>(s.trials) / 8));
  const std::int64_t lengths[] = {1, 9, 27};
  s.steps = lengths[rng.below(3)];
  s.crash = rng.below(2) ? 0.15 * rng.uniform() : 0;
  const std::string most = std::to_string(std::max<std::int64_t>(s.steps, 3));
  const std::string asha = R"({"type":"asha","max_step":)" + most + R"(,"mode":")";
  const std::pair<const char*, std::string> schedulers[] = {{"fifo", R"({"type":"fifo"})"},
                                                            {"asha promote", asha + R"(promote"})"},
                                                            {"asha stop", asha + R"(stop"})"},
                                                            {"median", R"({"type":"median"})"}};
  const auto& [name, json] = schedulers[s.steps == 1 ? 0 : rng.below(4)];
  s.scheduler = name;
  std::string params;
  const auto dimensions = 1 + rng.below(6);
  for (std::uint64_t i = 0; i < dimensions; ++i)
    params += (i ? "," : "") + ("\"p" + std::to_string(i)) + R"(":{"type":"uniform","min":0,"max":1})";
  s.config = R"({"name":"f","command":["x"],"checkpoint":{},"objective":{"metric":"loss"},"search":{"type":"random"},"seed":)" +
             std::to_string(rng.below(1'000'000)) + R"(,"params":{)" + params + R"(},"scheduler":)" + json +
             R"(,"retry":{"max":)" + std::to_string(rng.below(2)) + R"(,"on":["exit"]},"stop":{"trials":)" +
             std::to_string(s.trials) + "}}";
  return s;
}

/// The records until 5 % of the trials have ended an attempt.
std::size_t early(const std::vector<Record>& journal, std::int64_t trials) {
  std::vector<bool> ended;
  std::int64_t n = 0;
  for (std::size_t i = 0; i < journal.size(); ++i) {
    if (const auto* e = journal[i].as<Exited>()) {
      ended.resize(std::max(ended.size(), static_cast<std::size_t>(e->trial.value) + 1));
      n += !ended[static_cast<std::size_t>(e->trial.value)];
      ended[static_cast<std::size_t>(e->trial.value)] = true;
    }
    // A turn is whole: what is recorded at one moment belongs together.
    if (20 * n >= trials && (i + 1 == journal.size() || journal[i + 1].at > journal[i].at)) return i + 1;
  }
  return journal.size();
}

struct Score {
  int inside = 0, below = 0, above = 0;
  std::vector<double> widths, misses;
  void add(double truth, const Band& band) {
    inside += truth >= band.low && truth <= band.high;
    below += truth < band.low, above += truth > band.high;
    widths.push_back((band.high - band.low) / band.middle);
    misses.push_back(std::fabs(std::log(band.middle / truth)));
  }
  void print(const char* what) const {
    const int n = inside + below + above;
    std::printf("%-12s inside the 80 %% band %d of %d; below %d, above %d; width over median %.2f; median off by a factor of %.2f\n",
                what, inside, n, below, above, bench::median(widths), std::exp(bench::median(misses)));
  }
};

}  // namespace

int main(int argc, char** argv) {
  const int experiments = argc > 1 ? std::atoi(argv[1]) : 100;
  const int futures = argc > 2 ? std::atoi(argv[2]) : 64;
  Score time, slots;
  std::map<std::string, Score> by_scheduler;
  const double began = bench::now();
  for (int e = 0; e < experiments; ++e) {
    Rng rng{20260101, static_cast<std::uint64_t>(e)};
    const auto s = setting(rng);
    Spec spec = bench::spec(s.config);
    spec.parallel = s.slots;
    SimulatorOptions options;
    options.workers = 1, options.slots = s.slots, options.seed = spec.seed;
    options.jitter = rng.uniform(), options.faults.crash = s.crash;
    std::vector<Record> journal;
    const auto run = run_in_virtual_time(spec, std::make_unique<World>(spec, rng, s.steps), options, {}, &journal);
    if (!run) std::fprintf(stderr, "%s\n", run.error().message.c_str()), std::exit(1);
    const auto n = early(journal, s.trials);
    Outlook outlook{spec};
    outlook.journal = std::span{journal}.first(n);
    outlook.now = journal[n - 1].at.seconds;
    outlook.running = true;
    outlook.futures = futures;
    const auto told = forecast(outlook);
    if (!told) std::fprintf(stderr, "%d: %s\n", e, told.error().message.c_str()), std::exit(1);
    time.add(run->seconds(), told->seconds);
    by_scheduler[s.scheduler].add(run->seconds(), told->seconds);
    slots.add(run->slot_seconds, told->slot_seconds);
    if (std::getenv("VERBOSE"))
      std::printf("%3d %-12s trials %3lld steps %2lld slots %2d crash %.2f dims %zu: %10.1f in [%10.1f %10.1f %10.1f]%s\n", e,
                  s.scheduler.c_str(), static_cast<long long>(s.trials), static_cast<long long>(s.steps), s.slots, s.crash,
                  spec.space.size(), run->seconds(), told->seconds.low, told->seconds.middle, told->seconds.high,
                  run->seconds() < told->seconds.low ? " <" : run->seconds() > told->seconds.high ? " >" : "");
  }
  time.print("finish time");
  slots.print("slot-hours");
  for (const auto& [name, score] : by_scheduler) score.print(name.c_str());
  std::printf("%d futures of %d experiments in %.1f s\n", futures, experiments, bench::now() - began);
}
