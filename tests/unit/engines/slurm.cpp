// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/slurm.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace tune;
using namespace tune::detail;
using Names = std::vector<std::string>;

namespace {
AgentSpec spec_of(int agents) {
  AgentSpec spec;
  spec.agents = agents;
  spec.join_file = "/s/join.json";
  spec.program = "/s/tune";
  return spec;
}
bool has(const Names& argv, const std::string& word) { return std::find(argv.begin(), argv.end(), word) != argv.end(); }
}  // namespace

TEST_CASE("every state of Slurm means something, with its tails", "[engines]") {
  CHECK(slurm_state("PENDING") == AllocationState::queued);
  CHECK(slurm_state("SUSPENDED") == AllocationState::running);
  CHECK(slurm_state("COMPLETING") == AllocationState::ending);
  CHECK(slurm_state("CANCELLED by 1000") == AllocationState::ended);
  CHECK(slurm_state("CANCELLED+") == AllocationState::ended);
  CHECK(slurm_state("OUT_OF_MEMORY") == AllocationState::failed);
  CHECK(slurm_state("NODE_FAIL") == AllocationState::lost);
  CHECK(slurm_state("SPECIAL_EXIT") == AllocationState::queued);
}

TEST_CASE("a word of a later Slurm is unknown, and is not an end", "[engines]") {
  CHECK(slurm_state("LEVITATING") == AllocationState::unknown);
  CHECK(slurm_state("") == AllocationState::unknown);
  CHECK_FALSE(is_over(slurm_state("LEVITATING")));
}

TEST_CASE("a line of squeue is read with its end, nodes and reason", "[engines]") {
  const auto job = read_slurm_job("42|RUNNING|1795316781|n[1-2]|tune-a|None");
  REQUIRE(job);
  CHECK(job->id == "42");
  CHECK(job->name == "tune-a");
  CHECK(job->nodes == Names{"n1", "n2"});
  CHECK(job->end == Time{1795316781});
}

TEST_CASE("a job that waits has no nodes and no end, and its reason may hold anything", "[engines]") {
  const auto job = read_slurm_job("7|PENDING|N/A||k|(Resources) | x\033[2J");
  REQUIRE(job);
  CHECK(job->nodes.empty());
  CHECK_FALSE(job->end);
  CHECK(job->reason == "(Resources) | x\\x1b[2J");
  CHECK(read_slurm_job("7|PENDING|N/A|(null)|k|")->nodes.empty());
  CHECK(read_slurm_job("7|COMPLETED|1|None assigned|k")->nodes.empty());
}

TEST_CASE("a line that is not a job's is passed over", "[engines]") {
  for (const auto* line : {"", "42", "slurm_load_jobs error: x", "|RUNNING|1|n|k|r", "4.batch|RUNNING|1|n|k|r", "4|R|1|n||r"}) CHECK_FALSE(read_slurm_job(line));
}

TEST_CASE("a list of nodes is unfolded with its zeros", "[engines]") {
  CHECK(slurm_nodes("n[1-3,07],gpu1") == Names{"n1", "n2", "n3", "n07", "gpu1"});
  CHECK(slurm_nodes("n[08-10]") == Names{"n08", "n09", "n10"});
  CHECK(slurm_nodes("n1,n2") == Names{"n1", "n2"});
  CHECK(slurm_nodes("").empty());
}

TEST_CASE("a list of nodes that we do not understand stays as it is, and a huge one is cut", "[engines]") {
  for (const auto* list : {"n[1", "n[2-1]", "n[a]", "n[1-2]x[1-2]", "n[-]", "n[99999999999]"}) CHECK(slurm_nodes(list) == Names{list});
  CHECK(slurm_nodes("n[0-4294967295]").size() == 4096);
}

TEST_CASE("an allocation is one job of as many nodes as agents, found again by its name", "[engines]") {
  auto spec = spec_of(3);
  spec.per_agent = {2.5, 1.5, (1 << 20) + 1, {}};
  spec.walltime = {5400};
  spec.site_args = {"--partition=long"};
  const auto argv = sbatch_options(spec, "tune-a", "/s/x", "");
  for (const auto* word : {"--no-requeue", "--export=NONE", "--job-name=tune-a", "--comment=tune-a", "--nodes=3", "--ntasks=3", "--cpus-per-task=3", "--mem=2M",
                           "--gpus-per-node=2", "--time=1:30:00", "--output=/s/x/tune-a.log", "--no-kill"}) {
    CHECK(has(argv, word));
  }
  CHECK(argv.back() == "--partition=long");
}

TEST_CASE("GPUs may be asked for by their kind, and a gang dies as one", "[engines]") {
  auto spec = spec_of(2);
  spec.per_agent.gpus = 4;
  spec.gang = true;
  const auto argv = sbatch_options(spec, "k", "/s", "gpu:a100");
  CHECK(has(argv, "--gres=gpu:a100:4"));
  CHECK_FALSE(has(argv, "--no-kill"));
  CHECK(slurm_script(spec, "k").find("--no-kill") == std::string::npos);
}

TEST_CASE("agents know their end by the clock where a node cannot ask Slurm, and no signal of Slurm's is asked for", "[engines]") {
  auto spec = spec_of(1);
  CHECK(slurm_script(spec, "k").find("case $end in *[!0-9]* | '') end= ;; esac\n") != std::string::npos);
  spec.walltime = {60};
  CHECK(slurm_script(spec, "k").find("case $end in *[!0-9]* | '') end=$(($(date +%s) + 60)) ;; esac\n") != std::string::npos);
  const auto argv = sbatch_options(spec, "k", "/s", "");
  CHECK(has(argv, "--time=0:01:00"));
  CHECK(std::none_of(argv.begin(), argv.end(), [](const auto& word) { return word.starts_with("--signal"); }));
}

TEST_CASE("the script starts each agent with its words as they are", "[engines]") {
  auto spec = spec_of(2);
  spec.program = "/s/my tune";
  spec.arguments = {"--name", "it's"};
  const auto script = slurm_script(spec, "k");
  CHECK(script.find("tune-agent '/s/my tune' agent --join /s/join.json --name 'it'\\''s'\n") != std::string::npos);
  CHECK(script.find("--nodes=2 --ntasks=2 --ntasks-per-node=1 --cpus-per-task=1") != std::string::npos);
}

TEST_CASE("options of sbatch that are ours are refused by name, before Slurm is asked", "[engines]") {
  auto made = slurm().make({{}, "/s"});
  REQUIRE(made);
  for (const auto* word : {"--job-name=x", "-Jx", "--array=1-2", "--export=ALL", "--comment=c"}) {
    auto spec = spec_of(1);
    spec.site_args = {word};
    const auto refused = (*made)->check(spec);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("is for tune to set") != std::string::npos);
  }
}

TEST_CASE("what Slurm could not carry out is refused before it is asked", "[engines]") {
  auto made = slurm().make({{}, "/s"});
  auto two_words = spec_of(1), relative = spec_of(1), custom = spec_of(1);
  two_words.site_args = {"--partition", "long"};
  relative.join_file = "join.json";
  custom.per_agent.custom["licence"] = 1;
  for (const auto* spec : {&two_words, &relative, &custom}) CHECK((*made)->submit(*spec, "k").error().code == Error::Code::invalid);
  CHECK_FALSE(slurm().make({{}, "/s/100%"}));
}
