// SPDX-License-Identifier: Apache-2.0
// percentile, patience and threshold; what all rules share is tested with one of them.
#include <catch2/catch.hpp>
#include <cmath>

#include "schedulers/patience.hpp"
#include "schedulers/percentile.hpp"
#include "schedulers/threshold.hpp"
#include "support/records.hpp"
#include "tuner/rng.hpp"

namespace stop_rules_test {

using namespace tune;
using namespace tune::test;

namespace {

Stage stage(std::unique_ptr<Scheduler> rule, bool maximize = false) {
  Spec spec = small_spec();
  spec.stop.trials = 1000;
  spec.objectives.front().maximize = maximize;
  return Stage{std::move(spec), std::move(rule)};
}

Stage percentile(double best, std::int64_t min_trials = 1, bool maximize = false) {
  return stage(std::make_unique<Percentile>(PercentileOptions{best, PercentileOptions::Others::values, 1, min_trials, 1}), maximize);
}

Stage patience(std::int64_t steps, double min_delta = 0, bool maximize = false) {
  return stage(std::make_unique<Patience>(PatienceOptions{steps, min_delta}), maximize);
}

Stage threshold(std::string metric, std::optional<double> min, std::optional<double> max, std::int64_t after_step = 0) {
  return stage(std::make_unique<Threshold>(ThresholdOptions{std::move(metric), min, max, after_step}));
}

// Of a scheduler's other decisions.
void paused(Stage& s, TrialId t) {
  s.decide(Pause{t, s.history().trial(t).attempt, {}});
  s.exit(t, Cause::paused);
}

}  // namespace

TEST_CASE("a running quantile is the one of the sorted numbers", "[schedulers]") {
  for (const double share : {0.001, 0.25, 0.35, 0.5, 0.8, 0.999}) {
    Rng rng{1, Purpose::simulate, 0};
    detail::Quantile quantile{share};
    std::vector<double> all;
    for (int n = 1; n <= 200; ++n) {
      all.push_back(static_cast<double>(rng.below(40)));  // Many ties.
      quantile.add(all.back());
      auto sorted = all;
      std::sort(sorted.begin(), sorted.end());
      const auto place = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(share * n - 1e-9)));
      REQUIRE(quantile.at() == sorted[place - 1]);
    }
  }
}

TEST_CASE("percentile spares the best quarter", "[schedulers]") {
  auto s = percentile(25, 8);
  for (int i = 8; i > 0; --i) s.report(s.start(), 3, i * 0.1);
  CHECK(s.verdict() == "");
  s.report(s.start(), 3, 0.2);  // As good as the second of eight.
  CHECK(s.verdict() == "");
  s.report(s.start(), 3, 0.35);
  CHECK(s.verdict() == "Stop 9 stopped");
  CHECK(s.why == "at step 3 its best is 0.35, worse than 0.2, which the best 25 % of 9 other trials reach");
}

TEST_CASE("percentile compares a trial's best with what others had at the step, and not with their averages", "[schedulers]") {
  auto s = percentile(50);
  const auto a = s.start(), b = s.start();
  s.report(a, 1, 0.0);
  s.report(a, 2, 1.0);  // Average 0.5.
  s.report(b, 1, 0.0);
  s.report(b, 2, 0.7);
  CHECK(s.verdict() == "");
}

TEST_CASE("percentile maximises when it is asked to, and counts what is not finite as worst", "[schedulers]") {
  auto s = percentile(50, 1, true);
  s.report(s.start(), 1, 0.9);
  s.report(s.start(), 1, 0.95);
  CHECK(s.verdict() == "");
  s.report(s.start(), 1, INFINITY);
  CHECK(s.verdict() == "Stop 2 stopped");
  s.report(s.start(), 1, std::nan(""));
  CHECK(s.verdict() == "Stop 3 stopped");
}

