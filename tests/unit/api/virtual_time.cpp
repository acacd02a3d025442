// SPDX-License-Identifier: Apache-2.0
#include "ui/api/virtual_time.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tuner/config.hpp"
#include "ui/api/forecast.hpp"
#include "ui/api/measurements.hpp"
#include "ui/api/pace_model.hpp"
#include "ui/api/policies.hpp"

using namespace tune;

namespace {

Spec spec_of(const std::string& more = "") {
  auto read = read_config(R"({"name":"v","command":["x"],"objective":{"metric":"loss"},"search":{"type":"random"},"seed":3,
    "params":{"x":{"type":"uniform","min":0,"max":1}},"stop":{"trials":20})" + more + "}", {catalogue(), "v.json", "/", {}});
  return std::move(*read.spec);
}

/// Three steps of ten seconds each, worse with x.
struct Steady final : Problem {
  const std::vector<std::string>& metrics() const override { return names; }
  Trajectory course(const Params& params) const override {
    const double x = to_number(*params.find("x")).value();
    Trajectory t;
    t.steps = 3;
    t.measure = [x](std::int64_t step, std::span<double> out) { out[0] = x + 1.0 / static_cast<double>(step); };
    t.seconds = [](std::int64_t) { return 10.0; };
    return t;
  }
  std::vector<std::string> names{"loss"};
};

SimulatorOptions slots(int n) {
  SimulatorOptions o;
  o.workers = 1, o.slots = n;
  return o;
}

/// The journal of a steady experiment on five slots, up to its n-th Settle (or another kind of fact).
template <class Fact = Settle>
std::vector<Record> journal_of(const Spec& spec, std::int64_t n) {
  std::vector<Record> all;
  REQUIRE(run_in_virtual_time(spec, std::make_unique<Steady>(), slots(5), {}, &all));
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].as<Fact>() && --n == 0) all.resize(i + 1);
  return all;
}

Result<Forecast> told(const Spec& spec, const std::vector<Record>& journal, bool running) {
  Outlook o{spec};
  o.journal = journal, o.running = running, o.now = journal.back().at.seconds;
  return forecast(o);
}

}  // namespace

TEST_CASE("twenty trials of thirty seconds on five slots take two minutes of virtual time", "[virtual]") {
  const Spec spec = spec_of();
  const auto run = run_in_virtual_time(spec, std::make_unique<Steady>(), slots(5)).value();
  CHECK(run.finished);
  CHECK(run.seconds() == 120);
  CHECK(run.slot_seconds == 600);
  CHECK(run.use == 1);
  CHECK(run.reached(100, false) == 10);
  CHECK_FALSE(run.reached(-1, false));
}

TEST_CASE("what nothing ends is not run in virtual time", "[virtual]") {
  Spec spec = spec_of();
  spec.stop.trials.reset();
  CHECK(run_in_virtual_time(spec, std::make_unique<Steady>(), slots(5)).error().hint.find("stop.trials") != std::string::npos);
}

TEST_CASE("an experiment goes on in virtual time from any of its records, with the attempts that are under way", "[virtual]") {
  const Spec spec = spec_of();
  const auto journal = journal_of<Reported>(spec, 22);  // Two of five have told of the step that ends now.
  Measurements measured{spec};
  for (const auto& r : journal) measured.learn(r);
  auto options = slots(5);
  for (std::size_t i = 0; i < measured.trials().size(); ++i)
    if (const auto& t = measured.trials()[i]; t.live)
      options.under_way.push_back({TrialId{static_cast<std::int64_t>(i)}, t.launched, t.seen, t.attempt_reports});
  const auto run = run_in_virtual_time(spec, std::make_unique<Steady>(), options, journal).value();
  CHECK(run.seconds() == 120);
  CHECK(run.slot_seconds == 600);
}

TEST_CASE("a journal is measured by its reports, and becomes trials of another space by name", "[virtual]") {
  const Spec spec = spec_of();
  Measurements measured{spec};
  for (const auto& r : journal_of(spec, 6)) measured.learn(r);
  CHECK(measured.trials().front().until == std::vector<double>{10, 20, 30});
  Dimension y;
  y.name = "y", y.max = 1;
  const auto recording = measured.recording(Space::make({y}).value());
  CHECK(recording.unmatched == std::vector<std::string>{"y", "x"});
  CHECK(recording.trials.front().steps == std::vector<std::int64_t>{1, 2, 3});
  CHECK(recording.trials.front().end == RecordedTrial::End::by_itself);
}

