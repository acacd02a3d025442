// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/reader.hpp"

#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <map>
#include <thread>

#include "store/sqlite/sqlite_store.hpp"
#include "support/journals.hpp"
#include "support/scratch.hpp"

using namespace tune;
using namespace tune::test;

namespace {

TrialRow row(std::int64_t id, TrialState state, std::optional<double> value) {
  TrialRow r;
  r.id = {id}, r.state = state, r.attempt = 1, r.reports = 2, r.last_step = 2, r.until_step = kNoStep, r.value = value;
  r.proposed_at = 1, r.launched_at = 2, r.ended_at = is_final(state) ? 3 : 0;
  return r;
}

/// Four trials: 0 complete at 0.5, 1 stopped at 0.25, 2 complete with NaN, 3 queued without a value.
struct Stored {
  Scratch folder;
  std::string path = folder / "a.db";
  std::unique_ptr<StoreReader> reader;
  std::int64_t experiment = 0;

  Stored() {
    auto store = SqliteStore::open(path, "mnist", {.create = true});
    REQUIRE(store);
    Journal journal;
    auto b = std::make_shared<Batch>();
    b->records = {journal.observe(Configured{"{}", "h", "", "me"}), journal.observe(Opened{})};
    for (std::int64_t t = 0; t < 4; ++t) {
      b->records.push_back(journal.decide(
          Propose{{t},
                  {{"lr", 0.1 * static_cast<double>(t + 1)}, {"opt", t % 2 ? "sgd" : "adam"}, {"flag", t == 0}},
                  "sampler",
                  "random",
                  0,
                  0,
                  {},
                  {},
                  0}));
      if (t == 3) break;
      b->records.push_back(
          journal.decide(Launch{{t}, 1, Form::fresh, {Seat{{0}, 1, 0, {}, 1, {}}}, kNoStep, {}, {}, {}, false}));
      b->records.push_back(journal.observe(Started{{t}, 1, 0, {0}, 1234}));
      b->records.push_back(journal.report(t, 1, 0.9));
      b->records.push_back(journal.report(t, 2, t == 2 ? std::nan("") : 0.5 / static_cast<double>(t + 1)));
      b->records.push_back(journal.observe(Exited{{t}, 1, Cause::done, 0, {}, 0, {1.5, 1.25, 4096}, 2, ""}));
      b->records.push_back(
          journal.decide(Settle{{t}, TrialState::complete, Cause::done, {}, true, 2}, {1, "asha", "why not", ""}));
    }
    b->trials = {row(0, TrialState::complete, 0.5), row(1, TrialState::stopped, 0.25),
                 row(2, TrialState::complete, std::nan("")), row(3, TrialState::queued, {})};
    b->best = TrialId{1};
    b->records.push_back(journal.observe(Annotated{TrialId{1}, {"good", "x"}, {}, "mine", true, "me"}));
    b->records.push_back(journal.observe(Annotated{{}, {"paper"}, {}, {}, {}, "me"}));
    REQUIRE((*store)->append(b));
    REQUIRE((*store)->flush());
    experiment = (*store)->experiment();
    auto opened = StoreReader::open(path);
    REQUIRE(opened);
    reader = std::move(opened).value();
    REQUIRE(reader->experiment("mnist")->owned);
  }

  std::string numbers(TrialQuery query) {
    query.columns = {"number"};
    auto table = reader->trials(experiment, query);
    if (!table) return table.error().message;
    std::string text;
    for (const auto& cells : table->rows) text += std::to_string(std::get<std::int64_t>(cells[0]));
    return text;
  }
  std::string where(std::string text) { return numbers({.where = std::move(text), .objective = "loss"}); }
};

}  // namespace

TEST_CASE("an experiment's row tells its state, its best trial and its counts", "[store]") {
  Stored s;
  const auto e = s.reader->experiment("mnist");
  REQUIRE(e);
  CHECK(e->state == "running");
  CHECK_FALSE(e->owned);
  CHECK(e->best_trial == TrialId{1});
  CHECK(e->best_value == 0.25);
  CHECK(e->counts[static_cast<std::size_t>(TrialState::complete)] == 2);
  CHECK(e->trials == 4);
  CHECK(e->tags == std::vector<std::string>{"paper"});
  CHECK(s.reader->only_experiment()->name == "mnist");
  CHECK(s.reader->experiment("mnits").error().hint == "did you mean mnist?");
}