TEST_CASE("percentile compares sparse reports at the steps that trials share", "[schedulers]") {
  auto s = percentile(50);
  const auto a = s.start(), b = s.start();
  for (const int step : {3, 7, 12}) s.report(a, step, 0.1);
  s.report(b, 5, 9);
  s.report(b, 11, 9);
  CHECK(s.verdict() == "");
  s.report(b, 12, 9);
  CHECK(s.verdict() == "Stop 1 stopped");
}

TEST_CASE("patience stops a trial that has not improved for so many steps", "[schedulers]") {
  auto s = patience(3);
  const auto t = s.start();
  s.report(t, 1, 0.5);
  s.report(t, 2, 0.5);
  s.report(t, 3, 0.6);
  CHECK(s.verdict() == "");
  s.report(t, 4, 0.5);
  CHECK(s.verdict() == "Stop 0 stopped");
  CHECK(s.why == "at step 4 it is not better than the 0.5 of step 1");
}

TEST_CASE("patience counts steps and not reports", "[schedulers]") {
  auto s = patience(5);
  const auto t = s.start();
  s.report(t, 3, 0.5);
  s.report(t, 7, 0.5);
  CHECK(s.verdict() == "");
  s.report(t, 12, 0.5);
  CHECK(s.verdict() == "Stop 0 stopped");
}

TEST_CASE("small gains count for patience once they add up", "[schedulers]") {
  auto s = patience(3, 0.1);
  const auto t = s.start();
  for (int step = 1; step <= 20; ++step) s.report(t, step, -0.05 * step);
  CHECK(s.verdict() == "");
  for (int step = 21; step <= 24; ++step) s.report(t, step, -1.0 - 0.01 * step);
  CHECK(s.verdict() == "Stop 0 stopped");
}

TEST_CASE("a trial that reports nothing finite exhausts patience from its beginning on", "[schedulers]") {
  auto s = patience(4, 0, true);
  const auto t = s.start();
  s.report(t, 2, std::nan(""));
  CHECK(s.verdict() == "");
  s.report(t, 4, -INFINITY);
  CHECK(s.verdict() == "Stop 0 stopped");
  CHECK(s.why == "at step 4 nothing that it has reported since step 0 counts");
}

TEST_CASE("patience goes on counting after a pause, and begins anew when a person wants the trial back", "[schedulers]") {
  auto s = patience(3);
  const auto t = s.start();
  s.report(t, 1, 0.5);
  s.report(t, 2, 0.6);
  paused(s, t);
  s.launch(t, kNoStep, {});
  s.report(t, 3, 0.6);
  CHECK(s.verdict() == "");
  s.report(t, 4, 0.6);
  CHECK(s.verdict() == "Stop 0 stopped");
  s.decide(Retry{t, 2, {}, {}, {}});
  s.launch(t, kNoStep, {});
  s.report(t, 6, 0.6);
  CHECK(s.verdict() == "");
  s.report(t, 7, 0.6);
  CHECK(s.verdict() == "Stop 0 stopped");
}

TEST_CASE("patience begins anew where a trial takes over another one's checkpoint", "[schedulers]") {
  auto s = patience(3);
  const auto donor = s.start(), t = s.start();
  for (const int step : {1, 2, 3}) s.report(donor, step, -step);
  s.report(t, 1, 0.5);
  s.report(t, 2, 0.6);
  paused(s, t);
  s.decide(Exploit{t, donor, "abc", 3, {{"x", std::int64_t{1}}}, false, 1, kNoStep});
  s.launch(t, kNoStep, {});
  s.report(t, 4, 0.7);
  CHECK(s.verdict() == "");
  s.report(t, 7, 0.7);
  CHECK(s.verdict() == "Stop 1 stopped");
}

TEST_CASE("threshold stops a trial whose metric is outside of its bounds", "[schedulers]") {
  auto s = threshold("loss", 0.1, 2.0);
  s.report(s.start(), 1, 0.1);
  s.report(s.start(), 1, 2.0);
  CHECK(s.verdict() == "");
  s.report(s.start(), 1, 2.5);
  CHECK(s.verdict() == "Stop 2 stopped");
  CHECK(s.why == "at step 1 `loss` is 2.5, above 2");
  s.report(s.start(), 1, 0);
  CHECK(s.verdict() == "Stop 3 stopped");
  CHECK(s.why == "at step 1 `loss` is 0, below 0.1");
  s.report(s.start(), 1, std::nan(""));
  CHECK(s.verdict() == "Stop 4 stopped");
  CHECK(s.why == "at step 1 `loss` is nan");
}

