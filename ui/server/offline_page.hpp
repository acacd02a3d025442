// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"

namespace tune {

class Site;

/// What goes into a page that needs no server.
struct OfflineSettings {
  std::vector<std::string> experiments;  ///< By name; at least one.
  /// Of each experiment so many trials with details, story, curves and the end of their logs: half of them the best ones, a
  /// quarter those that failed last, the rest the newest.
  std::int64_t details = 500;
};

/// What went into it, over all experiments.
struct OfflineContents {
  std::int64_t trials = 0, details = 0;
};

/// Writes the dashboard and what it would be told about some experiments as one HTML file: script and style stand in it, the
/// answers of `site` follow gzip'd, in chapters of about a mebibyte, as base64 in script elements that no browser runs, and a
/// table of contents comes last. The page finds it there (ui/web/src/core/offline.ts) and asks no network; its policy allows
/// none, and no script but its own. Nothing that a user wrote stands in the file in clear, so that nothing can break out.
///
/// Each answer is made by the handler that the server has for it: secrets are hidden as they are there, and of an experiment
/// that goes on each answer is as new as the moment it was asked for. Answers that have an end are whole; beside `details` these
/// are limited: curves to the 300 best trials and those with details, at 200 points, the objectives first, until 48 MiB of them;
/// logs to the last 64 KiB of each attempt's streams, until 64 MiB; the decision log to its newest 20,000 entries. The page says so.
///
/// `write` gets the file in order, piece by piece; its error ends it. `progress` hears how many of how many steps are done, for
/// the experiment of that name. Errors: not_found (no such experiment; no dashboard in this program) and those of the store.
/// Memory: the trials of an experiment and its largest answer.
Result<OfflineContents> write_offline_page(
    Site& site, const OfflineSettings& settings, const std::function<Result<Done>(std::string_view)>& write,
    const std::function<void(const std::string& name, std::int64_t done, std::int64_t all)>& progress);

}  // namespace tune
