// SPDX-License-Identifier: Apache-2.0
#include "executors/process/ranks.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>

using namespace tune;

namespace {

using Env = std::vector<std::string>;

// Ranks 2 and 3 of five, on the second of three machines.
RanksPlan plan() {
  return {2, 2, 5, 1, 3, "10.0.0.7", 29500, {{"a", 2}, {"b", 2}, {"c", 1}}, {{4}, {6}}, RanksPlan::Launch::env, "/logs"};
}

// The plan's text with one part of it changed.
std::string changed(const std::string& part, const std::string& to) {
  std::string text = to_json(plan());
  const auto at = text.find(part);
  REQUIRE(at != std::string::npos);
  return text.replace(at, part.size(), to);
}
std::string refusal(const std::string& text) {
  const auto read = parse_ranks_plan(text);
  REQUIRE_FALSE(read);
  CHECK(read.error().message.find('\n') == std::string::npos);
  return read.error().message;
}
std::string command(RanksPlan p, const Env& env = {"SLURM_JOB_ID=7"}) {
  std::string text;
  const auto argv = framework_command(p, env, {"tune", "x"});
  REQUIRE(argv);
  for (const auto& word : *argv) text += word + " ";
  return text;
}

}  // namespace

TEST_CASE("a plan of ranks is read as it was written", "[ranks]") {
  const auto text = to_json(plan());
  const auto read = parse_ranks_plan(text);
  REQUIRE(read);
  CHECK(to_json(*read) == text);
  CHECK(read->devices == std::vector<std::vector<int>>{{4}, {6}});
  CHECK(read->hosts[2].name == "c");
  CHECK(node_of(*read, 0) == 0);
  CHECK(node_of(*read, 3) == 1);
  CHECK(node_of(*read, 4) == 2);
}

TEST_CASE("a plan that is wrong is refused in one line that names what is", "[ranks]") {
  for (const auto& [text, wanted] : std::vector<std::pair<std::string, std::string>>{
           {"", "plan of the ranks"},
           {"[]", "no JSON object"},
           {changed("\"first\":2", "\"first\":-1"), "`first`"},
           {changed("\"first\":2", "\"first\":1"), "`first` and `count`"},
           {changed("\"count\":2", "\"count\":0"), "`count`"},
           {changed("\"count\":2", "\"count\":1.5"), "`count`"},
           {changed("\"world\":5", "\"world\":6"), "`world`"},
           {changed("\"world\":5", "\"world\":99999999999"), "`world`"},
           {changed("\"node\":1", "\"node\":3"), "`node`"},
           {changed("\"nodes\":3", "\"nodes\":2"), "`hosts`"},
           {changed("10.0.0.7", "--mca"), "`address`"},
           {changed("10.0.0.7", std::string(65, 'a')), "`address`"},
           {changed("29500", "0"), "`port`"},
           {changed("29500", "65535"), "ports"},
           {changed("\"b\"", "\"b,evil:9\""), "in `hosts`"},
           {changed("\"b\"", "\"\""), "in `hosts`"},
           {changed("\"ranks\":1", "\"ranks\":\"1\""), "in `hosts`"},
           {changed("[4],[6]", "[4]"), "`devices`"},
           {changed("[4]", "[-4]"), "device"},
           {changed("\"env\"", "\"ssh\""), "`launch`"},
           {changed("/logs", "logs"), "`folder`"},
           {changed("\"folder\"", "\"folders\""), "`folders` is unknown"}}) {
    CAPTURE(text);
    CHECK(refusal(text).find(wanted) != std::string::npos);
  }
}

TEST_CASE("a name that mpirun or srun would take for more than one is refused", "[ranks]") {
  for (const char* launch : {"\"mpirun\"", "\"srun\""}) {
    std::string text = changed("\"env\"", launch);
    CHECK(parse_ranks_plan(text));
    text.replace(text.find("\"b\""), 3, "\"b:8\"");
    CHECK(refusal(text).find("in `hosts`") != std::string::npos);
  }
  CHECK(parse_ranks_plan(changed("\"b\"", "\"fe80::1\"")));
}

