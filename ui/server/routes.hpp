// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "ui/server/site.hpp"

namespace tune {

/// One line of the server's one table. A route without a right is none: the table does not compile.
struct Route {
  std::string_view method;
  /// A path with places: {name} an experiment's name, {trial} and {attempt} numbers, {page} lower-case letters, {file} a file's name.
  std::string_view path;
  Right right;
  Result<Response> (*answer)(Site&, const Call&);
  std::string_view summary;
  std::span<const std::string_view> keys = {};  ///< Of the query that it takes.
  bool page = false;     ///< Takes any query: it is the page's own. A link from elsewhere may lead here.
};

/// In the order in which they are tried and printed.
std::span<const Route> routes();

/// Does `path` fit `pattern`? Fills in the places. No escape is ever decoded: what has a `%` fits nothing.
bool fits(std::string_view pattern, std::string_view path, Call* places);

/// `tune ui --print-routes`; the same as JSON, one object a line.
std::string routes_text();
std::string routes_json_lines();

// Handlers, by the file that they are in.
// pages.cpp
Result<Response> page(Site&, const Call&);
Result<Response> asset(Site&, const Call&);
Result<Response> metrics_page(Site&, const Call&);
// experiments.cpp
Result<Response> server_state(Site&, const Call&);
Result<Response> experiments(Site&, const Call&);
Result<Response> experiment(Site&, const Call&);
// trials.cpp
Result<Response> columns(Site&, const Call&);
Result<Response> trials(Site&, const Call&);
// trial.cpp
Result<Response> trial(Site&, const Call&);
Result<Response> trial_lineage(Site&, const Call&);
// log.cpp
Result<Response> trial_log(Site&, const Call&);
// curves.cpp
Result<Response> curves(Site&, const Call&);
// events.cpp
Result<Response> events(Site&, const Call&);
Result<Response> settings(Site&, const Call&);
Result<Response> story(Site&, const Call&);
// importance.cpp
Result<Response> importance(Site&, const Call&);
Result<Response> surface(Site&, const Call&);
// stream.cpp
Result<Response> experiments_stream(Site&, const Call&);
Result<Response> experiment_stream(Site&, const Call&);
// actions.cpp
Result<Response> actions(Site&, const Call&);
// serving.cpp
Result<Response> served(Site&, const Call&);
Result<Response> submit(Site&, const Call&);
Result<Response> run_experiment(Site&, const Call&);
Result<Response> end_experiment(Site&, const Call&);
Result<Response> ask(Site&, const Call&);
Result<Response> reports(Site&, const Call&);
// tables.cpp
Result<Response> rungs(Site&, const Call&);
Result<Response> lineage(Site&, const Call&);
Result<Response> attempts(Site&, const Call&);
Result<Response> checkpoints(Site&, const Call&);
Result<Response> workers(Site&, const Call&);
Result<Response> allocations(Site&, const Call&);

}  // namespace tune
