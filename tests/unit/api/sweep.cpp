// SPDX-License-Identifier: Apache-2.0
#include "ui/api/sweep.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "support/scratch.hpp"
#include "tuner/config.hpp"

using namespace tune;

namespace {

Spec spec(const std::string& more = R"("stop": {"trials": 20})", const std::string& x = R"({"type": "uniform", "min": 0, "max": 1})",
          const std::string& name = "small") {
  auto read = read_config(R"({"name": ")" + name + R"(", "command": ["true"], "params": {"x": )" + x + R"(},
    "objective": {"metric": "loss", "goal": "minimize"}, "search": {"type": "random"},
    "executor": {"type": "simulator", "from": "curve", "steps": 4, "workers": 3}, )" + more + "}",
                          {catalogue(), "small.json", "/", {}});
  INFO(render_text(read.diagnostics));
  REQUIRE(read.spec);
  return std::move(*read.spec);
}

std::unique_ptr<Sweep> open(Spec s, const Scratch& folder, std::vector<Watcher*> watchers = {}) {
  SweepOptions options;
  options.store = folder / "t.db";
  options.watchers = std::move(watchers);
  auto opened = Sweep::open(std::move(s), options);
  INFO((opened ? "" : opened.error().message));
  REQUIRE(opened);
  return std::move(opened).value();
}

Outcome finish(Sweep& sweep) {
  auto outcome = sweep.run();
  INFO((outcome ? "" : outcome.error().message));
  REQUIRE(outcome);
  return *outcome;
}

/// Ends the sweep when so many trials were settled, as Ctrl-C would.
class EndAfter final : public Watcher {
 public:
  explicit EndAfter(int trials) : left_(trials) {}
  void on_durable(const Record& r, const History&) override {
    if (r.as<Settle>() && --left_ == 0) sweep->end(Inbox::Ending::stop);
  }
  Sweep* sweep = nullptr;

 private:
  int left_;
};

std::map<std::int64_t, Params> params_of(const Sweep& sweep) {
  std::map<std::int64_t, Params> all;
  for (const auto& t : sweep.history().trials()) all[t.id.value] = t.params;
  return all;
}

}  // namespace

TEST_CASE("a sweep runs to the end of its budget and knows the best trial", "[sweep]") {
  Scratch folder;
  const auto sweep = open(spec(), folder);
  CHECK_FALSE(sweep->resumed());
  CHECK(finish(*sweep).exit_code == 0);
  CHECK(sweep->history().count(TrialState::complete) == 20);
  CHECK(sweep->history().best());
}

TEST_CASE("an interrupted sweep is resumed and proposes what it would have proposed", "[sweep]") {
  Scratch folder, calm;
  EndAfter end{5};
  {
    const auto first = open(spec(), folder, {&end});
    end.sweep = first.get();
    CHECK(finish(*first).end == Outcome::End::interrupted);
    CHECK(first->history().live() == 0);
    CHECK(first->history().count(TrialState::failed) == 0);
  }
  const auto again = open(spec(), folder);
  CHECK(again->resumed());
  finish(*again);
  const auto undisturbed = open(spec(), calm);
  finish(*undisturbed);
  CHECK(params_of(*again) == params_of(*undisturbed));
}

TEST_CASE("a finished sweep that is opened again has nothing to do; with more budget it goes on", "[sweep]") {
  Scratch folder;
  finish(*open(spec(), folder));
  const auto same = open(spec(), folder);
  const auto length = same->history().last_seq();
  finish(*same);
  CHECK(same->history().last_seq() == length);
  const auto more = [&] {
    // The first owner must be gone before the next one opens.
    return spec(R"("stop": {"trials": 25})");
  }();
  Scratch other;
  finish(*open(spec(), other));
  const auto longer = open(more, other);
  CHECK(longer->changes() == "stop.trials: 20 -> 25");
  finish(*longer);
  CHECK(longer->history().count(TrialState::complete) == 25);
}

TEST_CASE("a space that would change the meaning of old trials is refused, a wider one is not", "[sweep]") {
  Scratch folder;
  finish(*open(spec(), folder));
  SweepOptions options;
  options.store = folder / "t.db";
  const auto narrower = Sweep::open(spec(R"("stop": {"trials": 30})", R"({"type": "uniform", "min": 0.2, "max": 1})"), options);
  REQUIRE_FALSE(narrower);
  CHECK(narrower.error().code == Error::Code::conflict);
  CHECK(narrower.error().message.find("E040") != std::string::npos);
  const auto wider = Sweep::open(spec(R"("stop": {"trials": 30})", R"({"type": "uniform", "min": 0, "max": 2})"), options);
  REQUIRE(wider);
  CHECK((*wider)->changes().find("params.x.max") != std::string::npos);
}

