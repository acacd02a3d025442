// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cmath>
#include <limits>
#include <vector>

#include "support/journals.hpp"

namespace tune::test {

/// One record of every kind with every field set to something else than its default, then awkward ones.
inline std::vector<Record> every_fact() {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  const Offer offer{7.5, 1LL << 40, {{0, "GPU-0"}, {1, "GPU-1"}}, {{"license", 2}}};
  const Rung rung{1, 2, 27, nan, 3, 9, -inf};
  const Params params{{"b", true}, {"i", std::int64_t{-9007199254740993}}, {"f", 3.0}, {"s", "nan"}, {"g", 1e-300},
                      {"z", -0.0}};
  const Reason reason{7, "asha", "worst of \"three\"\n", R"({"draw":1,"x":[1,2]})"};
  Journal j{3, 41};
  std::vector<Record> all;
  const auto observed = [&](Observation o) { all.push_back(j.observe(std::move(o))); };
  const auto decided = [&](Decision d) { all.push_back(j.decide(std::move(d), reason)); };
  observed(Configured{R"({"name":"e","stop":{"trials":3}})", "abc", "stop.trials 2 -> 3", "ann"});
  observed(Opened{"0.1.0", "x86", "node1", "boot", 4242, "resume"});
  observed(Imported{
      "old.db", {"lr"}, {"wd", "mo"}, {{params, TrialState::stopped, {1, nan}}, {{}, TrialState::failed, {}}}});
  observed(Requested{5, "ann", "http", "retry", TrialId{2}, WorkerId{0}, params, R"({"reason":"x"})"});
  observed(Annotated{TrialId{0}, {"a", "b"}, {"c"}, "note", true, "ann"});
  observed(WorkerJoined{{0}, "agent", "name", "group", "alloc", "0.1.0", offer, {"fast"}, Time{9.5}});
  observed(WorkerChanged{{1}, "draining", offer, Time{-1}, "maintenance"});
  observed(WorkerLost{{2}, "silent", "lease ended"});
  observed(AllocationChanged{6, "77", "running", "prio", "n[1-3]", Time{1e9}});
  observed(Started{{1}, 2, 3, {4}, 555});
  observed(Announced{{1}, 2, "ready", {"update", "save"}, "hello"});
  observed(Reported{{1}, 2, 8, 13, {{"loss", 0.1}, {"acc", nan}, {"up", inf}, {"down", -inf}}, {-1, nan}, 2.5, true});
  observed(Checkpointed{{1}, 2, 13, "sha", 1LL << 33, 0.75, "/data"});
  observed(CheckpointLost{"sha", "bit rot"});
  observed(Updated{{1}, 2, 14});
  observed(Exited{{1}, 2, Cause::no_metric, 3, 11, 1, {1.5, 2.5, 1 << 20}, 8, "last words"});
  observed(Fenced{{1}, 1, {2}, "report", 7});
  observed(Collected{{"a", "b"}, 99});
  observed(Warned{"disk", "tune.db", "full"});
  observed(TimePassed{});
  observed(Supplied{"inputs.digits", "sha", 1LL << 40, 3, "/data/digits"});
  observed(CopyExited{{1}, 3, Cause::overtaken, "its agent is lost"});
  decided(Propose{{1}, params, "sampler", "tpe", 12, 0.125, TrialId{0}, TrialId{2}, -3, 27, 0.25});
  decided(Launch{{1},
                 2,
                 Form::resume,
                 {{{0}, 1.5, 1 << 30, {0, 1}, 0.5, {{"license", 1}}}, {{1}, 1, 0, {}, 1, {}}},
                 81,
                 "sha",
                 params,
                 rung,
                 true});
  decided(Extend{{1}, 81, rung});
  decided(Pause{{1}, 2, rung});
  decided(Stop{{1}, 2, TrialState::cancelled, rung});
  decided(Exploit{{1}, {2}, "sha", 5, params, true});
  decided(Update{{1}, 2, params, "sha"});
  decided(Resize{{1}, {2, 0.5, 1 << 30, {{"license", 1}}}});
  decided(Retry{{1}, 2, Time{5}, Resources{4, 1, 7, {}}, "sha"});
  decided(Settle{{1}, TrialState::infeasible, Cause::infeasible, {nan, inf, 0.1}, false, 81});
  decided(Allocate{1, "key", "slurm", R"({"nodes":2})"});
  decided(Release{3, WorkerId{1}, "drain"});
  decided(Collect{{"a"}});
  decided(Finish{4, TrialState::cancelled});
  decided(Speculate{{1}, 3, {{{2}, 1.5, 1 << 30, {0}, 0.5, {{"license", 1}}}}, "sha"});
  decided(EndCopy{{1}, 3});

  // Text of every sort, and notes that are no JSON, several lines of it, or a mere value.
  observed(Warned{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", std::string("\0\x01\x1f\x7f\"\\/", 7), "two\nlines\ttab"});
  observed(Configured{"{\n  \"name\": 1\n}", "", "", ""});
  all.push_back(j.decide(Extend{{0}, kNoStep, {}}, {0, "", "", "plain words"}));
  all.push_back(j.decide(Extend{{0}, 0, Rung{}}, {0, "", "", "\"5\""}));
  all.push_back(j.decide(Extend{{0}, 1, {}}, {0, "", "", "{\"cut\":"}));
  all.push_back(
      j.decide(Propose{{0}, {{"", nan}, {"inf", inf}, {"text", ""}, {"ninf", -inf}}, "", "", 0, nan, {}, {}, 0, 0}));
  observed(Reported{{0}, 1, 1, -5, {}, {}, nan, false});
  observed(Exited{{0}, 1, Cause::done, {}, {}, 0, {}, 0, ""});
  return all;
}

}  // namespace tune::test
