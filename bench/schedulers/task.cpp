// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include "bench/schedulers/run.hpp"
#include "executors/table_problem.hpp"
#include "tuner/config.hpp"
#include "ui/api/policies.hpp"

namespace tune::races {

Result<Task> read_task(const std::string& path) {
  const auto settings = table_settings(path);
  if (!settings) return settings.error();
  Task task;
  task.name = std::filesystem::path{path}.stem().string();
  task.params = settings->params, task.objective = settings->objective;
  const std::string config = R"({"name":"task","command":["true"],"objective":)" + task.objective + R"(,"params":)" + task.params + "}";
  const auto read = read_config(config, {catalogue(), path, "/", {}});
  if (!read.spec) return Error{Error::Code::invalid, path + ": its space is none that tune has: " + render_text(read.diagnostics), ""};
  auto recording = read_table(path, *read.spec);
  if (!recording) return recording.error();
  task.maximize = read.spec->objectives.front().maximize;
  for (const auto& row : recording->trials) {
    task.steps = std::max(task.steps, row.steps.back());
    task.mean_seconds += row.until.empty() ? static_cast<double>(row.steps.back()) : row.until.back();
  }
  task.mean_seconds /= static_cast<double>(recording->trials.size());
  task.recording = std::make_shared<const Recording>(std::move(*recording));
  return task;
}

Result<std::vector<Task>> read_tasks(const std::vector<std::string>& folders) {
  std::vector<Task> out;
  for (const auto& folder : folders) {
    std::vector<std::string> paths;
    std::error_code missing;
    for (const auto& file : std::filesystem::directory_iterator{folder, missing})
      if (file.path().extension() == ".json") paths.push_back(file.path().string());
    if (missing) return Error{Error::Code::not_found, "there is no folder " + printable(folder), ""};
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      auto task = read_task(path);
      if (!task) return task.error();
      out.push_back(std::move(*task));
    }
  }
  if (out.empty()) return Error{Error::Code::not_found, "no tasks: a folder with .json files of the format tune-bench-1 is wanted", ""};
  return out;
}

}  // namespace tune::races
