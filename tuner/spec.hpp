// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/labels.hpp"
#include "tuner/resources.hpp"
#include "tuner/space.hpp"
#include "tuner/time.hpp"
#include "tuner/value.hpp"

/// An experiment's settings, checked. docs/config.md is the reference for users; tuner/config.hpp reads the text.
namespace tune {

struct Objective {
  enum class Reduce : std::uint8_t { last, best, mean_last_k };
  std::string metric;
  bool maximize = false;
  Reduce reduce = Reduce::last;
  int k = 1;
  bool operator==(const Objective&) const = default;
};

/// A sampler, scheduler or executor by name with its options (flat, checked against its table entry, defaults filled in).
struct PolicySpec {
  std::string type;
  Params options;
  bool operator==(const PolicySpec&) const = default;
};

struct OutcomeConstraint {
  std::string metric;
  std::optional<double> min, max;
};

/// Each configuration is run `count` times, every time with a seed of its own, and is worth what the runs reduce to.
struct Replicates {
  enum class Reduce : std::uint8_t { mean, median, worst };
  std::int64_t count = 1;
  Reduce reduce = Reduce::mean;
  bool operator==(const Replicates&) const = default;
};

enum class OnNan : std::uint8_t { worst, stop, fail };

struct ReportSpec {
  enum class Channel : std::uint8_t { automatic, fd, socket, out, regex, result_file };
  Channel channel = Channel::automatic;
  std::string step = "step";                 ///< The reported key that is the step.
  std::map<std::string, std::string> regex;  ///< Metric to pattern with one group (ECMAScript).
  std::string result_file;                   ///< Read at exit, relative to the trial's working folder.
  std::int64_t max_line_bytes = 64 * 1024;
};

/// Numbers by an objective's metric; an objective that is not named has none.
using ByObjective = std::map<std::string, double, std::less<>>;

struct StopSpec {
  std::optional<std::int64_t> trials;
  std::optional<Duration> time;
  std::optional<double> cost;     ///< Of all trials together, in the unit in which they report it.
  ByObjective target;             ///< One trial reaches all of them. Empty: no target.
  std::optional<std::int64_t> max_failures;
  struct Plateau {
    std::int64_t trials = 0;
    ByObjective min_delta;        ///< Not named: 0.
  };
  std::optional<Plateau> plateau;
  struct Improvement {
    double min = 0;        ///< What counts as one, in units of the objective.
    double chance = 0.05;
  };
  std::optional<Improvement> improvement;
  std::optional<Duration> trial_time, trial_idle;
};

struct RetrySpec {
  int max = 0;
  Duration backoff{1};
  std::vector<Cause> on = {Cause::signal, Cause::oom};
  double memory_factor = 1;
};

struct CheckpointSpec {
  int keep = 1;
  bool keep_best = true;
  std::optional<std::int64_t> every;
  std::string shared;  ///< Folder that all machines see, where they lie; empty: beside the store.
};

/// Trials that remain when nothing new may start get the freed resources.
struct GrowSpec {
  Resources max;           ///< Of one trial; at least Spec::resources.
  std::int64_t every = 1;  ///< Only at steps that are multiples of it.
};

struct ShutdownSpec {
  Duration grace{10};
  int signal = 15;
};

/// Who starts the ranks of a trial.
enum class RankLauncher : std::uint8_t { env, torchrun, mpirun, srun };

/// Data that trials read, by name.
struct InputSpec {
  std::string path;     ///< A file or a folder; absolute.
  bool shared = false;  ///< Every machine has it at that path: it is brought to none.
  bool operator==(const InputSpec&) const = default;
};

/// The files of a program, for agents that do not see this machine's disk.
struct CodeSpec {
  std::string root;                           ///< Absolute.
  std::vector<std::string> include = {"**"};  ///< Patterns (tuner/glob.hpp).
  std::vector<std::string> exclude;
  /// Of an absolute path that is the root or below it: what follows, "" or "/sub/folder"; nullopt: it is elsewhere. Text alone: no link is followed.
  std::optional<std::string> place_of(std::string_view path) const;
  bool operator==(const CodeSpec&) const = default;
};

struct Spec {
  std::string name, description;
  std::vector<std::string> tags;
  std::uint64_t seed = 0;
  bool logical_order = false;
  int slots = 8;  ///< Virtual slots of the logical order.

  std::vector<Objective> objectives;  ///< At least one.
  std::vector<OutcomeConstraint> outcome_constraints;
  OnNan on_nan = OnNan::worst;
  Space space;
  std::vector<Params> points;  ///< Complete, to be tried first.
  std::vector<std::string> warm_start;  ///< Experiments of the same store, read once when this one is created.

  Replicates replicates;
  std::vector<std::string> instances;  ///< What every trial is tried on, a step each; in the order of the config.

  std::vector<std::string> command;  ///< argv with placeholders; empty with a trainable.
  std::string trainable, plugin;
  std::string cwd;                   ///< Absolute; the config file's folder by default.
  std::map<std::string, std::optional<std::string>> env;  ///< nullopt: removed from what is inherited.
  enum class Inherit : std::uint8_t { all, none, list } env_inherit = Inherit::all;
  std::vector<std::string> env_pass;

  std::map<std::string, InputSpec> inputs;
  std::optional<CodeSpec> code;
  std::vector<std::string> required_labels;  ///< Of a worker, for it to get trials.

  ReportSpec report;
  PolicySpec search{"auto", {}}, scheduler{"fifo", {}}, executor{"process", {}};
  std::optional<int> parallel;
  std::vector<PolicySpec> rules;  ///< Stop rules beside the scheduler, asked in this order.
  std::optional<GrowSpec> grow;
  StopSpec stop;
  Resources resources;  ///< Of one trial; of each rank where it has several.
  Gang gang;
  RankLauncher launcher = RankLauncher::env;
  RetrySpec retry;
  std::optional<CheckpointSpec> checkpoint;  ///< Present: the trial can save and be resumed.
  ShutdownSpec shutdown;
  std::string store;                         ///< Path; empty: the command line's default.
  std::string metrics_address;
  bool metrics_public = false;

  /// The whole config as JSON with every default written out: what Configured records and `tune check --effective` prints.
  std::string effective;
};

}  // namespace tune
