// SPDX-License-Identifier: Apache-2.0
#include "executors/thread.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace tune;

namespace {

/// The executor without a loop: decisions go in, what it tells comes out.
struct Bench {
  explicit Bench(std::function<void(Session&)> body, std::optional<CheckpointSpec> checkpoint = {}) {
    spec.name = "bench";
    spec.seed = 3;
    spec.parallel = 2;
    spec.checkpoint = checkpoint;
    Objective loss;
    loss.metric = "loss";
    spec.objectives = {loss};
    register_trainable("body", std::move(body));
    history.emplace(spec);
    executor.emplace(spec, *find_trainable("body"), "");
  }
  void launch(std::int64_t trial, std::int64_t until = kNoStep, int attempt = 1) {
    Launch l;
    l.trial = {trial}, l.attempt = attempt, l.until_step = until, l.params = Params{{"x", 0.5}};
    decide(std::move(l));
  }
  void decide(Decision d) { executor->carry_out({std::move(d), {}}, *history); }
  /// Waits until an F has been told and gives it back.
  template <class F>
  F next() {
    for (;;) {
      for (; at < seen.size(); ++at)
        if (const auto* f = std::get_if<F>(&seen[at])) return ++at, *f;
      for (auto& o : executor->wait(std::nullopt)) seen.push_back(std::move(o));
    }
  }
  Spec spec;
  std::optional<History> history;
  std::optional<ThreadExecutor> executor;
  std::vector<Observation> seen;
  std::size_t at = 0;
};

}  // namespace

TEST_CASE("a trial that returns is done, and its reports are numbered", "[thread]") {
  Bench bench{[](Session& s) {
    s.report(1, {{"loss", s.number("x")}});
    s.report(5, {{"loss", 0.25}});
  }};
  bench.launch(0);
  CHECK(bench.next<Started>().attempt == 1);
  const auto first = bench.next<Reported>();
  CHECK(first.metrics.find("loss") == 0.5);
  const auto second = bench.next<Reported>();
  CHECK(second.seq == 2);
  CHECK(second.step == 5);
  const auto end = bench.next<Exited>();
  CHECK(end.cause == Cause::done);
  CHECK(end.last_seq == 2);
}

TEST_CASE("a trial is the only rank of its communicator", "[thread]") {
  Bench bench{[](Session& s) {
    std::vector<double> numbers{1, 2};
    s.communicator().all_reduce(numbers);
    s.report(1, {{"loss", numbers[1] + s.communicator().size()}});
  }};
  bench.launch(0);
  CHECK(bench.next<Reported>().metrics.find("loss") == 3.0);
  CHECK(bench.next<Exited>().cause == Cause::done);
}

TEST_CASE("a throw fails the trial and nothing else", "[thread]") {
  Bench bench{[](Session& s) {
    if (s.number_of_trial() == 0) throw std::runtime_error("no such file: data.csv");
    s.report(1, {{"loss", 1}});
  }};
  bench.launch(0);
  const auto failed = bench.next<Exited>();
  CHECK(failed.cause == Cause::exit);
  CHECK(failed.text == "no such file: data.csv");
  bench.launch(1);
  CHECK(bench.next<Exited>().cause == Cause::done);
}

TEST_CASE("a trial that asks for a parameter it does not have is told which", "[thread]") {
  Bench bench{[](Session& s) { (void)s.number("y"); }};
  bench.launch(0);
  CHECK(bench.next<Exited>().text == "trial bench/0 has no parameter `y`");
}

TEST_CASE("a trial waits at the step where a decision is due, and goes on when it is extended", "[thread]") {
  Bench bench{[](Session& s) {
    for (std::int64_t step = 1; step <= 4; ++step)
      if (!s.report(step, {{"loss", 1}})) return;
  }};
  bench.launch(0, 2);
  CHECK(bench.next<Reported>().step == 1);
  CHECK(bench.next<Reported>().step == 2);
  CHECK(bench.executor->wait(bench.executor->now() + Duration{0.02}).empty());
  bench.decide(Extend{{0}, 4, {}});
  CHECK(bench.next<Reported>().step == 3);
  CHECK(bench.next<Reported>().step == 4);
  bench.decide(Stop{{0}, 1, TrialState::stopped, {}});
  CHECK(bench.next<Exited>().cause == Cause::stopped);
}

