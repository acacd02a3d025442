// SPDX-License-Identifier: Apache-2.0
#include "ui/api/ask_tell.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <thread>

#include "store/sqlite/reader.hpp"
#include "support/scratch.hpp"
#include "tuner/config.hpp"
#include "tuner/replay.hpp"

using namespace tune;
using State = TrialState;

namespace {

Spec spec(const std::string& more = R"("stop": {"trials": 20})") {
  auto read = read_config(R"({"name": "outside", "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
    "objective": {"metric": "loss", "goal": "minimize"}, "search": {"type": "random"}, )" + more + "}",
                          {catalogue(), "outside.json", "/", {}, false});
  INFO(render_text(read.diagnostics));
  REQUIRE(read.spec);
  return std::move(*read.spec);
}

std::unique_ptr<AskTell> open(const Scratch& folder, Spec s = spec()) {
  SweepOptions options;
  options.store = folder / "t.db";
  options.patience = Duration{20};
  auto opened = AskTell::open(std::move(s), options);
  INFO((opened ? "" : opened.error().message));
  REQUIRE(opened);
  return std::move(opened).value();
}

AskTell::Asked ask(AskTell& from) {
  auto asked = from.ask();
  INFO((asked ? "" : asked.error().message) << from.reason().why);
  REQUIRE((asked && *asked));
  return **asked;
}

State tell(AskTell& to, TrialId trial, double loss) {
  const auto told = to.tell(trial, {Metrics{{"loss", loss}}});
  INFO((told ? "" : told.error().message));
  REQUIRE(told);
  return *told;
}

double x_of(const AskTell::Asked& asked) { return *to_number(*asked.params.find("x")); }

/// Every decision of the stored experiment, made again.
std::int64_t mismatches(const Scratch& folder) {
  const auto reader = StoreReader::open(folder / "t.db");
  REQUIRE(reader);
  const auto row = (*reader)->only_experiment();
  REQUIRE(row);
  Verifier verifier(make_deciders);
  REQUIRE((*reader)->read(row->id, 1, [&](Record&& r) { REQUIRE(verifier.apply(r)); }));
  REQUIRE(verifier.end());
  for (const auto& line : verifier.result().first) UNSCOPED_INFO(line);
  CHECK(verifier.result().decisions > 0);
  return verifier.result().mismatches;
}

}  // namespace

TEST_CASE("what is asked for and told makes a whole experiment", "[ask]") {
  Scratch folder;
  {
    const auto outside = open(folder);
    for (int i = 0; i < 20; ++i) {
      const auto asked = ask(*outside);
      CHECK(asked.id.value == i);
      CHECK(tell(*outside, asked.id, std::fabs(x_of(asked) - 0.3)) == State::complete);
    }
    REQUIRE(outside->history().best());
    CHECK(outside->history().finishing());
    const auto after = outside->ask();
    CHECK((after && !*after));
    CHECK(outside->reason().over);
    CHECK(outside->reason().why == "all 20 trials are done");
  }
  CHECK(mismatches(folder) == 0);
}

TEST_CASE("an experiment that is opened again for every call is the same", "[ask]") {
  Scratch folder, calm;
  std::vector<double> here, there;
  for (int i = 0; i < 6; ++i) {
    const auto asked = ask(*open(folder));
    here.push_back(x_of(asked));
    tell(*open(folder), asked.id, here.back());
  }
  const auto one = open(calm);
  for (int i = 0; i < 6; ++i) {
    const auto asked = ask(*one);
    there.push_back(x_of(asked));
    tell(*one, asked.id, there.back());
  }
  CHECK(here == there);
  CHECK(mismatches(folder) == 0);
}

TEST_CASE("many clients ask at once and each gets a trial of its own", "[ask]") {
  Scratch folder;
  { open(folder, spec(R"("stop": {"trials": 1000})")); }
  std::mutex mutex;
  std::set<std::int64_t> given;
  std::vector<std::thread> clients;
  for (int c = 0; c < 6; ++c)
    clients.emplace_back([&] {
      for (int i = 0; i < 3; ++i) {
        SweepOptions options;
        options.store = folder / "t.db", options.patience = Duration{60};
        auto opened = AskTell::open_existing("outside", options);
        if (!opened) return;
        const auto asked = (*opened)->ask();
        const std::lock_guard lock(mutex);
        if (asked && *asked) given.insert((*asked)->id.value);
      }
    });
  for (auto& c : clients) c.join();
  CHECK(given.size() == 18);
  CHECK(mismatches(folder) == 0);
}

TEST_CASE("a trial that failed is failed, and its text is kept", "[ask]") {
  Scratch folder;
  const auto outside = open(folder);
  const auto asked = ask(*outside);
  AskTell::Told told;
  told.cause = Cause::exit, told.text = "diverged";
  CHECK(*outside->tell(asked.id, told) == State::failed);
  told.cause = Cause::infeasible;
  CHECK(*outside->tell(ask(*outside).id, told) == State::infeasible);
  told.cause = Cause::cancelled;
  CHECK(*outside->tell(ask(*outside).id, told) == State::cancelled);
  CHECK(mismatches(folder) == 0);
}

TEST_CASE("a lost trial is given out again with the same parameters", "[ask]") {
  Scratch folder;
  const auto outside = open(folder);
  const auto first = ask(*outside), other = ask(*outside);
  AskTell::Told lost;
  lost.cause = Cause::lost;
  CHECK(*outside->tell(first.id, lost) == State::queued);
  const auto again = ask(*outside);
  CHECK(again.id == first.id);
  CHECK(again.attempt == 2);
  CHECK(again.params == first.params);
  CHECK(other.id != first.id);
}

