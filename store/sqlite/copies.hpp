// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "tuner/ids.hpp"
#include "tuner/result.hpp"

namespace tune {

/// Copies a store, also beside its owners, to `out`, which must not exist: one committed state of all its experiments,
/// mode 0600, synced. The folder beside it (logs, checkpoints) is not copied.
Result<Done> backup(const std::string& path, const std::string& out);

struct SalvageReport {
  std::int64_t facts = 0, reports = 0, trials = 0;  ///< Copied.
  std::int64_t missing = 0;                         ///< Records that should lie between those copied.
  std::int64_t cut = 0;                             ///< Records left out because one before them is missing.
};
struct SalvageOptions {
  /// Keep of each experiment only what comes before its first missing record: such a copy can be resumed after `tune
  /// fsck
  /// --rebuild`. Otherwise everything readable is copied, to be looked at and exported.
  bool resumable = false;
};

/// Copies what can still be read of a damaged store to a new one at `out`, which must not exist. The damaged file is
/// not changed. corrupt if not even its first page can be read.
Result<SalvageReport> salvage(const std::string& path, const std::string& out, SalvageOptions = {});

}  // namespace tune
