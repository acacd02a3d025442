// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bench/regret/problem.hpp"
#include "tuner/result.hpp"

namespace tune::regret {

/// A search tool at work on one problem: one of our samplers, or another program. Used by one thread.
class Study {
 public:
  virtual ~Study() = default;
  /// Parameters for this trial; nullopt: nothing is proposed (any more, or before something pending is told).
  virtual Result<std::optional<Params>> ask(std::int64_t trial) = 0;
  /// What came of a trial that was asked for, in the order in which trials finish; nullopt: it failed. `params` differ
  /// from what was proposed where the problem moved it.
  virtual Result<Done> tell(std::int64_t trial, const Params& params, std::optional<double> value) = 0;
  /// CPU time of the tool itself so far, asking and telling.
  virtual double cpu_seconds() const = 0;
};

class Tool {
 public:
  virtual ~Tool() = default;
  virtual std::string name() const = 0;     ///< "tpe", "tpe:profile=optuna5", "optuna-tpe"
  virtual std::string version() const = 0;
  /// Error::invalid: the tool cannot serve this space; other errors end the measurement. `trials` is how many there will
  /// be. The problem outlives the study, and one study is open at a time.
  virtual Result<std::unique_ptr<Study>> open(const Problem&, std::uint64_t seed, int trials) = 0;
};

/// Tools are made once per thread: some hold a process.
using ToolFactory = std::function<Result<std::unique_ptr<Tool>>()>;

/// `text` is NAME or NAME:option=value,option=value of a sampler of the table. Checked against its options here.
Result<ToolFactory> sampler_tool(const std::string& text);
/// `command` is run by the shell and speaks the protocol of README.md.
ToolFactory external_tool(const std::string& command);

}  // namespace tune::regret
