// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "store/sqlite/reader.hpp"
#include "ui/api/forecast.hpp"

namespace tune {

/// The forecast of an experiment of the store, from what it has measured so far. With `records` there are only as many
/// futures as can be simulated with about so many records; not_found: that is too few. Reads the whole journal.
Result<Forecast> forecast_of(const StoreReader&, const ExperimentRow&, const Spec&, std::optional<int> slots, int futures,
                             std::optional<std::int64_t> records = {});

/// The same for somebody who looks again and again: told anew when trials have reported, at most every few seconds. One
/// thread.
class LiveForecast {
 public:
  /// nullptr: nobody runs it, it has not measured anything yet, or it is too large for a quick look.
  const Forecast* of(const StoreReader&, const ExperimentRow&, const Spec&);

 private:
  Seq seq_ = -1;
  std::chrono::steady_clock::time_point at_;
  std::optional<Forecast> told_;
};

/// "ends in 2h10m (1h55m to 2h40m), 16.2 slot-hours in all (14.8 to 19)".
std::string forecast_text(const Forecast&);

}  // namespace tune