TEST_CASE("a rank finds out who it is and where the first one listens", "[ranks]") {
  const auto env = environment_of_rank(plan(), 3, {"RANK=77", "HOME=/h"});
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"RANK", "3"}, {"WORLD_SIZE", "5"}, {"LOCAL_RANK", "1"}, {"LOCAL_WORLD_SIZE", "2"}, {"NODE_RANK", "1"},
           {"GROUP_RANK", "1"}, {"MASTER_ADDR", "10.0.0.7"}, {"MASTER_PORT", "29500"}, {"HOME", "/h"}})
    CHECK(value_in(env, name) == value);
  CHECK(value_in(env, "TF_CONFIG") ==
        R"({"cluster":{"worker":["10.0.0.7:29500","10.0.0.7:29501","b:29500","b:29501","c:29500"]},"task":{"type":"worker","index":3}})");
  const RanksPlan alone{0, 1, 1, 0, 1, "::1", 29500, {{"a", 1}}, {}, RanksPlan::Launch::env, "/logs"};
  CHECK(value_in(environment_of_rank(alone, 0, {}), "TF_CONFIG").empty());
}

TEST_CASE("a rank sees its devices only, by the names that the attempt's have", "[ranks]") {
  const Env env = {"CUDA_VISIBLE_DEVICES=GPU-aa,GPU-bb", R"(TUNE_RESOURCES={"cpu":4,"memory_bytes":1000,"gpu_ids":[4,6],"gpu_share":1})"};
  const auto second = environment_of_rank(plan(), 3, env);
  CHECK(value_in(second, "CUDA_VISIBLE_DEVICES") == "GPU-bb");
  CHECK(value_in(second, "TUNE_RESOURCES") == R"({"cpu":2,"memory_bytes":500,"gpu_ids":[6],"gpu_share":1})");
  CHECK(value_in(environment_of_rank(plan(), 2, {}), "CUDA_VISIBLE_DEVICES") == "4");  // Outside of a trial.
  RanksPlan none = plan();
  none.devices.clear();
  CHECK(value_in(environment_of_rank(none, 3, env), "CUDA_VISIBLE_DEVICES") == "GPU-aa,GPU-bb");
  none.devices = {{}, {}};
  CHECK(value_in(environment_of_rank(none, 3, {"CUDA_VISIBLE_DEVICES="}), "CUDA_VISIBLE_DEVICES").empty());
}

TEST_CASE("only the first rank keeps the ways to report", "[ranks]") {
  const Env env = {"TUNE_FD=3", "TUNE_SOCK=/s", "TUNE_TOKEN=t", "TUNE_URL=u", "TUNE_CA=c", "TUNE_TRIAL_ID=a/1", "TUNE_ATTEMPT_TOKEN=m"};
  const auto other = environment_of_rank(plan(), 2, env);
  for (const char* name : {"TUNE_FD", "TUNE_SOCK", "TUNE_TOKEN", "TUNE_URL", "TUNE_CA"}) CHECK(value_in(other, name).empty());
  CHECK(value_in(other, "TUNE_TRIAL_ID") == "a/1");
  CHECK(value_in(other, "TUNE_ATTEMPT_TOKEN") == "m");
  RanksPlan first = plan();
  first.first = 0, first.node = 0;
  CHECK(value_in(environment_of_rank(first, 0, env), "TUNE_FD") == "3");
}

TEST_CASE("torchrun starts the ranks of each machine, mpirun and srun all of them from the first", "[ranks]") {
  RanksPlan p = plan();
  CHECK(command(p).empty());
  p.launch = RanksPlan::Launch::torchrun;
  CHECK(command(p).find("torchrun --nnodes 3 --node_rank 1 --nproc_per_node 2 --master_addr 10.0.0.7 --master_port 29500 ") == 0);
  CHECK(command(p).ends_with(" --no_python tune x "));
  p.launch = RanksPlan::Launch::mpirun;
  CHECK(command(p).empty());
  p.first = 0, p.node = 0;
  CHECK(command(p).find("mpirun -np 5 ") == 0);
  CHECK(command(p).find(" --host a:2,b:2,c:1 tune x ") != std::string::npos);
  CHECK(command(p).find("--oversubscribe") == std::string::npos);
  p.launch = RanksPlan::Launch::srun;
  CHECK(command(p).find(" --nodelist=a,a,b,b,c --nodes=3 --ntasks=5 tune x ") != std::string::npos);
  CHECK(command(p, {"SLURM_JOB_ID=7", R"(TUNE_RESOURCES={"cpu":5})"}).find(" --cpus-per-task=3 ") != std::string::npos);
}

TEST_CASE("srun without an allocation is refused rather than waited for", "[ranks]") {
  RanksPlan p = plan();
  p.launch = RanksPlan::Launch::srun, p.first = 0, p.node = 0;
  const auto argv = framework_command(p, {}, {"tune"});
  REQUIRE_FALSE(argv);
  CHECK(argv.error().message.find("SLURM_JOB_ID") != std::string::npos);
}
