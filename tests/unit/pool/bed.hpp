// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <catch2/catch.hpp>

#include "executors/pool/invitation.hpp"
#include "executors/pool/pool_executor.hpp"
#include "tuner/experiment.hpp"
#include "unit/link/rig.hpp"

/// A PoolExecutor with agents that a test plays.
namespace tune::test {


/// An agent that says what the test has it say, and notes what it is told.
class Scripted {
 public:
  Events events;
  RanksPlan meeting;  ///< Of the newest order that had one.

  Scripted(const std::string& address, const Credentials& credentials, const std::string& id, std::vector<AttemptName> held = {}) {
    auto opened = Line::open({address, credentials}, {[this](Line::Opening) { events.add("opened"); },
                                                      [this](Line::Opening, std::string_view text) {
                                                        auto message = read_message(text);
                                                        if (message) std::visit([this](const auto& m) { hear(m); }, *message);
                                                      },
                                                      [](Line::Opening, const std::string&, bool) {}});
    REQUIRE(opened);
    line_ = std::move(*opened);
    events.take("opened");
    Hello hello;
    hello.worker.agent = id, hello.worker.name = "node1", hello.worker.offers.cpus = 4;
    hello.held = std::move(held);
    say(hello);
    events.take("welcome");
  }

  void say(const Message& message) { line_->send(1, write_message(message)); }
  /// Facts numbered from `first`.
  void tell(std::int64_t first, const std::vector<Observation>& facts) {
    Happened happened{"digits", {}};
    for (const auto& fact : facts) happened.facts.push_back({first++, {50}, 0, fact});
    say(happened);
  }

 private:
  void hear(const Welcome&) { events.add("welcome"); }
  void hear(const Acknowledged& a) { events.add("acknowledged " + std::to_string(a.seq)); }
  void hear(const Order& order) {
    const auto* launch = std::get_if<Launch>(&order.fact.decided()->what);
    if (order.ranks) meeting = *order.ranks;
    events.add(launch ? "launch " + std::to_string(launch->trial.value) : "another order");
  }
  void hear(const Reserve& reserve) {
    const auto* launch = reserve.fact.as<Launch>();
    events.add("reserve " + std::to_string(launch->trial.value) + ", " + std::to_string(launch->ranks.size()) + " ranks, round " + std::to_string(reserve.round));
  }
  void hear(const Fence& fence) { events.add("fence " + std::to_string(fence.attempt.trial.value)); }
  void hear(const EndRanks& end) { events.add("end ranks of " + std::to_string(end.attempt.trial.value)); }
  void hear(const auto&) {}

  std::unique_ptr<Line> line_;
};

/// Policies of an experiment in which the test decides.
struct NoPolicy final : Sampler, Scheduler {
  void learn(const Record&) override {}
  std::optional<Proposal> propose(TrialId, Rng) const override { return std::nullopt; }
  void learn(const History&, const Record&) override {}
  std::optional<Verdict> verdict(const History&) const override { return std::nullopt; }
  std::optional<Plan> plan(const History&) const override { return std::nullopt; }
};

/// An executor with some agents, and the loop's part played by the test.
class Bed {
 public:
  Scratch folder;
  Spec spec;
  History history{spec};
  std::unique_ptr<Executor> executor;
  std::vector<std::unique_ptr<Scripted>> agents;
  Scripted* agent = nullptr;  ///< The first.
  std::vector<Observation> seen;
  std::string address;
  Credentials credentials;  ///< Of the first.

  /// `before`: the journal of a coordinator that was killed.
  explicit Bed(std::int64_t parallel = 4, int count = 1, const std::vector<std::variant<Observation, Decided>>& before = {}) {
    spec.name = "digits", spec.objectives = {{"loss"}}, spec.command = {"true"}, spec.parallel = parallel;
    spec.executor = {"pool", {{"agents", std::int64_t{0}}}};
    auto made = PoolExecutor::make({spec, folder / "a.db.d/digits", folder / "a.db.d/checkpoints"});
    if (!made) FAIL(made.error().message);
    executor = std::move(*made);
    Experiment experiment(spec, std::make_unique<NoPolicy>(), std::make_unique<NoPolicy>());
    for (const auto& fact : before) experiment.apply({experiment.next_seq(), {1}, 1, fact});
    executor->open(experiment.history());

    const auto now = std::time(nullptr);
    address = last_address(folder / "a.db.d").value();
    const auto file = invite(folder / "a.db.d", address, {"", "", count, now + 600, now + 3600}, now);
    REQUIRE(file);
    for (int i = 0; i < count; ++i) {
      const std::string id(32, static_cast<char>('a' + i));
      const auto joined = join(*file, id);
      REQUIRE(joined);
      if (i == 0) credentials = *joined;
      agents.push_back(std::make_unique<Scripted>(address, *joined, id));
      until<WorkerJoined>(i + 1);  // So that they are numbered in their order.
    }
    agent = agents.front().get();
  }

  /// The first agent, on another connection.
  void come_back(std::vector<AttemptName> held) {
    agents.front().reset();
    agents.front() = std::make_unique<Scripted>(address, credentials, std::string(32, 'a'), std::move(held));
    agent = agents.front().get();
  }

  void decide(Decision decision) { executor->carry_out({std::move(decision), {0, "test", "so it was decided", ""}}, history); }
  void launch(std::int64_t trial) {
    Launch launch;
    launch.trial = {trial}, launch.attempt = 1, launch.params = Params{{"x", 0.5}};
    launch.ranks = {Seat{{1}, 1, 0, {}, 1, {}}};
    decide(launch);
  }
  template <class T>
  std::ptrdiff_t count() const {
    return std::count_if(seen.begin(), seen.end(), [](const auto& o) { return std::holds_alternative<T>(o); });
  }
  void look(double seconds) {
    for (auto& o : executor->wait(executor->now() + Duration{seconds})) seen.push_back(std::move(o));
  }
  /// Takes what happens until there are so many of these. (What never comes is ended by the limit of the whole test program.)
  template <class T>
  void until(std::ptrdiff_t enough) {
    while (count<T>() < enough) look(60);
  }
  template <class T>
  const T& last() const {
    const auto it = std::find_if(seen.rbegin(), seen.rend(), [](const auto& o) { return std::holds_alternative<T>(o); });
    REQUIRE(it != seen.rend());
    return std::get<T>(*it);
  }
};

inline Observation started(std::int64_t trial) { return Started{{trial}, 1, 0, {}, 17}; }
inline Observation report(std::int64_t trial, std::int64_t step) {
  Reported r;
  r.trial = {trial}, r.attempt = 1, r.seq = step, r.step = step, r.metrics = {{"loss", 0.5}};
  return r;
}
inline Observation exited(std::int64_t trial) {
  Exited e;
  e.trial = {trial}, e.attempt = 1;
  return e;
}

}  // namespace tune::test
