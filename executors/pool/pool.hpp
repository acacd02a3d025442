// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "executors/pool/messages.hpp"
#include "executors/pool/roster.hpp"
#include "executors/supplies.hpp"
#include "tuner/result.hpp"

namespace tune {

/// The agents of a store, for all experiments of it that this process runs: listens for them, knows who lives, and passes
/// messages on. What an agent does for an experiment is between it and the experiment's PoolExecutor.
///
/// Any thread. Members hear on a thread of the pool.
class Pool {
 public:
  struct Settings {
    std::string folder;                ///< <store>.d: authority, tokens, the port that was used last.
    std::string listen;                ///< "0.0.0.0:7741"; empty: a port of this machine alone, the same as last time if it is free.
    std::vector<std::string> names;    ///< By which agents reach it, besides those that this machine knows of.
    Roster::Settings times;
    int local = 0;                     ///< Agents to start on this machine, which together offer `offer`. They go with the pool.
    Offer offer;
  };

  // --- what members hear ---
  /// An agent is here, for the first time or again; `held` are its attempts of this experiment.
  struct Came {
    WorkerJoined worker;
    std::vector<AttemptName> held;
  };
  struct Changed {
    Roster::Change change;
  };
  /// It takes nothing new and will go.
  struct Leaves {
    std::string agent, why;
  };
  struct Told {
    std::string agent;
    std::vector<Record> facts;
  };
  struct Answered {
    std::string agent;
    Reserved reserved;
  };
  using News = std::variant<Came, Changed, Leaves, Told, Answered>;

  class Member {
   public:
    virtual ~Member() = default;
    /// Quick; must not come back to the pool.
    virtual void hear(News) = 0;
  };

  /// The pool of this folder: the one that this process has already (with the settings that it was made with), or a new one,
  /// which lives as long as somebody holds it. Error: conflict if the port is taken; else those of the authority.
  static Result<std::shared_ptr<Pool>> of(const Settings&);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// From here on the member hears of agents; of those that are here, before this returns. One of each name.
  void enter(const Opening&, Member&);
  /// Agents end what they have of the experiment (`kill`: at once) and answer with its last facts; the member goes on hearing.
  void close(const std::string& experiment, bool kill);
  /// No word reaches the member when this returns, and agents forget the experiment.
  void leave(const std::string& experiment);

  /// Agents may have it from here on.
  void supply(std::shared_ptr<const Supply>);

  /// False: it is not connected.
  bool send(const std::string& agent, const Message&);

  /// Nobody joins by a token of this allocation any more, and of its agents only those that are here may come back, until they are
  /// gone. Waits for the disk. Errors: those of the tokens' file.
  Result<Done> shut_out(const std::string& allocation);
  /// Who was not let in, the last time that somebody was not, and why; for people. Empty: nobody.
  std::string turned_away() const;

  /// What agents dial: "node1.lab:7741".
  const std::string& address() const;
  const std::string& folder() const;

 private:
  class Inside;
  explicit Pool(std::unique_ptr<Inside>);
  std::unique_ptr<Inside> inside_;
};

}  // namespace tune
