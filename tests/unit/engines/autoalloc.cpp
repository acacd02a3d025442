// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/autoalloc.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tuner/rng.hpp"

using namespace tune;

namespace {

/// Autoalloc with the journal's part and the clock's played by the test: what it decides is recorded at once.
struct Books {
  AutoallocSettings settings;
  Autoalloc autoalloc;
  Time now{1000};
  Seq seq = 0;
  AgentDemand demand;
  std::vector<Decided> last;

  static AutoallocSettings usual(int max_agents = 4, int backlog = 1) {
    AutoallocSettings s;
    s.engine = "slurm";
    s.prefix = "tune-x";
    s.join_folder = "/j";
    s.spec.program = "/bin/tune";
    s.max_agents = max_agents;
    s.backlog = backlog;
    return s;
  }
  explicit Books(AutoallocSettings given = usual()) : settings(given), autoalloc(std::move(given)) { REQUIRE(check(settings)); }

  void learn(Observation fact) { autoalloc.learn({++seq, now, 1, std::move(fact)}); }
  void learn(Decided fact) { autoalloc.learn({++seq, now, 1, std::move(fact)}); }
  void after(double seconds) { now = now + Duration{seconds}; }
  /// Decides and records; how many Allocate there were.
  int turn(std::int64_t trials) {
    demand.trials = trials;
    last = autoalloc.decide(demand, now);
    for (const auto& d : last) learn(d);
    return static_cast<int>(std::count_if(last.begin(), last.end(), [](const auto& d) { return std::holds_alternative<Allocate>(d.what); }));
  }
  std::vector<Release> released() const {
    std::vector<Release> out;
    for (const auto& d : last)
      if (const auto* r = std::get_if<Release>(&d.what)) out.push_back(*r);
    return out;
  }
  void state(std::int64_t number, const std::string& word, const std::string& reason = "") {
    learn(Observation{AllocationChanged{number, word == "failed" ? "" : std::to_string(100 + number), word, reason, "", std::nullopt}});
  }
  void refuse(std::int64_t number, const std::string& reason = "no") { learn(Observation{submission_failed(number, {Error::Code::invalid, reason, ""})}); }
  void join(std::int64_t number, std::int64_t worker, std::optional<Time> deadline = {}) {
    WorkerJoined fact;
    fact.worker = {worker};
    fact.allocation = "tune-x-" + std::to_string(number);
    fact.deadline = deadline;
    learn(Observation{fact});
    demand.idle_since[{worker}] = now;
  }
  void run(std::int64_t number) { state(number, "running"), join(number, number); }
  void busy(std::int64_t worker) { demand.idle_since.erase({worker}); }
  void lose(std::int64_t worker) { learn(Observation{WorkerLost{{worker}, "", ""}}), demand.idle_since.erase({worker}); }
};

}  // namespace

TEST_CASE("nothing is asked for without trials", "[autoalloc]") {
  Books books;
  CHECK(books.turn(0) == 0);
}

TEST_CASE("agents are asked for as trials need them, one waiting allocation at a time", "[autoalloc]") {
  Books books;
  CHECK(books.turn(3) == 1);
  CHECK(books.turn(3) == 0);
  books.run(1);
  CHECK(books.turn(3) == 1);
  books.run(2), books.turn(3), books.run(3);
  CHECK(books.turn(3) == 0);
}

TEST_CASE("an allocation has a key and a join file of its own, and says why it is asked for", "[autoalloc]") {
  Books books;
  books.turn(3);
  const auto& asked = std::get<Allocate>(books.last.at(0).what);
  CHECK(asked.key == "tune-x-1");
  CHECK(asked.engine == "slurm");
  CHECK(agent_spec(asked.spec)->join_file == "/j/tune-x-1.json");
  CHECK(books.last[0].reason.by == "autoalloc");
  CHECK(books.last[0].reason.why == "3 trials could use 3 agents, and there are 0");
}

TEST_CASE("several may wait where the backlog says so, and never more agents than the most", "[autoalloc]") {
  Books books(Books::usual(4, 3));
  CHECK(books.turn(100) == 3);
  books.run(1), books.run(2);
  CHECK(books.turn(100) == 1);
  books.run(3), books.run(4);
  CHECK(books.turn(100) == 0);
  CHECK(books.autoalloc.agents_asked_for() == 4);
}

