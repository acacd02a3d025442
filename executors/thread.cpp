// SPDX-License-Identifier: Apache-2.0
#include "executors/thread.hpp"

#include <dlfcn.h>

#include "executors/process/environment.hpp"
#include "executors/thread_pool.hpp"

namespace tune {

ThreadExecutor::ThreadExecutor(const Spec& spec, TrainableFactory factory, std::string checkpoints)
    : pool_(std::make_shared<Pool>(spec, std::move(factory), std::move(checkpoints))) {}
ThreadExecutor::~ThreadExecutor() { pool_->join(); }

Time ThreadExecutor::now() const { return pool_->now(); }
std::vector<Observation> ThreadExecutor::open(const History& h) { return pool_->open(h); }
std::vector<Observation> ThreadExecutor::wait(std::optional<Time> until) { return pool_->wait(until); }
void ThreadExecutor::interrupt() { pool_->interrupt(); }
void ThreadExecutor::shut_down(bool kill) { pool_->shut_down(kill); }

void ThreadExecutor::carry_out(const Decided& decided, const History& history) {
  std::visit(
      overloaded{[&](const Launch& l) { pool_->launch(l, history); },
                 [&](const Extend& e) { pool_->extend(e.trial, e.until_step); },
                 [&](const Pause& p) { pool_->ask(p.trial, p.attempt, Cause::paused); },
                 [&](const Stop& s) {
                   pool_->ask(s.trial, s.attempt, s.as == TrialState::cancelled ? Cause::cancelled : Cause::stopped);
                 },
                 [&](const Exploit& e) { pool_->ask(e.trial, e.attempt, Cause::exploited); },
                 [&](const Collect& c) { pool_->collect(c); },
                 [](const auto&) {}},
      decided.what);
}

// --- by name
// ------------------------------------------------------------------------------------------------------------

Result<Done> load_plugin(const std::string& path) {
  // Never closed: trainables that it registered are code in it.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return Error{Error::Code::invalid, "trainable.plugin: " + printable(dlerror()),
                 "it must be a shared library that is built against this tune"};
  const auto entry = reinterpret_cast<void (*)()>(dlsym(library, "tune_plugin"));
  if (!entry)
    return Error{Error::Code::invalid, "trainable.plugin: " + printable(path) + " has no function `tune_plugin`",
                 "define extern \"C\" void tune_plugin() that calls tune::register_trainable"};
  try {
    entry();
  } catch (const std::exception& e) {
    return Error{Error::Code::invalid,
                 "trainable.plugin: tune_plugin of " + printable(path) + " threw: " + printable(e.what()), ""};
  }
  return Done{};
}

namespace {

Result<std::unique_ptr<Executor>> make(const ExecutorContext& c) {
  if (c.spec.trainable.empty())
    return Error{Error::Code::invalid, "executor.type: `thread` runs a `trainable`, and the config has a command",
                 "use executor.type `process`"};
  if (auto suits = suits_this_machine(c.spec); !suits) return suits.error();
  if (!c.spec.plugin.empty())
    if (auto loaded = load_plugin(c.spec.plugin); !loaded) return loaded.error();
  const auto* factory = find_trainable(c.spec.trainable);
  if (factory) return std::unique_ptr<Executor>(std::make_unique<ThreadExecutor>(c.spec, *factory, c.checkpoints));
  std::string known;
  for (const auto& name : trainable_names()) known += (known.empty() ? "" : ", ") + printable(name);
  return Error{
      Error::Code::not_found, "trainable.name: nobody has registered `" + printable(c.spec.trainable) + "`",
      known.empty() ? "none is registered; does trainable.plugin name the library?" : "registered are " + known};
}

}  // namespace

ExecutorEntry thread() { return {{"thread", "C++ trainables on threads of this process."}, make}; }

}  // namespace tune
