// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "executors/recorded_problem.hpp"
#include "tuner/spec.hpp"
#include "ui/cli/invocation.hpp"

namespace tune {

/// What `--from` of the verbs in virtual time names: an experiment of the store, a table (a .json file), or a built-in
/// function (branin, rosenbrock, curve).
class Source {
 public:
  /// None: a config is read as it is.
  Source() = default;
  /// Reads it. not_found: there is neither such a file nor such an experiment.
  static Result<Source> open(const Invocation&, const std::string& from);

  /// The config with `sets`, and with the source's own parameters, objective and instances where the config has none. No program is
  /// needed. What is wrong is told as by read_config_file.
  std::optional<Spec> read_config(const Invocation&, const std::string& path, std::vector<std::string> sets) const;
  /// What it measured, as trials of the spec's space; nullptr for a built-in function. What does not match is told.
  Result<std::shared_ptr<const Recording>> recording(const Invocation&, const Spec&) const;
  /// What trials are in a simulation: the recording, or the built-in function. `spec` outlives it.
  Result<std::unique_ptr<Problem>> problem(const Spec& spec, std::shared_ptr<const Recording>) const;

  const std::string& name() const { return name_; }

 private:
  enum class Kind { experiment, table, function } kind_ = Kind::function;
  std::string name_, params_, objective_, instances_;
  std::optional<Spec> spec_;      // Of the experiment,
  std::vector<Record> journal_;   // and what it has of it.
};

/// The options that `--with KEY=VALUE` and `--workers` give the simulator, over those of the config where that is one.
Result<Params> simulator_settings(const Invocation&, const Spec&);

}  // namespace tune
