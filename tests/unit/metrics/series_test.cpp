// SPDX-License-Identifier: Apache-2.0
#include "ui/metrics/series.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <memory>
#include <string>

#include "ui/metrics/series.hpp"

using namespace tune;

namespace {

/// Policies that leave every decision to the test.
struct Silent final : Sampler, Scheduler {
  void learn(const Record&) override {}
  std::optional<Proposal> propose(TrialId, Rng) const override { return std::nullopt; }
  void learn(const History&, const Record&) override {}
  std::optional<Verdict> verdict(const History&) const override { return std::nullopt; }
  std::optional<Plan> plan(const History&) const override { return std::nullopt; }
};

Spec two_goals() {
  Spec spec;
  spec.name = "digits";
  spec.objectives = {{"loss"}, {"accuracy", true}};
  return spec;
}

/// An experiment whose records the test makes up, and what Prometheus sees of it.
struct Seen {
  explicit Seen(Spec s = two_goals()) : spec(std::move(s)), experiment(spec, std::make_unique<Silent>(), std::make_unique<Silent>()), series(spec) {
    fact(0, WorkerJoined{WorkerId{0}, "", "here", "", "", "", {4, 0, {}, {}}, {}, {}});
  }

  void fact(double at, Observation o) { record({experiment.next_seq(), {at}, 1, std::move(o)}); }
  void fact(double at, Decision d) { record({experiment.next_seq(), {at}, 1, Decided{std::move(d), {}}}); }
  void record(const Record& r) {
    experiment.apply(r);
    series.on_durable(r, experiment.history());
  }

  void begin(int trial, double at) {
    fact(at, Propose{TrialId{trial}, {}, "sampler", "", 0, 0.002, {}, {}, 0});
    Launch launch;
    launch.trial = TrialId{trial};
    launch.attempt = 1;
    launch.ranks = {{WorkerId{0}, 1, 0, {}, 1, {}}};
    fact(at + 0.5, launch);
    fact(at + 0.5, Started{TrialId{trial}, 1, 0, WorkerId{0}, 42});
  }
  void report(int trial, std::int64_t step, double loss, double accuracy) {
    fact(5, Reported{TrialId{trial}, 1, step, step, Metrics{{"loss", loss}, {"accuracy", accuracy}}, {}, {}, false});
  }
  void end(int trial, TrialState state, double loss, double accuracy, double seconds = 10) {
    Exited exited{TrialId{trial}, 1, Cause::done, 0, {}, 0, {}, 1, ""};
    exited.usage.seconds = seconds;
    fact(10, exited);
    fact(10, Settle{TrialId{trial}, state, Cause::done, {loss, accuracy}, true, 1});
  }

  /// The number behind `name{labels}`, as text; empty if there is no such line.
  std::string value(const std::string& line, const Watcher::Turn& turn = {}) {
    series.on_turn(turn, experiment.history());
    const std::string page = "\n" + series.text();
    const auto found = page.find("\n" + line + " ");
    if (found == std::string::npos) return "";
    const auto begin = found + line.size() + 2;
    return page.substr(begin, page.find('\n', begin) - begin);
  }

  Spec spec;
  Experiment experiment;
  Series series;
};

}  // namespace

TEST_CASE("trials are counted by state", "[metrics]") {
  Seen seen;
  seen.begin(0, 1);
  seen.begin(1, 1);
  seen.report(0, 1, 0.5, 0.9);
  seen.end(0, TrialState::complete, 0.5, 0.9);
  CHECK(seen.value(R"(tune_trials{experiment="digits",state="running"})") == "1");
  CHECK(seen.value(R"(tune_trials{experiment="digits",state="complete"})") == "1");
  CHECK(seen.value(R"(tune_trials{experiment="digits",state="failed"})") == "0");
}

TEST_CASE("each objective has its best value once there is one", "[metrics]") {
  Seen seen;
  const std::string loss = R"(tune_best_value{experiment="digits",objective="loss"})";
  const std::string accuracy = R"(tune_best_value{experiment="digits",objective="accuracy"})";
  CHECK(seen.value(loss).empty());
  seen.begin(0, 1);
  seen.end(0, TrialState::complete, 0.5, 0.7);
  seen.begin(1, 1);
  seen.end(1, TrialState::complete, 0.75, 0.875);
  CHECK(seen.value(loss) == "0.5");
  CHECK(seen.value(accuracy) == "0.875");
}

