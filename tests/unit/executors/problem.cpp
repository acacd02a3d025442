// SPDX-License-Identifier: Apache-2.0
#include "executors/problem.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include <zlib.h>

#include "executors/table_problem.hpp"

using namespace tune;

namespace {

Dimension dimension(std::string name, Dimension::Kind kind, double min, double max) {
  Dimension d;
  d.name = std::move(name), d.kind = kind, d.min = min, d.max = max;
  return d;
}

Spec spec_of(std::vector<Dimension> dimensions, std::string metric = "loss") {
  Spec spec;
  Objective o;
  o.metric = std::move(metric);
  spec.objectives = {o};
  spec.space = Space::make(std::move(dimensions)).value();
  return spec;
}

double value(const Problem& p, const Params& params, std::int64_t step = 1) {
  std::vector<double> out(p.metrics().size());
  p.course(params).measure(step, out);
  return out[0];
}

/// Files in a folder of their own, gone with it.
struct Files {
  Files() {
    std::string name = (std::filesystem::temp_directory_path() / "tune-table-XXXXXX").string();
    folder = mkdtemp(name.data());
  }
  ~Files() { std::filesystem::remove_all(folder); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name) << text;
    return (folder / name).string();
  }
  std::filesystem::path folder;
};

constexpr auto kCurves = R"({"format": "tune-bench-1", "kind": "curves", "metrics": [{"name": "acc"}, {"name": "loss"}],
  "cost": {"column": "seconds"}, "files": {"configs": {"file": "c.csv.gz"}, "curves": {"file": "k.csv.gz"}}})";

}  // namespace

TEST_CASE("the toy of population based training goes on bit for bit from the state of a checkpoint", "[problem]") {
  const Spec spec = spec_of({dimension("h0", Dimension::Kind::uniform, 0, 1), dimension("h1", Dimension::Kind::uniform, 0, 1)});
  const auto problem = find_problem("pbt", spec, 0).value();
  const Params params{{"h0", 0.7}, {"h1", 0.1}};
  const auto whole = problem->course(params);
  const auto rest = problem->resume(params, {0}, 2, 33, whole.state(33));
  double straight = 0, resumed = 0;
  whole.measure(180, {&straight, 1});
  rest.measure(180, {&resumed, 1});
  REQUIRE(straight == resumed);
  REQUIRE(value(*problem, {{"h0", 1.0}, {"h1", 0.0}}, 200) == Approx(-(1.2 - 0.81)).margin(0.001));  // Stuck in one direction.
}

TEST_CASE("branin has its minimum where the literature says", "[problem]") {
  const Spec spec =
      spec_of({dimension("x", Dimension::Kind::uniform, -5, 10), dimension("y", Dimension::Kind::uniform, 0, 15)});
  const auto branin = find_problem("branin", spec, 0).value();
  CHECK(value(*branin, {{"x", 3.141592653589793}, {"y", 2.275}}) == Approx(0.397887).epsilon(1e-5));
}

TEST_CASE("rosenbrock is 0 where all parameters are 1", "[problem]") {
  const Spec spec =
      spec_of({dimension("x", Dimension::Kind::uniform, -2, 2), dimension("y", Dimension::Kind::uniform, -2, 2)});
  CHECK(value(*find_problem("rosenbrock", spec, 0).value(), {{"x", 1.0}, {"y", 1.0}}) == 0);
}

TEST_CASE("a simulated learning curve falls when it is minimised and rises when it is maximised", "[problem]") {
  Spec spec = spec_of({dimension("x", Dimension::Kind::uniform, 0, 1)});
  const auto falling = find_problem("curve", spec, 0).value();
  CHECK(value(*falling, {{"x", 0.5}}, 1) > value(*falling, {{"x", 0.5}}, 27));
  spec.objectives.front().maximize = true;
  const auto rising = find_problem("curve", spec, 0).value();
  CHECK(value(*rising, {{"x", 0.5}}, 1) < value(*rising, {{"x", 0.5}}, 27));
}