TEST_CASE("where picks trials by columns, parameters and metrics", "[store]") {
  Stored s;
  CHECK(s.where("loss < 0.4") == "1");
  CHECK(s.where("0.4 > loss") == "1");
  CHECK(s.where("metrics.loss <= 0.5") == "01");
  CHECK(s.where("opt == 'adam' and not state == \"complete\"") == "");
  CHECK(s.where("lr >= 0.2 or flag") == "0123");
  CHECK(s.where("flag == true") == "0");
  CHECK(s.where("(number != 1 && number < 3) || star") == "012");
  CHECK(s.where("params.lr > .35") == "3");
  CHECK(s.where("") == "0123");
}

TEST_CASE("nan is neither less nor greater, and what is absent holds in no comparison nor in its negation", "[store]") {
  Stored s;
  CHECK(s.where("loss > 0") == "01");
  CHECK(s.where("not loss > 0.3") == "1");
  CHECK(s.where("loss == nan") == "2");
  CHECK(s.where("value == null") == "3");
  CHECK(s.where("value != null") == "012");
}

TEST_CASE("tags are a set: who has none is without each of them", "[store]") {
  Stored s;
  CHECK(s.where("tag = good") == "1");
  CHECK(s.where("'x' = tag") == "1");
  CHECK(s.where("tag != good") == "023");
  CHECK(s.where("not tag = 'good'") == "023");
  CHECK(s.where("tag ~ GOO and not tag = missing") == "1");
  CHECK(s.where("tags = null") == "023");
  CHECK(s.where("tag") == "1");
  CHECK(s.where("tag < good").starts_with("where: tags are compared with =, != and ~"));
}

TEST_CASE("a text is found in a text, and in nothing else", "[store]") {
  Stored s;
  CHECK(s.where("note ~ INE") == "1");
  CHECK(s.where("not note ~ ine") == "");
  CHECK(s.where("note = null") == "023");
  CHECK(s.where("opt ~ 'da' and number ~ 2") == "");
  CHECK(s.where("opt ~ da") == "02");
  CHECK(s.where("state ~ comp and star") == "");
  CHECK(s.where("'a' ~ opt").starts_with("where: `~` looks for a text"));
}

TEST_CASE("a where that makes no sense is refused with the place in it", "[store]") {
  Stored s;
  const auto bad = GENERATE(as<std::string>{}, "los < 1", "loss <", "loss < < 1", "(loss < 1", "loss", "loss < 1 loss",
                            "1", "loss < 'x", "loss < null", "; drop table trials", "`loss");
  INFO(bad);
  if (bad == "loss")
    CHECK(s.where(bad) == "01");  // A number that is not zero.
  else
    CHECK(s.where(bad).starts_with("where: "));
  CHECK(s.where("los < 1").find("at byte 0") != std::string::npos);
  CHECK(s.where(std::string(10000, '(')).starts_with("where: nested too deeply"));
  std::string chain = "number == 0";
  for (int i = 1; i < 200; ++i) chain += " or number == 0";
  CHECK(s.where(chain) == "0");
  std::string nested = "number == 0";
  for (int i = 0; i < 12; ++i) nested = "(star and number > 5 or number < 5 and " + nested + ")";
  CHECK(s.where(nested) == "0");
  CHECK(s.where(chain + " or star").starts_with("where: more than 200 conditions"));
}

TEST_CASE("text in a query is bound, never pasted into SQL", "[store]") {
  Stored s;
  CHECK(s.where("opt == 'x\" OR 1=1 --'") == "");
  CHECK(s.where("opt == \"x'); DROP TABLE trials; --\"") == "");
  CHECK(s.where("number >= 0") == "0123");
}

TEST_CASE("sorting puts absent values and NaN last in both directions", "[store]") {
  Stored s;
  CHECK(s.numbers({.sort = "value"}) == "1023");
  CHECK(s.numbers({.sort = "value", .descending = true}) == "0123");
  CHECK(s.numbers({.sort = "lr", .descending = true, .top = 2}) == "32");
  CHECK(s.numbers({.states = {TrialState::queued, TrialState::stopped}}) == "13");
}

