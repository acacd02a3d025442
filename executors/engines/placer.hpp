// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "executors/engines/autoalloc.hpp"
#include "executors/engines/engine.hpp"
#include "tuner/facts.hpp"

namespace tune {

/// Carries out what autoalloc decides: a thread of its own speaks to the engine, however long that takes, and what comes of it
/// is handed over as facts. An allocation is submitted only once its Allocate is durable, so whoever calls carry_out must have
/// seen to that.
///
/// What cannot be done now is done later: a submission whose fate is open is submitted again by its key, a cancellation is repeated
/// until the engine took it or the allocation is over. Allocations outlive this object; the next one is told of them by the same
/// decisions again.
/// All members are called from one thread; `ready` is called from the placer's.
class Placer {
 public:
  struct Settings {
    Duration poll{5};  ///< Between two questions what became of the allocations.
    int log_lines = 20;
    /// Before each submission: makes the join file that the spec names.
    std::function<Result<Done>(const AgentSpec&, const std::string& key)> invite;
    std::function<void()> ready;  ///< take() has something. Quick.
  };
  Placer(std::unique_ptr<Engine>, Settings);
  /// Waits for the engine's answer if one is due, and tries once more what is left to cancel.
  ~Placer();
  Placer(const Placer&) = delete;

  /// Allocate: submits, after the engine's dry run. Release of an allocation with `cancel`: ends it; one that comes before its
  /// Allocate (after a restart) sees to it that nothing is submitted. Others are not its business.
  void carry_out(const Decision&);
  /// An agent of this key is here: if the allocation ends, its log explains nothing.
  void called_home(const std::string& key);

  /// What happened since the last call, in order: AllocationChanged. Where an allocation is over and no agent of it
  /// ever called home, its reason has the last lines of their log.
  std::vector<Observation> take();

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace tune