TEST_CASE("an unknown problem is an error that names those that are known", "[problem]") {
  const auto none = find_problem("brannin", spec_of({}), 0);
  REQUIRE_FALSE(none);
  CHECK(none.error().hint.find("branin") != std::string::npos);
}

TEST_CASE("a table's trial is the nearest row, with the row's curve and times", "[problem]") {
  const Files files;
  files.write("c.csv", "config_id,lr,opt\n0,0.001,sgd\n1,0.1,sgd\n2,0.1,\"ad,am\"\n");
  files.write("k.csv", "config_id,epoch,seconds,acc,loss\n0,1,10,0.1,9\n0,2,25,0.2,8\n1,1,5,0.5,\n2,1,7,0.7,3\n");
  Dimension opt = dimension("opt", Dimension::Kind::choice, 0, 0);
  opt.values = {std::string{"sgd"}, std::string{"ad,am"}};
  const Spec spec = spec_of({dimension("lr", Dimension::Kind::loguniform, 1e-4, 1), opt}, "acc");
  const auto table = find_problem(files.write("t.json", kCurves), spec, 0).value();
  CHECK(table->metrics() == std::vector<std::string>{"acc", "loss"});
  const Params first{{"lr", 0.002}, {"opt", std::string{"sgd"}}};
  const auto course = table->course(first);
  CHECK(course.steps == 2);
  CHECK(course.seconds(1) == 10);
  CHECK(course.seconds(2) == 15);
  CHECK(value(*table, first, 2) == 0.2);
  CHECK(value(*table, {{"lr", 0.2}, {"opt", std::string{"ad,am"}}}) == 0.7);
}

TEST_CASE("an empty cell of a table is a measurement that failed", "[problem]") {
  const Files files;
  files.write("c.csv", "config_id,lr,loss\n0,1,\n");
  const auto path = files.write("t.json", R"({"metrics": [{"name": "loss"}], "files": {"configs": "c.csv"}})");
  const Spec spec = spec_of({dimension("lr", Dimension::Kind::integer, 0, 3)});
  const auto table = find_problem(path, spec, 0).value();
  CHECK(std::isnan(value(*table, {{"lr", std::int64_t{2}}})));
}

TEST_CASE("a table that is damaged, missing or broken is an error that says what is wrong", "[problem]") {
  const Files files;
  const Spec spec = spec_of({dimension("lr", Dimension::Kind::uniform, 0, 1)});
  const auto path = files.write("t.json", kCurves);
  CHECK(find_problem(path, spec, 0).error().message.find("c.csv") != std::string::npos);
  files.write("c.csv.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b", 11));  // The beginning of a packed file.
  CHECK(find_problem(path, spec, 0).error().code == Error::Code::corrupt);
  CHECK(find_problem(files.write("b.json", "{"), spec, 0).error().code == Error::Code::invalid);
  CHECK(find_problem((files.folder / "none.json").string(), spec, 0).error().code == Error::Code::not_found);
  CHECK(find_problem(path, spec_of({}, "f1"), 0).error().hint == "it has acc, loss");
}

TEST_CASE("a packed table is read as it is", "[problem]") {
  const Files files;
  const auto path = files.write("t.json", R"({"metrics": [{"name": "loss"}], "files": {"configs": "c.csv.gz"}})");
  const gzFile file = gzopen((files.folder / "c.csv.gz").c_str(), "wb");
  gzputs(file, "config_id,lr,loss\n0,1,0.25\n1,3,0.5\n");
  gzclose(file);
  const Spec spec = spec_of({dimension("lr", Dimension::Kind::integer, 0, 3)});
  CHECK(value(*find_problem(path, spec, 0).value(), {{"lr", std::int64_t{3}}}) == 0.5);
}

