// SPDX-License-Identifier: Apache-2.0
// Workers that are let go, and allocations: how an engine is asked for agents, and who may join by them.
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <ctime>
#include <filesystem>

#include "executors/own_program.hpp"
#include "executors/pool/invitation.hpp"
#include "executors/pool/local_agents.hpp"
#include "executors/pool/pool_executor.hpp"
#include "executors/pool/pool_options.hpp"
#include "tuner/options.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr std::time_t kDay = 24 * 3600, kQueue = 14 * kDay;  // For so long an allocation may wait before its agents may not join any more.

}  // namespace

void PoolExecutor::place_by(std::unique_ptr<Engine> engine) {
  Placer::Settings placing;
  placing.poll = Duration{2};
  placing.log_lines = 5;
  placing.invite = [this](const AgentSpec& spec, const std::string& key) { return invite(spec, key); };
  placing.ready = [this] { interrupt(); };
  placer_ = std::make_unique<Placer>(std::move(engine), std::move(placing));
}

void PoolExecutor::on(const Release& release, const std::string& why) {
  if (release.allocation) {
    if (!placer_) return;
    if (const auto key = keys_.find(*release.allocation); key != keys_.end()) {
      for (const auto& name : agents_by(key->second)) drain(name, why);
      shut_out(key->second);
    }
    return placer_->carry_out(release);
  }
  if (!release.worker) return;
  const auto* agent = agent_of(*release.worker);
  if (!agent) return;
  auto& known = agents_.at(*agent);
  if (release.how == "drain") return drain(*agent, why);
  known.cordoned = release.how == "cordon";
  seen_.push_back(WorkerChanged{*release.worker, known.state(), {}, {}, why});
}

void PoolExecutor::drain(const std::string& agent, const std::string& why) {
  pool_->send(agent, Dismissal{true, why});
  seen_.push_back(WorkerChanged{agents_.at(agent).worker, "draining", {}, {}, why});
}

void PoolExecutor::on(const Allocate& wanted) {
  if (!placer_) return;
  // What is decided holds for every machine that the store may be copied to; where things are is for us to say.
  auto spec = agent_spec(wanted.spec);
  if (!spec) return seen_.push_back(submission_failed(wanted.allocation, spec.error()));
  spec->join_file = join_file_of(wanted.key);
  spec->program = own_program();
  spec->arguments = agent_arguments(*spec, list_option(spec_.executor.options, "labels"));
  keys_[wanted.allocation] = wanted.key;
  Allocate whole = wanted;
  whole.spec = to_json(*spec);
  placer_->carry_out(whole);
}

/// The file by which the agents of an allocation join, if it is not there yet. On the placer's thread.
Result<Done> PoolExecutor::invite(const AgentSpec& spec, const std::string& key) const {
  if (::access(spec.join_file.c_str(), R_OK) == 0) return Done{};
  const auto at = std::time(nullptr);
  JoinTerms terms;
  terms.group = terms.allocation = key;
  terms.uses = spec.agents;
  terms.expires = at + kQueue;
  terms.until = terms.expires + std::max(kDay, static_cast<std::time_t>(spec.walltime.seconds));
  auto join = tune::invite(pool_->folder(), pool_->address(), terms, at);
  if (!join) return join.error();
  std::error_code failed;
  fs::create_directories(pool_->folder() + "/agents", failed);
  return write_join_file(spec.join_file, *join);
}

std::vector<std::string> PoolExecutor::agents_by(const std::string& key) const {
  std::vector<std::string> names;
  for (const auto& [name, agent] : agents_)
    if (agent.came && agent.allocation == key) names.push_back(name);
  return names;
}

/// Of an allocation that was let go or is over: nobody else is to join by it.
void PoolExecutor::shut_out(const std::string& key) {
  boost::asio::post(*background_, [this, key] {
    std::error_code failed;
    fs::remove(join_file_of(key), failed);
    if (const auto done = pool_->shut_out(key); !done) finish({Warned{"join_token", "executor", done.error().message}});
  });
}

std::string PoolExecutor::join_file_of(const std::string& key) const { return pool_->folder() + "/agents/" + key + ".json"; }

void PoolExecutor::follow_allocations() {
  for (auto& seen : placer_->take()) {
    const auto* changed = std::get_if<AllocationChanged>(&seen);
    if (changed && !changed->reason.empty()) words_ = changed->reason;
    const auto state = changed ? allocation_state(changed->state) : std::nullopt;
    if (state && is_over(*state))
      if (const auto key = keys_.find(changed->allocation); key != keys_.end()) shut_out(key->second);
    seen_.push_back(std::move(seen));
  }
}

}  // namespace tune
