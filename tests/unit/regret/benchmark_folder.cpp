// SPDX-License-Identifier: Apache-2.0
#include "bench/regret/benchmark_folder.hpp"

#include <zlib.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/scratch.hpp"

using namespace tune;
using namespace tune::regret;

namespace {

void write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
  std::ofstream{path} << text;
}

void write_gz(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

// Two ordinals and a category; (2, 8, b) is missing, (4, 8, a) failed, the score is to be maximised.
std::string small_table(const Scratch& scratch) {
  write(scratch / "family/small.json", R"({"format": "tune-bench-1", "kind": "table",
    "space": [{"name": "tile", "type": "ordinal", "values": [1, 2, 4], "numeric": "int"},
              {"name": "rate", "type": "ordinal", "values": [0.1, 0.123456789012], "numeric": "float"},
              {"name": "kind", "type": "categorical", "values": ["a", "b"]}],
    "metrics": [{"name": "cost", "direction": "minimize"}, {"name": "score", "direction": "maximize", "primary": true}],
    "files": {"configs": {"file": "small.configs.csv.gz"}}})");
  write_gz(scratch / "family/small.configs.csv.gz",
           "config_id,tile,rate,kind,status,cost,score\n0,1,0.1,a,ok,1,5\n1,2,0.1,a,ok,1,7\n2,4,0.1,a,failed,1,\n"
           "3,1,0.1234568,b,ok,1,1\n");
  return scratch / "";
}

Params row(std::int64_t tile, double rate, const std::string& kind) {
  return {{"tile", tile}, {"rate", rate}, {"kind", kind}};
}

// One instance input, one number x, one block, two hidden units; worked out by hand below.
std::string small_network(const Scratch& scratch, double wanted) {
  std::string tensors;
  std::size_t offset = 0;
  std::vector<float> weights;
  const auto tensor = [&](const std::string& name, std::vector<int> shape, std::vector<float> values) {
    tensors += (tensors.empty() ? "" : ", ") + ("\"" + name + "\": {\"offset\": " + std::to_string(offset) + ", \"shape\": [");
    for (std::size_t i = 0; i < shape.size(); ++i) tensors += (i ? "," : "") + std::to_string(shape[i]);
    tensors += "]}";
    offset += values.size();
    weights.insert(weights.end(), values.begin(), values.end());
  };
  tensor("embedding0", {2, 1}, {0.5f, -1.0f});
  tensor("first.weight", {2, 2}, {1, 2, 0, 1});
  tensor("first.bias", {2}, {0.25f, 0});
  tensor("block0.scale", {2}, {1, 2});
  tensor("block0.shift", {2}, {0, 1});
  tensor("block0.linear0.weight", {2, 2}, {1, 0, 0, 1});
  tensor("block0.linear0.bias", {2}, {0, 0});
  tensor("block0.linear1.weight", {2, 1}, {1, -1});
  tensor("block0.linear1.bias", {2}, {0, 0.5f});
  tensor("last.scale", {2}, {1, 1});
  tensor("last.shift", {2}, {0, 0});
  tensor("head.weight", {1, 2}, {0.1f, 1});
  tensor("head.bias", {1}, {-0.5f});
  write(scratch / "surrogate_networks/lcbench.json",
        R"({"format": "tune-bench-1", "blocks": 1, "tensors_file": "n.f32.gz",
    "categorical_inputs": [{"input": "instance", "tensor": "embedding0", "rows": ["7", "9"]}],
    "numeric_inputs": [{"name": "x", "transform": [["sub", 1.0], ["div", 2.0]]}],
    "outputs": [{"name": "val_accuracy", "transform": [["mul", 10.0]]}],
    "space": [{"name": "x", "type": "float", "low": 0, "high": 4}], "tensors": {)" +
            tensors + R"(}, "check": [{"input": {"instance": "9", "x": 3.0}, "output": {"val_accuracy": )" +
            std::to_string(wanted) + "}}]}");
  write_gz(scratch / "surrogate_networks/n.f32.gz",
           {reinterpret_cast<const char*>(weights.data()), weights.size() * sizeof(float)});
  return scratch / "";
}

// x = (-1, 1); h = (1.25, 1); z = (1.25, 3); u max(v, 0) = 3.75; h = (5, -2.25); last (5, 0); head 0.5 - 0.5 = 0.
constexpr double kByHand = 5;  // 10 sigmoid(0)

}  // namespace

TEST_CASE("a table gives the row's value, turned to minimisation", "[regret]") {
  const Scratch scratch;
  const auto p = read_table(small_table(scratch), "family/small").value();
  CHECK(p.evaluate(row(2, 0.1, "a")) == -7.0);
  CHECK(p.optimum == -7.0);
  CHECK(p.median == -5.0);
}

TEST_CASE("a failed row of a table is a failed trial", "[regret]") {
  const Scratch scratch;
  const auto p = read_table(small_table(scratch), "family/small").value();
  CHECK_FALSE(p.evaluate(row(4, 0.1, "a")));
}

TEST_CASE("a proposal that is no row of a table moves to the nearest one", "[regret]") {
  const Scratch scratch;
  const auto p = read_table(small_table(scratch), "family/small").value();
  CHECK(p.nearest(row(2, 0.1, "a")) == row(2, 0.1, "a"));
  CHECK(p.nearest(row(2, 0.123456789012, "b")) == row(1, 0.123456789012, "b"));  // Half a scale is nearer than a category.
  CHECK(p.evaluate(p.nearest(row(4, 0.123456789012, "b"))) == -1.0);
}

TEST_CASE("what is not of the format is said and not guessed", "[regret]") {
  const Scratch scratch;
  const std::string folder = small_table(scratch);
  CHECK_FALSE(read_table(folder, "family/none"));
  write(folder + "/family/small.json", "{}");
  CHECK_FALSE(read_table(folder, "family/small"));
  write_gz(folder + "/surrogate_networks/n.f32.gz", "");
  CHECK_FALSE(read_network(folder, "lcbench"));
}

TEST_CASE("a network gives what was worked out by hand", "[regret]") {
  const Scratch scratch;
  const std::string folder = small_network(scratch, kByHand);
  CHECK(check_network(folder, "lcbench").value() < 1e-6);
  const auto problems = read_network(folder, "lcbench").value();
  REQUIRE(problems.size() == 2);
  CHECK(problems[1].evaluate({{"x", 3.0}}).value() == Approx(-kByHand));
  CHECK(problems[0].evaluate({{"x", 3.0}}).value() != Approx(-kByHand));
}

TEST_CASE("a network that computes something else than its check vectors is noticed", "[regret]") {
  const Scratch scratch;
  CHECK(check_network(small_network(scratch, kByHand + 0.1), "lcbench").value() == Approx(0.1 / 5.1).epsilon(1e-3));
}

TEST_CASE("the networks of the benchmark folder agree with their check vectors", "[regret]") {
  const char* folder = std::getenv("TUNE_BENCHMARKS");
  if (!folder) {
    WARN("TUNE_BENCHMARKS is not set: the real networks were not checked");
    return;
  }
  CHECK(check_network(folder, "lcbench").value() < 1e-3);
  CHECK(check_network(folder, "rbv2_xgboost", {"memory", "f1"}).value() < 1e-3);
}