TEST_CASE("each trial draws one of a row's repeats, whatever their lengths, and keeps it", "[problem]") {
  const Files files;
  files.write("c.csv", "config_id,lr\n0,0.5\n");
  files.write("k.csv", "config_id,repeat,seconds,acc,loss\n0,0,1,0.1,9\n0,1,2,0.2,8\n0,1,5,0.3,7\n");
  const Spec spec = spec_of({dimension("lr", Dimension::Kind::uniform, 0, 1)}, "acc");
  const auto table = find_problem(files.write("t.json", kCurves), spec, 0).value();
  std::set<std::int64_t> lengths;
  for (int trial = 0; trial < 20; ++trial) {
    const auto course = table->attempt({{"lr", 0.1}}, TrialId{trial}, 1);
    lengths.insert(course.steps);
    CHECK(table->attempt({{"lr", 0.1}}, TrialId{trial}, 2).steps == course.steps);
  }
  CHECK(lengths == std::set<std::int64_t>{1, 2});
}

TEST_CASE("a table's own space and objective are settings of a config", "[problem]") {
  const Files files;
  const auto path = files.write("t.json", R"({"metrics": [{"name": "a"}, {"name": "acc", "primary": true, "direction": "maximize"}],
    "space": [{"name": "lr", "type": "float", "low": 1e-3, "high": 1, "log": true},
              {"name": "opt", "type": "categorical", "values": ["x", "y"]},
              {"name": "b", "type": "float", "low": 2, "high": 2, "active_if": {"param": "opt", "values": ["x"]}}]})");
  const auto settings = table_settings(path).value();
  CHECK(settings.objective == R"({"goal":"maximize","metric":"acc"})");
  CHECK(settings.params.find(R"("lr":{"max":1,"min":0.001,"type":"loguniform"})") != std::string::npos);
  CHECK(settings.params.find(R"("b":{"type":"const","value":2,"when":{"opt":["x"]}})") != std::string::npos);
}

TEST_CASE("parameters that only the table or only the space has are told, and rows outside the space left out", "[problem]") {
  const Files files;
  files.write("c.csv", "config_id,lr,depth,loss\n0,0.5,1,1\n1,2,1,2\n2,1.000001,2,3\n");
  const auto path = files.write("t.json", R"({"metrics": [{"name": "loss"}], "files": {"configs": "c.csv"},
    "space": [{"name": "lr"}, {"name": "depth"}]})");
  const Spec spec = spec_of({dimension("lr", Dimension::Kind::uniform, 0, 1), dimension("width", Dimension::Kind::uniform, 0, 1)});
  const auto table = read_table(path, spec).value();
  CHECK(table.unmatched == std::vector<std::string>{"width", "depth"});
  CHECK(table.outside == 1);           // 2 is; 1.000001 is 1, rounded up.
  CHECK(table.trials.size() == 2);
  CHECK(find_problem(path, spec, 0).error().message.find("params.width") == 0);
}

TEST_CASE("a trial that was cut short goes on by the trend of the others at its own pace", "[problem]") {
  const Spec spec = spec_of({dimension("x", Dimension::Kind::uniform, 0, 1)});
  using End = RecordedTrial::End;
  Recording recording;
  recording.metrics = {"loss"};
  recording.trials = {{{0.0}, {10, 20, 30}, {5, 10, 15}, {{1}, {0.5}, {0.25}}, 15, End::by_itself},
                      {{1.0}, {10}, {30}, {{2}}, 30, End::cut},
                      {{0.5}, {10}, {7}, {{3}}, 9, End::failed}};
  const auto problem = recorded_problem(spec.space, std::make_shared<Recording>(recording), 1);
  const auto cut = problem->course({{"x", 0.9}});
  CHECK(cut.steps == 30);
  CHECK(cut.next(0) == 10);
  CHECK(cut.next(10) == 20);
  CHECK(cut.seconds(10) == 30);
  CHECK(cut.seconds(20) == 30);
  CHECK(value(*problem, {{"x", 0.9}}, 30) == Approx(1.25));
  const auto failed = problem->course({{"x", 0.5}});
  CHECK(failed.fails_at == 11);
  CHECK(failed.seconds(failed.next(10)) == 2);
}