TEST_CASE("a forecast holds the end of an experiment whose trials are all alike", "[virtual]") {
  const Spec spec = spec_of();
  const auto early = told(spec, journal_of(spec, 5), true).value();
  CHECK(early.slots == 5);
  CHECK(early.seconds.low <= 120);
  CHECK(early.seconds.high >= 120);
  const auto late = told(spec, journal_of(spec, 15), true).value();
  CHECK(late.seconds.high - late.seconds.low < early.seconds.high - early.seconds.low);
  CHECK(late.left.high < early.left.low);
}

TEST_CASE("an interrupted experiment's forecast begins its lost attempts anew", "[virtual]") {
  const Spec spec = spec_of();
  const auto journal = journal_of<Reported>(spec, 55);  // The last five have done two steps of three.
  CHECK(told(spec, journal, false).value().left.low > told(spec, journal, true).value().left.high);
}

TEST_CASE("a forecast goes on from a trial that an agent has not started yet", "[virtual]") {
  const Spec spec = spec_of();
  SimulatorOptions agents;
  agents.workers = 5, agents.slots = 1;
  std::vector<Record> all;
  REQUIRE(run_in_virtual_time(spec, std::make_unique<Steady>(), agents, {}, &all));
  const auto settled = std::find_if(all.begin(), all.end(), [](const Record& r) { return r.as<Settle>() != nullptr; });
  const auto away = std::find_if(settled, all.end(), [](const Record& r) {
    const auto* launch = r.as<Launch>();
    return launch && launch->ranks.front().worker.value != 0;
  });
  REQUIRE(away != all.end());
  all.erase(away + 1, all.end());
  const auto f = told(spec, all, true);
  REQUIRE(f);
  CHECK(f->slots == 5);
}

TEST_CASE("the same journal has the same forecast", "[virtual]") {
  const Spec spec = spec_of(R"(,"scheduler":{"type":"asha","max_step":3})");
  const auto journal = journal_of(spec, 4);
  const auto a = told(spec, journal, true).value(), b = told(spec, journal, true).value();
  CHECK(a.seconds.high == b.seconds.high);
  CHECK(a.rungs.at({0, 1}).middle >= a.rungs.at({0, 3}).middle);
}

TEST_CASE("a forecast that has nothing to go by says what it needs", "[virtual]") {
  const Spec spec = spec_of();
  CHECK(forecast({spec}).error().hint.find("--trial-cost") != std::string::npos);
}

TEST_CASE("a forecast from a given mean is centred on it", "[virtual]") {
  const Spec spec = spec_of();
  Outlook o{spec};
  o.step_seconds = 10, o.steps = 3, o.slots = 1;
  const auto f = forecast(o).value();
  CHECK(f.slot_seconds.low < 600);
  CHECK(f.slot_seconds.high > 600);
  CHECK(f.slot_seconds.middle == Approx(600).epsilon(0.15));
}

TEST_CASE("paces that only have a bound make a fit slower than leaving them out", "[virtual]") {
  const Spec spec = spec_of();
  std::vector<PaceModel::Observation> known, all;
  for (int i = 0; i < 8; ++i) known.push_back({{i / 8.0}, 0.1 * (i % 3), false});
  all = known;
  for (int i = 0; i < 8; ++i) all.push_back({{i / 8.0}, 1.0, true});
  const auto mean = [&](const auto& observations) {
    PaceModel model{spec.space, observations, {}, Rng{1, 2}};
    double sum = 0;
    for (int i = 0; i < 200; ++i) sum += model.log_pace(model.draw(), {0.5}, 0) / 200;
    return sum;
  };
  CHECK(mean(known) == Approx(0.1).margin(0.1));
  CHECK(mean(all) > mean(known) + 0.3);
}

TEST_CASE("a fit finds how pace depends on a parameter", "[virtual]") {
  const Spec spec = spec_of();
  std::vector<PaceModel::Observation> observations;
  for (int i = 0; i < 60; ++i) observations.push_back({{i / 60.0}, 2 * i / 60.0 + 0.1 * Rng{5, static_cast<std::uint64_t>(i)}.normal(), false});
  PaceModel model{spec.space, observations, {}, Rng{1, 2}};
  const auto draw = model.draw();
  CHECK(model.log_pace(draw, {0.9}, 0) - model.log_pace(draw, {0.1}, 0) == Approx(1.6).margin(0.3));
  CHECK(draw.noise < 0.4);
}

TEST_CASE("gamma draws have the mean and the variance of their shape", "[virtual]") {
  for (const double shape : {0.5, 2.0, 30.0}) {
    Rng rng{7, 8};
    double sum = 0, squares = 0;
    for (int i = 0; i < 20000; ++i) {
      const double g = gamma_draw(rng, shape);
      sum += g, squares += g * g;
    }
    const double mean = sum / 20000;
    CHECK(mean == Approx(shape).epsilon(0.03));
    CHECK(squares / 20000 - mean * mean == Approx(shape).epsilon(0.08));
  }
}