TEST_CASE("what is not finite or did not succeed is never best", "[metrics]") {
  Seen seen;
  seen.begin(0, 1);
  seen.end(0, TrialState::complete, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  seen.begin(1, 1);
  seen.end(1, TrialState::failed, 0.1, 0.9);
  CHECK(seen.value(R"(tune_best_value{experiment="digits",objective="loss"})").empty());
}

TEST_CASE("reports and decisions are counted", "[metrics]") {
  Seen seen;
  seen.begin(0, 1);
  seen.report(0, 1, 0.5, 0.7);
  seen.report(0, 2, 0.4, 0.7);
  CHECK(seen.value(R"(tune_reports_total{experiment="digits"})") == "2");
  CHECK(seen.value(R"(tune_decisions_total{experiment="digits",kind="Launch"})") == "1");
  CHECK(seen.value(R"(tune_decisions_total{experiment="digits",kind="Stop"})") == "0");
}

TEST_CASE("proposals, decisions, commits and waiting have histograms", "[metrics]") {
  Seen seen;
  seen.begin(0, 1);
  CHECK(seen.value(R"(tune_proposal_seconds_bucket{experiment="digits",le="0.0025"})") == "1");
  CHECK(seen.value(R"(tune_queue_wait_seconds_sum{experiment="digits"})") == "0.5");
  Watcher::Turn turn;
  turn.decide_seconds = 0.25;
  CHECK(seen.value(R"(tune_store_commit_seconds_count{experiment="digits"})", turn) == "0");
  turn.commit_seconds = 0.125;
  CHECK(seen.value(R"(tune_store_commit_seconds_sum{experiment="digits"})", turn) == "0.125");
  CHECK(seen.value(R"(tune_decision_seconds_sum{experiment="digits"})") == "0.5");
}

TEST_CASE("slots are busy or free, and follow the workers", "[metrics]") {
  Seen seen;
  seen.begin(0, 1);
  const std::string busy = R"(tune_slots{experiment="digits",state="busy"})", free = R"(tune_slots{experiment="digits",state="free"})";
  CHECK(seen.value(busy) == "1");
  CHECK(seen.value(free) == "3");
  seen.fact(2, WorkerJoined{WorkerId{1}, "", "there", "", "", "", {2, 0, {}, {}}, {}, {}});
  CHECK(seen.value(free) == "5");
  seen.fact(3, WorkerLost{WorkerId{1}, "gone", ""});
  CHECK(seen.value(free) == "3");
}

TEST_CASE("a worker that is set aside, drains or was another process's has no free slots", "[metrics]") {
  Seen seen;
  const std::string free = R"(tune_slots{experiment="digits",state="free"})";
  const auto joined = WorkerJoined{WorkerId{1}, "", "there", "", "", "", {2, 0, {}, {}}, {}, {}};
  seen.fact(1, joined);
  CHECK(seen.value(free) == "6");
  seen.fact(2, WorkerChanged{WorkerId{1}, "cordoned", {}, {}, "somebody works there"});
  CHECK(seen.value(free) == "4");
  seen.fact(3, WorkerChanged{WorkerId{1}, "ready", {}, {}, ""});
  CHECK(seen.value(free) == "6");
  seen.fact(4, WorkerChanged{WorkerId{1}, "draining", {}, {}, ""});
  CHECK(seen.value(free) == "4");
  seen.fact(5, joined);
  seen.fact(6, Opened{});
  CHECK(seen.value(free) == "0");
}

TEST_CASE("workers are counted by state, under their engine's name", "[metrics]") {
  Spec spec = two_goals();
  spec.executor.type = "slurm";
  Seen seen(std::move(spec));
  const std::string ready = R"(tune_workers{experiment="digits",engine="slurm",state="ready"})";
  const std::string lost = R"(tune_workers{experiment="digits",engine="slurm",state="lost"})";
  seen.fact(1, WorkerJoined{WorkerId{1}, "ab", "there", "", "", "", {2, 0, {}, {}}, {}, {}});
  CHECK(seen.value(ready) == "2");
  seen.fact(2, WorkerLost{WorkerId{1}, "gone", ""});
  CHECK(seen.value(ready) == "1");
  CHECK(seen.value(lost) == "1");
}

TEST_CASE("an allocation counts in the state that it is in, and stays where it ended", "[metrics]") {
  Spec spec = two_goals();
  spec.executor.type = "slurm";
  Seen seen(std::move(spec));
  const auto in = [](const std::string& state) { return R"(tune_allocations{experiment="digits",engine="slurm",state=")" + state + "\"}"; };
  CHECK(seen.value(in("queued")).empty());
  for (const int number : {1, 2}) seen.fact(1, AllocationChanged{number, "77", "queued", "", "", {}});
  CHECK(seen.value(in("queued")) == "2");
  seen.fact(2, AllocationChanged{1, "77", "running", "", "node7", {}});
  seen.fact(3, AllocationChanged{1, "77", "ended", "", "node7", {}});
  CHECK(seen.value(in("queued")) == "1");
  CHECK(seen.value(in("running")) == "0");
  CHECK(seen.value(in("ended")) == "1");
}

