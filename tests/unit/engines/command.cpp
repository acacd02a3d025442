// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/command.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/support/scratch.hpp"
#include "tuner/json.hpp"

using namespace tune;
using namespace tune::detail;

namespace {

std::string json(const std::vector<std::string>& words) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_array();
  for (const auto& word : words) writer.value(word);
  writer.end_array();
  return out;
}

/// A batch system of shell scripts in a folder: `qsub` files a job, `qstat` prints its letter, `qdel` marks it.
struct Batch {
  Scratch scratch;
  Params options;

  Batch() {
    script("qsub", "n=$(($(cat count 2>/dev/null || echo 0) + 1)); echo $n > count; echo Q > job.$n; echo \"$*\" > args.$n; echo \"$2\" > name.$n; echo \"Job <$n> is submitted\"");
    script("qstat", "[ -e down ] && { echo 'cannot connect to server' >&2; exit 255; }; [ -e job.$1 ] || { echo \"Unknown Job Id $1\" >&2; exit 35; }; echo \"job $1 state=$(cat job.$1)\"");
    script("qdel", "[ -e job.$1 ] || exit 35; echo C > job.$1");
    script("qfind", "for f in name.*; do [ \"$(cat $f)\" = \"$1\" ] && { echo \"Job <${f#name.}>\"; exit 0; }; done; exit 1");
    set("submit", {"./qsub", "-N", "${key}", "-l", "n=${agents}:c=${cpu}:g=${gpu}:m=${memory_mib},t=${walltime_hms}", "${script}"});
    set("status", {"./qstat", "${id}"});
    set("cancel", {"./qdel", "${id}"});
    set("states", {"Q=queued", "R=running", "E=ending", "C=ended", "exit 35=missing"});
    options.set("id_pattern", std::string{"<([0-9]+)>"});
    options.set("status_pattern", std::string{"state=(.*)"});
  }
  void script(const std::string& name, const std::string& text) {
    std::ofstream(scratch / name) << "#!/bin/sh\ncd '" << scratch.path().string() << "'\n" << text << "\n";
    ::chmod((scratch / name).c_str(), 0700);
  }
  void set(const std::string& option, std::vector<std::string> words) {
    for (auto& word : words)
      if (word.starts_with("./")) word = scratch / word.substr(2);
    options.set(option, json(words));
  }
  void file(const std::string& name, const std::string& text) { std::ofstream(scratch / name) << text; }
  std::string text(const std::string& name) const {
    std::ifstream in(scratch / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::unique_ptr<Engine> engine() {
    auto made = command().make({options, scratch / "agents"});
    if (!made) FAIL(made.error().message);
    return std::move(*made);
  }
};

AgentSpec spec_of() {
  AgentSpec spec;
  spec.per_agent = {2.5, 1, 1 << 30, {}};
  spec.agents = 3;
  spec.walltime = {5400};
  spec.join_file = "/s/my join.json";
  spec.program = "/s/tune";
  return spec;
}
Allocation look(Engine& engine, const AllocationName& name) { return engine.list(std::vector{name}).at(0); }

}  // namespace

TEST_CASE("a template is filled, and its answer holds the id", "[engines]") {
  Batch batch;
  CHECK(*batch.engine()->submit(spec_of(), "k") == "1");
  CHECK(batch.text("args.1") == "-N k -l n=3:c=3:g=1:m=1024,t=01:30:00 " + (batch.scratch / "agents/k.sh") + "\n");
}

TEST_CASE("the script starts an agent that knows its allocation and its end", "[engines]") {
  Batch batch;
  REQUIRE(batch.engine()->submit(spec_of(), "k"));
  const auto script = batch.text("agents/k.sh");
  CHECK(script.find("export TUNE_ALLOCATION=k\nexport TUNE_DEADLINE=$(($(date +%s) + 5400))\nexec /s/tune agent --join '/s/my join.json'\n") != std::string::npos);
}

TEST_CASE("states are read from words and from exit codes", "[engines]") {
  Batch batch;
  auto engine = batch.engine();
  REQUIRE(engine->submit(spec_of(), "k"));
  CHECK(look(*engine, {"k", "1"}).state == AllocationState::queued);
  batch.file("job.1", "R");
  CHECK(look(*engine, {"k", "1"}).state == AllocationState::running);
  batch.file("job.1", "Z");
  CHECK(look(*engine, {"k", "1"}).state == AllocationState::unknown);
  CHECK(look(*engine, {"k", "1"}).reason == "Z");
  const auto gone = look(*engine, {"x", "9"});
  CHECK(gone.state == AllocationState::unknown);
  CHECK(gone.missing);
  CHECK(gone.reason == "Unknown Job Id 9");
}

TEST_CASE("a server that is away says nothing about allocations", "[engines]") {
  Batch batch;
  auto engine = batch.engine();
  REQUIRE(engine->submit(spec_of(), "k"));
  batch.file("down", "");
  const auto seen = look(*engine, {"k", "1"});
  CHECK(seen.state == AllocationState::unknown);
  CHECK_FALSE(seen.missing);
  CHECK(seen.reason == "cannot connect to server");
}

TEST_CASE("the same key is submitted once, by this process and by the next", "[engines]") {
  Batch batch;
  CHECK(*batch.engine()->submit(spec_of(), "k") == "1");
  CHECK(*batch.engine()->submit(spec_of(), "k") == "1");
  CHECK(batch.text("count") == "1\n");
  CHECK(look(*batch.engine(), {"k", ""}).name.id == "1");
}

TEST_CASE("an answer that a crash lost is found again where there is a way to look", "[engines]") {
  Batch batch;
  REQUIRE(batch.engine()->submit(spec_of(), "k"));
  ::unlink((batch.scratch / "agents/k.id").c_str());
  const auto lost = batch.engine()->submit(spec_of(), "k");
  REQUIRE_FALSE(lost);
  CHECK(lost.error().message == "it is not known whether k was submitted: its answer was lost");
  batch.set("find", {"./qfind", "${key}"});
  CHECK(*batch.engine()->submit(spec_of(), "k") == "1");
  CHECK(*batch.engine()->submit(spec_of(), "other") == "2");
}

TEST_CASE("what is cancelled ends; what is over or never was is cancelled already", "[engines]") {
  Batch batch;
  auto engine = batch.engine();
  REQUIRE(engine->submit(spec_of(), "k"));
  CHECK(engine->cancel({"k", ""}));
  CHECK(look(*engine, {"k", "1"}).state == AllocationState::ended);
  CHECK(engine->cancel({"never", ""}));
  batch.script("qdel", "exit 1");
  CHECK(engine->cancel({"k", "1"}));
  batch.file("job.1", "R");
  CHECK_FALSE(engine->cancel({"k", "1"}));
}

TEST_CASE("a refused submission has the program's words, and the key may be tried again", "[engines]") {
  Batch batch;
  batch.script("qsub", "[ -e open ] && { echo 'Job <5>'; exit 0; }; echo 'qsub: Illegal queue' >&2; exit 3");
  const auto refused = batch.engine()->submit(spec_of(), "k");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Error::Code::invalid);
  CHECK(refused.error().message.find("qsub: Illegal queue") != std::string::npos);
  batch.file("open", "");
  CHECK(*batch.engine()->submit(spec_of(), "k") == "5");
}

