// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ui/api/sweep.hpp"

namespace tune {

/// Owns many experiments of one store for a long time, each run on a thread of its own: what `tune serve` is around. They
/// are ordinary sweeps: `tune status`, `stop`, `set` and the dashboard reach each by its own socket, and their trials
/// divide this machine (executors/process/shared_machine.hpp). Those beyond `at_once` wait in line, oldest first.
///
/// What it is to run carries the tag `served`, so that the next owner of the store, after an end or a crash of this one,
/// goes on with it; an experiment that is let go of loses the tag.
///
/// Any thread.
class Owner {
 public:
  static constexpr std::string_view kTag = "served";

  struct Settings {
    std::string store;
    std::size_t at_once = 1;
    std::function<void(const std::string& line)> tell;  ///< A line for people. Any thread.
  };
  explicit Owner(Settings settings);
  /// Where the trials of what is run from now on may report as well: as in SweepOptions.
  void reported_to(std::string url, std::string secret, std::string authority);
  /// As end(stop), and waits.
  ~Owner();
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  /// Creates the experiment, or goes on with the one of that name as `tune sweep` would, and lines it up. Its name, once
  /// all is durable. Errors: those of Sweep::open; conflict: it is being run here, or it is over.
  Result<std::string> submit(Spec, SweepOptions::Resume, const std::string& by);
  /// Creates an experiment that others drive by ask and tell. Its name, once it is durable. conflict: the name is taken.
  Result<std::string> create(Spec, const std::string& by);
  /// Lines up an experiment that the store has. Errors: those of Sweep::open_existing; conflict as above.
  Result<Done> run(const std::string& name, const std::string& by);
  /// Ends its run here, as a signal would end `tune sweep`; it can be run again. Returns at
  /// once; it loses the tag when its run is over. not_found: it is not run here.
  Result<Done> let_go(const std::string& name, Inbox::Ending, const std::string& by);
  /// Lines up what the owner before was to run and nobody owns. How many.
  Result<std::size_t> go_on();

  /// Ends all runs, which the next owner will take up; nothing new begins. Only ever gets stricter. Returns at once.
  void end(Inbox::Ending);
  /// Until nothing is run after end().
  void wait();

  enum class State { waiting, running, ending, over };
  struct Standing {
    std::string name;
    State state = State::waiting;
    std::string text;  ///< How it ended, for people.
    bool failed = false;
  };
  /// What was lined up since the beginning, in that order; each name once.
  std::vector<Standing> standings() const;

 private:
  struct Run;
  Result<Done> line_up(const std::string& name);
  Run* find(const std::string& name);
  void begin_what_may();
  void live(Run&);
  static void pass_on(Run&);
  SweepOptions options(const std::string& by) const;
  void say(const std::string& name, const std::string& what) const;

  const Settings settings_;
  mutable std::mutex mutex_;
  std::string url_, secret_, authority_;
  std::condition_variable ended_;
  std::list<Run> runs_;
  std::size_t running_ = 0;
  Inbox::Ending ending_ = Inbox::Ending::none;
};

std::string_view to_text(Owner::State);

}  // namespace tune