TEST_CASE("attempts whose worker was lost are counted", "[metrics]") {
  Seen seen;
  const std::string lost = R"(tune_lost_attempts_total{experiment="digits",engine="process"})";
  seen.begin(0, 1);
  CHECK(seen.value(lost) == "0");
  seen.fact(2, Exited{TrialId{0}, 1, Cause::lost, 0, {}, 0, {}, 0, ""});
  CHECK(seen.value(lost) == "1");
}

TEST_CASE("stopping at a third of the way saves twice the time spent", "[metrics]") {
  Seen seen;
  const std::string saved = R"(tune_saved_seconds_total{experiment="digits"})";
  seen.begin(0, 1);
  seen.report(0, 27, 0.5, 0.7);
  seen.end(0, TrialState::complete, 0.5, 0.7, 30);
  CHECK(seen.value(saved) == "0");
  seen.begin(1, 1);
  seen.report(1, 9, 0.8, 0.5);
  seen.end(1, TrialState::stopped, 0.8, 0.5, 12);
  CHECK(seen.value(saved) == "24");
}

TEST_CASE("a store that cannot write is shown", "[metrics]") {
  Seen seen;
  CHECK(seen.value(R"(tune_store_trouble{experiment="digits"})") == "0");
  Watcher::Turn turn;
  turn.trouble = Error{Error::Code::io, "disk full", ""};
  CHECK(seen.value(R"(tune_store_trouble{experiment="digits"})", turn) == "1");
}

TEST_CASE("a thousand trials have as many series as one", "[metrics]") {
  Seen seen;
  const auto lines = [&] {
    const std::string page = seen.series.text();
    return std::count(page.begin(), page.end(), '\n');
  };
  for (int trial = 0; trial < 2; ++trial) {
    seen.begin(trial, 1);
    seen.end(trial, TrialState::complete, 1, 1);
  }
  const auto before = lines();
  for (int trial = 2; trial < 1000; ++trial) {
    seen.begin(trial, 1);
    seen.end(trial, TrialState::complete, 1, 1);
  }
  CHECK(lines() == before);
}

TEST_CASE("a resumed experiment shows what was known before", "[metrics]") {
  Seen seen;
  seen.begin(0, 1);
  seen.end(0, TrialState::complete, 0.5, 0.7);
  Series later(seen.spec);
  later.on_turn({}, seen.experiment.history());
  CHECK_THAT(later.text(), Catch::Contains(R"(tune_best_value{experiment="digits",objective="loss"} 0.5)") &&
                               Catch::Contains(R"(tune_trials{experiment="digits",state="complete"} 1)") &&
                               Catch::Contains(R"(tune_decisions_total{experiment="digits",kind="Settle"} 0)"));
}

TEST_CASE("names from users cannot break out of their line", "[metrics]") {
  Spec spec = two_goals();
  spec.objectives[0].metric = "a\"b\\c\nd\xff";
  Seen seen(spec);
  seen.begin(0, 1);
  seen.end(0, TrialState::complete, 0.5, 0.7);
  seen.series.on_turn({}, seen.experiment.history());
  const std::string page = seen.series.text();
  CHECK(page.find("\nd") == std::string::npos);
  CHECK(page.find('\xff') == std::string::npos);
  CHECK_THAT(page, Catch::Contains(R"(objective="a\"b)"));
}
