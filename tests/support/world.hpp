// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "executors/simulator.hpp"
#include "schedulers/all.hpp"
#include "search/all.hpp"
#include "store/memory.hpp"
#include "tuner/tuner.hpp"

/// Whole experiments in virtual time: the real loop, policies from the tables, a memory store that outlives kills.
namespace tune::test {

struct Killed {};

/// A policy's options with the defaults of its table entry filled in, as the config parser does.
Params with_defaults(const PolicyInfo&, Params given);
const SamplerEntry& sampler_entry(std::string_view name);
/// Its sampler can search its space, its scheduler can run it.
bool serves(const Spec&);
const SchedulerEntry& scheduler_entry(std::string_view name);
/// The spec's scheduler with its rules, their defaults filled in, and growth.
Result<std::unique_ptr<Scheduler>> make_scheduler(const Spec&);

/// A space with every trait that matters: continuous, logarithmic, stepped, listed, conditional.
Space mixed_space();
/// 24 configurations, 21 of which hold the constraint; one parameter is conditional.
Space small_finite_space();
/// Objective `loss`, 8 workers' worth of small trials, checkpoints, seed 1.
Spec simulated_spec(Space space);

/// Watches the journal as it grows and says what is wrong with it. Knows nothing of how experiments decide.
class Invariants {
 public:
  explicit Invariants(const Space& space, int slots_of_a_worker);
  /// Empty: all is well.
  std::string see(const Record&);
  /// After the end: everything is final.
  std::string at_end() const;

 private:
  struct Attempt {
    int number = 0;
    bool live = false, started = false;
    std::vector<std::int64_t> workers;  // Of its ranks.
    int newest_copy = 0;
    std::optional<std::int64_t> copy_on;  // The worker of the copy that runs beside it.
  };
  void leave(const Attempt&);
  void leave_copy(Attempt&);
  std::string see_copy(const Record&, Attempt&);
  std::string see_attempt(const Record&);
  std::string see_policy(const Record&);

  const Space& space_;
  int slots_;
  bool finite_;
  Seq seq_ = 0;
  Time at_;
  std::vector<Attempt> attempts_;
  std::vector<bool> final_;
  std::map<std::int64_t, int> busy_;                                              // Trials, or ranks of them, that run, by worker.
  std::set<std::tuple<std::int64_t, int, int>> crossings_, paused_, promotions_;  // Trial, bracket, rung.
  std::set<std::uint64_t> proposed_;
  std::set<std::int64_t> repeated_;  // Trials that others repeat.
  std::set<std::string> saved_;      // Checkpoints that are there.
};

/// Kills the process after record `most`.
class MortalStore : public MemoryStore {
 public:
  MortalStore(const Space& space, int slots) : invariants_(space, slots) {}
  Result<Done> append(std::shared_ptr<const Batch>) override;

  Result<Done> flush() override;
  Seq durable() const override { return limbo_ ? limbo_->records.back().seq : MemoryStore::durable(); }

  Seq most = INT64_MAX;
  /// The control: says that a batch is durable before it is, and loses the last one in the kill.
  bool lies = false;
  std::vector<Record> records() const;
  std::string wrong;  ///< The first thing that was wrong.
  const Invariants& invariants() const { return invariants_; }

 private:
  void keep(std::shared_ptr<const Batch>);
  Invariants invariants_;
  std::shared_ptr<const Batch> limbo_;
};

/// Remembers what it was told is durable, as people and trials who act on it do.
class Ledger final : public Watcher {
 public:
  void on_durable(const Record& r, const History&) override { promised_.push_back(r); }
  /// Every promise is in the journal as it was made; else what is not.
  std::string check(const std::vector<Record>& journal) const;

 private:
  std::vector<Record> promised_;
};

struct World {
  World(Spec spec, SimulatorOptions options);

  /// Runs until the experiment is finished (true) or the process is killed: what is not in the journal is forgotten.
  bool run(Seq most = INT64_MAX);
  /// What was wrong first; empty: nothing.
  std::string wrong() const;
  /// One line a trial: number, parameters, state, values, last step. What a user compares.
  std::string table() const;
  /// One line a decision: what, about which trial and why.
  std::string decisions() const;

  Spec spec;
  SimulatorOptions options;
  std::string problem = "curve";
  MortalStore store;
  Ledger ledger;
  Outcome outcome;

 private:
  std::unique_ptr<Experiment> experiment_;
};

}  // namespace tune::test
