// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/result.hpp"
#include "tuner/trial.hpp"

namespace tune {

/// The projection of a trial that people query: copied from the fold, never computed a second time by a store.
struct TrialRow {
  TrialId id;
  TrialState state = TrialState::queued;
  Cause cause = Cause::done;
  int attempt = 0;
  std::int64_t reports = 0, last_step = 0, until_step = 0;
  double proposed_at = 0, launched_at = 0, ended_at = 0;
  std::optional<double> value;   ///< First objective, reduced, as reported (NaN and infinities included).
  std::vector<double> more;      ///< The other objectives.
  bool feasible = true;
  bool operator==(const TrialRow&) const;  ///< NaN equals NaN.
};
TrialRow row_of(const Trial&);

/// One turn of the loop: records with dense seq, and the rows of the trials they touched, as they are after the last record.
struct Batch {
  std::vector<Record> records;
  std::vector<TrialRow> trials;
  std::optional<TrialId> best = std::nullopt;  ///< Of the fold after the last record, if there is one.
};

/// The durable, ordered journal of one experiment, held by its one owner.
///
/// append() takes a batch into the order and may return before it is durable; durable() tells how far the journal would
/// survive a crash of the process or a loss of power. Batches are shared because the loop still needs their records (to
/// carry them out and acknowledge them) while the store's thread writes them; nobody changes them.
class Store {
 public:
  virtual ~Store() = default;

  /// Blocks only while too much is waiting to be written.
  virtual Result<Done> append(std::shared_ptr<const Batch>) = 0;
  /// Highest seq that is durable. After an error (disk full, file gone, another owner took over) it stays where it was.
  virtual Seq durable() const = 0;
  /// The error that keeps durable() from advancing, if any. With `Error::Code::io` and free space returning the store goes
  /// on by itself; `conflict` (fenced) and `corrupt` are final.
  virtual std::optional<Error> trouble() const = 0;
  /// Returns when everything appended is durable, or with the trouble.
  virtual Result<Done> flush() = 0;
  /// `heard` is called after each commit and when trouble begins or ends, from the store's thread.
  virtual void listen(std::function<void()> heard) = 0;
  /// All records from `from`, in order. Only before the first append. Stops early with the error if the journal is damaged.
  virtual Result<Done> read(Seq from, const std::function<void(Record&&)>&) const = 0;
  /// The epoch that this owner writes under.
  virtual std::int64_t epoch() const = 0;
};

}  // namespace tune