TEST_CASE("threshold compares an infinity like any number", "[schedulers]") {
  auto s = threshold("loss", {}, 2.0);
  s.report(s.start(), 1, -INFINITY);
  CHECK(s.verdict() == "");
  s.report(s.start(), 1, INFINITY);
  CHECK(s.verdict() == "Stop 1 stopped");
}

TEST_CASE("threshold passes over early steps and reports without the metric", "[schedulers]") {
  auto s = threshold("memory", {}, 100.0, 5);
  const auto t = s.start();
  s.report(t, 6, 1);
  const auto with_memory = [&](std::int64_t step, double memory) {
    Reported r;
    r.trial = t, r.attempt = 1, r.seq = step, r.step = step, r.metrics = {{"loss", 1.0}, {"memory", memory}};
    s.see(r);
  };
  CHECK(s.verdict() == "");
  with_memory(7, 99);
  CHECK(s.verdict() == "");
  with_memory(8, 101);
  CHECK(s.verdict() == "Stop 0 stopped");

  auto early = threshold("loss", {}, 1.0, 5);
  early.report(early.start(), 4, 9);
  CHECK(early.verdict() == "");
}

TEST_CASE("a rule's newest judgement of a trial holds", "[schedulers]") {
  auto s = threshold("loss", {}, 1.0);
  const auto t = s.start();
  s.report(t, 1, 9);
  s.report(t, 2, 0.5);
  CHECK(s.verdict() == "");
}

TEST_CASE("a rule does not stop a trial that was paused for what it reported before", "[schedulers]") {
  auto s = threshold("loss", {}, 1.0);
  const auto t = s.start();
  s.report(t, 1, 9);
  paused(s, t);
  CHECK(s.verdict() == "");
  s.launch(t, kNoStep, {});
  CHECK(s.verdict() == "");
  s.report(t, 2, 9);
  CHECK(s.verdict() == "Stop 0 stopped");
}

TEST_CASE("a rule leaves alone a trial that says it is at its end", "[schedulers]") {
  auto s = threshold("loss", {}, 1.0);
  Reported last;
  last.trial = s.start(), last.attempt = 1, last.seq = 1, last.step = 1, last.metrics = {{"loss", 9.0}}, last.final = true;
  s.see(last);
  CHECK(s.verdict() == "");
}

TEST_CASE("a rule judges the last report of a run on one instance of several", "[schedulers]") {
  Spec spec = small_spec();
  spec.instances = {"a", "b"};
  spec.command = {"solve", "${instance}"};
  Stage s{std::move(spec), std::make_unique<Threshold>(ThresholdOptions{"loss", {}, 1.0, 0})};
  Reported last;
  last.trial = s.start(), last.attempt = 1, last.seq = 1, last.step = 1, last.metrics = {{"loss", 9.0}}, last.final = true;
  s.see(last);
  CHECK(s.verdict() == "Stop 0 stopped");
}

TEST_CASE("a sentence on a trial that failed and is tried again is dropped, and its next report is judged", "[schedulers]") {
  Spec spec = small_spec();
  spec.retry.max = 1;
  spec.retry.backoff = Duration{0};
  spec.retry.on = {Cause::exit};
  Stage s{std::move(spec), std::make_unique<Threshold>(ThresholdOptions{"loss", {}, 1.0, 0})};
  const auto t = s.start();
  s.report(t, 1, 9);
  s.exit(t, Cause::exit);
  CHECK(s.verdict() == "");
  s.launch(t, kNoStep, {});
  s.report(t, 2, 9);
  CHECK(s.verdict() == "Stop 0 stopped");
}

}  // namespace stop_rules_test