TEST_CASE("a launch that is carried out twice starts once", "[thread]") {
  std::atomic<int> runs = 0;
  Bench bench{[&](Session&) { ++runs; }};
  bench.launch(0);
  bench.launch(0);
  bench.launch(1);
  bench.next<Exited>();
  bench.next<Exited>();
  CHECK(runs == 2);
}

TEST_CASE("launches beyond the slots wait, and trials that ran before go first", "[thread]") {
  Bench bench{[](Session& s) { s.report(1, {{"loss", 1}}); }};
  bench.launch(0, 1);
  bench.launch(1, 1);
  bench.next<Reported>();
  bench.next<Reported>();
  bench.launch(2, 1);
  bench.launch(3, 1, 2);
  bench.decide(Extend{{0}, 2, {}});
  bench.next<Exited>();
  CHECK(bench.next<Started>().trial == TrialId{3});
  bench.executor->shut_down(false);
}

TEST_CASE("a stepped trial that is paused saves what it is told to before it leaves", "[thread]") {
  struct Counter final : SteppedTrainable {
    std::int64_t sum = 0;
    void setup(const Params&, std::uint64_t) override {}
    Metrics step(std::int64_t step) override { return {{"loss", static_cast<double>(sum += step)}}; }
    std::int64_t max_steps() const override { return 4; }
    void save(const std::filesystem::path& folder) override { std::ofstream(folder / "sum") << sum; }
    void restore(const std::filesystem::path& folder, std::int64_t) override { std::ifstream(folder / "sum") >> sum; }
  };
  Bench bench{[](Session& s) { Counter{}.run(s); }, CheckpointSpec{}};
  bench.launch(0, 2);
  bench.next<Reported>();
  CHECK(bench.next<Reported>().metrics.find("loss") == 3.0);
  bench.decide(Pause{{0}, 1, {}});
  const auto saved = bench.next<Checkpointed>();
  CHECK(saved.step == 2);
  CHECK(saved.bytes > 0);
  CHECK(bench.next<Exited>().cause == Cause::paused);
}

TEST_CASE("a step that does not grow fails the trial with the two steps", "[thread]") {
  Bench bench{[](Session& s) {
    s.report(5, {{"loss", 1}});
    s.report(3, {{"loss", 1}});
  }};
  bench.launch(0);
  CHECK(bench.next<Exited>().text == "step 3 was reported after step 5");
}

TEST_CASE("shutting down ends trials that report and those that never began", "[thread]") {
  Bench bench{[](Session& s) {
    for (std::int64_t step = 1; s.report(step, {{"loss", 1}}); ++step) {}
  }};
  for (int i = 0; i < 3; ++i) bench.launch(i);
  bench.next<Reported>();
  bench.executor->shut_down(false);
  for (int i = 0; i < 3; ++i) CHECK(bench.next<Exited>().cause == Cause::shutdown);
}

TEST_CASE("killing does not wait for code that never reports", "[thread]") {
  static std::atomic<bool> release;
  release = false;
  {
    Bench bench{[](Session&) { release.wait(false); }};
    bench.launch(0);
    bench.next<Started>();
    bench.executor->shut_down(true);
    CHECK(bench.next<Exited>().cause == Cause::shutdown);
  }
  release = true;
  release.notify_all();
}

TEST_CASE("an interrupt makes the next wait return", "[thread]") {
  Bench bench{[](Session&) {}};
  bench.executor->interrupt();
  CHECK(bench.executor->wait(std::nullopt).empty());
}

TEST_CASE("a plug-in that is not there is an error that names it", "[thread]") {
  const auto loaded = load_plugin("/no/such/plugin.so");
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().message.find("/no/such/plugin.so") != std::string::npos);
}
