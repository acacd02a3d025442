// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/communicator.hpp"
#include "tuner/resources.hpp"
#include "tuner/value.hpp"

namespace tune {

/// A trial's line back to us, given to user code that runs inside this process. Used by one thread at a time.
class Session {
 public:
  virtual ~Session() = default;
  virtual const Params& params() const = 0;
  double number(std::string_view name) const;  ///< Throws std::out_of_range, naming the parameter, if it is absent.
  std::int64_t integer(std::string_view name) const;
  std::string text(std::string_view name) const;

  virtual std::string trial_id() const = 0;  ///< "NAME/NUMBER"
  virtual std::int64_t number_of_trial() const = 0;
  virtual std::uint64_t seed() const = 0;       ///< For this trial; the same in every attempt. With instances: for all trials.
  /// What the config says every trial is tried on, in the order that the seed drew; step k is the k-th.
  virtual std::vector<std::string> instances() const { return {}; }
  virtual std::int64_t until_step() const = 0;  ///< Last step now allowed.
  virtual std::optional<std::filesystem::path> checkpoint()
      const = 0;                                     ///< Folder to restore from; nullopt: fresh start.
  virtual std::int64_t checkpoint_step() const = 0;  ///< That the checkpoint was taken at; 0: fresh start.

  /// The other ranks of this trial, if it has any. All of them run the same code; rank 0's reports count.
  virtual Communicator& communicator();

  /// Steps count from 1 and only grow. False: return from run() now (stopped, paused or shutting down); when it is to
  /// be paused and the trial can save, call save() first. Waits for the decision only at a step where one is due.
  virtual bool report(std::int64_t step, const Metrics&) = 0;
  /// True after report() answered false because the trial shall be resumed later, and when a save was asked for.
  virtual bool should_save() const = 0;
  /// `write` fills an empty folder; it counts only once it is durable, which is when this returns.
  virtual void save(std::int64_t step, const std::function<void(const std::filesystem::path&)>& write) = 0;
};

/// User code, function form: everything happens in run(). A throw fails the trial, nothing else.
class Trainable {
 public:
  virtual ~Trainable() = default;
  virtual void run(Session&) = 0;
};

/// User code, class form: one step at a time. The steps, reports, saves and restores are ours.
class SteppedTrainable : public Trainable {
 public:
  virtual void setup(const Params&, std::uint64_t seed) = 0;
  /// Does step number `step` (from 1) and returns what it measured.
  virtual Metrics step(std::int64_t step) = 0;
  virtual bool done(std::int64_t step) const { return step >= max_steps(); }
  virtual std::int64_t max_steps() const { return INT64_MAX; }
  virtual void save(const std::filesystem::path& folder) = 0;
  virtual void restore(const std::filesystem::path& folder, std::int64_t step) = 0;
  void run(Session&) final;
};

using TrainableFactory = std::function<std::unique_ptr<Trainable>()>;

/// Makes `name` known to configs with `"trainable": {"name": name}`. Call before the sweep starts (from main, or from a
/// plug-in's `extern "C" void tune_plugin()`); a name given twice replaces the first. Threads: not while a sweep runs.
void register_trainable(std::string name, TrainableFactory);
void register_trainable(std::string name, std::function<void(Session&)>);
/// nullptr if unknown.
const TrainableFactory* find_trainable(const std::string& name);
std::vector<std::string> trainable_names();

}  // namespace tune
