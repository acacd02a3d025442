// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/result.hpp"
#include "tuner/store.hpp"

namespace tune {

/// A report that somebody outside saw acknowledged: it must be in the store, with this value among its metrics.
struct LedgerEntry {
  TrialId trial;
  int attempt = 0;
  std::int64_t n = 0;
  double value = 0;
};
/// Lines `trial attempt n value`; empty lines and those that begin with # are skipped. invalid, with the line's number.
Result<std::vector<LedgerEntry>> read_ledger(std::string_view text);

struct FsckOptions {
  /// The trials' rows as the fold of the journal has them: compared with the projections. Absent: not compared.
  std::optional<std::span<const TrialRow>> expected = {};
  std::vector<LedgerEntry> ledger = {};
  /// The experiment must be finished and every trial final.
  bool complete = false;
  std::optional<std::int64_t> budget = {};  ///< No more trials than this were created.
  /// Whether a checkpoint's files are there and whole. Absent: only the journal's references are followed.
  std::function<bool(const std::string& checkpoint)> checkpoint_exists = {};
};

/// Something that must not be. `invariant` is one of those below.
struct Finding {
  std::string invariant;
  std::string text;
};

struct FsckReport {
  std::vector<Finding> findings;  ///< At most 1000; then the check ends.
  std::int64_t records = 0, trials = 0;
  bool ok() const { return findings.empty(); }
};

/// Checks one experiment. Reads only, also beside a live owner; one pass over the journal and memory for its trials.
///
///  file        SQLite's own check of its pages and indexes
///  journal     seq counts 1, 2, 3 …, every record can be read, time and epoch never go back, the owner's row knows its
///              length, and no more was acknowledged than is there
///  report      each (trial, attempt, n) once; nothing of an attempt is accepted after a newer one was launched
///  trial       numbers are dense; attempts count 1, 2, 3 …; an attempt ends once; a final state is left by Retry only
///  budget      no more trials than configured; a finished experiment has none under way
///  checkpoint  what a Launch, Exploit, Update or Retry names was saved before and neither collected nor lost
///  projection  `trials` is the fold, `params` what the facts say
///  ledger      what was acknowledged outside is stored
///  complete    all trials are final and the experiment is finished
///
/// Errors: those of opening a file. What is wrong inside is a finding.
Result<FsckReport> fsck(const std::string& path, const std::string& experiment, const FsckOptions& = {});

/// Makes `trials`, `params` and the experiment's row anew: `rows` and `best` from the fold, the rest from the facts.
/// Takes the owner's lock for as long as it works: conflict if there is an owner.
Result<Done> rebuild_projections(const std::string& path, const std::string& experiment, std::span<const TrialRow> rows,
                                 std::optional<TrialId> best);

}  // namespace tune
