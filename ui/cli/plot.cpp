// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "ui/cli/chart.hpp"
#include "ui/cli/objective.hpp"
#include "ui/cli/subject.hpp"

namespace tune {
namespace {

using plot::Axis, plot::axis_over, plot::Chart, plot::Parallel, plot::Series, plot::Tone;

constexpr std::size_t kWidth = 80, kHeight = 20, kTop = 10, kBestLines = 10;

/// What a plot is about, read once.
struct Plotted {
  const Invocation& call;
  Subject subject;
  Spec spec;
  std::size_t objective = 0;
  std::vector<TrialRow> rows;

  const Objective& goal() const { return spec.objectives[objective]; }
  std::string metric() const { return printable(goal().metric); }
  /// As reported; NaN: it has none, or it does not count.
  double value(const TrialRow& row) const {
    const auto score = score_of(row, spec, objective);
    return score && std::isfinite(*score) ? (goal().maximize ? -*score : *score) : std::nan("");
  }
  bool better(double a, double b) const { return goal().maximize ? a > b : a < b; }
  /// Trials that have a value, best first.
  std::vector<const TrialRow*> ranked() const {
    std::vector<const TrialRow*> out;
    for (const auto& row : rows)
      if (!std::isnan(value(row))) out.push_back(&row);
    std::stable_sort(out.begin(), out.end(), [&](auto a, auto b) { return better(value(*a), value(*b)); });
    return out;
  }
  std::string left_out() const {
    std::int64_t failed = 0, others = 0;
    for (const auto& row : rows)
      if (std::isnan(value(row)) && is_final(row.state)) ++(row.state == TrialState::failed ? failed : others);
    if (failed == 0 && others == 0) return {};
    return "not shown: " + (failed ? std::to_string(failed) + " failed" : "") + (failed && others ? ", " : "") +
           (others ? std::to_string(others) + " that do not count" : "");
  }
};

/// A drawing, in whichever form is asked for.
struct Drawing {
  std::vector<Chart> charts;
  std::optional<Parallel> parallel;
};

Axis value_axis(const Plotted& p, const std::vector<double>& values) { return axis_over(p.metric(), values, p.call.has("log")); }

Result<Drawing> history(const Plotted& p) {
  const auto by = p.call.get("x").value_or("trial");
  if (by != "trial" && by != "time") return usage_error("`--x` is trial or time, not `" + printable(by) + "`");
  const bool time = by == "time";
  double began = INFINITY;
  for (const auto& row : p.rows)
    if (row.launched_at > 0) began = std::min(began, row.launched_at);
  const auto at = [&](const TrialRow& row) { return time ? row.ended_at - began : static_cast<double>(row.id.value); };
  std::vector<const TrialRow*> order;
  for (const auto& row : p.rows)
    if (!std::isnan(p.value(row))) order.push_back(&row);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return at(*a) < at(*b); });

  Series complete{"complete", Tone::plain, Series::Mark::points, {}, {}}, stopped{"stopped early", Tone::faint, Series::Mark::points, {}, {}},
      best{"best so far", Tone::best, Series::Mark::steps, {}, {}};
  std::vector<double> xs, ys;
  for (const auto* row : order) {
    const double x = at(*row), y = p.value(*row);
    auto& one = row->state == TrialState::complete ? complete : stopped;
    one.x.push_back(x), one.y.push_back(y);
    best.x.push_back(x), best.y.push_back(best.y.empty() || p.better(y, best.y.back()) ? y : best.y.back());
    xs.push_back(x), ys.push_back(y);
  }
  Chart chart{p.subject.name() + ": " + p.metric() + " of each trial", axis_over(time ? "seconds since the first launch" : "trial", xs), value_axis(p, ys), {}, p.left_out()};
  chart.x.whole = !time;
  for (auto* s : {&stopped, &complete, &best})
    if (!s->x.empty()) chart.series.push_back(std::move(*s));
  return Drawing{{std::move(chart)}, {}};
}

