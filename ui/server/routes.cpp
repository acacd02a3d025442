// SPDX-License-Identifier: Apache-2.0
#include "ui/server/routes.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>

#include "tuner/json.hpp"

namespace tune {
namespace {

using Names = std::string_view;
constexpr Names kColumns[] = {"cols", "since"};
constexpr Names kTrials[] = {"where", "sort", "desc", "top", "columns", "state", "after"};

constexpr Names kLog[] = {"attempt", "stream", "from", "limit"};
constexpr Names kCurves[] = {"metric", "trials", "top", "points", "mode"};
constexpr Names kImportance[] = {"method", "objective"};
constexpr Names kSurface[] = {"x", "y", "objective"};
constexpr Names kStream[] = {"after"};
constexpr Names kEvents[] = {"after", "before", "limit", "kinds", "trial"};

constexpr Right kLook = Right::look;

constexpr Route kRoutes[] = {
    {"GET", "/", kLook, page, "the dashboard; /?token=TOKEN lets a browser in", {}, true},
    {"GET", "/compare", kLook, page, "the dashboard", {}, true},
    {"GET", "/x/{name}", kLook, page, "the dashboard", {}, true},
    {"GET", "/x/{name}/{page}", kLook, page, "the dashboard", {}, true},
    {"GET", "/x/{name}/trials/{trial}", kLook, page, "the dashboard", {}, true},
    {"GET", "/assets/{file}", kLook, asset, "a file of the dashboard", {}, true},
    {"GET", "/metrics", Right::measure, metrics_page, "the numbers for Prometheus"},
    {"GET", "/{file}", kLook, asset, "a file of the dashboard", {}, true},

    {"GET", "/api/v1/server", kLook, server_state, "this server: version, store, clock"},
    {"GET", "/api/v1/served", kLook, served, "experiments that this server runs, or will"},
    {"GET", "/api/v1/experiments", kLook, experiments, "all experiments"},
    {"POST", "/api/v1/experiments", Right::steer, submit, "have an experiment run (tune serve)"},
    {"GET", "/api/v1/stream", kLook, experiments_stream, "all experiments as they change"},
    {"GET", "/api/v1/experiments/{name}", kLook, experiment, "one experiment with its settings"},
    {"GET", "/api/v1/experiments/{name}/columns", kLook, columns, "trials as binary columns", kColumns},
    {"GET", "/api/v1/experiments/{name}/trials", kLook, trials, "trials as a table; NDJSON or CSV by Accept", kTrials},
    {"GET", "/api/v1/experiments/{name}/trials/{trial}", kLook, trial, "everything about one trial"},
    {"GET", "/api/v1/experiments/{name}/trials/{trial}/log", kLook, trial_log, "a piece of what it printed", kLog},
    {"GET", "/api/v1/experiments/{name}/trials/{trial}/story", kLook, story, "what happened to it and why"},
    {"GET", "/api/v1/experiments/{name}/trials/{trial}/lineage", kLook, trial_lineage, "the course that it descends from"},
    {"GET", "/api/v1/experiments/{name}/curves", kLook, curves, "curves as binary columns, downsampled", kCurves},
    {"GET", "/api/v1/experiments/{name}/events", kLook, events, "the decision log, newest or next page", kEvents},
    {"GET", "/api/v1/experiments/{name}/settings", kLook, settings, "its settings, as made and as changed"},
    {"GET", "/api/v1/experiments/{name}/stream", kLook, experiment_stream, "an experiment as it changes", kStream},
    {"GET", "/api/v1/experiments/{name}/importance", kLook, importance, "which parameters matter", kImportance},
    {"GET", "/api/v1/experiments/{name}/surface", kLook, surface, "what two parameters lead to", kSurface},
    {"POST", "/api/v1/experiments/{name}/actions", Right::steer, actions, "steer it"},
    {"POST", "/api/v1/experiments/{name}/run", Right::steer, run_experiment, "go on with it (tune serve)"},
    {"POST", "/api/v1/experiments/{name}/end", Right::steer, end_experiment, "end its run (tune serve)"},
    {"POST", "/api/v1/experiments/{name}/ask", Right::steer, ask, "ask for a trial, tell what came out"},
    {"POST", "/api/v1/experiments/{name}/trials/{trial}/attempts/{attempt}/reports", Right::report, reports, "what a trial reports"},
    {"GET", "/api/v1/experiments/{name}/rungs", kLook, rungs, "trials at rungs"},
    {"GET", "/api/v1/experiments/{name}/lineage", kLook, lineage, "from whose state trials come"},
    {"GET", "/api/v1/experiments/{name}/attempts", kLook, attempts, "attempts, by launch"},
    {"GET", "/api/v1/experiments/{name}/checkpoints", kLook, checkpoints, "checkpoints and what became of them"},
    {"GET", "/api/v1/experiments/{name}/workers", kLook, workers, "workers and how they are"},
    {"GET", "/api/v1/experiments/{name}/allocations", kLook, allocations, "what an engine was asked for, and what came of it"},
};

constexpr bool has_rights() {
  for (const auto& route : kRoutes)
    if (route.right != Right::look && route.right != Right::steer && route.right != Right::measure &&
        route.right != Right::report)
      return false;
  return true;
}
static_assert(has_rights(), "a route says what right it needs");
constexpr bool only_shows() {
  for (const auto& route : kRoutes)
    if ((route.method == "GET") == (route.right == Right::steer || route.right == Right::report)) return false;
  return true;
}
static_assert(only_shows(), "what changes something needs the right to steer or to report, and is no GET");

std::string_view to_text(Right right) {
  return right == Right::look ? "look" : right == Right::steer ? "steer" : right == Right::measure ? "measure" : "report";
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 255 || text.front() == '.') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}
bool is_word(std::string_view text) {
  return !text.empty() && text.size() < 32 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}
bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 12 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// One segment of a path in its place.
bool fits_place(std::string_view place, std::string_view text, Call* into) {
  if (place == "{page}") return is_word(text);
  if (place == "{file}") return is_name(text);
  if (place == "{name}") {
    if (into) into->name = text;
    return is_name(text);
  }
  if (place == "{trial}" || place == "{attempt}") {
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    if (into && place == "{trial}") into->trial = TrialId{number};
    if (into && place == "{attempt}") into->attempt = static_cast<int>(std::min<std::int64_t>(number, std::numeric_limits<int>::max()));
    return is_number(text);
  }
  return place == text;
}

std::string_view take_segment(std::string_view& path) {
  const auto end = std::min(path.find('/', 1), path.size());
  const auto segment = path.substr(1, end - 1);
  path.remove_prefix(end);
  return segment;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

bool fits(std::string_view pattern, std::string_view path, Call* places) {
  while (pattern.starts_with('/') && path.starts_with('/'))
    if (!fits_place(take_segment(pattern), take_segment(path), places)) return false;
  return pattern.empty() && path.empty();
}

std::string routes_text() {
  std::size_t widest = 0;
  for (const auto& route : kRoutes) widest = std::max(widest, route.path.size());
  std::string out;
  for (const auto& route : kRoutes) {
    std::string path(route.path);
    path.resize(widest, ' ');
    std::string method(route.method);
    method.resize(5, ' ');
    std::string right(to_text(route.right));
    right.resize(9, ' ');
    out += method + path + "  " + right + std::string(route.summary) + "\n";
  }
  return out;
}

std::string routes_json_lines() {
  std::string out;
  for (const auto& route : kRoutes) {
    JsonWriter json(out);
    json.begin_object().key("method").value(route.method).key("path").value(route.path).key("right").value(to_text(route.right));
    json.key("summary").value(route.summary).key("page").value(route.page).key("keys").begin_array();
    for (const auto key : route.keys) json.value(key);
    json.end_array().end_object();
    out += '\n';
  }
  return out;
}

}  // namespace tune
