// SPDX-License-Identifier: Apache-2.0
// Curves of many trials, with as many points as can be seen.
#include <algorithm>

#include "ui/analysis/downsample.hpp"
#include "ui/server/column_writer.hpp"
#include "ui/server/routes.hpp"

namespace tune {
namespace {

constexpr std::int64_t kMostTrials = 2000, kMostPoints = 5000;

/// In order of step; of a step that was done twice (an attempt began at a checkpoint before it) the newest.
std::vector<CurvePoint> by_step(std::span<const CurvePoint> reported) {
  std::vector<CurvePoint> points(reported.begin(), reported.end());
  std::stable_sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.step < b.step; });
  std::vector<CurvePoint> last;
  for (const auto& point : points) {
    if (!last.empty() && last.back().step == point.step) last.pop_back();
    last.push_back(point);
  }
  return last;
}

DrawnCurve draw(std::span<const CurvePoint> reported, std::size_t count, bool minmax) {
  const auto points = by_step(reported);
  std::vector<CurveXY> xy;
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

std::string write(const std::vector<std::pair<TrialId, std::shared_ptr<const DrawnCurve>>>& curves, bool minmax, Seq seq) {
  DrawnCurve all;
  std::vector<std::int32_t> trials;
  const auto append = [](std::vector<double>& to, const std::vector<double>& from) { to.insert(to.end(), from.begin(), from.end()); };
  for (const auto& [trial, curve] : curves) {
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
  std::vector<std::pair<TrialId, Seq>> chosen;
  Seq seq = 0;
  const auto looked = site.trials(reader, about->pulse, [&](const TrialColumns& trials) -> Result<Done> {
    seq = trials.seq();
    auto numbers = *wanted;
    if (!call.query.has("trials")) numbers = trials.best(static_cast<std::size_t>(top->value_or(30)), objective.maximize);
    for (const auto number : numbers)
      if (const auto touched = trials.touched(TrialId{number})) chosen.emplace_back(TrialId{number}, touched);
    return Done{};
  });
  if (!looked) return looked.error();

  const auto count = static_cast<std::size_t>(points->value_or(200));
  const bool minmax = mode == "minmax";
  const std::string how = call.name + "\n" + metric + "\n" + std::to_string(count) + mode;
  std::map<TrialId, std::shared_ptr<const DrawnCurve>> drawn;
  std::vector<TrialId> missing;
  for (const auto& [trial, touched] : chosen) {
    auto& curve = drawn[trial] = site.curve_cache().find(how, trial, touched);
    if (!curve) missing.push_back(trial);
  }
  const auto read = reader.curves(about->pulse.id, missing, metric, [&](TrialId trial, std::span<const CurvePoint> reported) {
    drawn[trial] = std::make_shared<const DrawnCurve>(draw(reported, count, minmax));
  });
  if (!read) return read.error();
  std::vector<std::pair<TrialId, std::shared_ptr<const DrawnCurve>>> curves;
  for (const auto& [trial, touched] : chosen) {
    const auto& curve = drawn[trial];
    if (!curve) continue;  // It never reported this metric.
    site.curve_cache().keep(how, trial, touched, curve);
    curves.emplace_back(trial, curve);
  }
  Response response;
  response.content_type = ColumnWriter::kType;
  response.body = Body(write(curves, minmax, seq));
  return response;
}

}  // namespace tune
