// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>

#include "ui/cli/subject.hpp"

namespace tune {
namespace {

double number_of(const Cell& cell) {
  if (const auto* number = std::get_if<double>(&cell)) return *number;
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*whole);
  const auto* text = std::get_if<std::string>(&cell);  // What JSON has no number for is written as text.
  if (text && *text == "inf") return INFINITY;
  if (text && *text == "-inf") return -INFINITY;
  return std::nan("");
}

std::int64_t whole_of(const Cell& cell) {
  const auto* whole = std::get_if<std::int64_t>(&cell);
  return whole ? *whole : 0;
}

/// What became of the trials that were recorded at one rung.
struct Tally {
  std::int64_t step = 0;
  double cut = std::nan("");              // The newest one.
  double best = std::nan("");
  std::map<std::int64_t, bool> went_on;   // By trial: its last decision there.

  std::vector<Shown> row(std::pair<std::int64_t, std::int64_t> place, const std::vector<TrialRow>& trials) const {
    std::int64_t on = 0, paused = 0, stopped = 0, complete = 0;
    for (const auto& [trial, went] : went_on) {
      const auto state = trials[static_cast<std::size_t>(trial)].state;
      ++(went ? on : state == TrialState::complete ? complete : is_final(state) ? stopped : paused);
    }
    const auto value = [](double x) { return std::isnan(x) ? Shown() : Shown(x); };
    return {place.first, place.second, step,    static_cast<std::int64_t>(went_on.size()),
            on,          paused,       stopped, complete,
            value(cut),  value(best)};
  }
};

using Rungs = std::map<std::pair<std::int64_t, std::int64_t>, Tally>;  // By bracket and rung.

Rungs tally(const Table& crossings, std::int64_t trials, bool maximize) {
  const auto column = [&](std::string_view name) {
    return static_cast<std::size_t>(std::find(crossings.columns.begin(), crossings.columns.end(), name) -
                                    crossings.columns.begin());
  };
  const auto decision = column("decision"), number = column("number"), bracket = column("bracket"), rung = column("rung"),
             step = column("step"), value = column("value"), cut = column("cut");
  Rungs rungs;
  for (const auto& row : crossings.rows) {
    const auto trial = whole_of(row[number]);
    if (trial >= trials) continue;  // Began since.
    Tally& here = rungs[{whole_of(row[bracket]), whole_of(row[rung])}];
    const auto* what = std::get_if<std::string>(&row[decision]);
    here.step = whole_of(row[step]);
    here.went_on[trial] = what && (*what == "Extend" || *what == "Launch");
    if (const double c = number_of(row[cut]); !std::isnan(c)) here.cut = c;
    const double v = number_of(row[value]);
    if (!(maximize ? here.best >= v : here.best <= v)) here.best = std::isnan(v) ? here.best : v;
  }
  return rungs;
}

/// Why there is nothing to show.
Error no_crossings(const Subject& subject, const Spec& spec, const std::vector<TrialRow>& trials) {
  std::int64_t furthest = 0;
  for (const auto& t : trials) furthest = std::max(furthest, t.last_step);
  const auto* first = spec.scheduler.options.find("min_step");
  const bool halves = spec.scheduler.type == "asha" || spec.scheduler.type == "hyperband";
  if (!halves || !first)
    return {Error::Code::not_found, "`" + subject.name() + "` has no rungs: its scheduler is " + printable(spec.scheduler.type),
            "asha and hyperband have rungs"};
  return {Error::Code::not_found, "no trial of `" + subject.name() + "` has come to a rung: the furthest report is of step " +
              std::to_string(furthest) + ", and no rung is below step " + to_text(*first),
          "trials are judged only if they report while they run, with a step that grows"};
}

}  // namespace

int rungs_verb(Invocation& call) {
  const auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  const auto spec = spec_of(subject->experiment);
  if (!spec) return call.fail(spec.error());
  const auto crossings = subject->reader->view(StoreReader::View::rungs, subject->experiment.id);
  if (!crossings) return call.fail(crossings.error());
  const auto trials = subject->reader->rows(subject->experiment.id);
  if (!trials) return call.fail(trials.error());
  const auto rungs = tally(*crossings, static_cast<std::int64_t>(trials->size()), spec->objectives.front().maximize);
  if (rungs.empty()) return call.fail(no_crossings(*subject, *spec, *trials));
  Listing listing({{"bracket"}, {"rung"}, {"step"}, {"recorded"}, {"went_on"}, {"paused"}, {"stopped"}, {"complete"},
                   {"cut"}, {"best"}});
  for (const auto& [place, here] : rungs) listing.add(here.row(place, *trials));
  call.print(listing);
  return kOk;
}

}  // namespace tune
