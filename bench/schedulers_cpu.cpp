// SPDX-License-Identifier: Apache-2.0
// What does a scheduler cost? usage: bench_schedulers_cpu [TRIALS]
//
// Whole experiments in virtual time on 256 slots, trials of 81 steps, each step a report. For every report the time is
// summed that the scheduler spends from learning it until it learns the next one: learn, verdict and plan, also those that
// other facts ask for meanwhile. Printed are median and p99 over the reports of the last tenth of the trials.
#include <algorithm>

#include "bench/loop.hpp"
#include "executors/simulator.hpp"
#include "schedulers/curve.hpp"
#include "schedulers/hyperband.hpp"
#include "schedulers/median.hpp"

using namespace tune;

namespace {

using Clock = std::chrono::steady_clock;

// What it measured outlives the scheduler, which the experiment owns.
struct Times {
  std::vector<double> microseconds;
};

class Timed final : public Scheduler {
 public:
  Timed(std::unique_ptr<Scheduler> inner, std::int64_t from, Times& times)
      : inner_(std::move(inner)), from_(from), times_(times) {}

  void learn(const History& history, const Record& r) override {
    if (r.as<Reported>()) {
      if (history.size() >= from_ && spent_ > 0) times_.microseconds.push_back(spent_);
      spent_ = 0;
    }
    const Stopwatch watch{spent_};
    inner_->learn(history, r);
  }
  std::optional<Verdict> verdict(const History& history) const override {
    const Stopwatch watch{spent_};
    return inner_->verdict(history);
  }
  std::optional<Plan> plan(const History& history) const override {
    const Stopwatch watch{spent_};
    return inner_->plan(history);
  }

 private:
  struct Stopwatch {
    explicit Stopwatch(double& sum) : sum_(sum) {}
    ~Stopwatch() { sum_ += std::chrono::duration<double, std::micro>(Clock::now() - began_).count(); }
    double& sum_;
    Clock::time_point began_ = Clock::now();
  };

  std::unique_ptr<Scheduler> inner_;
  std::int64_t from_;
  Times& times_;
  mutable double spent_ = 0;
};

double quantile(std::vector<double>& all, double q) {
  const auto place = all.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(all.size() - 1));
  std::nth_element(all.begin(), place, all.end());
  return *place;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t trials = argc > 1 ? std::atoll(argv[1]) : 100'000;
  const auto show = [&](const char* name, bool saves, auto make) {
    Spec spec = bench::spec_of(trials);
    if (saves) spec.checkpoint.emplace();
    SimulatorOptions options;
    options.workers = 256;
    options.jitter = 0.5;
    Simulator simulator{spec, find_problem("curve", spec, 81).value(), options};
    Times times;
    bench::measure(spec, std::make_unique<Timed>(make(spec), trials * 9 / 10, times), simulator);
    auto& all = times.microseconds;
    std::printf("%-18s %zu reports, median %.2f us, p99 %.2f us, most %.0f us\n", name, all.size(), quantile(all, 0.5),
                quantile(all, 0.99), quantile(all, 1));
  };
  const HyperbandOptions brackets{1, 81, 3};
  show("asha promote", true, [](const Spec& s) { return std::make_unique<Asha>(s, AshaOptions{true, 1, 81, 3, 1}); });
  show("asha stop", false, [](const Spec& s) { return std::make_unique<Asha>(s, AshaOptions{false, 1, 81, 3, 1}); });
  show("asha auto", true, [](const Spec& s) { return std::make_unique<Asha>(s, AshaOptions{true, 1, {}, 3, 1, true}); });
  show("hyperband sync", true, [=](const Spec& s) { return std::make_unique<Hyperband>(s, brackets); });
  show("hyperband async", true, [](const Spec& s) { return std::make_unique<Asha>(s, AshaOptions{true, 1, 81, 3, 5}); });
  show("curve", false, [](const Spec&) { return std::make_unique<Curve>(CurveOptions{81}); });
  show("median", false, [](const Spec&) { return std::make_unique<Percentile>(PercentileOptions{50, PercentileOptions::Others::averages}); });
}
