// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/pool_executor.hpp"

#include <catch2/catch.hpp>

#include "executors/pool/invitation.hpp"
#include "unit/link/rig.hpp"

using namespace tune;

namespace {

/// An agent that says what the test has it say, and notes what it is told.
class Scripted {
 public:
  test::Events events;

  Scripted(const std::string& address, const Credentials& credentials, const std::string& id) {
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
    events.add(launch ? "launch " + std::to_string(launch->trial.value) : "another order");
  }
  void hear(const auto&) {}

  std::unique_ptr<Line> line_;
};

/// An executor with one agent, and the loop's part played by the test.
class Bed {
 public:
  Scratch folder;
  Spec spec;
  History history{spec};
  std::unique_ptr<Executor> executor;
  std::unique_ptr<Scripted> agent;
  std::vector<Observation> seen;

  explicit Bed(std::int64_t parallel = 4) {
    spec.name = "digits", spec.objectives = {{"loss"}}, spec.command = {"true"}, spec.parallel = parallel;
    spec.executor = {"pool", {{"agents", std::int64_t{0}}}};
    auto made = PoolExecutor::make({spec, folder / "a.db.d/digits", folder / "a.db.d/checkpoints"});
    if (!made) FAIL(made.error().message);
    executor = std::move(*made);
    executor->open(history);

    const auto now = std::time(nullptr);
    const auto address = last_address(folder / "a.db.d");
    REQUIRE(address);
    const auto file = invite(folder / "a.db.d", *address, {"", "", 1, now + 600, now + 3600}, now);
    REQUIRE(file);
    const std::string id(32, 'a');
    const auto credentials = join(*file, id);
    REQUIRE(credentials);
    agent = std::make_unique<Scripted>(*address, *credentials, id);
    until<WorkerJoined>(1);
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

Observation started(std::int64_t trial) { return Started{{trial}, 1, 0, {}, 17}; }
Observation report(std::int64_t trial, std::int64_t step) {
  Reported r;
  r.trial = {trial}, r.attempt = 1, r.seq = step, r.step = step, r.metrics = {{"loss", 0.5}};
  return r;
}
Observation exited(std::int64_t trial) {
  Exited e;
  e.trial = {trial}, e.attempt = 1;
  return e;
}

}  // namespace

TEST_CASE("what an agent says twice is recorded once", "[pool]") {
  Bed bed;
  bed.launch(0);
  bed.look(0);
  bed.agent->events.take("launch 0");
  bed.agent->tell(1, {started(0), report(0, 1)});
  bed.agent->tell(1, {started(0), report(0, 1), report(0, 2)});
  bed.until<Reported>(2);
  bed.look(0.05);
  CHECK(bed.count<Started>() == 1);
  CHECK(bed.last<Started>().worker == WorkerId{1});
  CHECK(bed.count<Reported>() == 2);
  CHECK(bed.count<Fenced>() == 0);
}

TEST_CASE("an agent hears that its facts are safe only once they are durable, in their order", "[pool]") {
  Bed bed;
  bed.launch(0);
  bed.look(0);
  bed.agent->tell(1, {started(0), report(0, 1)});
  bed.until<Reported>(1);
  bed.look(0.05);
  CHECK_FALSE(bed.agent->events.has("acknowledged"));
  const Observation first = bed.last<Started>(), second = bed.last<Reported>();
  bed.executor->acknowledge(first);
  bed.look(0);
  bed.agent->events.take("acknowledged 1");
  bed.executor->acknowledge(second);
  bed.look(0);
  bed.agent->events.take("acknowledged 2");
}

TEST_CASE("what is launched beyond executor.parallel is held back until there is room", "[pool]") {
  Bed bed(1);
  bed.launch(0), bed.launch(1);
  bed.look(0.05);
  bed.agent->events.take("launch 0");
  CHECK_FALSE(bed.agent->events.has("launch 1"));
  bed.agent->tell(1, {started(0), exited(0)});
  bed.until<Exited>(1);
  bed.look(0);
  bed.agent->events.take("launch 1");
}

TEST_CASE("an attempt that is held back ends by a Stop without its agent", "[pool]") {
  Bed bed(1);
  bed.launch(0), bed.launch(1), bed.launch(2);
  bed.decide(Stop{{1}, 1, TrialState::stopped, {}});
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().trial == TrialId{1});
  CHECK(bed.last<Exited>().cause == Cause::stopped);
  CHECK(bed.last<Exited>().text == "so it was decided");
  bed.agent->tell(1, {started(0), exited(0)});
  bed.until<Exited>(2);
  bed.look(0);
  bed.agent->events.take("launch 2");
  CHECK_FALSE(bed.agent->events.has("launch 1"));
  CHECK_FALSE(bed.agent->events.has("another order"));
}

TEST_CASE("what an agent says of an attempt that is not its own is fenced", "[pool]") {
  Bed bed;
  bed.agent->tell(1, {report(7, 1)});
  bed.until<Fenced>(1);
  CHECK(bed.last<Fenced>() == Fenced{{7}, 1, {1}, "Reported", 1});
  CHECK(bed.count<Reported>() == 0);
  bed.look(0);
  bed.agent->events.take("acknowledged 1");  // It counts for nothing, and is not to be said again.
}