Result<Drawing> curves(const Plotted& p) {
  const auto top = p.call.whole("top", 1);
  if (!top) return top.error();
  const auto metric = p.call.get("metric").value_or(p.goal().metric);
  const auto known = p.subject.reader->metric_names(p.subject.experiment.id);
  if (!known) return known.error();
  if (std::find(known->begin(), known->end(), metric) == known->end()) {
    std::string names;
    for (const auto& name : *known) names += (names.empty() ? "" : ", ") + printable(name);
    return usage_error("no report has `" + printable(metric) + "`", names.empty() ? "" : "they have " + names);
  }
  auto best = p.ranked();
  for (const auto& row : p.rows)
    if (!is_final(row.state) && row.reports > 0) best.push_back(&row);
  const auto shown = std::min(best.size(), static_cast<std::size_t>(top->value_or(kTop)));
  Chart chart{p.subject.name() + ": " + printable(metric) + " of the best " + std::to_string(shown) + " trials", {}, {}, {}, {}};
  std::vector<double> xs, ys;
  for (std::size_t i = shown; i-- > 0;) {
    const auto points = p.subject.reader->curve(p.subject.experiment.id, best[i]->id, metric);
    if (!points) return points.error();
    Series s{i == 0 ? "trial " + std::to_string(best[i]->id.value) : "", i == 0 ? Tone::best : Tone::faint, Series::Mark::line, {}, {}};
    for (const auto& point : *points) {
      if (!s.x.empty() && static_cast<double>(point.step) <= s.x.back()) continue;  // A later attempt repeats it.
      s.x.push_back(static_cast<double>(point.step)), s.y.push_back(point.value);
      xs.push_back(s.x.back()), ys.push_back(point.value);
    }
    if (s.x.size() == 1) s.mark = Series::Mark::points;
    chart.series.push_back(std::move(s));
  }
  chart.x = axis_over("step", xs), chart.x.whole = true, chart.y = axis_over(printable(metric), ys, p.call.has("log"));
  return Drawing{{std::move(chart)}, {}};
}

bool is_category(const Dimension& d) { return !d.values.empty() || d.kind == Dimension::Kind::boolean; }

std::vector<std::string> category_names(const Dimension& d) {
  if (d.kind == Dimension::Kind::boolean) return {"false", "true"};
  std::vector<std::string> out;
  for (const auto& v : d.values) out.push_back(printable(to_text(v)));
  return out;
}

/// A parameter's values as numbers, by trial: the number of the value where it is a category. NaN: inactive.
Result<std::vector<double>> param_values(const Plotted& p, const Dimension& d) {
  TrialQuery query;
  query.columns = {"number", "params." + d.name};
  const auto table = p.subject.reader->trials(p.subject.experiment.id, query);
  if (!table) return table.error();
  std::vector<double> out(p.rows.size(), std::nan(""));
  const auto names = category_names(d);
  for (const auto& row : table->rows) {
    const auto trial = static_cast<std::size_t>(std::get<std::int64_t>(row[0]));
    if (trial >= out.size()) break;  // Began since.
    const Cell& cell = row[1];
    const auto* number = std::get_if<double>(&cell);
    const auto* whole = std::get_if<std::int64_t>(&cell);
    const auto* text = std::get_if<std::string>(&cell);
    if (!is_category(d)) {
      if (number || whole) out[trial] = number ? *number : static_cast<double>(*whole);
    } else if (d.kind == Dimension::Kind::boolean) {
      if (whole) out[trial] = static_cast<double>(*whole);
    } else {
      for (std::size_t i = 0; i < d.values.size(); ++i) {
        const auto n = to_number(d.values[i]);
        const auto* flag = std::get_if<bool>(&d.values[i]);
        const bool same = text     ? to_text(d.values[i]) == *text
                          : number ? n && *n == *number
                                   : whole && (flag ? *flag == (*whole != 0) : n && *n == static_cast<double>(*whole));
        if (same) out[trial] = static_cast<double>(i);
      }
    }
  }
  return out;
}

Axis param_axis(const Dimension& d, const std::vector<double>& values) {
  const std::string label = printable(d.name) + (d.unit.empty() ? "" : " (" + printable(d.unit) + ")");
  if (is_category(d)) {
    auto names = category_names(d);
    const double last = static_cast<double>(names.size()) - 1;
    return {label, -0.4, last + 0.4, false, false, std::move(names)};
  }
  Axis axis = axis_over(label, values, d.kind == Dimension::Kind::loguniform || d.kind == Dimension::Kind::logint || d.kind == Dimension::Kind::lognormal);
  axis.whole = d.kind == Dimension::Kind::integer;
  return axis;
}

Result<std::vector<const Dimension*>> dimensions(const Plotted& p) {
  std::vector<const Dimension*> out;
  const auto only = p.call.get("param");
  for (const auto& d : p.spec.space.dimensions())
    if (d.kind != Dimension::Kind::constant && (!only || d.name == *only)) out.push_back(&d);
  if (!out.empty()) return out;
  std::string names;
  for (const auto& d : p.spec.space.dimensions())
    if (d.kind != Dimension::Kind::constant) names += (names.empty() ? "" : ", ") + printable(d.name);
  return usage_error(only ? "`" + printable(*only) + "` is no parameter that varies" : "no parameter varies", names.empty() ? "" : "these do: " + names);
}