TEST_CASE("a trial's detail has its parameters with their types, its attempts and its newest report", "[store]") {
  Stored s;
  const auto t = s.reader->trial(s.experiment, {1});
  REQUIRE(t);
  CHECK(t->row == row(1, TrialState::stopped, 0.25));
  CHECK(t->params == Params{{"lr", 0.2}, {"opt", "sgd"}, {"flag", false}});
  CHECK(t->tags == std::vector<std::string>{"good", "x"});
  CHECK((t->note == "mine" && t->star));
  CHECK(t->last == Metrics{{"loss", 0.25}});
  REQUIRE(t->attempts.size() == 1);
  CHECK(t->attempts[0].cause == Cause::done);
  CHECK(t->attempts[0].worker == 0);
  CHECK(t->attempts[0].cpu_seconds == 1.25);
  CHECK(s.reader->trial(s.experiment, {9}).error().code == Error::Code::not_found);
}

TEST_CASE("a curve has each report once, NaN included", "[store]") {
  Stored s;
  const auto c = s.reader->curve(s.experiment, {2}, "loss");
  REQUIRE(c);
  REQUIRE(c->size() == 2);
  CHECK(c->at(0).value == 0.9);
  CHECK(std::isnan(c->at(1).value));
  CHECK(s.reader->metric_names(s.experiment).value() == std::vector<std::string>{"loss"});
  CHECK(s.reader->param_names(s.experiment).value() == std::vector<std::string>{"flag", "lr", "opt"});
}

TEST_CASE("curves read from parts of the journal are those read trial by trial", "[store]") {
  Stored s;
  using Points = std::map<TrialId, std::vector<std::pair<std::int64_t, std::string>>>;
  Points singly, whole;
  const auto text = [](double v) { return std::isnan(v) ? "nan" : std::to_string(v); };
  const std::vector<TrialId> trials{{0}, {1}, {2}, {3}};
  REQUIRE(s.reader->curves(s.experiment, trials, "loss", [&](TrialId t, std::span<const CurvePoint> points) {
    for (const auto& p : points) singly[t].emplace_back(p.step, text(p.value));
  }));
  const Seq last = s.reader->pulses().value().front().seq;
  for (const auto& [from, to] : {std::pair<Seq, Seq>{1, last / 2}, {last / 2 + 1, last}})
    REQUIRE(s.reader->curve_points(s.experiment, from, to, "loss", [&](TrialId t, const StepValue& p) {
      whole[t].emplace_back(p.step, text(p.value));
    }));
  CHECK(singly.size() >= 2);
  CHECK(singly == whole);
  REQUIRE(s.reader->curve_points(s.experiment, 1, last, "nothing", [](TrialId, const StepValue&) { FAIL("no such metric"); }));
}

TEST_CASE("a metric's points are found wherever a report has it among others", "[store]") {
  const Scratch folder;
  auto store = SqliteStore::open(folder / "a.db", "mnist", {.create = true});
  REQUIRE(store);
  Journal journal;
  const auto report = [&](std::int64_t n, std::vector<std::string> names, std::vector<double> values) {
    Metrics metrics;
    metrics.names = std::make_shared<const std::vector<std::string>>(std::move(names)), metrics.values = std::move(values);
    return journal.observe(Reported{{0}, 1, n, n, std::move(metrics), {}, {}, false});
  };
  std::vector<std::string> ten;
  std::vector<double> tens;
  for (int i = 0; i < 9; ++i) ten.push_back("m" + std::to_string(i)), tens.push_back(i);
  ten.push_back("late"), tens.push_back(42);
  // `loss` is first in each list but the last, which has it not; `acc` and `late` are in some lists, at several places.
  REQUIRE((*store)->append(batch({journal.observe(Configured{"{}", "h", "", "me"}), report(1, {"loss"}, {1}), report(2, {"loss", "acc"}, {2, 12}),
                                  report(3, {"loss", "late", "acc"}, {std::nan(""), 23, 13})},
                                 {row(0, TrialState::running, {})})));
  const auto points = [&](const std::string& metric) {
    REQUIRE((*store)->flush());
    const auto reader = StoreReader::open(folder / "a.db");
    REQUIRE(reader);
    std::string singly, whole;
    const auto add = [](std::string& to, std::int64_t step, double value) {
      to += std::to_string(step) + ":" + std::to_string(std::isnan(value) ? -1 : static_cast<int>(value)) + " ";
    };
    const std::vector<TrialId> trial{{0}};
    REQUIRE((*reader)->curves((*store)->experiment(), trial, metric, [&](TrialId, std::span<const CurvePoint> all) {
      for (const auto& p : all) add(singly, p.step, p.value);
    }));
    REQUIRE((*reader)->curve_points((*store)->experiment(), 1, journal.last(), metric, [&](TrialId, const StepValue& p) { add(whole, p.step, p.value); }));
    CHECK(singly == whole);
    return whole;
  };
  CHECK(points("loss") == "1:1 2:2 3:-1 ");
  CHECK(points("acc") == "2:12 3:13 ");
  REQUIRE((*store)->append(batch({report(4, ten, tens), report(5, {"loss"}, {5})})));
  CHECK(points("loss") == "1:1 2:2 3:-1 5:5 ");
  CHECK(points("late") == "3:23 4:42 ");
}

