// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/experiment.hpp"
#include "tuner/result.hpp"

namespace tune {

/// An experiment with the policies that a configuration asks for; owns its spec. Made anew at each change of settings.
struct Deciders {
  std::unique_ptr<const Spec> spec;
  std::unique_ptr<Experiment> experiment;
};
using MakeDeciders = std::function<Result<Deciders>(const std::string& config)>;

/// What verifying a journal found.
struct Verification {
  std::int64_t records = 0;
  std::int64_t decisions = 0;    ///< Recomputed and compared.
  std::int64_t mismatches = 0;
  std::vector<std::string> first;  ///< The first few mismatches, one line each.
};

/// Folds a journal again and recomputes each recorded decision from what was known before it, with the policies of the
/// configuration in force then. The recorded decision is what is folded, so one mismatch does not breed others. Promised to
/// find none for the build and the class of machine that wrote the journal (docs/reliability.md).
///
/// A sampler that proposed on a thread of its own had not learned what arrived meanwhile: it is held back here as it was
/// then, from the record that Propose::as_of names on. So records wait until the next proposal is known.
///
/// Feed the records in order, then call end(). Cost: that of the experiment, and of a refold of the prefix at each change of settings.
class Verifier {
 public:
  explicit Verifier(MakeDeciders make) : make_(std::move(make)) {}
  /// An Error if the configuration in the journal cannot be read.
  Result<Done> apply(const Record&);
  /// There are no more records. Before it, the last ones may not have been folded.
  Result<Done> end();
  const Verification& result() const { return result_; }
  /// Null before the first Configured.
  const Experiment* experiment() const { return deciders_.experiment.get(); }

 private:
  Result<Done> fold_waiting(std::optional<Seq> hold_after);
  Result<Done> fold(const Record&);
  Result<Done> reconfigure(const std::string& config);
  void compare(const Record&, const Decided&);
  void mismatch(const Record&, const std::string& instead);

  MakeDeciders make_;
  Deciders deciders_;
  std::string config_;
  std::vector<Record> before_, waiting_;
  std::optional<TrialId> held_for_;  // What the held sampler was asked for.
  Verification result_;
};

}  // namespace tune
