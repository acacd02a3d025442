// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "executors/process/environment.hpp"
#include "executors/process/shared_machine.hpp"
#include "executors/process/supervisor.hpp"
#include "tuner/command.hpp"
#include "tuner/executor.hpp"

namespace tune {

/// Runs trials as programs on this machine: one attempt is one process tree. A thin Executor around a Supervisor: it turns
/// a Launch into argv, environment and folders, and holds launches back until their seat is free.
///
/// If tune is killed its trials end with it (PDEATHSIG; what escapes that is found by its token at the next open()).
class ProcessExecutor final : public Executor {
 public:
  /// Error::invalid if the command does not parse.
  static Result<std::unique_ptr<Executor>> make(const ExecutorContext&);

  Time now() const override;
  std::vector<Observation> open(const History&) override;
  void carry_out(const Decided&, const History&) override;
  void acknowledge(const Observation&) override;
  std::vector<Observation> wait(std::optional<Time> until) override;
  void interrupt() override;
  void shut_down(bool kill) override;

 private:
  ProcessExecutor(const ExecutorContext&, Command);
  struct Pending {
    Launch launch;
    Params params;
    std::uint64_t seed = 0;
    std::size_t done = 0;  // Instances, where it is launched for one.
  };

  void on(const Launch&, const History&);
  void on(const Stop&, const std::string& why);
  void on(const Pause&, const std::string& why);
  void on(const Extend&, const std::string& why);
  void on(const Update&, const std::string& why);
  void on(const Exploit&, const std::string& why);
  void on(const Collect&, const std::string& why);
  void on(const auto&, const std::string&) {}

  void end(TrialId, int attempt, Cause, const std::string& why);
  void start_what_fits();
  void start(Pending);
  void start(const Pending&, const std::string& checkpoint);
  void over(const Exited&);
  std::string trial_folder(TrialId) const;
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
  std::string checkpoints_;
  const std::string url_, secret_;
  bool saves_ = false, wants_folder_ = false, params_on_disk_ = false;
  bool by_instance_ = false;
  std::vector<std::string> instances_;        // As they are drawn.
  Descriptor instances_list_;                 // The file that TUNE_INSTANCES names.
  Offer offer_;
  Environment environment_;
  Supervisor supervisor_;
  SharedMachine machine_;

  std::unordered_map<TrialId, int> newest_;   // Attempt that was ordered last: launches are idempotent.
  std::deque<Pending> resumed_, fresh_;       // Held back; resumed trials go first.
  std::unordered_map<TrialId, Seat> seats_;   // Held by attempts that were started.
  std::set<TrialId> restoring_;               // Started, while their checkpoint is being verified.
  Time not_before_;                           // After the system refused a start.
  double refusal_pause_ = 0;
};

/// The line of the table in all.cpp.
ExecutorEntry process();

}  // namespace tune