TEST_CASE("the facts about a trial come in order and without its reports", "[store]") {
  Stored s;
  const auto facts = s.reader->facts(s.experiment, TrialId{0});
  REQUIRE(facts);
  std::string kinds;
  for (const auto& f : *facts) kinds += std::string{kind(f)} + " ";
  CHECK(kinds == "Propose Launch Started Exited Settle ");
  CHECK(facts->back().decided()->reason.why == "why not");
}

TEST_CASE("every view can be read, whole and about one trial", "[store]") {
  Stored s;
  using View = StoreReader::View;
  const auto view =
      GENERATE(View::decisions, View::rungs, View::lineage, View::attempts, View::checkpoints, View::workers, View::allocations);
  const auto whole = s.reader->view(view, s.experiment);
  INFO((whole ? "" : whole.error().message));
  CHECK(whole.has_value());
  CHECK(s.reader->view(view, s.experiment, TrialId{0}).has_value());
  CHECK(s.reader->view(View::attempts, s.experiment)->rows.size() == 3);
}

TEST_CASE("an allocation is as it was told of last; a worker holds what its trials that run hold", "[store]") {
  Scratch folder;
  auto store = SqliteStore::open(folder / "a.db", "e", {.create = true});
  REQUIRE(store);
  Journal journal;
  auto b = std::make_shared<Batch>();
  b->records = {journal.observe(Configured{"{}", "h", "", "me"}), journal.observe(Opened{}),
                journal.decide(Allocate{1, "tune-1", "slurm", "{}"}), journal.decide(Allocate{2, "tune-2", "slurm", "{}"}),
                journal.observe(AllocationChanged{1, "77", "queued", "Priority", "", {}}),
                journal.observe(AllocationChanged{1, "77", "running", "", "node7", Time{99}}), journal.decide(Release{1, {}, "drain"}),
                journal.observe(WorkerJoined{{3}, "ab", "node7", "", "tune-1", "", {4, 0, {{0, ""}}, {}}, {"os=linux", "fast"}, {}})};
  for (const std::int64_t t : {0, 1}) {
    b->records.push_back(journal.decide(Propose{{t}, {}, "sampler", "random", 0, 0, {}, {}, 0}));
    b->records.push_back(journal.decide(Launch{{t}, 1, Form::fresh, {Seat{{3}, 1.5, 0, {0}, 0.5, {}}}, kNoStep, {}, {}, {}, false}));
  }
  b->trials = {row(0, TrialState::complete, 0.5), row(1, TrialState::running, {})};
  REQUIRE((*store)->append(std::move(b)));
  REQUIRE((*store)->flush());
  const auto reader = StoreReader::open(folder / "a.db").value();
  const auto columns = [&](StoreReader::View view, std::size_t at, std::initializer_list<const char*> names) {
    const auto table = reader->view(view, (*store)->experiment()).value();
    std::vector<Cell> cells;
    for (const char* name : names)
      cells.push_back(table.rows.at(at).at(static_cast<std::size_t>(std::find(table.columns.begin(), table.columns.end(), name) - table.columns.begin())));
    return cells;
  };
  using Cells = std::vector<Cell>;
  using namespace std::string_literals;
  const auto first = columns(StoreReader::View::allocations, 0, {"allocation", "engine_id", "state", "nodes", "ends_at", "released"});
  CHECK(first[1] == Cell{"77"s});
  CHECK(Cells(first.begin() + 2, first.begin() + 4) == Cells{"running"s, "node7"s});
  CHECK(first[5] == Cell{"drain"s});
  CHECK(columns(StoreReader::View::allocations, 1, {"state", "engine_id"}) == Cells{"asked"s, std::monostate{}});
  CHECK(columns(StoreReader::View::workers, 0, {"trials", "cpus_taken", "devices_taken", "labels"}) == Cells{std::int64_t{1}, 1.5, 0.5, "os=linux,fast"s});
}

