// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/garbage.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

namespace tune {

Result<CheckpointCensus> count_checkpoints(const StoreReader& reader, const std::string& store) {
  namespace fs = std::filesystem;
  // The folder first: what is listed was saved by then, so that its journal, read later, knows it; unless its owner is still
  // at it (then it is `open`) or was killed in between (then it is garbage).
  std::set<std::string> there;
  std::error_code none;  // No folder: nothing was ever saved.
  for (fs::directory_iterator at(store + ".d/checkpoints", none), end; !none && at != end; at.increment(none))
    there.insert(at->path().filename().string());

  const auto experiments = reader.experiments();
  if (!experiments) return experiments.error();
  CheckpointCensus census;
  std::set<std::string> kept;
  for (const auto& e : *experiments) {
    if (e.owned) census.open.push_back(e.name);
    const auto rows = reader.view(StoreReader::View::checkpoints, e.id);
    if (!rows) return rows.error();
    const auto column = [&](std::string_view name) {
      return static_cast<std::size_t>(std::find(rows->columns.begin(), rows->columns.end(), name) - rows->columns.begin());
    };
    const std::size_t name = column("checkpoint"), bytes = column("bytes"), state = column("state");
    CheckpointCensus::Kept mine{e.name, 0, 0};
    for (const auto& row : rows->rows) {
      if (std::get<std::string>(row[state]) != "kept" || !kept.insert(std::get<std::string>(row[name])).second) continue;
      ++mine.count;
      mine.bytes += std::get<std::int64_t>(row[bytes]);
    }
    if (mine.count > 0) census.kept.push_back(std::move(mine));
  }
  std::set_difference(there.begin(), there.end(), kept.begin(), kept.end(), std::back_inserter(census.garbage));
  std::set_difference(kept.begin(), kept.end(), there.begin(), there.end(), std::back_inserter(census.missing));
  return census;
}

}  // namespace tune
