// SPDX-License-Identifier: Apache-2.0
// Curves of many trials, with as many points as can be seen.
#include <algorithm>
#include <unordered_set>

#include "ui/analysis/downsample.hpp"
#include "ui/server/column_writer.hpp"
#include "ui/server/in_parts.hpp"
#include "ui/server/routes.hpp"

namespace tune {
namespace {

constexpr std::int64_t kMostTrials = 2000, kMostPoints = 5000;
constexpr std::int64_t kWorthThreads = 20'000, kMostInMemory = 2'000'000;  // Reports; of 24 bytes.

using Point = StepValue;

/// In order of step; of a step that was done twice (an attempt began at a checkpoint before it) the newest.
void sort_by_step(std::vector<Point>& points) {
  const auto rising = [](const Point& a, const Point& b) { return a.step < b.step; };
  const auto not_rising = [](const Point& a, const Point& b) { return a.step >= b.step; };
  if (std::adjacent_find(points.begin(), points.end(), not_rising) == points.end()) return;  // Nearly always.
  std::stable_sort(points.begin(), points.end(), rising);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < points.size(); ++i)
    if (i + 1 == points.size() || points[i + 1].step != points[i].step) points[kept++] = points[i];
  points.resize(kept);
}

DrawnCurve draw(std::vector<Point>& points, std::size_t count, bool minmax) {
  sort_by_step(points);
  std::vector<CurveXY> xy;
  xy.reserve(points.size());
  for (const auto& p : points) xy.push_back({static_cast<double>(p.step), p.value});
  DrawnCurve drawn;
  const auto add = [&](std::size_t i, double low, double high) {
    drawn.step.push_back(static_cast<double>(points[i].step)), drawn.at.push_back(points[i].at);
    drawn.low.push_back(low), drawn.high.push_back(high);
  };
  if (minmax)
    for (const auto& band : envelope(xy, count)) add(band.last, band.low, band.high);
  else
    for (const auto i : largest_triangles(xy, count)) add(i, xy[i].y, xy[i].y);
  return drawn;
}

/// A trial whose curve is to be drawn, and the drawing once it is there.
struct Wanted {
  TrialId trial;
  Seq touched = 0;
  std::int64_t reports = 0;
  std::shared_ptr<const DrawnCurve> curve;
};

/// Which metric of which experiment is drawn how.
struct Drawing {
  std::int64_t experiment;
  std::string metric;
  std::size_t count;
  bool minmax;
};

/// Draws most curves of an experiment: each thread reads a part of the journal as it lies, then each draws a part of the curves.
Result<Done> draw_from_journal(Site& site, const Drawing& drawing, std::vector<Wanted*>& wanted, Seq last) {
  std::vector<std::uint32_t> place;  // By the trial's number, from 1; 0: it is not wanted.
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto number = static_cast<std::size_t>(wanted[i]->trial.value);
    if (number >= place.size()) place.resize(number + 1);
    place[number] = static_cast<std::uint32_t>(i + 1);
  }
  const std::size_t parts = useful_parts();
  std::vector<std::vector<std::vector<Point>>> points(parts);  // By part and place.
  const auto read = in_parts(parts, [&](std::size_t part) -> Result<Done> {
    auto reader = site.readers().take();
    if (!reader) return reader.error();
    auto& own = points[part];
    own.resize(wanted.size());
    for (std::size_t i = 0; i < own.size(); ++i) own[i].reserve(static_cast<std::size_t>(wanted[i]->reports) / parts + 1);
    const auto begin = [&](std::size_t p) { return 1 + last * static_cast<Seq>(p) / static_cast<Seq>(parts); };
    return (*reader)->curve_points(drawing.experiment, begin(part), begin(part + 1) - 1, drawing.metric,
                                   [&](TrialId trial, const StepValue& point) {
                                     const auto number = static_cast<std::size_t>(trial.value);
                                     if (number < place.size() && place[number]) own[place[number] - 1].push_back(point);
                                   });
  });
  if (!read) return read;
  return in_parts(parts, [&](std::size_t part) -> Result<Done> {
    for (std::size_t i = part; i < wanted.size(); i += parts) {
      auto all = std::move(points[0][i]);
      for (std::size_t p = 1; p < parts; ++p) all.insert(all.end(), points[p][i].begin(), points[p][i].end());
      if (!all.empty()) wanted[i]->curve = std::make_shared<const DrawnCurve>(draw(all, drawing.count, drawing.minmax));
    }
    return Done{};
  });
}

