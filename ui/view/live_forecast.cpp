// SPDX-License-Identifier: Apache-2.0
#include "ui/view/live_forecast.hpp"

#include <algorithm>

#include "ui/view/text.hpp"

namespace tune {
namespace {

constexpr std::int64_t kQuick = 200'000;  // Records that a look at the status may simulate: some tenths of a second.
constexpr std::chrono::seconds kPatience{10};

}  // namespace

Result<Forecast> forecast_of(const StoreReader& reader, const ExperimentRow& row, const Spec& spec,
                             std::optional<int> slots, int futures, std::optional<std::int64_t> records) {
  const Error too_large{Error::Code::not_found, "the experiment is too large for a quick forecast", {}};
  if (records && row.last_seq > *records / 16) return too_large;
  std::vector<Record> journal;
  if (auto read = reader.read(row.id, 1, [&](Record&& r) { journal.push_back(std::move(r)); }); !read) return read.error();
  if (journal.empty()) return Error{Error::Code::not_found, "the experiment has recorded nothing yet", {}};
  Outlook outlook{spec};
  outlook.journal = journal;
  outlook.running = row.owned;
  outlook.slots = slots;
  outlook.futures = futures;
  outlook.now = journal.back().at.seconds;
  // A simulated experiment has a clock of its own.
  if (spec.executor.type != "simulator") {
    const auto clock = std::chrono::system_clock::now().time_since_epoch();
    outlook.now = std::max(outlook.now, std::chrono::duration<double>(clock).count());
  }
  if (records) outlook.futures = std::min(futures, affordable_futures(outlook, *records));
  if (outlook.futures == 0) return too_large;
  return forecast(outlook);
}

const Forecast* LiveForecast::of(const StoreReader& reader, const ExperimentRow& row, const Spec& spec) {
  if (!row.owned || row.state != "running") return nullptr;
  const auto now = std::chrono::steady_clock::now();
  if (seq_ < 0 || (row.last_seq != seq_ && now - at_ > kPatience)) {
    auto told = forecast_of(reader, row, spec, {}, 64, kQuick);
    told_ = told ? std::optional{std::move(*told)} : std::nullopt;
    seq_ = row.last_seq, at_ = now;
  }
  return told_ ? &*told_ : nullptr;
}

std::string forecast_text(const Forecast& f) {
  const auto hours = [](double seconds) { return number_text(seconds / 3600); };
  return "ends in " + duration_text(f.left.middle) + " (" + duration_text(f.left.low) + " to " + duration_text(f.left.high) +
         "), " + hours(f.slot_seconds.middle) + " slot-hours in all (" + hours(f.slot_seconds.low) + " to " +
         hours(f.slot_seconds.high) + ")";
}

}  // namespace tune