Result<Drawing> slice(const Plotted& p) {
  const auto all = dimensions(p);
  if (!all) return all.error();
  Drawing out;
  for (const auto* d : *all) {
    const auto values = param_values(p, *d);
    if (!values) return values.error();
    Series trials{"", Tone::plain, Series::Mark::points, {}, {}}, best{"best", Tone::best, Series::Mark::points, {}, {}};
    std::size_t inactive = 0;
    const auto ranked = p.ranked();
    for (const auto* row : ranked) {
      const double x = (*values)[static_cast<std::size_t>(row->id.value)];
      if (std::isnan(x)) {
        ++inactive;
        continue;
      }
      Series& s = row == ranked.front() ? best : trials;
      s.x.push_back(x), s.y.push_back(p.value(*row));
    }
    auto ys = trials.y;
    ys.insert(ys.end(), best.y.begin(), best.y.end());
    auto xs = trials.x;
    xs.insert(xs.end(), best.x.begin(), best.x.end());
    Chart chart{p.metric() + " by " + printable(d->name), param_axis(*d, xs), value_axis(p, ys), {std::move(trials)}, {}};
    if (!best.x.empty()) chart.series.push_back(std::move(best));
    if (inactive) chart.note = "inactive in " + std::to_string(inactive) + " trials";
    out.charts.push_back(std::move(chart));
  }
  return out;
}

Result<Drawing> parallel(const Plotted& p) {
  const auto all = dimensions(p);
  if (!all) return all.error();
  Parallel chart;
  chart.title = p.subject.name();
  const auto ranked = p.ranked();
  std::vector<std::vector<double>> columns;
  for (const auto* d : *all) {
    auto values = param_values(p, *d);
    if (!values) return values.error();
    chart.axes.push_back(param_axis(*d, *values));
    columns.push_back(std::move(*values));
  }
  std::vector<double> ys;
  for (const auto* row : ranked) ys.push_back(p.value(*row));
  chart.axes.push_back(value_axis(p, ys));
  for (std::size_t i = ranked.size(); i-- > 0;) {
    Parallel::Line line{i == 0 ? Tone::best : i < kBestLines ? Tone::plain : Tone::faint, {}};
    for (const auto& column : columns) line.values.push_back(column[static_cast<std::size_t>(ranked[i]->id.value)]);
    line.values.push_back(ys[i]);
    chart.lines.push_back(std::move(line));
  }
  chart.note = "the best trial, the nine after it, and the others" + (p.left_out().empty() ? "" : "; " + p.left_out());
  return Drawing{{}, std::move(chart)};
}

struct Kind {
  const char* name;
  Result<Drawing> (*draw)(const Plotted&);
};
constexpr Kind kKinds[] = {{"history", history}, {"curves", curves}, {"slice", slice}, {"parallel", parallel}};

std::optional<Error> write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  if (file) return std::nullopt;
  return Error{Error::Code::io, "cannot write `" + printable(path) + "`", ""};
}

int draw(const Invocation& call, const Plotted& p, const Drawing& drawing) {
  if (const auto out = call.get("out")) {
    if (!out->ends_with(".svg")) return call.fail(usage_error("`--out` is the name of an SVG file", "--out plot.svg"));
    const std::size_t columns = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(drawing.charts.size()))));
    const auto text = drawing.parallel ? plot::as_svg(*drawing.parallel) : plot::as_svg(p.subject.name(), drawing.charts, columns);
    if (const auto trouble = write(*out, text)) return call.fail(*trouble);
    call.tell("wrote " + printable(*out));
    return kOk;
  }
  if (drawing.parallel)
    return call.fail(usage_error("parallel coordinates are too fine for a terminal", "--out parallel.svg, or --kind slice"));
  const auto width = call.whole("width", 30), height = call.whole("height", 8);
  if (!width) return call.fail(width.error());
  if (!height) return call.fail(height.error());
  const std::size_t columns = width->has_value() ? static_cast<std::size_t>(**width) : call.width() ? call.width() : kWidth;
  for (const auto& chart : drawing.charts)
    call.print(plot::on_terminal(chart, std::min<std::size_t>(columns, 1000), static_cast<std::size_t>(std::min<std::int64_t>(height->value_or(kHeight), 1000)), call.colour()) +
               (&chart == &drawing.charts.back() ? "" : "\n"));
  return kOk;
}

}  // namespace

int plot_verb(Invocation& call) {
  const auto name = call.get("kind").value_or("history");
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& k) { return k.name == name; });
  if (kind == std::end(kKinds)) return call.fail(usage_error("`--kind` is history, curves, slice or parallel, not `" + printable(name) + "`"));
  auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  auto spec = spec_of(subject->experiment);
  if (!spec) return call.fail(spec.error());
  const auto objective = objective_of(call, *spec);
  if (!objective) return call.fail(objective.error());
  auto rows = subject->reader->rows(subject->experiment.id);
  if (!rows) return call.fail(rows.error());
  const Plotted p{call, std::move(*subject), std::move(*spec), *objective, std::move(*rows)};
  if (p.ranked().empty() && kind->draw != curves)
    return call.fail({Error::Code::not_found, "no trial of `" + p.subject.name() + "` has a value to show yet", "tune status " + p.subject.name() + call.store_hint()});
  const auto drawing = kind->draw(p);
  if (!drawing) return call.fail(drawing.error());
  return draw(call, p, *drawing);
}

}  // namespace tune