TEST_CASE("a template is checked before it is used", "[engines]") {
  Batch batch;
  const auto made = [&] { return command().make({batch.options, "/s"}); };
  batch.set("cancel", {"qdel", "${iid}"});
  CHECK(made().error().message == "executor.cancel: there is no ${iid}");
  CHECK(made().error().hint == "did you mean ${id}?");
  batch.set("cancel", {"qdel", "${id"});
  CHECK_FALSE(made());
  batch.set("cancel", {});
  CHECK(made().error().message.find("executor.cancel is not given") == 0);
  batch.set("cancel", {"qdel", "$$HOME $x"});
  CHECK(made());
  batch.set("states", {"R=flying"});
  CHECK_FALSE(made());
  batch.set("states", {"exit x=running"});
  CHECK_FALSE(made());
  batch.set("states", {"a=b=running"});
  CHECK(made());
  batch.options.set("id_pattern", std::string{"("});
  CHECK_FALSE(made());
}

TEST_CASE("an agent is started directly, as ssh would, watched by its process and ended", "[engines]") {
  Scratch scratch;
  std::ofstream(scratch / "tune") << "#!/bin/sh\necho \"$TUNE_ALLOCATION $*\"\nexec sleep 1000\n";
  ::chmod((scratch / "tune").c_str(), 0700);
  Params options;
  // "$@" is what a remote shell would be given.
  options.set("submit", json({"sh", "-c", "setsid \"$1\" >\"$2\" 2>&1 </dev/null & echo $!", "start", "${script}", "${log}"}));
  options.set("status", json({"sh", "-c", "kill -0 \"$1\"", "look", "${id}"}));
  options.set("cancel", json({"sh", "-c", "kill -- \"-$1\" || kill \"$1\"", "end", "${id}"}));
  options.set("states", json({"exit 0=running", "exit 1=ended"}));
  auto made = command().make({options, scratch / "agents"});
  REQUIRE(made);
  auto engine = std::move(*made);
  auto spec = spec_of();
  spec.program = scratch / "tune";
  const auto id = engine->submit(spec, "direct");
  REQUIRE(id);
  const auto wait = [&](auto condition) {
    for (int i = 0; i < 200 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return condition();
  };
  CHECK(wait([&] { const auto log = engine->logs({"direct", *id}, 5); return log && *log == "direct agent --join /s/my join.json\n"; }));
  CHECK(look(*engine, {"direct", *id}).state == AllocationState::running);
  CHECK(engine->cancel({"direct", *id}));
  CHECK(wait([&] { return look(*engine, {"direct", *id}).state == AllocationState::ended; }));
}

TEST_CASE("a pattern is looked for line by line, and its group counts", "[engines]") {
  CHECK(first_match("a\nid 42\n", "id ([0-9]+)") == "42");
  CHECK(first_match("x7", "[0-9]") == "7");
  CHECK_FALSE(first_match("abc", "[0-9]"));
  CHECK_FALSE(first_match(std::string(5000, '7'), "7"));
  CHECK_FALSE(first_match("abc", "("));
}
