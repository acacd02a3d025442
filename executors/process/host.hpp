// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "executors/process/environment.hpp"
#include "executors/process/ranks.hpp"
#include "executors/process/shared_machine.hpp"
#include "executors/process/supervisor.hpp"
#include "executors/supplies.hpp"
#include "tuner/command.hpp"
#include "tuner/executor.hpp"

namespace tune {

/// What it takes to run an attempt, beside the experiment's settings.
struct Lease {
  Launch launch;          ///< Its ranks are those that are to live here.
  Params params;          ///< In force: those of the launch, or the trial's.
  std::uint64_t seed = 0;
  std::size_t done = 0;   ///< Instances, where it is launched for one.
  std::optional<RanksPlan> ranks = {};  ///< Where the ranks of a trial meet; nullopt: all of them are here.
};
Lease lease_of(const Launch&, const History&);

/// An attempt that a decision ends, and the cause that its Exited will have; nullopt: it ends none.
struct AskedToEnd {
  TrialId trial;
  int attempt = 0;
  Cause cause = Cause::stopped;
};
std::optional<AskedToEnd> asked_to_end(const Decision&);

/// What differs where it is not `tune` itself that runs the trials.
struct Elsewhere {
  std::string mark;  ///< Its processes bear it, and what is left of them is found by it; empty: the experiment's folder.
  std::shared_ptr<const CheckpointMirror> mirror = {};
  std::shared_ptr<Supplies> supplies = {};  ///< Brought before the first trial starts; null: what trials are given stands where the config says.
};

/// Runs an experiment's trials as programs on this machine: one attempt is one process tree. It turns a lease into argv,
/// environment and folders for a Supervisor, and holds it back until its seat is free of everything that this process runs.
/// It knows leases and decisions, never the history: `tune` has one for `process`, and an agent one for each experiment.
///
/// If this process is killed its trials end with it (PDEATHSIG of the thread that calls; what escapes that is found by its
/// token: end_leftovers()). One thread calls everything, interrupt() excepted.
class TrialHost {
 public:
  /// `offer`: what this machine offers to the experiment. Error::invalid if the command does not parse.
  static Result<std::unique_ptr<TrialHost>> make(const ExecutorContext&, Offer offer, Elsewhere = {});

  Time now() const;
  const Offer& offer() const { return offer_; }
  /// Ends what a process that was killed left of this experiment.
  void end_leftovers() const;

  /// It was taken before, whatever became of it.
  bool has_begun(TrialId, int attempt) const;
  /// Holds these seats for an attempt that is about to be taken, if they are free: its other ranks wait for this answer.
  bool reserve(TrialId, int attempt, const std::vector<Seat>&);
  /// Nobody is to come to them any more; without a trial, to none of them.
  void give_up_reserved(TrialId, int attempt);
  void give_up_reserved();
  /// Starts it once its seats are free, resumed trials first. Idempotent in (trial, attempt). Never blocks; trouble comes back
  /// as an observation.
  void take(Lease);
  /// Stop, Pause, Extend, Exploit, Update and Collect; others are not its business.
  void carry_out(const Decided&);
  /// This observation is durable: a `sync` report is answered.
  void acknowledge(const Observation&);
  /// As Executor::wait().
  std::vector<Observation> wait(std::optional<Time> until);
  void interrupt();
  /// Ends it at once, whatever it is at. Exited with this cause follows.
  void kill(TrialId, int attempt, Cause, const std::string& why);
  /// Asks every attempt to save and end (`kill`: at once); Exited with this cause follows for each.
  void end_all(Cause, const std::string& why, bool kill);

 private:
  TrialHost(const ExecutorContext&, Command, Offer, Elsewhere);

  void on(const Extend&, const std::string& why);
  void on(const Update&, const std::string& why);
  void on(const Collect&, const std::string& why);
  void on(const auto&, const std::string&) {}

  void end(TrialId, int attempt, Cause, const std::string& why);
  bool end_before_start(TrialId, int attempt, Cause, const std::string& why);
  void start_what_fits();
  void start(Lease);
  void bring_supplies(Lease);
  void restore(Lease);
  void start(const Lease&, const std::string& checkpoint);
  std::string working_folder() const;
  void over(Exited&);
  std::string trial_folder(TrialId) const;
  std::string attempt_folder(TrialId, int attempt) const;
  std::string report_url(const Launch&) const;

  // Where trials have their folders; with a memory store a temporary one that goes when we do.
  struct Folder {
    explicit Folder(const std::string& given);
    ~Folder();
    /// A link to the supervisor's socket, where a server of the store finds it.
    void show_socket(const std::string& socket);
    std::string path;
    bool temporary = false, shows_socket = false;
  };

  const Spec& spec_;
  Command command_;
  Folder home_;
  const std::string& folder_ = home_.path;
  const std::string mark_;
  const Checkpoints checkpoints_;
  const std::string url_, secret_, authority_;
  bool saves_ = false, wants_folder_ = false, params_on_disk_ = false;
  bool by_instance_ = false;
  std::vector<std::string> instances_;        // As they are drawn.
  Descriptor instances_list_;                 // The file that TUNE_INSTANCES names.
  const std::shared_ptr<Supplies> supplies_;
  std::optional<SupplyPlaces> places_;        // Where what they bring stands; absent: it was not brought yet.
  Offer offer_;
  Environment environment_;
  Supervisor supervisor_;
  SharedMachine machine_;

  std::unordered_map<TrialId, int> newest_;   // Attempt that was ordered last: launches are idempotent.
  std::deque<Lease> resumed_, fresh_;       // Held back; resumed trials go first.
  std::unordered_map<TrialId, Claim> seats_;  // Held by attempts that were started.
  std::map<std::pair<TrialId, int>, Claim> reserved_;
  std::set<TrialId> restoring_;               // Started, while what they are given is brought or their checkpoint is being verified.
  Time not_before_;                           // After the system refused a start.
  double refusal_pause_ = 0;
};

}  // namespace tune