TEST_CASE("a worker is away from the moment another owner opens the experiment until it joins that one", "[store]") {
  Scratch folder;
  Journal journal;
  const auto joins = [&](std::int64_t worker) { return journal.observe(WorkerJoined{{worker}, "ab", "node", "", "", "", {4, 0, {}, {}}, {}, {}}); };
  const auto states = [&] {
    const auto reader = StoreReader::open(folder / "a.db").value();
    const auto table = reader->view(StoreReader::View::workers, 1).value();
    const auto at = std::find(table.columns.begin(), table.columns.end(), "state") - table.columns.begin();
    std::string all;
    for (const auto& row : table.rows) all += std::get<std::string>(row.at(static_cast<std::size_t>(at))) + " ";
    return all;
  };
  const auto keep = [&](bool create, std::vector<Record> records) {
    auto store = SqliteStore::open(folder / "a.db", "e", {.create = create});
    REQUIRE(store);
    for (auto& record : records) record.epoch = (*store)->epoch();
    REQUIRE((*store)->append(batch(std::move(records))));
    REQUIRE((*store)->flush());
  };
  keep(true, {journal.observe(Opened{}), joins(1), joins(2), joins(3), journal.observe(WorkerLost{{3}, "", ""})});
  CHECK(states() == "ready ready lost ");
  keep(false, {journal.observe(Opened{}), joins(2)});
  CHECK(states() == "away ready lost ");
}

namespace {

struct Seconds : TrialFollower {
  std::map<std::int64_t, std::optional<double>> of;
  void on_trial(const Change& change) override { of[change.row.id.value] = change.seconds; }
  void on_param(TrialId, std::string_view, const Value&) override {}
  void on_metric(TrialId, std::string_view, double) override {}
};

}  // namespace

TEST_CASE("a follower is told how long all attempts of a trial ran, and not how long it waited", "[store]") {
  Scratch folder;
  auto store = SqliteStore::open(folder / "a.db", "e", {.create = true});
  Journal journal;
  auto once = row(0, TrialState::complete, 0.5), again = row(1, TrialState::stopped, 0.25), never = row(2, TrialState::queued, {});
  again.attempt = 2, again.cause = Cause::stopped, again.launched_at = 50, again.ended_at = 900, never.attempt = 0;
  REQUIRE((*store)->append(batch({journal.observe(Exited{{1}, 1, Cause::paused, 0, {}, 0, {30, 1, 0}, 2, ""}),
                                  journal.observe(Exited{{1}, 2, Cause::paused, 0, {}, 0, {12.5, 1, 0}, 4, ""})},
                                 {once, again, never})));
  REQUIRE((*store)->flush());
  auto reader = StoreReader::open(folder / "a.db");
  Seconds seconds;
  REQUIRE((*reader)->follow(1, 0, seconds));
  CHECK(seconds.of == std::map<std::int64_t, std::optional<double>>{{0, 1.0}, {1, 42.5}, {2, {}}});
}

TEST_CASE("csv cells that a spreadsheet would run are made text", "[store]") {
  Scratch folder;
  auto store = SqliteStore::open(folder / "a.db", "e", {.create = true});
  Journal journal;
  REQUIRE((*store)->append(
      batch({journal.decide(
                Propose{{0}, {{"a", "=1+1"}, {"b", "say \"hi\", you"}, {"c", -1.5}}, "point", "", 0, 0, {}, {}, 0})},
            {row(0, TrialState::complete, std::nan(""))})));
  REQUIRE((*store)->flush());
  auto reader = StoreReader::open(folder / "a.db");
  std::string csv, ndjson;
  const TrialQuery query{.columns = {"number", "value", "more", "a", "b", "c"}};
  REQUIRE(export_csv(**reader, 1, query, [&](auto text) { csv += text; }));
  CHECK(csv == "number,value,more,a,b,c\r\n0,nan,,\"'=1+1\",\"say \"\"hi\"\", you\",-1.5\r\n");
  REQUIRE(export_ndjson(**reader, 1, query, [&](auto text) { ndjson += text; }));
  CHECK(ndjson == R"({"number":0,"value":"nan","more":null,"a":"=1+1","b":"say \"hi\", you","c":-1.5})"
                  "\n");
}

TEST_CASE("a reader waits for one who holds the whole file for a moment", "[store]") {
  Stored stored;
  stored.reader.reset();
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(stored.path.c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE; PRAGMA user_version; COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK);
  std::thread holds([other] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    sqlite3_close(other);
  });
  const auto reader = StoreReader::open(stored.path);
  holds.join();
  CHECK(reader);
}
