// SPDX-License-Identifier: Apache-2.0
// What trials are given, as it concerns the coordinator: it is read when an experiment opens, offered to agents, and recorded.
#include <filesystem>
#include <fstream>

#include "executors/pool/line_supplies.hpp"
#include "executors/pool/pool_executor.hpp"
#include "tuner/value.hpp"

namespace tune {

namespace fs = std::filesystem;

/// What trials are given, read and hashed. Another program may go on where one failed; with other data the trials would not compare.
Result<std::vector<std::shared_ptr<const Supply>>> PoolExecutor::read_supplies(const ExecutorContext& context) {
  std::vector<std::shared_ptr<const Supply>> all;
  const fs::path beside = fs::absolute(context.folder).lexically_normal().parent_path(), kept = beside / "supplies";  // <store>.d
  for (const auto& [name, input] : context.spec.inputs) {
    if (input.shared) continue;
    auto supply = Supply::of_input(name, input, kept);
    if (!supply) return supply.error();
    const auto known = context.history ? context.history->supplied().find(supply->name()) : std::map<std::string, Supplied>::const_iterator{};
    if (context.history && known != context.history->supplied().end() && known->second.hash != supply->hash())
      return Error{Error::Code::conflict,
                   supply->name() + ": " + printable(supply->path()) + " is not what this experiment began with: its trials would not compare with those before",
                   "put it back, or `--resume never` begins a new experiment beside it"};
    all.push_back(std::make_shared<const Supply>(std::move(*supply)));
  }
  if (!context.spec.code) return all;
  auto code = Supply::of_code(*context.spec.code, beside.string().substr(0, beside.string().size() - 2), kept);
  if (!code) return code.error();
  all.push_back(std::make_shared<const Supply>(std::move(*code)));
  return all;
}

Opening PoolExecutor::opening(const History& history) const {
  // An agent that finds this in the folder sees the same disk as we do.
  std::error_code failed;
  fs::create_directories(folder_, failed);
  const std::string mark = to_text(now().seconds) + " " + pool_->address();
  std::ofstream(folder_ + "/.mark") << mark;
  if (const auto shared = mark_of_checkpoints(spec_); !shared.empty()) {
    fs::create_directories(checkpoints_, failed);
    std::ofstream(shared) << mark;
  }
  Opening opening{spec_.name, history.began(), spec_.effective, folder_, checkpoints_, mark, {}};
  for (const auto& supply : supplies_) opening.supplies.push_back({supply->name(), supply->hash(), supply->manifest().bytes()});
  return opening;
}

/// Agents may have it, and what is new of it is recorded.
void PoolExecutor::tell_what_is_supplied(const History& history) {
  for (const auto& supply : supplies_) {
    pool_->supply(supply);
    const auto& manifest = supply->manifest();
    const auto known = history.supplied().find(supply->name());
    if (known != history.supplied().end() && known->second.hash == supply->hash()) continue;
    if (known != history.supplied().end())
      seen_.push_back(
          Warned{"changed", supply->name(), supply->name() + " was changed since it was recorded; attempts from here on are given what there is now"});
    seen_.push_back(Supplied{supply->name(), supply->hash(), manifest.bytes(), static_cast<std::int64_t>(manifest.files.size()), supply->path()});
  }
}

/// That it sees what all should see, or does not, is for an agent to say; nothing else of itself is.
std::optional<Observation> PoolExecutor::judge_worker(Agent& agent, const WorkerChanged& said) {
  if (said.state != "quarantined" && said.state != "ready") return std::nullopt;
  agent.unseen = said.state == "ready" ? "" : said.why;
  return WorkerChanged{agent.worker, agent.state(), {}, {}, said.why};
}

}  // namespace tune
