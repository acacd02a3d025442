// SPDX-License-Identifier: Apache-2.0
// A run as a line of a results file.
#include <nlohmann/json.hpp>

#include "bench/regret/run.hpp"
#include "bench/shared/count.hpp"
#include "bench/shared/results.hpp"
#include "tuner/json.hpp"

namespace tune::regret {

std::string to_json(const Run& r) {
  std::string line;
  JsonWriter w{line};
  w.begin_object().key("tool").value(r.tool).key("version").value(r.version).key("set").value(r.set);
  w.key("problem").value(r.problem).key("seed").value(static_cast<std::int64_t>(r.setting.seed));
  w.key("trials").value(r.setting.trials).key("workers").value(r.setting.workers);
  w.key("random_durations").value(r.setting.random_durations).key("noise").value(r.setting.noise);
  w.key("finished").value(r.finished).key("best").begin_array();
  for (const auto& [n, value] : r.best) w.begin_array().value(n).value(value).end_array();
  w.end_array().key("failed").begin_array();
  for (const int n : r.failed) w.value(n);
  w.end_array().key("repeats").value(r.repeats);
  w.key("cpu_mean_ms").value(r.cpu_mean_ms).key("cpu_median_ms").value(r.cpu_median_ms);
  if (r.optimum) w.key("optimum").value(*r.optimum);
  w.key("reference").begin_object().key("best").value(r.reference.best).key("median").value(r.reference.median);
  w.key("worst").value(r.reference.worst).key("early").value(r.reference.early).end_object();
  w.key("floor_share").value(r.floor_share).end_object();
  return line;
}

using bench::count;

Result<Run> read_run(const std::string& line) {
  try {
    const auto j = nlohmann::json::parse(line);
    Run r;
    r.tool = j.at("tool"), r.version = j.at("version"), r.set = j.at("set"), r.problem = j.at("problem");
    r.setting = {static_cast<std::uint64_t>(count(j.at("seed"))), count(j.at("trials")), count(j.at("workers")), j.at("random_durations"), j.at("noise")};
    r.finished = count(j.at("finished"));
    for (const auto& b : j.at("best")) r.best.emplace_back(count(b.at(0)), b.at(1));
    for (const auto& n : j.at("failed")) r.failed.push_back(count(n));
    r.repeats = count(j.at("repeats")), r.cpu_mean_ms = j.at("cpu_mean_ms"), r.cpu_median_ms = j.at("cpu_median_ms");
    if (j.contains("optimum")) r.optimum = j.at("optimum").get<double>();
    const auto& f = j.at("reference");
    r.reference = {f.at("best"), f.at("median"), f.at("worst"), f.at("early")};
    r.floor_share = j.at("floor_share");
    return r;
  } catch (const std::exception& e) {
    return Error{Error::Code::corrupt, std::string{"not a line of results: "} + e.what(), ""};
  }
}

Result<std::vector<Run>> read_runs(const std::string& path) { return bench::read_lines(path, &read_run); }

}  // namespace tune::regret
