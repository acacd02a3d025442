// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/sqlite/database.hpp"
#include "tuner/facts.hpp"
#include "tuner/store.hpp"

namespace tune::sqlite {

/// Writes records and projections of one experiment inside the caller's transaction. Owns prepared statements only, and
/// the dictionary of metric names as far as it is known to be committed: after a rollback call forget_uncommitted().
class JournalWriter {
 public:
  JournalWriter(const Database& db, std::int64_t experiment);

  /// A report's row conflicts only if (trial, attempt, n) is stored already: then a Warned fact takes the seq.
  void insert(const Record&);
  /// Only what the record changes in `experiments` and `params`.
  void project(const Record&);
  void upsert(const TrialRow&);
  void best(TrialId);
  /// Once per transaction, after everything else: the experiment is finished once it was told to and nothing is live.
  void settle();
  void forget_uncommitted();

 private:
  void insert_report(const Record&, const Reported&);
  void insert_fact(const Record&);
  void put_params(TrialId, const Params&);
  void annotate(const Annotated&);
  std::int64_t set_id(const Metrics&);

  using Names = std::vector<std::string>;
  const Database& db_;
  const std::int64_t experiment_;
  Statement insert_report_, insert_fact_, upsert_, insert_metric_, next_set_, drop_params_, insert_param_;
  std::map<Names, std::int64_t> sets_;
  /// Lists seen lately by address, which spares comparing names: nearly every report shares its list with the one
  /// before. The list is held, so that its address stays its own.
  struct Recent {
    std::shared_ptr<const Names> names;
    std::int64_t set_id = 0;
  };
  std::array<Recent, 64> recent_;
  std::string body_, more_, constraints_;
};

/// Calls `each` with the records of an experiment from `from` on, in order of seq: two streams, merged. Error::corrupt
/// at the first record that is missing or damaged; what came before it has been delivered. Throws Failure.
Result<Done> read_journal(const Database&, std::int64_t experiment, Seq from,
                          const std::function<void(Record&&)>& each);

/// What a row of `trials` holds, in the order of kTrialColumns.
inline constexpr const char* kTrialColumns =
    "id, state, cause, attempt, reports, last_step, until_step, proposed_at, launched_at, ended_at, value, more, "
    "feasible";
TrialRow trial_row(const Statement&);
/// A parameter from its columns `value` and `type`.
Value read_param(const Statement&, int value, int type);

/// JSON array of numbers <-> vector; NaN is "nan", infinities are 9e999 so that SQL reads them as numbers.
void append_numbers(std::string& out, const double* begin, const double* end);
bool read_numbers(std::string_view json, std::vector<double>& out);

}  // namespace tune::sqlite