TEST_CASE("trials that fit one agent together need no second one", "[autoalloc]") {
  auto settings = Books::usual(4, 4);
  settings.trials_per_agent = 8;
  Books books(settings);
  CHECK(books.turn(17) == 3);
}

TEST_CASE("each rank of a trial has a seat of its own", "[autoalloc]") {
  auto settings = Books::usual(8, 8);
  settings.trials_per_agent = 2;
  Books books(settings);
  books.demand.ranks = 4;
  CHECK(books.turn(3) == 6);
  CHECK(books.last.at(0).reason.why == "3 trials of 4 ranks could use 6 agents, and there are 0");
}

TEST_CASE("an allocation of many agents is asked for only if all of it may be", "[autoalloc]") {
  auto settings = Books::usual(5, 9);
  settings.spec.agents = 2;
  Books books(settings);
  CHECK(books.turn(100) == 2);
  CHECK(books.autoalloc.agents_asked_for() == 4);
}

TEST_CASE("the least number of agents is there without any trial, and stays", "[autoalloc]") {
  auto settings = Books::usual(4, 4);
  settings.min_agents = 2;
  Books books(settings);
  CHECK(books.turn(0) == 2);
  CHECK(books.last[0].reason.why == "at least 2 agents shall be there, and there are 0");
  books.run(1), books.run(2);
  books.after(10'000);
  CHECK(books.turn(0) == 0);
  CHECK(books.released().empty());
}

TEST_CASE("agents that somebody else started count as there, but not against the most", "[autoalloc]") {
  Books books(Books::usual(1));
  WorkerJoined own;
  own.worker = {7};
  books.learn(Observation{own});
  CHECK(books.turn(1) == 0);
  CHECK(books.turn(2) == 1);
}

TEST_CASE("an allocation whose agents have nothing to do is let go after five minutes", "[autoalloc]") {
  Books books;
  books.turn(1), books.run(1);
  books.after(299), books.turn(0);
  CHECK(books.released().empty());
  books.after(1), books.turn(0);
  REQUIRE(books.released().size() == 1);
  CHECK(books.released()[0] == Release{1, std::nullopt, "drain"});
  CHECK(books.last[0].reason.why == "its 1 agent had nothing to do for 5m");
}

TEST_CASE("one busy agent keeps the allocation, and so does work that is left", "[autoalloc]") {
  auto settings = Books::usual();
  settings.spec.agents = 2;
  Books books(settings);
  books.turn(1), books.state(1, "running"), books.join(1, 1), books.join(1, 2);
  books.busy(1), books.after(1000), books.turn(0);
  CHECK(books.released().empty());
  books.demand.idle_since[{1}] = books.now;
  books.after(1000), books.turn(1);
  CHECK(books.released().empty());
}

TEST_CASE("an idle allocation that does not leave is ended, once", "[autoalloc]") {
  Books books;
  books.turn(1), books.run(1), books.after(300), books.turn(0);
  books.after(119), books.turn(0);
  CHECK(books.released().empty());
  books.after(1), books.turn(0);
  CHECK(books.released() == std::vector{Release{1, std::nullopt, "cancel"}});
  books.after(1000), books.turn(0);
  CHECK(books.last.empty());
}

TEST_CASE("what waits in the queue is cancelled when no trial has waited for a while", "[autoalloc]") {
  Books books;
  books.turn(1), books.state(1, "queued");
  books.demand.quiet_since = books.now;
  books.after(299), books.turn(0);
  CHECK(books.last.empty());
  books.after(1), books.turn(0);
  CHECK(books.released() == std::vector{Release{1, std::nullopt, "cancel"}});
}

TEST_CASE("an agent leaves before its walltime ends, and another is asked for", "[autoalloc]") {
  Books books;
  books.turn(1), books.state(1, "running"), books.join(1, 1, books.now + Duration{600}), books.busy(1);
  books.after(479), books.turn(1);
  CHECK(books.last.empty());
  books.after(1);
  CHECK(books.turn(1) == 1);
  REQUIRE(books.released().size() == 1);
  CHECK(books.released()[0] == Release{std::nullopt, WorkerId{1}, "drain"});
  CHECK(books.last[0].reason.why == "its walltime ends in 2m");
  CHECK(books.turn(1) == 0);
}

TEST_CASE("after failed submissions the next waits longer each time, and the tenth ends it", "[autoalloc]") {
  Books books;
  const double delays[] = {0, 60, 900, 1800, 3600, 3600, 3600, 3600, 3600};
  for (int i = 0; i < 9; ++i) {
    CHECK(books.turn(1) == 1);
    books.refuse(i + 1, "invalid partition");
    if (delays[i] > 0) {
      books.after(delays[i] - 1);
      CHECK(books.turn(1) == 0);
      CHECK(books.autoalloc.trouble(books.now) == std::to_string(i + 1) + " submissions in a row failed; the next is tried in 1s: invalid partition");
      books.after(1);
    }
  }
  CHECK(books.turn(1) == 1);
  books.refuse(10, "invalid partition");
  books.after(1e6);
  CHECK(books.turn(1) == 0);
  CHECK(books.autoalloc.paused());
  CHECK(books.autoalloc.trouble(books.now) == "no more agents are asked for: 10 submissions in a row failed: invalid partition");
}

TEST_CASE("three allocations without an agent end it, with what the agents had said", "[autoalloc]") {
  Books books;
  for (int i = 1; i <= 3; ++i) {
    CHECK(books.turn(1) == 1);
    books.state(i, "running");
    books.learn(Observation{AllocationChanged{i, "10" + std::to_string(i), "failed", "exit 3: cannot reach 10.0.0.1:7741\n", "n1", std::nullopt}});
    books.after(60);
  }
  CHECK(books.turn(1) == 0);
  CHECK(books.autoalloc.trouble(books.now) == "no more agents are asked for: none of the agents of 3 allocations in a row called home: exit 3: cannot reach 10.0.0.1:7741");
}

TEST_CASE("an allocation that runs without a word of its agents is given up after five minutes and counts as failed", "[autoalloc]") {
  Books books;
  books.turn(1), books.state(1, "running");
  books.after(300), books.turn(1);
  CHECK(books.released() == std::vector{Release{1, std::nullopt, "cancel"}});
  CHECK(books.last[0].reason.why == "none of its agents called home within 5m of its start");
  books.learn(Observation{AllocationChanged{1, "101", "ended", "CANCELLED; wrong port", "", std::nullopt}});
  books.turn(1), books.refuse(2);
  books.turn(1);
  CHECK(books.autoalloc.trouble(books.now).find("1 submission in a row failed") == 0);
}

TEST_CASE("an agent that calls home, a submission that is taken and a person who looks end the count", "[autoalloc]") {
  Books books;
  books.turn(1), books.refuse(1), books.turn(1), books.refuse(2);
  CHECK_FALSE(books.autoalloc.trouble(books.now).empty());
  books.after(60), books.turn(1), books.state(3, "queued");
  CHECK(books.autoalloc.trouble(books.now).empty());
  books.state(3, "lost"), books.turn(1), books.state(4, "lost");
  CHECK_FALSE(books.autoalloc.trouble(books.now).empty());
  books.learn(Observation{Opened{}});
  CHECK(books.autoalloc.trouble(books.now).empty());
}

TEST_CASE("an allocation whose agents are all lost is ended, but not before they had time to come back", "[autoalloc]") {
  Books books;
  books.turn(1), books.run(1), books.busy(1), books.after(1000), books.lose(1);
  books.after(299), books.turn(0);
  CHECK(books.released().empty());
  books.after(1), books.turn(0);
  CHECK(books.last.at(0).reason.why == "none of its agents is left since 5m");
}

TEST_CASE("while it is not known whether a submission came through, it holds its place", "[autoalloc]") {
  Books books(Books::usual(1));
  books.turn(1);
  books.learn(Observation{submission_failed(1, {Error::Code::unreachable, "timed out", ""})});
  CHECK(books.turn(1) == 0);
  REQUIRE(books.autoalloc.live().size() == 1);
  CHECK(books.autoalloc.live()[0].name.id.empty());  // To be submitted again, by its key.
}

TEST_CASE("cordoned and draining agents do not count as there", "[autoalloc]") {
  Books books;
  books.turn(1), books.run(1), books.busy(1);
  CHECK(books.turn(1) == 0);
  books.learn(Observation{WorkerChanged{{1}, "cordoned", {}, {}, ""}});
  CHECK(books.turn(1) == 1);
}

TEST_CASE("at the end everything is let go, once", "[autoalloc]") {
  Books books(Books::usual(4, 2));
  books.turn(2), books.run(1);
  const auto all = books.autoalloc.release_all("the experiment is over");
  REQUIRE(all.size() == 2);
  CHECK(std::get<Release>(all[0].what) == Release{1, std::nullopt, "cancel"});
  CHECK(all[1].reason.why == "the experiment is over");
  for (const auto& d : all) books.learn(d);
  CHECK(books.autoalloc.release_all("again").empty());
}

TEST_CASE("settings by which nothing could be asked for are refused with a next step", "[autoalloc]") {
  auto few = Books::usual(1), crossed = Books::usual(1), late = Books::usual(1);
  few.spec.agents = 2;
  crossed.min_agents = 2;
  late.spec.walltime = {100};
  CHECK(check(few).error().message == "max_agents is 1, and an allocation has 2 agents");
  CHECK_FALSE(check(crossed));
  CHECK(check(late).error().message == "the walltime (1m40s) is over before agents would begin to leave (margin 2m)");
}

// --- what engines answer ----------------------------------------------------------------------------------------------

namespace {
Allocation answer(AllocationState state, bool missing = false) {
  Allocation a;
  a.name = {"k", "7"};
  a.state = state;
  a.missing = missing;
  return a;
}
}  // namespace

TEST_CASE("an answer is a fact only where something changed", "[autoalloc]") {
  AllocationWatch watch;
  CHECK(watch.learn(1, answer(AllocationState::queued), {0})->state == "queued");
  CHECK_FALSE(watch.learn(1, answer(AllocationState::queued), {5}));
  CHECK(watch.learn(1, answer(AllocationState::running), {10})->state == "running");
  AllocationWatch another;
  another.recall(*AllocationWatch{}.learn(1, answer(AllocationState::running), {0}));
  CHECK_FALSE(another.learn(1, answer(AllocationState::running), {20}));
}

TEST_CASE("an allocation that is missing is lost after three answers over a minute, and not before", "[autoalloc]") {
  AllocationWatch watch;
  watch.learn(1, answer(AllocationState::running), {0});
  CHECK(watch.learn(1, answer(AllocationState::unknown, true), {10})->state == "unknown");
  CHECK_FALSE(watch.learn(1, answer(AllocationState::unknown, true), {11}));
  CHECK_FALSE(watch.learn(1, answer(AllocationState::unknown, true), {69}));
  CHECK(watch.learn(1, answer(AllocationState::unknown, true), {70})->state == "lost");
}

TEST_CASE("an allocation that is seen again was never missed, and an engine that is away misses nothing", "[autoalloc]") {
  AllocationWatch watch;
  for (const double at : {0.0, 50.0}) watch.learn(1, answer(AllocationState::unknown, true), {at});
  watch.learn(1, answer(AllocationState::running), {55});
  for (const double at : {60.0, 110.0}) CHECK_FALSE(watch.learn(1, answer(AllocationState::unknown, true), {at}).value_or(AllocationChanged{}).state == "lost");
  for (double at = 200; at < 10'000; at += 5) CHECK_FALSE(watch.learn(2, answer(AllocationState::unknown), {at}).value_or(AllocationChanged{}).state == "lost");
}

// --- any history ------------------------------------------------------------------------------------------------------

namespace {

/// An engine, agents and an experiment that do as chance has it, every fact recorded in the order in which it comes.
struct World {
  Rng rng;
  Books books;
  struct Real {
    AllocationState state = AllocationState::submitted;
    std::vector<std::int64_t> workers;
    Time since;
  };
  std::map<std::int64_t, Real> real;
  std::int64_t workers = 0;
  bool calm = false;  ///< The engine grants and keeps everything.

  static AutoallocSettings any(Rng& rng) {
    auto s = Books::usual();
    s.spec.agents = 1 + static_cast<int>(rng.below(3));
    s.max_agents = s.spec.agents + static_cast<int>(rng.below(8));
    s.min_agents = static_cast<int>(rng.below(static_cast<std::uint64_t>(s.max_agents - s.spec.agents + 2)));
    s.backlog = 1 + static_cast<int>(rng.below(3));
    s.trials_per_agent = 1 + static_cast<int>(rng.below(4));
    if (rng.below(2)) s.spec.walltime = {1800};
    return s;
  }
  explicit World(std::uint64_t seed) : rng(seed, 1), books(any(rng)) {}

  bool chance(double p) { return rng.uniform() < p; }

  void decide(std::int64_t trials) {
    const auto before = books.seq;
    books.turn(trials);
    REQUIRE(books.seq == before + static_cast<Seq>(books.last.size()));  // Recorded, …
    for (const auto& d : books.last) {                                   // … and then carried out.
      if (const auto* a = std::get_if<Allocate>(&d.what)) {
        REQUIRE_FALSE(real.contains(a->allocation));
        submit(a->allocation);
      } else if (const auto* r = std::get_if<Release>(&d.what); r && r->allocation && real.contains(*r->allocation)) {
        end(*r->allocation, "ended");
      } else if (r && r->worker) {
        books.lose(r->worker->value);
      }
      REQUIRE_FALSE(d.reason.why.empty());
    }
  }
  void submit(std::int64_t number) {
    if (!calm && chance(0.1)) return books.refuse(number);
    real[number] = {AllocationState::queued, {}, books.now};
    books.state(number, "queued");
  }
  void end(std::int64_t number, const std::string& how) {
    for (const auto w : real[number].workers) books.lose(w);
    books.learn(Observation{AllocationChanged{number, std::to_string(number), how, "", "", std::nullopt}});
    real.erase(number);
  }
  void step() {
    books.after(rng.uniform() * 60);
    auto numbers = real;
    for (auto& [number, copy] : numbers) {
      auto& one = real[number];
      if (one.state == AllocationState::queued && (calm || chance(0.3))) {
        one.state = AllocationState::running;
        books.state(number, "running");
        if (!calm && chance(0.1)) continue;  // Its agents never call.
        const auto deadline = books.settings.spec.walltime.seconds > 0 ? std::optional{books.now + books.settings.spec.walltime} : std::nullopt;
        for (int i = 0; i < books.settings.spec.agents; ++i) one.workers.push_back(++workers), books.join(number, workers, deadline);
      } else if (one.state == AllocationState::running && !calm && chance(0.02)) {
        end(number, chance(0.5) ? "failed" : "lost");
      } else if (books.settings.spec.walltime.seconds > 0 && one.state == AllocationState::running && books.now - one.since > Duration{3000}) {
        end(number, "ended");
      }
    }
    for (auto& [worker, since] : std::map(books.demand.idle_since))
      if (chance(0.3)) books.busy(worker.value);
    if (!calm && chance(0.01)) books.learn(Observation{Opened{}});
    books.demand.quiet_since = chance(0.5) ? std::optional{books.now} : std::nullopt;
  }
};

}  // namespace

TEST_CASE("whatever happens, there are never more agents than the most, and what waits is within the backlog", "[autoalloc]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    World world(seed);
    for (int i = 0; i < 200; ++i) {
      world.step();
      world.decide(static_cast<std::int64_t>(world.rng.below(40)));
      CAPTURE(seed, i);
      REQUIRE(world.books.autoalloc.agents_asked_for() <= world.books.settings.max_agents);
      const auto waiting = std::count_if(world.real.begin(), world.real.end(), [](const auto& r) { return r.second.state == AllocationState::queued; });
      REQUIRE(waiting <= world.books.settings.backlog);
    }
  }
}

TEST_CASE("once the engine grants what it is asked for, the least number of agents is soon there and stays there", "[autoalloc]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    World world(seed);
    for (int i = 0; i < 50; ++i) world.step(), world.decide(static_cast<std::int64_t>(world.rng.below(40)));
    world.calm = true;
    world.books.learn(Observation{Opened{}});
    int below = 0;
    for (int i = 0; i < 200; ++i) {
      world.step();
      world.decide(0);
      int there = 0;
      for (const auto& [number, one] : world.real) there += static_cast<int>(one.workers.size());
      // Walltimes end in between, each with a wait for the queue.
      below = there < world.books.settings.min_agents ? below + 1 : 0;
      CAPTURE(seed, i, there, world.books.settings.min_agents);
      REQUIRE(below < 40);
    }
  }
}

TEST_CASE("the same facts give the same decisions", "[autoalloc]") {
  World one(3), two(3);
  for (int i = 0; i < 100; ++i) {
    one.step(), two.step();
    one.decide(i % 20), two.decide(i % 20);
    REQUIRE(one.books.last == two.books.last);
  }
}
