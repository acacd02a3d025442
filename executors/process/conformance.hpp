// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "tuner/result.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// What a program was seen to do with the trial protocol.
struct Conformance {
  enum class Verdict { yes, no, unknown };
  struct Finding {
    std::string subject;  ///< "reports", "sync", "stop", "checkpoint", "pause", "resume", "kill": stable names.
    Verdict verdict = Verdict::unknown;
    std::string text;     ///< One sentence for people.
  };
  std::vector<Finding> findings;

  /// A run that only reports is a trial that can be tuned; all the rest is gain.
  bool usable() const;
  const Finding* find(const std::string& subject) const;
  /// A table for a terminal, one finding a line.
  std::string text() const;
};

/// Plays tune with a program, in a folder of its own that goes afterwards: lets it run and answers "continue", stops it at
/// its second report, asks for a checkpoint and a pause, starts it again from there, and kills it. It takes a few runs of
/// the program, each ended after `patience`. Behind `tune doctor --protocol -- CMD…`.
///
/// `spec` gives the command and how to run it (cwd, env, report, objectives); the limits are replaced. Error::invalid if
/// the command cannot be read.
Result<Conformance> check_conformance(Spec spec, const Params& params, Duration patience = {20});

}  // namespace tune