TEST_CASE("a lease that has run out takes a trial back", "[ask]") {
  Scratch folder;
  const auto outside = open(folder);
  const auto first = ask(*outside);
  const auto patient = outside->ask(Duration{3600});
  CHECK((*patient)->id != first.id);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const auto again = outside->ask(Duration{0.001});
  CHECK((*again)->id == first.id);
  CHECK(mismatches(folder) == 0);
}

TEST_CASE("no more trials are out than executor.parallel allows", "[ask]") {
  Scratch folder;
  const auto outside = open(folder, spec(R"("executor": {"type": "process", "parallel": 2})"));
  const auto first = ask(*outside);
  ask(*outside);
  const auto third = outside->ask();
  CHECK((third && !*third));
  CHECK_FALSE(outside->reason().over);
  CHECK(outside->reason().why == "2 trials are out, and executor.parallel allows 2");
  tell(*outside, first.id, 1);
  CHECK((*outside->ask()).has_value());
}

TEST_CASE("twenty trials may be out at once", "[ask]") {
  Scratch folder;
  {
    const auto outside = open(folder, spec(R"("stop": {"trials": 30}, "resources": {"gpu": 0.5})"));
    std::set<std::int64_t> given;
    for (int i = 0; i < 20; ++i) given.insert(ask(*outside).id.value);
    CHECK(given.size() == 20);
  }
  CHECK(mismatches(folder) == 0);
}

TEST_CASE("a scheduler speaks to those who report from outside", "[ask]") {
  Scratch folder;
  {
    const auto outside = open(folder, spec(R"("stop": {"trials": 40}, "scheduler": {"type": "asha", "mode": "stop", "min_step": 1, "max_step": 9, "eta": 3})"));
    int stopped = 0;
    for (int i = 0; i < 12; ++i) {
      const auto asked = ask(*outside);
      auto order = AskTell::Order::go_on;
      for (std::int64_t step = 1; step <= 9 && order == AskTell::Order::go_on; ++step) {
        const auto answer = outside->report(asked.id, step, {{"loss", x_of(asked) / static_cast<double>(step)}});
        REQUIRE(answer);
        order = *answer;
      }
      const auto state = outside->tell(asked.id, {});
      REQUIRE(state);
      stopped += *state == State::stopped;
    }
    CHECK(stopped > 0);
    CHECK(stopped < 12);
  }
  CHECK(mismatches(folder) == 0);
}

TEST_CASE("what makes no sense is refused and not recorded", "[ask]") {
  Scratch folder;
  const auto outside = open(folder);
  const auto asked = ask(*outside);
  const auto length = outside->history().last_seq();
  const auto error = [&](TrialId trial, AskTell::Told told) {
    const auto answer = outside->tell(trial, told);
    REQUIRE_FALSE(answer);
    return answer.error();
  };
  CHECK(error(TrialId{7}, {Metrics{{"loss", 1.0}}}).code == Error::Code::not_found);
  CHECK(error(asked.id, {}).message == "no value of `loss`, the objective");
  CHECK(error(asked.id, {Metrics{{"lass", 1.0}}}).hint == "you gave `lass`");
  CHECK(error(asked.id, {Metrics{{"loss", 1.0}}, 0}).message == "step 0 was told after step 0");
  CHECK(outside->history().last_seq() == length);
  tell(*outside, asked.id, 1);
  CHECK(error(asked.id, {Metrics{{"loss", 2.0}}}).message == "trial 0 is complete already");
  CHECK_FALSE(outside->report(asked.id, 3, {{"loss", 2.0}}));
}

TEST_CASE("every objective must be told", "[ask]") {
  Scratch folder;
  auto read = read_config(R"({"name": "two", "params": {"x": {"type": "uniform", "min": 0, "max": 1}}, "search": {"type": "random"},
    "objectives": [{"metric": "a", "goal": "minimize"}, {"metric": "b", "goal": "maximize"}]})",
                          {catalogue(), "two.json", "/", {}, false});
  REQUIRE(read.spec);
  const auto outside = open(folder, std::move(*read.spec));
  const auto asked = ask(*outside);
  CHECK(outside->tell(asked.id, {Metrics{{"a", 1.0}}}).error().message == "no value of `b`, an objective");
  CHECK(*outside->tell(asked.id, {Metrics{{"a", 1.0}, {"b", 2.0}}}) == State::complete);
}

TEST_CASE("the last trials of an experiment that reached its target can still be told", "[ask]") {
  Scratch folder;
  {
    const auto outside = open(folder, spec(R"("stop": {"trials": 9, "target": 0.5})"));
    const auto a = ask(*outside), b = ask(*outside);
    tell(*outside, a.id, 0.1);
    CHECK((*outside->report(b.id, 1, {{"loss", 0.7}})) == AskTell::Order::stop);
    CHECK(tell(*outside, b.id, 0.7) == State::stopped);
    CHECK_FALSE(outside->ask()->has_value());
    CHECK(outside->reason().over);
  }
  CHECK(mismatches(folder) == 0);
}

TEST_CASE("a NaN is told like any value and fails the trial", "[ask]") {
  Scratch folder;
  const auto outside = open(folder);
  CHECK(tell(*outside, ask(*outside).id, std::nan("")) == State::failed);
}

TEST_CASE("ask and tell work without a store, and not in logical order", "[ask]") {
  SweepOptions options;
  options.store = ":memory:";
  const auto opened = AskTell::open(spec(), options);
  REQUIRE(opened);
  CHECK(tell(**opened, ask(**opened).id, 1) == State::complete);
  const auto logical = AskTell::open(spec(R"("order": {"mode": "logical", "slots": 2})"), options);
  REQUIRE_FALSE(logical);
  CHECK(logical.error().code == Error::Code::invalid);
}