TEST_CASE("a second owner of the same experiment is refused, one of another experiment is not", "[sweep]") {
  Scratch folder;
  const auto first = open(spec(), folder);
  SweepOptions options;
  options.store = folder / "t.db";
  const auto second = Sweep::open(spec(), options);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Error::Code::conflict);
  auto other = spec();
  other.name = "other";
  CHECK(Sweep::open(other, options));
}

TEST_CASE("resume never begins a new experiment beside the old one", "[sweep]") {
  Scratch folder;
  finish(*open(spec(), folder));
  SweepOptions options;
  options.store = folder / "t.db";
  options.resume = SweepOptions::Resume::never;
  const auto fresh = Sweep::open(spec(), options);
  REQUIRE(fresh);
  CHECK((*fresh)->folder().ends_with("/small-2"));
}

TEST_CASE("wishes are recorded while nobody runs the experiment, and refused in words", "[sweep]") {
  Scratch folder;
  finish(*open(spec(), folder));
  SweepOptions options;
  options.store = folder / "t.db";
  auto opened = Sweep::open_existing("small", options);
  REQUIRE(opened);
  Requested wish;
  wish.verb = "cancel", wish.trial = TrialId{3};
  const auto refused = (*opened)->apply({wish});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "trial 3 is complete already");
  wish.verb = "retry";
  CHECK((*opened)->apply({wish}));
  CHECK((*opened)->history().trial(TrialId{3}).state == TrialState::queued);
  CHECK((*opened)->set({"stop.trials=40"}, "test"));
}

TEST_CASE("settings changed under way take hold without ending the trials under way", "[sweep]") {
  Scratch folder;
  class Change final : public Watcher {
   public:
    void on_durable(const Record& r, const History&) override {
      if (r.as<Settle>() && !done_) done_ = true, (void)sweep->set({"stop.trials=35", "params.x.max=3"}, "test");
    }
    Sweep* sweep = nullptr;

   private:
    bool done_ = false;
  } change;
  const auto sweep = open(spec(), folder, {&change});
  change.sweep = sweep.get();
  CHECK(finish(*sweep).end == Outcome::End::finished);
  CHECK(sweep->history().count(TrialState::complete) == 35);
  bool beyond = false;
  for (const auto& t : sweep->history().trials()) beyond = beyond || std::get<double>(*t.params.find("x")) > 1;
  CHECK(beyond);
}

TEST_CASE("a missing store or experiment is not found, never made", "[sweep]") {
  Scratch folder;
  SweepOptions options;
  options.store = folder / "none.db";
  const auto none = Sweep::open_existing("small", options);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Error::Code::not_found);
  CHECK_FALSE(std::filesystem::exists(folder / "none.db"));
}

TEST_CASE("an experiment begins with what another one learned, and never reads it again", "[sweep][warm_start]") {
  Scratch folder;
  finish(*open(spec(), folder));
  const std::string x = R"({"type": "uniform", "min": 0, "max": 1})";
  std::vector<Imported> before;
  {
    const auto sweep = open(spec(R"("warm_start": ["small"], "stop": {"trials": 5})", x, "next"), folder);
    finish(*sweep);
    before = sweep->history().imported();
    REQUIRE(before.size() == 1);
    CHECK(before[0].trials.size() == 20);
    CHECK(before[0].matched == std::vector<std::string>{"x"});
  }
  finish(*open(spec(R"("stop": {"trials": 25})"), folder));
  const auto resumed = open(spec(R"("warm_start": ["small"], "stop": {"trials": 7})", x, "next"), folder);
  finish(*resumed);
  CHECK(resumed->history().imported() == before);
  CHECK(resumed->history().size() == 7);
}

TEST_CASE("an experiment that cannot teach is named; a changed warm_start is refused", "[sweep][warm_start]") {
  Scratch folder;
  finish(*open(spec(), folder));
  SweepOptions options;
  options.store = folder / "t.db";
  const auto missing = Sweep::open(
      spec(R"("warm_start": ["smal"], "stop": {"trials": 5})", R"({"type": "uniform", "min": 0, "max": 1})", "next"), options);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Error::Code::not_found);
  CHECK(missing.error().message.find("smal") != std::string::npos);
  const auto late = Sweep::open(spec(R"("warm_start": ["other"], "stop": {"trials": 30})"), options);
  REQUIRE_FALSE(late);
  CHECK(late.error().message.find("warm_start") != std::string::npos);
}
