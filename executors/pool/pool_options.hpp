// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "executors/engines/engine.hpp"
#include "executors/pool/pool.hpp"
#include "tuner/executor.hpp"

namespace tune {

/// What `executor` says of the pool that the experiment's agents join; `folder` is the experiment's own, in the store's.
Pool::Settings pool_settings(const Spec&, const std::string& folder);

/// How long the ranks of an attempt on several agents may take until all have started, from when there was room for all.
Duration start_timeout(const Spec&);

/// What of the options could never work, whatever the machine: for the config to say.
Result<Done> check_pool(const Spec&);

/// The engine that `executor.type` names; null: it names none. `pool_folder` is the store's. Errors: those of the engine's own options.
Result<std::unique_ptr<Engine>> engine_of(const Spec&, const std::string& pool_folder);

/// What agents that an engine places are started with, after `agent --join FILE`: they offer what was asked for, whatever they find on
/// the node, for their neighbours there are none of their business.
std::vector<std::string> agent_arguments(const AgentSpec&, const std::vector<std::string>& labels);

/// The line of the table in all.cpp.
ExecutorEntry pool();
/// A pool whose agents an engine places.
ExecutorEntry on_engine(const EngineEntry&);

}  // namespace tune