/// Draws some: each trial's reports are found by the index.
Result<Done> draw_one_by_one(const StoreReader& reader, const Drawing& drawing, std::vector<Wanted*>& wanted) {
  std::vector<TrialId> trials;
  for (const auto* one : wanted) trials.push_back(one->trial);
  auto next = wanted.begin();
  return reader.curves(drawing.experiment, trials, drawing.metric, [&](TrialId trial, std::span<const CurvePoint> reported) {
    while ((*next)->trial != trial) ++next;  // Told in this order, but for those that never reported it.
    std::vector<Point> points;
    points.reserve(reported.size());
    for (const auto& p : reported) points.push_back({p.step, p.at, p.value});
    (*next)->curve = std::make_shared<const DrawnCurve>(draw(points, drawing.count, drawing.minmax));
  });
}

std::string write(const std::vector<Wanted>& wanted, bool minmax, Seq seq) {
  DrawnCurve all;
  std::vector<std::int32_t> trials;
  const auto append = [](std::vector<double>& to, const std::vector<double>& from) { to.insert(to.end(), from.begin(), from.end()); };
  for (const auto& [trial, touched, reports, curve] : wanted) {
    if (!curve) continue;  // It never reported this metric.
    trials.insert(trials.end(), curve->step.size(), static_cast<std::int32_t>(trial.value));
    append(all.step, curve->step), append(all.at, curve->at), append(all.low, curve->low);
    if (minmax) append(all.high, curve->high);
  }
  ColumnWriter out(trials.size());
  out.add("trial", trials);
  out.add("step", all.step);
  out.add("at", all.at);
  out.add(minmax ? "low" : "value", all.low);
  if (minmax) out.add("high", all.high);
  return out.finish(seq, true);
}

}  // namespace

Result<Response> curves(Site& site, const Call& call) {
  const auto wanted = call.query.numbers("trials");
  const auto top = call.query.whole("top", 1, kMostTrials);
  const auto points = call.query.whole("points", 2, kMostPoints);
  if (!wanted) return wanted.error();
  if (!top || !points) return (top ? points : top).error();
  const auto mode = call.query.has("mode") ? call.query.get("mode") : "lttb";
  if (mode != "lttb" && mode != "minmax")
    return Error{Error::Code::invalid, "`mode` is lttb or minmax, not `" + printable(mode) + "`", ""};
  if (static_cast<std::int64_t>(wanted->size()) > kMostTrials)
    return Error{Error::Code::invalid, "at most " + std::to_string(kMostTrials) + " trials at a time", "or `top=30`"};
  const auto about = regarded(site, call);
  if (!about) return about.error();
  const StoreReader& reader = *about->reader;
  const auto& objective = about->spec->objectives.front();
  const auto metric = call.query.has("metric") ? call.query.get("metric") : objective.metric;

  // Which trials, and the record that touched each last: a curve drawn since is still right.
  std::vector<Wanted> chosen;
  Seq seq = 0;
  const auto looked = site.trials(reader, about->pulse, [&](const TrialColumns& trials) -> Result<Done> {
    seq = trials.seq();
    auto numbers = *wanted;
    if (!call.query.has("trials")) numbers = trials.best(static_cast<std::size_t>(top->value_or(30)), objective.maximize);
    std::unordered_set<std::int64_t> seen;
    for (const auto number : numbers)
      if (const auto touched = trials.touched(TrialId{number}); touched && seen.insert(number).second)
        chosen.push_back({TrialId{number}, touched, trials.reports(TrialId{number}), nullptr});
    return Done{};
  });
  if (!looked) return looked.error();

  const auto count = static_cast<std::size_t>(points->value_or(200));
  const Drawing drawing{about->pulse.id, metric, count, mode == "minmax"};
  const std::string how = call.name + "\n" + metric + "\n" + std::to_string(count) + mode;
  std::vector<Wanted*> missing;
  std::int64_t reports = 0;
  for (auto& one : chosen) {
    one.curve = site.curve_cache().find(how, one.trial, one.touched);
    if (!one.curve) missing.push_back(&one), reports += one.reports;
  }
  const bool most = reports > kWorthThreads && reports > seq / 3 && reports < kMostInMemory;
  const auto drawn = most ? draw_from_journal(site, drawing, missing, seq) : draw_one_by_one(reader, drawing, missing);
  if (!drawn) return drawn.error();
  for (const auto* one : missing)
    if (one->curve) site.curve_cache().keep(how, one->trial, one->touched, one->curve);
  Response response;
  response.content_type = ColumnWriter::kType;
  response.body = Body(write(chosen, drawing.minmax, seq));
  return response;
}

}  // namespace tune
